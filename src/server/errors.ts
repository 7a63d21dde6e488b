/**
 * What can go wrong in the server: configuration, the data folder, starting, and the admin API.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../core/index.ts";

export const ServerErrors = {
  "server.config-invalid": {
    what: "the configuration is not valid",
    hint: "run `holdfast config check` to see every problem",
    exit: Exit.usage,
  },
  "server.config-unreadable": {
    what: "the configuration file cannot be read",
    hint: "check the path given with --config or HOLDFAST_CONFIG, or write a new file with `holdfast init`",
    exit: Exit.usage,
  },
  "server.worker-ended": {
    what: "a worker process of the gateway ended",
    hint: "look in the log for the reason; memory is a common one, since each worker loads its own guards",
    status: 503,
  },
  "server.workers-invalid": {
    what: "the number of workers is not one that can be started",
    hint: "use --workers with a number from 1 to 64",
    exit: Exit.usage,
  },
  "server.secret-missing": {
    what: "a secret that the configuration names is not there",
    hint: "set the environment variable, or put the secret into the file",
    exit: Exit.usage,
  },
  "server.restart-needed": {
    what: "the change takes effect only with a restart, so none of the new configuration was taken up",
    hint: "restart holdfast, or undo the change of what the detail names",
    status: 409,
    exit: Exit.usage,
  },
  "server.init-exists": {
    what: "the file is there already and was left as it is",
    hint: "use --force to write it anew, or --output to write elsewhere",
    exit: Exit.usage,
  },
  "server.init-failed": {
    what: "the file cannot be written",
    hint: "check that the folder is there and writable, or use --output to write elsewhere",
  },
  "server.data-unusable": {
    what: "the data folder cannot be used",
    hint: "check its permissions, or name another with --data or HOLDFAST_DATA",
  },
  "server.already-running": {
    what: "another holdfast runs on this data folder",
    hint: "stop it, or name another data folder with --data or HOLDFAST_DATA",
  },
  "server.unreachable": {
    what: "the holdfast that runs on this data folder did not answer",
    hint: "try again in a moment; if it persists, look at its log",
  },
  "server.listen-failed": {
    what: "the admin API cannot listen on its address",
    hint: "stop what uses the port, or set admin.listen in holdfast.yaml or HOLDFAST_ADMIN_LISTEN",
  },
  // Admin API
  "server.unauthorized": {
    what: "the request carries no valid admin token or session",
    hint: "send authorization: Bearer with the content of keys/admin.token in the data folder or a token of `holdfast admin token create`, or sign in at /login where admin.login is configured",
    status: 401,
  },
  "server.forbidden": {
    what: "the role does not allow this",
    hint: "ask someone with the role that the detail names",
    status: 403,
  },
  "server.csrf": {
    what: "a change by a session must come from the console itself",
    hint: "send x-csrf-token with the value of csrf from /api/session, from the origin in admin.login.url",
    status: 403,
  },
  "server.admin-option": {
    what: "an option of the token is not valid",
    hint: "see `holdfast admin token create --help`",
    status: 400,
    exit: Exit.usage,
  },
  "server.token-unknown": {
    what: "there is no admin token with this id",
    hint: "list them with `holdfast admin token list`",
    status: 404,
    exit: Exit.usage,
  },
  "server.session-unknown": {
    what: "there is no session with this id",
    hint: "list them with `holdfast admin session list`",
    status: 404,
    exit: Exit.usage,
  },
  "server.login-off": {
    what: "signing in is not configured",
    hint: "configure admin.login in holdfast.yaml, or use a token",
    status: 404,
  },
  "server.login-unavailable": {
    what: "the issuer cannot be used to sign in",
    hint: "check admin.login, and that the issuer can be reached; NODE_EXTRA_CA_CERTS names a certificate of your own authority",
    status: 503,
  },
  "server.login-busy": {
    what: "too many sign-ins are under way",
    hint: "try again in a few minutes",
    status: 503,
  },
  "server.login-return": {
    what: "the place to return to is not one of this server",
    hint: "give a path that begins with one slash",
    status: 400,
  },
  "server.login-refused": {
    what: "signing in failed",
    hint: "begin again at /login, in the browser that is to be signed in",
    status: 401,
  },
  "server.login-no-role": {
    what: "the issuer knows you, but nothing there gives you a role here",
    hint: "ask an admin: admin.login.roles in holdfast.yaml says which values of the claim make which role",
    status: 403,
  },
  "server.host-refused": {
    what: "the request names a host that this server does not go by",
    hint: "use the address that `holdfast up` printed, or add the name to admin.hosts in holdfast.yaml",
    status: 421,
  },
  "server.not-found": {
    what: "there is no such route",
    hint: "the routes are listed in /openapi.json",
    status: 404,
  },
  "server.method-not-allowed": {
    what: "the route does not take this method",
    hint: "read with GET or HEAD",
    status: 405,
  },
  "server.request-invalid": {
    what: "a field of the request is not as the API says",
    hint: "compare the request with /openapi.json",
    status: 400,
  },
  "server.body-too-large": {
    what: "the body is larger than the admin API takes",
    hint: "send less than 65,536 bytes",
    status: 413,
  },
  "server.media-type": {
    what: "the body is not application/json",
    hint: "send content-type: application/json",
    status: 415,
  },
} as const satisfies ErrorTable;

export const serverError = defineErrors(ServerErrors);
