/**
 * The way of a request:
 *
 *     Request -> Principal -> Lease -> Verdict -> Upstream -> Verdict -> Receipt
 *
 * Each stage is a function from the type of the one before to its own. The types carry a mark that only this file can
 * make, so that code which would reach an upstream without a principal, a lease and a verdict does not compile.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { IncomingMessage } from "node:http";

import { isHoldfastError, parseJson, type Clock } from "../core/index.ts";
import type { Guard, Inspection, TextSpan } from "../guard/index.ts";
import type { Counters } from "../storage/index.ts";
import { readBody } from "./admission/body.ts";
import { takePlace, takeRate, type Lease } from "./admission/lease.ts";
import type { GatewayConfig } from "./config.ts";
import { gatewayError } from "./errors.ts";
import { presentedKey, type Authenticate, type Principal } from "./identity/principal.ts";
import type { Exchange } from "./receipt/receipt.ts";
import type { Route } from "./route/table.ts";
import { targetsFor, type Target } from "./upstream/target.ts";
import { estimateTokens, MOST_TOKENS_PER_UNIT, setAtPointer, type ParsedRequest } from "./wire/index.ts";

declare const stage: unique symbol;
type Stage<Name extends string> = { readonly [stage]: Name };

/** A request on a known route, with sane headers. */
export interface Received extends Stage<"received"> {
  readonly exchange: Exchange;
  readonly route: Route;
  readonly http: IncomingMessage;
  readonly query: string;
}

/** … from someone known. */
export interface Identified extends Omit<Received, typeof stage>, Stage<"identified"> {
  readonly principal: Principal;
}

/** … within its limits, read and understood, with an upstream that may serve it. */
export interface Leased extends Omit<Identified, typeof stage>, Stage<"leased"> {
  readonly lease: Lease;
  readonly targets: readonly [Target, ...Target[]];
  readonly body: Buffer | null;
  readonly value: unknown;
  readonly parsed: ParsedRequest;
}

/** … that the guards let pass. `outgoing` is what may be sent: the client's own bytes unless something was masked. */
export interface Cleared extends Omit<Leased, typeof stage>, Stage<"cleared"> {
  readonly outgoing: Uint8Array | null;
}

export interface PipelineServices {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly authenticate: Authenticate;
  readonly counters: Counters;
  readonly guard: Guard;
  readonly targets: readonly Target[];
}

/** Headers that decide who acts, what the body is or where it ends. Two of one of them are two stories. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "x-api-key",
  "content-type",
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "host",
  "anthropic-version",
]);

/** Query strings that are passed on, by protocol. The official clients send no others. */
const QUERIES: Readonly<Record<string, readonly string[]>> = { openai: [""], anthropic: ["", "beta=true"] };

/**
 * Stage 1. @throws `gateway.header-duplicate`, `gateway.query-unknown`, `gateway.media-type`
 */
export function receive(exchange: Exchange, route: Route, http: IncomingMessage, query: string): Received {
  const raw = http.rawHeaders;
  const seen = new Set<string>();
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    if (!SINGLE_HEADERS.has(name)) continue;
    if (seen.has(name)) throw gatewayError("gateway.header-duplicate", { detail: name });
    seen.add(name);
  }
  if (QUERIES[route.operation.protocol]?.includes(query) !== true) throw gatewayError("gateway.query-unknown");
  if (route.operation.method === "POST") {
    const type = http.headers["content-type"] ?? "";
    const encoding = http.headers["content-encoding"] ?? "identity";
    if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type) || encoding !== "identity") {
      throw gatewayError("gateway.media-type");
    }
  }
  exchange.route = route.operation.id;
  return { exchange, route, http, query } as Received;
}

/** Stage 2. @throws the `gateway.key-…` errors */
export async function identify(received: Received, services: PipelineServices): Promise<Identified> {
  const principal = await services.authenticate(presentedKey(received.http.headers));
  received.exchange.principal = principal;
  return { ...received, principal } as unknown as Identified;
}

/**
 * Stage 3. In the order of cost: the rate before a byte of the body is read, the place in flight last, so that a
 * request which is refused never held one.
 *
 * @throws the errors of limits and of the request's form, `gateway.model-…`, `gateway.no-upstream`
 */
export async function lease(identified: Identified, services: PipelineServices): Promise<Leased> {
  const { exchange, principal, http, route } = identified;
  const { limits, timeouts } = services.config;
  await takeRate(services.counters, principal, limits);

  const body = await readBody(http, limits.bodyBytes);
  if (body.length > 0) exchange.request = { bytes: body.length, sha256: hash("sha256", body, "buffer") };
  const value =
    route.operation.method === "POST"
      ? parseJson(body, { maxBytes: limits.bodyBytes, maxDepth: limits.jsonDepth })
      : undefined;
  const parsed = route.operation.parseRequest(value);
  if (parsed.messages > limits.messages) {
    throw gatewayError("gateway.too-many-messages", { detail: `limit ${limits.messages} (messages)` });
  }
  exchange.stream = parsed.stream;
  checkTokens(parsed, limits.inputTokens);

  const model = route.operation.method === "POST" ? parsed.model : undefined;
  const targets = targetsFor(services.targets, principal, route.operation.protocol, model);
  const place = await takePlace(services.counters, principal, limits, timeouts.totalMs);
  return {
    ...identified,
    lease: place,
    targets,
    body: route.operation.method === "POST" ? body : null,
    value,
    parsed,
  } as unknown as Leased;
}

/** @throws `gateway.too-many-tokens` */
function checkTokens(parsed: ParsedRequest, limit: number): void {
  // Estimating reads every character; most requests are so far below the limit that counting them is enough.
  if (parsed.unscanned.length === 0 && parsed.inputChars * MOST_TOKENS_PER_UNIT <= limit) return;
  const estimated = estimateTokens(parsed.spans, parsed.unscanned);
  if (estimated > limit) {
    throw gatewayError("gateway.too-many-tokens", { detail: `about ${estimated}, limit ${limit} (inputTokens)` });
  }
}

/** Stage 4. @throws `gateway.blocked` */
export async function clear(leased: Leased, services: PipelineServices): Promise<Cleared> {
  const { exchange, parsed, value, body } = leased;
  const inspection = await services.guard.inspect(parsed.spans, "request");
  exchange.requestVerdict = { verdict: inspection.verdict, unscanned: parsed.unscanned };
  const inModel = inspection.verdict.findings.some((finding) => finding.location.pointer === "/model");
  if (!inModel && parsed.model.length <= 256) exchange.model = parsed.model;
  if (inspection.verdict.action === "block") throw blocked("gateway.blocked", inspection);
  return {
    ...leased,
    outgoing: inspection.masked.length === 0 ? body : masked(value, inspection, "gateway.blocked"),
  } as unknown as Cleared;
}

/**
 * Stage 6 for a whole answer: its text is judged before a byte of it leaves. Returns what may leave.
 *
 * @throws `gateway.answer-blocked`
 */
export async function judgeAnswer(
  cleared: Cleared,
  answer: { readonly value: unknown; readonly bytes: Uint8Array; readonly spans: readonly TextSpan[] },
  unscanned: ParsedRequest["unscanned"],
  services: PipelineServices,
): Promise<Uint8Array> {
  const inspection = await services.guard.inspect(answer.spans, "response");
  cleared.exchange.responseVerdict = { verdict: inspection.verdict, unscanned };
  if (inspection.verdict.action === "block") throw blocked("gateway.answer-blocked", inspection);
  return inspection.masked.length === 0 ? answer.bytes : masked(answer.value, inspection, "gateway.answer-blocked");
}

/** What a client is told: which rules, never what matched. */
export function blocked(
  code: "gateway.blocked" | "gateway.answer-blocked",
  inspection: Pick<Inspection, "verdict">,
): Error {
  const { verdict } = inspection;
  const rules = [...new Set(verdict.findings.map((finding) => finding.rule))];
  const failed = verdict.runs.filter((run) => run.outcome === "error").map((run) => `${run.detector} could not check`);
  return gatewayError(code, { detail: [...rules.slice(0, 5), ...failed].join(", ") });
}

/** What became of an exchange that ended with `error`. */
export function outcomeOf(error: unknown, clientGone: boolean): Exchange["outcome"] {
  if (clientGone) return "cancelled";
  if (!isHoldfastError(error)) return "failed";
  if (error.code === "gateway.blocked" || error.code === "gateway.answer-blocked") return "blocked";
  return error.status < 500 && !error.code.startsWith("gateway.upstream-") ? "refused" : "failed";
}

/** The message with its masked texts put in. @throws `code` where a text cannot be masked without breaking the rest */
function masked(
  value: unknown,
  inspection: Inspection,
  code: "gateway.blocked" | "gateway.answer-blocked",
): Uint8Array {
  for (const { pointer, text } of inspection.masked) setAtPointer(value, pointer, text, code);
  return Buffer.from(JSON.stringify(value), "utf8");
}
