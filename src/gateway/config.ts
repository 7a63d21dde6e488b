/**
 * The `gateway` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

import { isPlainHost } from "../core/index.ts";
import { authorizationConfig } from "./authorize/config.ts";
import { budgetsConfig, pricesConfig } from "./budget/config.ts";
import { guardsConfig } from "./guards.ts";
import { identityConfig } from "./identity/config.ts";
import { mcpConfig } from "./mcp/config.ts";
import { predictConfig, RELEASE_REFERENCE } from "./predict/config.ts";
import { extractionConfig } from "./theft/config.ts";
import { tlsConfig } from "./tls/config.ts";

/** Where a secret is read from. A key written into the file itself is refused: configuration ends up in git. */
const secretSource = z
  .union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })])
  .describe("where the secret is read from: {env: NAME} or {file: path}");

/** What the gateway would drop from a URL in silence has no place in it. */
function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return username === "" && password === "" && search === "" && hash === "";
}

export const upstreamConfig = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and hyphens")
    .describe("the name in receipts and logs"),
  protocol: z.enum(["openai", "anthropic", "gemini"]).describe("the protocol that the upstream speaks"),
  url: z
    .url({ protocol: /^https?$/ })
    .refine((text) => isBaseUrl(text), "no user, password, query or fragment: keys belong under `key`")
    .refine((text) => isPlainHost(text), "the host in its plain form: a name in ASCII, 192.0.2.1 or [2001:db8::1]")
    .describe("base URL up to and without the route, for example https://api.openai.com/v1"),
  key: secretSource.optional().describe("the upstream's API key; leave out for a server that needs none"),
  models: z
    .array(z.string().min(1))
    .min(1)
    .default(["*"])
    .describe("models it serves: exact names, or a prefix followed by *"),
  apps: z
    .array(z.string().min(1))
    .min(1)
    .default(["*"])
    .describe("apps whose keys may use it: exact names, or a prefix followed by *"),
  network: z
    .enum(["public", "private"])
    .optional()
    .describe(
      "addresses it may have: of the internet, or of this machine and its own networks; left out: private where the url is localhost or such an address itself, otherwise public",
    ),
  concurrency: z.int().min(1).max(65_536).default(512).describe("requests to it at a time"),
  queue: z.int().min(0).max(65_536).default(512).describe("requests that wait for one of these to end"),
  onModelSwap: z
    .enum(["off", "flag", "block"])
    .default("flag")
    .describe("what an answer of another model than the one asked for does"),
});

/** One place where a model of the gateway's own name is served. */
const aliasedModel = z.strictObject({
  upstream: z.string().min(1).describe("the upstream's name"),
  model: z.string().min(1).describe("what the upstream calls the model"),
  weight: z
    .number()
    .min(0)
    .max(1_000_000)
    .default(1)
    .describe("its share of the requests, relative to the others'; 0: only when the others fail"),
});

const retriesConfig = z
  .strictObject({
    attempts: z
      .int()
      .min(1)
      .max(10)
      .default(3)
      .describe("times a request is sent at most, over all its upstreams; 1: no retries"),
    totalMs: z.int().min(0).max(600_000).default(30_000).describe("after which no further attempt begins"),
    backoffMs: z
      .int()
      .min(1)
      .max(60_000)
      .default(250)
      .describe("before the same upstream is asked again, doubled each time; a random part of it is left out"),
    retryAfterMs: z
      .int()
      .min(0)
      .max(600_000)
      .default(10_000)
      .describe("the longest retry-after of an upstream that is waited for"),
    serverErrors: z
      .boolean()
      .default(true)
      .describe(
        "also after status 5xx, and when the upstream was lost before it answered: it may have done the work already",
      ),
  })
  .prefault({})
  .describe("a request whose answer has not begun is sent again, to the next upstream of its model or to the same one");

const circuitConfig = z
  .strictObject({
    failures: z.int().min(1).default(10).describe("failures within the window before an upstream is left alone"),
    share: z.number().gt(0).max(1).default(0.5).describe("and their least share of its requests in that time"),
    windowMs: z.int().min(100).max(3_600_000).default(30_000).describe("how far back it looks"),
    openMs: z
      .int()
      .min(10)
      .max(3_600_000)
      .default(10_000)
      .describe("how long an upstream is left alone before one request tries it"),
  })
  .prefault({})
  .describe("an upstream that fails is left alone for a while");

const limitsConfig = z
  .strictObject({
    bodyBytes: z.int().min(1).max(268_435_456).default(4_194_304).describe("most bytes of a request's body"),
    jsonDepth: z.int().min(4).max(512).default(64).describe("most levels of arrays and objects in a request"),
    messages: z.int().min(1).default(2_000).describe("most messages, or inputs to embed, in a request"),
    inputTokens: z.int().min(1).default(262_144).describe("most estimated input tokens of a request"),
    responseBytes: z.int().min(1).default(67_108_864).describe("most bytes of an answer that is streamed"),
    answerBytes: z
      .int()
      .min(1)
      .max(268_435_456)
      .default(8_388_608)
      .describe("most bytes of an answer that is read whole, since it is parsed in one piece"),
    requestsPerMinute: z.int().min(1).default(600).describe("requests a minute for a key that has no limit of its own"),
    concurrency: z.int().min(1).default(64).describe("requests at a time for a key that has no limit of its own"),
    outputTokens: z
      .int()
      .min(1)
      .default(16_384)
      .describe("the output cap that a request gets which names none, where a budget of tokens or money binds it"),
    lostCountersShare: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe(
        "this instance's part of rates and places while shared counters are away; left out: one over the instances last seen. Budgets go on with what was booked ahead",
      ),
  })
  .prefault({});

const mediaConfig = z
  .strictObject({
    images: z
      .enum(["pass", "refuse"])
      .default("pass")
      .describe("images in requests, which no guard reads: pass, named in the receipt as not scanned, or refuse"),
    files: z
      .enum(["pass", "refuse"])
      .default("pass")
      .describe("other files in requests, sound among them; what is text in them is read"),
    maxBytes: z.int().min(1).max(268_435_456).default(3_145_728).describe("most bytes of one of them, decoded"),
  })
  .prefault({});

/** Longest time that a timer of Node can wait for: beyond it, it fires at once. */
const MAX_MS = 2_147_483_647;
const milliseconds = (least: number) => z.int().min(least).max(MAX_MS);

const timeoutsConfig = z
  .strictObject({
    clientMs: milliseconds(100).default(30_000).describe("for a client to send the whole request"),
    queueMs: milliseconds(1).default(10_000).describe("for a place at an upstream that is busy"),
    connectMs: milliseconds(10).default(10_000).describe("for a connection to the upstream"),
    firstByteMs: milliseconds(10).default(300_000).describe("for the upstream's status line"),
    idleMs: milliseconds(10).default(120_000).describe("between two pieces of an upstream's answer"),
    totalMs: milliseconds(10).default(1_800_000).describe("for the whole answer"),
    leaseMs: milliseconds(1_000)
      .default(60_000)
      .describe("until what a gateway that died had reserved of shared budgets is free again"),
    drainMs: milliseconds(0)
      .default(10_000)
      .describe("for requests under way to end when the gateway is stopped; then they are cut off"),
  })
  .prefault({});

export const gatewayConfig = z
  .strictObject({
    listen: z
      .string()
      .regex(/^.+:\d{1,5}$/, "host:port")
      .default("127.0.0.1:8787")
      .describe("host:port the gateway listens on"),
    receipts: z
      .enum(["durable", "buffered"])
      .default("durable")
      .describe(
        "durable: the receipt is on disk before the response ends; buffered: it goes there within 50 ms, as does what was spent of budgets that no other process counts along, and a crash loses what waited",
      ),
    tls: tlsConfig.optional().describe("left out: the gateway speaks plain HTTP, as behind a proxy that ends TLS"),
    upstreams: z
      .array(upstreamConfig)
      .default([])
      .describe("model APIs behind the gateway; empty: look for one at start"),
    models: z
      .record(z.string().min(1).max(128), z.array(aliasedModel).min(1).max(32))
      .default({})
      .describe(
        "models under names of the gateway's own, and the upstreams that serve each, in the order of preference",
      ),
    admission: z
      .enum(["off", "warn", "enforce"])
      .default("off")
      .describe(
        "what becomes of a model whose release is not approved in the registry, or not granted to the app: off, nothing is asked; warn, it is served, and log and receipt say so; enforce, it is refused",
      ),
    releases: z
      .record(
        z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}\/[^*]{1,256}$/, "<upstream>/<model>, as the upstream calls it"),
        z.string().regex(RELEASE_REFERENCE, "name@alias or name@sha256:<64 digits>"),
      )
      .default({})
      .describe("for admission: the release that each model of an upstream is, by <upstream>/<model>"),
    retries: retriesConfig,
    circuit: circuitConfig,
    limits: limitsConfig,
    budgets: budgetsConfig,
    prices: pricesConfig,
    media: mediaConfig,
    timeouts: timeoutsConfig,
    guards: guardsConfig,
    extraction: extractionConfig,
    predict: predictConfig,
    authorization: authorizationConfig.describe("what policies permit, beyond the scope of a key"),
    identity: identityConfig.describe("who is let in besides the gateway's own keys"),
    mcp: mcpConfig(upstreamConfig.shape).describe("MCP servers behind the gateway, at /mcp/<name>"),
  })
  .prefault({});

export type GatewayConfig = z.output<typeof gatewayConfig>;
export type UpstreamConfig = z.output<typeof upstreamConfig>;

export const telemetryConfig = z
  .strictObject({
    metrics: z.boolean().default(false).describe("serve Prometheus metrics at /metrics of the admin API"),
    traces: z
      .strictObject({
        endpoint: z.url().describe("OTLP/HTTP endpoint for traces, for example http://127.0.0.1:4318/v1/traces"),
      })
      .optional()
      .describe("send OpenTelemetry traces with the GenAI semantic conventions"),
  })
  .prefault({});

export type TelemetryConfig = z.output<typeof telemetryConfig>;
