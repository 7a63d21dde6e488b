/**
 * What can go wrong at the gateway. `wire/` turns each of these, and the errors of `core`, into the error format of
 * the caller's own protocol; `status` is what the client sees.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable, type HoldfastError } from "../core/index.ts";
import { McpErrors } from "./mcp/errors.ts";
import { PredictErrors } from "./predict/errors.ts";
import { ExtractionErrors } from "./theft/errors.ts";

export const GatewayErrors = {
  // Request
  "gateway.route-unknown": {
    what: "there is no such route",
    hint: "check the client's base URL: it ends in /v1 for OpenAI clients and at the port for Anthropic clients",
    status: 404,
  },
  "gateway.method-not-allowed": { what: "the route does not take this method", hint: "check the client", status: 405 },
  "gateway.query-unknown": {
    what: "the route does not take this query parameter",
    hint: "leave the query string out",
    status: 400,
  },
  "gateway.key-in-url": {
    what: "the URL carries a key, and URLs are logged by everyone on the way",
    hint: "send the key in a header: authorization, x-api-key or x-goog-api-key; and replace this one",
    status: 400,
  },
  "gateway.header-duplicate": {
    what: "a header that decides about the request came more than once",
    hint: "send each header once",
    status: 400,
  },
  "gateway.header-invalid": {
    what: "a header has a value that is not passed on",
    hint: "check the header that the detail names",
    status: 400,
  },
  "gateway.media-type": {
    what: "the body is not application/json without a content encoding",
    hint: "send content-type: application/json and no content-encoding",
    status: 415,
  },
  "gateway.request-invalid": {
    what: "a field of the request has the wrong type",
    hint: "compare the request with the API reference of the protocol",
    status: 400,
  },
  "gateway.request-unsupported": {
    what: "the request asks for something that the gateway does not take part in",
    hint: "leave out what the detail names: what happens after the answer, nobody would judge",
    status: 400,
  },
  "gateway.request-aborted": {
    what: "the client went away before the request was whole",
    hint: "check the client's time-outs",
    status: 400,
  },
  "gateway.request-timeout": {
    what: "the client took too long to send the request",
    hint: "send the request faster, or raise gateway.timeouts.clientMs",
    status: 408,
  },
  // Principal
  "gateway.key-missing": {
    what: "the request carries no API key",
    hint: "send authorization: Bearer hf_…, x-api-key: hf_… or x-goog-api-key: hf_…; make a key with `holdfast key create`",
    status: 401,
  },
  "gateway.key-invalid": {
    what: "the API key is not valid",
    hint: "check that the key was copied whole; make a new one with `holdfast key create`",
    status: 401,
  },
  "gateway.key-expired": {
    what: "the API key has expired",
    hint: "make a new one with `holdfast key rotate` or `holdfast key create`",
    status: 401,
  },
  "gateway.key-revoked": {
    what: "the API key was revoked",
    hint: "ask the operator for a new key",
    status: 401,
  },
  "gateway.token-invalid": {
    what: "the token is not one that is accepted",
    hint: "get a new token for this gateway; the operator finds the rules under gateway.identity.issuers",
    status: 401,
  },
  "gateway.token-expired": {
    what: "the token has expired",
    hint: "get a new token from its issuer",
    status: 401,
  },
  "gateway.token-forbidden": {
    what: "the token is valid, and lets nobody in here",
    hint: "ask the operator to name the app of these users under gateway.identity.issuers",
    status: 403,
  },
  "gateway.issuer-unavailable": {
    what: "the keys of the token's issuer cannot be read, so the token cannot be checked",
    hint: "try again in a moment; the operator has to see that the issuer can be reached",
    status: 503,
  },
  "gateway.certificate-unknown": {
    what: "the client certificate stands for nobody here",
    hint: "ask the operator to name it under gateway.identity.certificates, or show an API key",
    status: 401,
  },
  "gateway.credentials-disagree": {
    what: "the client certificate and the key or token beside it stand for different apps",
    hint: "use the certificate and the key of the same app",
    status: 401,
  },
  "gateway.reference-unknown": {
    what: "the request refers to something that is not known here, or not to the upstreams of this model",
    hint: "name only answers that this app got through the gateway; the operator can share files and others under gateway.authorization.shared",
    status: 404,
  },
  "gateway.too-many-references": {
    what: "the request refers to more files, answers and items than the limit",
    hint: "send their content, or fewer of them",
    status: 413,
  },
  "gateway.policy-denied": {
    what: "no policy permits this, or one forbids it",
    hint: "the receipt names the policies that decided; the operator sees why with `holdfast policy explain`",
    status: 403,
  },
  "gateway.policy-error": {
    what: "a policy could not be evaluated, so the request is denied",
    hint: "the operator has to correct the policy that the receipt names",
    status: 403,
  },
  "gateway.policy-invalid": {
    what: "the policies under gateway.authorization cannot be used",
    hint: "correct what the detail names; `holdfast policy check` shows all of it",
    exit: Exit.usage,
  },
  "gateway.policy-option": {
    what: "an option of the question has a value that is not understood",
    hint: "see `holdfast policy explain --help`",
    exit: Exit.usage,
  },
  "gateway.model-forbidden": {
    what: "the API key may not use this model",
    hint: "ask the operator for a key whose app and models cover it",
    status: 403,
  },
  "gateway.release-refused": {
    what: "the model is not admitted",
    hint: "ask the operator: a model is served once its release is approved in the registry and granted to the app",
    status: 403,
  },
  "gateway.release-unchecked": {
    what: "the registry of models could not be read lately enough to admit a model",
    hint: "try again; if it lasts, the operator looks at the database of the registry",
    status: 503,
  },
  "gateway.key-unknown": {
    what: "there is no key with this id",
    hint: "list the keys with `holdfast key list`",
    status: 404,
    exit: Exit.usage,
  },
  "gateway.key-option": {
    what: "an option of the key has a value that is not understood",
    hint: "see `holdfast key create --help`",
    status: 400,
    exit: Exit.usage,
  },
  "gateway.route-option": {
    what: "there is no route with this id",
    hint: "use one of those that the detail names",
    status: 400,
    exit: Exit.usage,
  },
  // Lease
  "gateway.rate-limited": {
    what: "the key has used up its requests for now",
    hint: "wait as long as retry-after says, or ask the operator for a higher limit",
    status: 429,
  },
  "gateway.concurrency-limited": {
    what: "the key has as many requests in flight as it may have",
    hint: "wait for one to end, or ask the operator for a higher limit",
    status: 429,
  },
  "gateway.budget-exceeded": {
    what: "the request may take more than what is left of a budget",
    hint: "ask for less output, wait for the budget's next window, or ask the operator for more",
    status: 429,
  },
  "gateway.budget-cut": {
    what: "the answer was cut off: it is longer than what was reserved of a budget",
    hint: "the operator has to check why the upstream does not keep to the output cap of the request",
    status: 429,
  },
  "gateway.price-unknown": {
    what: "the model has no known price, and a budget of money binds the request",
    hint: "add the model to gateway.prices.models in holdfast.yaml, or give the budget onUnknownPrice: default",
    status: 403,
  },
  "gateway.budget-unknown": {
    what: "there is no budget of this name",
    hint: "list the budgets with `holdfast budget list`",
    status: 404,
    exit: Exit.usage,
  },
  "gateway.body-too-large": {
    what: "the body is larger than the limit",
    hint: "send a smaller request, or raise gateway.limits.bodyBytes",
    status: 413,
  },
  "gateway.too-many-messages": {
    what: "the request has more messages than the limit",
    hint: "send fewer messages, or raise gateway.limits.messages",
    status: 413,
  },
  "gateway.too-many-tokens": {
    what: "the request has more estimated input tokens than the limit",
    hint: "send a shorter request, or raise gateway.limits.inputTokens",
    status: 413,
  },
  ...ExtractionErrors,
  ...PredictErrors,
  "gateway.media-refused": {
    what: "the request carries an image or a file that policy does not let pass",
    hint: "leave it out, or allow it in gateway.media",
    status: 403,
  },
  "gateway.media-mismatch": {
    what: "an image of the request is not of the type that it states",
    hint: "state the media type that the image has",
    status: 415,
  },
  "gateway.media-too-large": {
    what: "an image or a file of the request is larger than the limit",
    hint: "send a smaller one, or raise gateway.media.maxBytes",
    status: 413,
  },
  // Verdict
  "gateway.blocked": {
    what: "the request was blocked by policy",
    hint: "the receipt names the guards; ask the operator if you believe that this is wrong",
    status: 403,
  },
  "gateway.answer-blocked": {
    what: "the model's answer was blocked by policy",
    hint: "the receipt names the guards; ask the operator if you believe that this is wrong",
    status: 403,
  },
  ...McpErrors,
  // Upstream
  "gateway.no-upstream": {
    what: "no model is configured: the request was allowed, and there is nobody to answer it",
    hint: "set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, start a local server (examples/local-model), or name an upstream in holdfast.yaml",
    status: 503,
  },
  "gateway.model-unknown": {
    what: "no upstream serves this model over this protocol",
    hint: "check the model's name, or add it to an upstream's models in holdfast.yaml",
    status: 404,
  },
  "gateway.upstream-address": {
    what: "the upstream's address is not of the network that it may be in, so it was not connected to",
    hint: "check what its name resolves to; set its network in holdfast.yaml to private or public where that is right",
    status: 502,
  },
  "gateway.upstream-busy": {
    what: "the upstream has as many requests in flight as it may have",
    hint: "wait as long as retry-after says, or raise the upstream's concurrency or queue in holdfast.yaml",
    status: 503,
  },
  "gateway.upstream-circuit-open": {
    what: "the upstream failed too often and is left alone for a while",
    hint: "wait as long as retry-after says; the operator has to look at the upstream",
    status: 503,
  },
  "gateway.upstream-unreachable": {
    what: "the upstream could not be reached",
    hint: "check that the upstream runs and that its url in holdfast.yaml is right",
    status: 502,
  },
  "gateway.upstream-timeout": {
    what: "the upstream took too long",
    hint: "try again later, or raise the limit in gateway.timeouts that the detail names",
    status: 504,
  },
  "gateway.upstream-broken": {
    what: "the upstream broke off its answer",
    hint: "try again; if it persists, look at the upstream's own log",
    status: 502,
  },
  "gateway.upstream-invalid": {
    what: "the upstream's answer is not what its protocol says",
    hint: "check that the upstream's protocol and url in holdfast.yaml are right",
    status: 502,
  },
  "gateway.upstream-too-large": {
    what: "the upstream's answer is larger than the limit",
    hint: "ask for less, or raise gateway.limits.answerBytes, or responseBytes for streams",
    status: 502,
  },
  "gateway.upstream-credentials": {
    what: "the upstream did not accept the gateway's own key",
    hint: "the operator has to check the upstream's key",
    status: 502,
  },
  "gateway.upstream-rejected": {
    what: "the upstream rejected the request",
    hint: "check the request against the upstream's API reference",
    status: 400,
  },
  "gateway.upstream-rate-limited": {
    what: "the upstream's own rate limit is reached",
    hint: "wait as long as retry-after says",
    status: 429,
  },
  "gateway.upstream-error": {
    what: "the upstream failed",
    hint: "try again later; if it persists, look at the upstream's own status page or log",
    status: 502,
  },
  // Receipt, and the gateway's own life
  "gateway.ledger-unavailable": {
    what: "the receipt could not be written, so nothing is served",
    hint: "the operator has to look at the ledger: `holdfast doctor`",
    status: 503,
  },
  "gateway.stopping": { what: "the gateway is shutting down", hint: "try again in a moment", status: 503 },
  "gateway.unavailable": {
    what: "the gateway cannot check requests at the moment",
    hint: "try again in a moment; the operator has to look at the log for the request id",
    status: 503,
  },
  "gateway.internal": {
    what: "the gateway failed",
    hint: "give the operator the request id",
    status: 500,
  },
  "gateway.listen-failed": {
    what: "the gateway cannot listen on its address",
    hint: "stop what uses the port, or set gateway.listen in holdfast.yaml",
  },
  "gateway.tls-unreadable": {
    what: "the certificate, key or authorities of the gateway's TLS cannot be read",
    hint: "check the file or variable that gateway.tls names in holdfast.yaml",
    exit: Exit.usage,
  },
  "gateway.tls-invalid": {
    what: "the certificate, key and authorities of the gateway's TLS do not fit together",
    hint: "write certificate and key of the same pair, whole and in PEM, where gateway.tls names them",
    exit: Exit.usage,
  },
  "gateway.restart-needed": {
    what: "the change takes effect only with a restart, so none of the new configuration was taken up",
    hint: "restart holdfast, or undo the change of what the detail names",
    status: 409,
    exit: Exit.usage,
  },
  "gateway.prices-invalid": {
    what: "the price table cannot be read",
    hint: "install the package again, or undo the change to catalog/prices",
  },
  "gateway.route-without-policy": {
    what: "a route lacks a part of its policy, so the gateway does not start",
    hint: "give the route its authentication, limits and guards in src/gateway/route/table.ts",
  },
  "gateway.alias-invalid": {
    what: "a name under gateway.models names an upstream or a model that is not there",
    hint: "check the name of the upstream, and that its models cover the model",
    exit: Exit.usage,
  },
  "gateway.upstream-secret": {
    what: "the key of an upstream could not be read",
    hint: "set the environment variable, or make the file, that holdfast.yaml names",
    exit: Exit.usage,
  },
} as const satisfies ErrorTable;

export const gatewayError = defineErrors(GatewayErrors);

/** What the wire turns into a protocol's error: any error of ours that has a status. */
export type GatewayError = HoldfastError;
