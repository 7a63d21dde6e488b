/**
 * The `gateway` section of `holdfast.yaml`.
 *
 * @module
 */

import { z } from "zod";

import { guardsConfig } from "./guards.ts";
import { identityConfig } from "./identity/config.ts";

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
});

const limitsConfig = z
  .strictObject({
    bodyBytes: z.int().min(1).max(268_435_456).default(4_194_304).describe("most bytes of a request's body"),
    jsonDepth: z.int().min(4).max(512).default(64).describe("most levels of arrays and objects in a request"),
    messages: z.int().min(1).default(2_000).describe("most messages, or inputs to embed, in a request"),
    inputTokens: z.int().min(1).default(262_144).describe("most estimated input tokens of a request"),
    responseBytes: z.int().min(1).default(67_108_864).describe("most bytes of an upstream's answer"),
    requestsPerMinute: z.int().min(1).default(600).describe("requests a minute for a key that has no limit of its own"),
    concurrency: z.int().min(1).default(64).describe("requests at a time for a key that has no limit of its own"),
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
    connectMs: milliseconds(10).default(10_000).describe("for a connection to the upstream"),
    firstByteMs: milliseconds(10).default(300_000).describe("for the upstream's status line"),
    idleMs: milliseconds(10).default(120_000).describe("between two pieces of an upstream's answer"),
    totalMs: milliseconds(10).default(1_800_000).describe("for the whole answer"),
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
        "durable: the receipt is on disk before the response ends; buffered: it goes there within 50 ms, and a crash loses what waited",
      ),
    upstreams: z
      .array(upstreamConfig)
      .default([])
      .describe("model APIs behind the gateway; empty: look for one at start"),
    limits: limitsConfig,
    media: mediaConfig,
    timeouts: timeoutsConfig,
    guards: guardsConfig,
    identity: identityConfig.describe("who is let in besides the gateway's own keys"),
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
