/**
 * The `gateway.mcp` section of `holdfast.yaml`: MCP servers, and what may be asked of each.
 *
 * A server is a host that answers with text for a model, so the safe values are the defaults: nothing that it says of its
 * tools is believed before an operator has seen it, and what untrusted text may set in motion is stopped.
 *
 * @module
 */

import { z } from "zod";

import type { upstreamConfig } from "../config.ts";

/** A limit on one argument of some tools. What the tool's own schema says is enforced besides. */
const argumentRule = z
  .strictObject({
    tools: z.array(z.string().min(1)).min(1).describe("tools it binds: exact names, or a prefix followed by *"),
    at: z
      .string()
      .regex(
        /^(?:\/(?:[^~/]|~[01])+)+$/,
        "a JSON Pointer into the arguments, as /url; * stands for every item of a list",
      )
      .describe("the argument, as a JSON Pointer: /url, /recipients/*"),
    required: z.boolean().default(false).describe("the argument must be there"),
    pattern: z.string().min(1).max(1_000).optional().describe("what the whole of it must match, in RE2's syntax"),
    hosts: z
      .array(z.string().regex(/^(?:\*\.)?[a-z0-9.-]+$|^\[[0-9a-f:]+\]$/, "a host in lower case, or *. and a domain"))
      .min(1)
      .optional()
      .describe("it must be an http or https URL of one of these hosts: example.com, *.example.com"),
    values: z
      .array(z.union([z.string(), z.number(), z.boolean()]))
      .min(1)
      .optional()
      .describe("it must be one of these"),
    maxChars: z.int().min(0).optional().describe("most characters of it"),
  })
  .refine(
    ({ required, pattern, hosts, values, maxChars }) =>
      required || [pattern, hosts, values, maxChars].some((limit) => limit !== undefined),
    "a rule that limits nothing: give it required, pattern, hosts, values or maxChars",
  );

/** What a server may ask of its client. */
const SERVER_ASKS = ["elicitation", "roots", "sampling"] as const;

const names = (what: string) => z.array(z.string().min(1)).default([]).describe(what);

/** The section, whose servers have the url, key and network of any other upstream. */
export function mcpConfig({ name, url, key, network, apps }: (typeof upstreamConfig)["shape"]) {
  const server = z.strictObject({
    name: name.describe("its place under /mcp/, and its name in receipts and logs"),
    url: url.describe("its MCP endpoint (streamable HTTP), for example https://mcp.example.com/mcp"),
    key: key.describe("the bearer token it is sent; what a client shows the gateway never goes there"),
    network,
    apps,
    concurrency: z.int().min(1).max(65_536).default(64).describe("calls to it at a time"),
    streams: z.int().min(1).max(65_536).default(256).describe("streams of its notifications at a time"),
    tools: z
      .array(z.string().min(1))
      .default(["*"])
      .describe("tools that there are for clients: exact names, or a prefix followed by *"),
    approve: z
      .enum(["every", "changes"])
      .default("every")
      .describe(
        "which definitions wait for `holdfast mcp approve`: every new or changed one; or changes, and of new ones those with findings",
      ),
    sideEffects: names("tools that change something, whatever their definitions say"),
    readOnly: names("tools that change nothing, whatever their definitions say"),
    resources: z.boolean().default(true).describe("let clients list and read its resources"),
    prompts: z.boolean().default(true).describe("let clients list and get its prompts"),
    asks: z
      .array(z.enum(SERVER_ASKS))
      .default([...SERVER_ASKS])
      .describe("what it may ask of clients"),
    prices: z
      .array(
        z.strictObject({
          tools: z
            .array(z.string().min(1))
            .min(1)
            .describe("tools that cost it: exact names, or a prefix followed by *"),
          call: z.int().min(1).max(1_000_000_000_000).describe("millionths of the currency for a call"),
        }),
      )
      .default([])
      .describe(
        "what calls of its tools cost, for budgets of money: the first that fits; a tool that none fits costs nothing",
      ),
    arguments: z.array(argumentRule).default([]).describe("limits on arguments, beyond the tools' own schemas"),
  });

  return z
    .strictObject({
      servers: z
        .array(server)
        .default([])
        .refine((all) => new Set(all.map((one) => one.name)).size === all.length, "two servers have one name")
        .describe("MCP servers behind the gateway, each at /mcp/<name>"),
      origins: z
        .array(z.string().regex(/^https?:\/\/[^/?#@\s*]+$/, "scheme, host and port, as http://localhost:6274"))
        .default([])
        .describe("pages whose scripts may call it, by their Origin; empty: no browser"),
      flow: z
        .enum(["off", "findings", "strict"])
        .default("findings")
        .describe(
          "when a tool with side effects waits for `holdfast mcp allow`: once a result with findings was taken in; strict: once any result of a server was",
        ),
      flowScope: z
        .enum(["principal", "session"])
        .default("principal")
        .describe(
          "who took it in: the principal, over all servers; or one session alone, of clients that have sessions",
        ),
      flowMs: z.int().min(1_000).max(604_800_000).default(3_600_000).describe("for how long it counts as taken in"),
      labels: z
        .boolean()
        .default(false)
        .describe("say in each result's _meta where it comes from and what was found, under dev.holdfast/provenance"),
      limits: z
        .strictObject({
          messageBytes: z
            .int()
            .min(1_024)
            .max(67_108_864)
            .default(4_194_304)
            .describe("most bytes of a server's message"),
          messages: z.int().min(1).default(10_000).describe("most messages of one stream"),
          tools: z.int().min(1).max(10_000).default(512).describe("most tools of a server"),
          definitionBytes: z
            .int()
            .min(256)
            .max(1_048_576)
            .default(65_536)
            .describe("most bytes of a tool's definition"),
          sessions: z.int().min(1).default(100).describe("most sessions of a principal"),
        })
        .prefault({}),
      timeouts: z
        .strictObject({
          firstByteMs: z.int().min(10).max(2_147_483_647).default(60_000).describe("for a server's status line"),
          idleMs: z.int().min(10).max(2_147_483_647).default(60_000).describe("between two pieces of its answer"),
          callMs: z.int().min(10).max(2_147_483_647).default(300_000).describe("for the whole answer to a request"),
          sessionMs: z
            .int()
            .min(1_000)
            .max(2_147_483_647)
            .default(3_600_000)
            .describe("for a session that is not used"),
        })
        .prefault({}),
    })
    .prefault({});
}

export type McpConfig = z.output<ReturnType<typeof mcpConfig>>;
export type McpServerConfig = McpConfig["servers"][number];
export type ArgumentRule = McpServerConfig["arguments"][number];
