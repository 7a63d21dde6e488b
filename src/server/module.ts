/**
 * What the server plugs into the product: the commands that are about the product as a whole.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { ServerErrors } from "./errors.ts";
import { serverMigrations } from "./migrations.ts";
import type { Services } from "./services.ts";

export const serverModule: Module<Services> = {
  name: "server",
  summary: "runs the parts together, and the admin API",
  errors: ServerErrors,
  migrations: serverMigrations,
  commands: [
    {
      path: "up",
      summary: "start the gateway and the admin API, and run until stopped",
      description:
        "Works without a configuration. The first start makes a key for the app `default` and shows it once.\n\n" +
        "Stops in order on SIGTERM or Ctrl-C: requests in flight end, within gateway.timeouts.drainMs, and the ledger " +
        "publishes a last checkpoint. A second Ctrl-C stops at once. SIGHUP reads the configuration again, as " +
        "`holdfast reload` does, unless it runs at a terminal, whose end stops it.\n\n" +
        "Exit codes: 0 stopped as asked, 2 could not start or go on, 64 the configuration is not valid, 130 stopped at " +
        "once.",
      options: [
        {
          flags: "--workers <n>",
          summary: "processes that share the gateway's port; a further one keeps ledger, state and admin API",
          default: "1",
        },
      ],
      examples: [
        { what: "with what is there", line: "holdfast up" },
        { what: "on eight cores", line: "holdfast up --workers 7" },
        {
          what: "with a configuration and a data folder",
          line: "holdfast up --config prod.yaml --data /var/lib/holdfast",
        },
        { what: "in front of a local model", line: "holdfast up    # finds Ollama and llama.cpp on this machine" },
      ],
      load: async () => (await import("./commands/up.ts")).runUp,
    },
    {
      path: "reload",
      summary: "have the running server read its configuration again, without dropping a request",
      description:
        "New requests are served by the new configuration, those under way end on the one that they began with. All of " +
        "it is taken up, or none: what needs a restart (ports, storage, …) is refused by name. Certificates, keys of " +
        "upstreams and policies are read again as well. A SIGHUP to `holdfast up` does the same.\n\n" +
        "Exit codes: 0 taken up, 2 not taken up or nobody there, 64 a restart is needed.",
      examples: [
        { what: "after an edit that `holdfast config check` takes", line: "holdfast reload" },
        { what: "what changed, for a script", line: "holdfast reload --format json | jq -r '.changed[]'" },
      ],
      load: async () => (await import("./commands/reload.ts")).runReload,
    },
    {
      path: "admin token create",
      summary: "make a token for the admin API, with a role and an end; it is shown once",
      description:
        "Roles: viewer reads (for auditors), operator also changes keys and runs checks, admin also changes the " +
        "configuration and who may do so. Whoever can read the data folder needs none: keys/admin.token is an admin's.",
      options: [
        { flags: "--name <name>", summary: "what or who it is for: a-z, 0-9, '.', '_', '-'", default: "default" },
        {
          flags: "--role <role>",
          summary: "what it may do",
          default: "viewer",
          choices: ["viewer", "operator", "admin"],
        },
        { flags: "--expires <duration>", summary: "15m, 24h, 30d; at most 366d", default: "90d" },
      ],
      examples: [
        { what: "for an auditor, for a month", line: "holdfast admin token create --name audit-2026 --expires 30d" },
        {
          what: "for a pipeline that makes keys",
          line: "TOKEN=$(holdfast admin token create --name ci --role operator --format json | jq -r .token)",
        },
      ],
      load: async () => (await import("./commands/admin.ts")).runTokenCreate,
    },
    {
      path: "admin token list",
      summary: "list the tokens of the admin API, without the tokens themselves",
      options: [{ flags: "--all", summary: "also expired and revoked ones" }],
      examples: [{ what: "those that work", line: "holdfast admin token list" }],
      load: async () => (await import("./commands/admin.ts")).runTokenList,
    },
    {
      path: "admin token revoke",
      summary: "end a token of the admin API, at once and everywhere",
      arguments: [{ name: "id", summary: "public id of the token", required: true }],
      examples: [{ what: "one that leaked", line: "holdfast admin token revoke 3f0c9a51b2d4" }],
      load: async () => (await import("./commands/admin.ts")).runTokenRevoke,
    },
    {
      path: "admin session list",
      summary: "list who is signed in to the admin API, by pseudonyms",
      options: [{ flags: "--all", summary: "also sessions that are over" }],
      examples: [{ what: "who is signed in", line: "holdfast admin session list" }],
      load: async () => (await import("./commands/admin.ts")).runSessionList,
    },
    {
      path: "admin session revoke",
      summary: "end a session of the admin API, at once and everywhere",
      arguments: [{ name: "id", summary: "id of the session", required: true }],
      examples: [{ what: "somebody else's browser", line: "holdfast admin session revoke 3f0c9a51b2d4" }],
      load: async () => (await import("./commands/admin.ts")).runSessionRevoke,
    },
    {
      path: "init",
      summary: "write a commented holdfast.yaml, and its JSON Schema for editors",
      options: [
        { flags: "--output <folder>", summary: "where to write", default: "." },
        { flags: "--force", summary: "write over a holdfast.yaml that is there" },
      ],
      examples: [
        { what: "in this folder", line: "holdfast init" },
        { what: "elsewhere", line: "holdfast init --output /etc/holdfast" },
      ],
      load: async () => (await import("./commands/init.ts")).runInit,
    },
    {
      path: "doctor",
      summary: "check this installation, and say what to do about what is wrong",
      description:
        "Looks at Node, the configuration, the data folder, the ports, the database, the counters, the ledger and the " +
        "upstreams. Changes nothing.\n\nExit codes: 0 nothing failed (there may be warnings), 1 something failed.",
      examples: [
        { what: "all checks", line: "holdfast doctor" },
        {
          what: "what failed, for a script",
          line: "holdfast doctor --format json | jq '.checks[] | select(.status == \"fail\")'",
        },
      ],
      load: async () => (await import("./commands/doctor.ts")).runDoctor,
    },
    {
      path: "config check",
      summary: "check the configuration, and show every problem with its place",
      description: "Exit codes: 0 valid, 64 not valid or not readable.",
      arguments: [{ name: "file", summary: "the file; else --config, HOLDFAST_CONFIG, ./holdfast.yaml" }],
      examples: [
        { what: "the file in this folder", line: "holdfast config check" },
        { what: "another file", line: "holdfast config check prod.yaml" },
      ],
      load: async () => (await import("./commands/config.ts")).runConfigCheck,
    },
    {
      path: "config schema",
      summary: "print the JSON Schema of holdfast.yaml",
      examples: [{ what: "for an editor", line: "holdfast config schema > holdfast.schema.json" }],
      load: async () => (await import("./commands/config.ts")).runConfigSchema,
    },
  ],
};
