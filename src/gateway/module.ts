/**
 * What the gateway plugs into the product.
 *
 * @module
 */

import type { Clock, Module } from "../core/index.ts";
import type { Counters, Db } from "../storage/index.ts";
import type { GatewayConfig } from "./config.ts";
import { POLICY_ACTIONS } from "./authorize/schema.ts";
import { GatewayErrors } from "./errors.ts";
import { gatewayMigrations } from "./migrations.ts";
import type { Gateway } from "./server.ts";

/** What the gateway's commands and proofs need. */
export interface GatewayServices {
  readonly clock: Clock;
  readonly db: () => Promise<Db>;
  /** The counters of the product; without them only what was saved of budgets is shown. */
  readonly counters?: () => Promise<Counters>;
  readonly config: { readonly gateway: GatewayConfig };
  /** The gateway that runs in this process, if one does. */
  readonly gateway?: () => Gateway | undefined;
}

const HOUR = 3_600_000;

const APP_OPTION = { flags: "--app <name>", summary: "the app the key belongs to", default: "default" };

export const gatewayModule = {
  name: "gateway",
  summary: "protects model APIs: who may ask, how much, what goes in and what comes out",
  errors: GatewayErrors,
  migrations: gatewayMigrations,
  commands: [
    {
      path: "key create",
      summary: "make an API key for an app; it is shown once",
      options: [
        APP_OPTION,
        { flags: "--model <name>", summary: "a model it may use, or a prefix and *; default: all", repeatable: true },
        { flags: "--expires <duration>", summary: "90s, 15m, 24h, 30d or never", default: "never" },
        { flags: "--rate <n>", summary: "requests a minute; default: gateway.limits.requestsPerMinute" },
        { flags: "--concurrency <n>", summary: "requests at a time; default: gateway.limits.concurrency" },
      ],
      examples: [
        { what: "a key for an app, for 90 days", line: "holdfast key create --app shop --expires 90d" },
        { what: "only one family of models", line: "holdfast key create --app shop --model 'gpt-5*'" },
        { what: "into a variable", line: "KEY=$(holdfast key create --format json | jq -r .key)" },
      ],
      load: async () => (await import("./commands.ts")).create,
    },
    {
      path: "key list",
      summary: "list the keys, without the keys themselves",
      options: [{ flags: "--all", summary: "also expired and revoked ones" }],
      examples: [{ what: "all of them, for a script", line: "holdfast key list --all --format json" }],
      load: async () => (await import("./commands.ts")).list,
    },
    {
      path: "key revoke",
      summary: "end a key; running gateways follow within a second",
      arguments: [{ name: "id", summary: "public id of the key", required: true }],
      examples: [{ what: "end a key that leaked", line: "holdfast key revoke 4fQx0Zt81LpA" }],
      load: async () => (await import("./commands.ts")).revoke,
    },
    {
      path: "key rotate",
      summary: "make a successor with the same scope; the old key works on for a while",
      arguments: [{ name: "id", summary: "public id of the key", required: true }],
      options: [{ flags: "--grace <duration>", summary: "how long the old key works on", default: "24h" }],
      examples: [{ what: "with a day to change over", line: "holdfast key rotate 4fQx0Zt81LpA --grace 24h" }],
      load: async () => (await import("./commands.ts")).rotate,
    },
    {
      path: "gateway coverage",
      summary: "what is read of every field of every protocol, worked out by sending a canary through each",
      options: [{ flags: "--route <id>", summary: "every place for text of one route: openai.chat, gemini.stream, …" }],
      examples: [
        { what: "all routes, in numbers", line: "holdfast gateway coverage" },
        { what: "one route, field by field", line: "holdfast gateway coverage --route openai.responses" },
        { what: "the whole matrix, for a script", line: "holdfast gateway coverage --format json" },
      ],
      load: async () => (await import("./matrix/command.ts")).coverage,
    },
    {
      path: "budget list",
      summary: "list the budgets of the configuration",
      examples: [{ what: "all of them", line: "holdfast budget list" }],
      load: async () => (await import("./budget/commands.ts")).list,
    },
    {
      path: "budget show",
      summary: "what is spent and left of a budget in its current window, for each whom it counts",
      arguments: [{ name: "name", summary: "the budget's name", required: true }],
      examples: [
        { what: "one of them", line: "holdfast budget show shop-monthly" },
        {
          what: "what is left, for a script",
          line: "holdfast budget show shop-monthly --format json | jq '.counters[].left'",
        },
      ],
      load: async () => (await import("./budget/commands.ts")).show,
    },
    {
      path: "mcp tools",
      summary: "list what MCP servers say of their tools, and what of it waits for approval",
      description: "Exit codes: 0 nothing waits, 1 something does.",
      arguments: [{ name: "server", summary: "one server; else all" }],
      examples: [
        { what: "all servers", line: "holdfast mcp tools" },
        {
          what: "what waits, for a script",
          line: "holdfast mcp tools --format json | jq '.definitions[] | select(.state != \"approved\")'",
        },
      ],
      load: async () => (await import("./mcp/commands.ts")).tools,
    },
    {
      path: "mcp diff",
      summary: "show what a tool's definition says now, against the approved one, and what was found in it",
      description: "Exit codes: 0 nothing differs, 1 something does.",
      arguments: [
        { name: "server", summary: "the server's name", required: true },
        { name: "tool", summary: "the tool's name, or '(instructions)' for the server's own", required: true },
      ],
      examples: [{ what: "before approving it", line: "holdfast mcp diff files read_file" }],
      load: async () => (await import("./mcp/commands.ts")).diff,
    },
    {
      path: "mcp approve",
      summary: "let clients see and call a tool, as its definition is now; shows what changed",
      arguments: [
        { name: "server", summary: "the server's name", required: true },
        { name: "tool", summary: "the tool's name, or '(instructions)' for the server's own", required: true },
      ],
      options: [
        { flags: "--digest <digest>", summary: "only if the definition has this digest: 12 digits or more of it" },
      ],
      examples: [
        {
          what: "the definition that was looked at",
          line: "holdfast mcp approve files read_file --digest 5b7c0a9d41e2",
        },
      ],
      load: async () => (await import("./mcp/commands.ts")).approve,
    },
    {
      path: "mcp revoke",
      summary: "take the approval of a tool back",
      arguments: [
        { name: "server", summary: "the server's name", required: true },
        { name: "tool", summary: "the tool's name", required: true },
      ],
      examples: [{ what: "at once, in all gateways", line: "holdfast mcp revoke files delete_file" }],
      load: async () => (await import("./mcp/commands.ts")).revoke,
    },
    {
      path: "mcp calls",
      summary: "list calls that wait, since untrusted text was taken in before them",
      examples: [{ what: "all of them", line: "holdfast mcp calls" }],
      load: async () => (await import("./mcp/commands.ts")).calls,
    },
    {
      path: "mcp allow",
      summary: "let one such call be made, once, within 15 minutes",
      arguments: [{ name: "id", summary: "the call's id, from its refusal", required: true }],
      examples: [{ what: "after asking who made it", line: "holdfast mcp allow 3f9a0c77d2e84b1c6a50" }],
      load: async () => (await import("./mcp/commands.ts")).allow,
    },
    {
      path: "extraction list",
      summary: "show who asks models so much that a copy could be made of the answers",
      description:
        "By kind of answer, each key and each app: how many different things it asked within the window, about, the stage that this is, and signs that its queries are made up. As the gateways noted it within the last seconds. Exit codes: 0 nobody is in a stage, 1 somebody is.",
      options: [{ flags: "--all", summary: "those too that are in no stage" }],
      examples: [{ what: "who is in a stage", line: "holdfast extraction list" }],
      load: async () => (await import("./theft/commands.ts")).list,
    },
    {
      path: "extraction release",
      summary: "let a key or an app begin anew, where its questions were honest",
      description:
        "What it asked so far does not count any more. All gateways on this database know within seconds; the change is evidence in the ledger. Raise the stages under gateway.extraction where it is to ask so much for good.",
      arguments: [{ name: "id", summary: "the watch, as `holdfast extraction list` shows it", required: true }],
      examples: [{ what: "one of them", line: "holdfast extraction release 5b7c0a9d41e2" }],
      load: async () => (await import("./theft/commands.ts")).release,
    },
    {
      path: "policy check",
      summary: "check the policies, and show every problem with its place",
      description: "Exit codes: 0 valid, 64 not valid or not readable.",
      arguments: [{ name: "folder", summary: "the folder; else gateway.authorization.policies" }],
      examples: [
        { what: "those of the configuration", line: "holdfast policy check" },
        { what: "another folder", line: "holdfast policy check ./policies" },
      ],
      load: async () => (await import("./authorize/commands.ts")).check,
    },
    {
      path: "policy explain",
      summary: "say whether policies let a principal ask a model, and what each of them says to it",
      description: "Exit codes: 0 allowed, 1 denied, 64 policies or options that are not valid.",
      options: [
        { flags: "--principal <who>", summary: "key:ID, app:NAME, user:ISSUER/NAME or certificate:NAME" },
        { flags: "--model <name>", summary: "the model that is asked for; a name of the gateway's own too" },
        { flags: "--action <action>", summary: "what it is asked to do; default: infer", choices: POLICY_ACTIONS },
        { flags: "--tool <name>", summary: "instead of a model: SERVER/TOOL, or SERVER for everything else of it" },
        { flags: "--upstream <name>", summary: "only at this upstream" },
        { flags: "--app <name>", summary: "the app that a user acts through, where the configuration does not say" },
        { flags: "--group <name>", summary: "a group of the user", repeatable: true },
        { flags: "--data-class <name>", summary: "what guards find in the request: pii, secrets", repeatable: true },
        { flags: "--rule <id>", summary: "by which rule: pii.email", repeatable: true },
        { flags: "--origin <name>", summary: "where its texts come from; default: user", repeatable: true },
        { flags: "--unread", summary: "the request has parts that no guard reads" },
        { flags: "--stream", summary: "the answer is streamed" },
        { flags: "--address <ip>", summary: "the client's address", default: "127.0.0.1" },
        { flags: "--at <time>", summary: "when; default: now" },
        { flags: "--policies <folder>", summary: "else gateway.authorization.policies" },
      ],
      examples: [
        { what: "for a key", line: "holdfast policy explain --principal key:4fQx0Zt81LpA --model gpt-5" },
        {
          what: "for a user, with personal data",
          line: "holdfast policy explain --principal user:corp/alice --group dev --model gpt-5 --data-class pii",
        },
      ],
      load: async () => (await import("./authorize/commands.ts")).explainOne,
    },
  ],
  jobs: [
    {
      name: "forget-references",
      every: HOUR,
      load: async () => {
        const { forgetReferences } = await import("./authorize/references.ts");
        return async (services) => {
          await forgetReferences(await services.db(), services.clock);
        };
      },
    },
    {
      name: "forget-watches",
      every: HOUR,
      load: async () => {
        const { forgetWatches } = await import("./theft/store.ts");
        return async (services) => {
          await forgetWatches(await services.db(), services.clock.now());
        };
      },
    },
    {
      name: "forget-mcp",
      every: HOUR,
      load: async () => {
        const [{ forgetFlow }, { forgetSessions }] = await Promise.all([
          import("./mcp/flow.ts"),
          import("./mcp/session.ts"),
        ]);
        return async (services) => {
          const { flowMs, timeouts } = services.config.gateway.mcp;
          const db = await services.db();
          await forgetFlow(db, services.clock.now(), flowMs);
          await forgetSessions(db, services.clock.now(), timeouts.sessionMs);
        };
      },
    },
  ],
  proofs: [
    {
      id: "gateway.authentication",
      control: "R1",
      question: "Does every route refuse a request without a key, and one with a wrong key?",
      freshFor: 24 * HOUR,
      observe: async (services) => await (await import("./proofs.ts")).observeAuthentication(services),
    },
    {
      id: "gateway.rate-limit",
      control: "R2",
      question: "Is a key stopped at its limit of requests?",
      freshFor: 24 * HOUR,
      observe: async (services) => await (await import("./proofs.ts")).observeRateLimit(services),
    },
    {
      id: "gateway.input-limits",
      control: "R7",
      question: "Is a request just over each limit refused, whole?",
      freshFor: 24 * HOUR,
      observe: async (services) => await (await import("./proofs.ts")).observeInputLimits(services),
    },
    {
      id: "gateway.access-log",
      control: "R12",
      question: "Did every request of this run leave a receipt, or a count in one?",
      freshFor: 2 * HOUR,
      observe: async (services) => await (await import("./proofs.ts")).observeAccessLog(services),
    },
  ],
} as const satisfies Module<GatewayServices>;
