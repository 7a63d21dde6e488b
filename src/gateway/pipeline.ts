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

import type { IncomingMessage } from "node:http";

import { coreError, isHoldfastError, parseJson, type Clock, type Verdict } from "../core/index.ts";
import type { ChangedText, ExchangeContext, Guard, Inspection, TextSpan, Vault } from "../guard/index.ts";
import type { Committer } from "../ledger/index.ts";
import type { Counters } from "../storage/index.ts";
import { readBody } from "./admission/body.ts";
import { takePlace, takeRate, type Lease } from "./admission/lease.ts";
import { checkMedia } from "./admission/media.ts";
import type { Admitting, Judged } from "./admission/release.ts";
import type { Authorizer } from "./authorize/authorizer.ts";
import { factsOf, permit } from "./authorize/permit.ts";
import type { References } from "./authorize/references.ts";
import { tightening, type Tightening } from "./authorize/tighten.ts";
import type { Budgets } from "./budget/budgets.ts";
import type { GatewayConfig } from "./config.ts";
import { gatewayError } from "./errors.ts";
import { checkSingle, singleHeaders } from "./headers.ts";
import type { AuthenticateRequest } from "./identity/authenticate.ts";
import { clientCertificate } from "./identity/certificate.ts";
import { presentedKey, type Principal } from "./identity/principal.ts";
import type { Prediction } from "./predict/answer.ts";
import { queriesOf, readInference, type Predictions } from "./predict/predictions.ts";
import type { Exchange } from "./receipt/receipt.ts";
import type { Route } from "./route/table.ts";
import { admit } from "./theft/admit.ts";
import type { Admission, Extraction } from "./theft/extraction.ts";
import { withExtraction } from "./theft/finding.ts";
import type { Cancellation } from "./upstream/dispatch.ts";
import { candidatesFor, type Candidate, type Routing } from "./upstream/routing.ts";
import { targetsFor } from "./upstream/target.ts";
import { escapeJson, estimateTokens, MOST_TOKENS_PER_UNIT, setAtPointer, type ParsedRequest } from "./wire/index.ts";

declare const stage: unique symbol;
type Stage<Name extends string> = { readonly [stage]: Name };

/** A request on a known route, with sane headers. */
export interface Received extends Stage<"received"> {
  readonly exchange: Exchange;
  readonly route: Route;
  readonly http: IncomingMessage;
  readonly query: string;
  readonly cancellation: Cancellation;
  readonly tightened: Tightening;
}

/** … from someone known. */
export interface Identified extends Omit<Received, typeof stage>, Stage<"identified"> {
  readonly principal: Principal;
}

/** … within its limits, read and understood, with an upstream that may serve it. */
export interface Leased extends Omit<Identified, typeof stage>, Stage<"leased"> {
  readonly lease: Lease;
  /** Who may serve it, in the order in which they are asked; empty only when no upstream is known at all. */
  readonly candidates: readonly Candidate[];
  readonly body: Buffer | null;
  readonly value: unknown;
  readonly parsed: ParsedRequest;
  /** What the watch over extraction said. */
  readonly admission: Admission;
  /** Of a predictive model of the gateway's own. */
  readonly prediction?: Prediction;
}

/**
 * … that the guards let pass, by those of the candidates that policies permit. `outgoing` is what may be sent: the client's
 * own bytes unless something was masked.
 */
export interface Cleared extends Omit<Leased, typeof stage>, Stage<"cleared"> {
  readonly outgoing: Uint8Array | null;
  /** What the guards of the answer may know of the request. */
  readonly context: ExchangeContext;
}

export interface PipelineServices {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly committer: Committer;
  readonly authenticate: AuthenticateRequest;
  readonly counters: Counters;
  readonly guard: Guard;
  /** The same, with every finding blocked. Made when it is first asked for. */
  readonly blockingGuard: () => Guard;
  readonly routing: Routing;
  readonly budgets: Budgets;
  /** Undefined where no policies are configured. */
  readonly authorizer: Authorizer | undefined;
  readonly references: References;
  readonly extraction: Extraction;
  readonly predictions: Predictions;
  readonly admitting: Admitting;
}

const SINGLE_HEADERS = singleHeaders("anthropic-version");

/**
 * Stage 1. @throws `gateway.header-duplicate`, `gateway.header-invalid`, `gateway.query-unknown`, `gateway.media-type`
 */
export function receive(
  exchange: Exchange,
  route: Route,
  http: IncomingMessage,
  query: string,
  cancellation: Cancellation,
): Received {
  checkSingle(http.rawHeaders, SINGLE_HEADERS);
  // A key in a URL ends up in the logs of everyone on the way; some official clients have sent it there.
  if (/(?:^|&)(?:key|api_key|access_token)=/.test(query)) throw gatewayError("gateway.key-in-url");
  if (!route.operation.queries.includes(query)) throw gatewayError("gateway.query-unknown");
  if (route.operation.method === "POST") {
    const type = http.headers["content-type"] ?? "";
    const encoding = http.headers["content-encoding"] ?? "identity";
    if (!/^application\/json *(?:; *charset="?utf-8"? *)?$/i.test(type) || encoding !== "identity") {
      throw gatewayError("gateway.media-type");
    }
  }
  exchange.route = route.operation.id;
  return { exchange, route, http, query, cancellation, tightened: tightening(http.headers) } as Received;
}

/** Stage 2. A promise where who it is must be looked up. @throws the errors of keys, tokens and certificates */
export function identify(received: Received, services: PipelineServices): Identified | Promise<Identified> {
  const { headers, socket } = received.http;
  const shown = { credential: presentedKey(headers), certificate: clientCertificate(socket) };
  const known = services.authenticate(shown);
  return known instanceof Promise
    ? known.then((principal) => identified(received, principal))
    : identified(received, known);
}

function identified(received: Received, principal: Principal): Identified {
  received.exchange.principal = principal;
  return { ...received, principal } as unknown as Identified;
}

/**
 * Stage 3. In the order of cost: the rate and the place in flight before a byte of the body is read, so that neither a
 * flood of requests nor one of slow uploads fills the memory.
 *
 * Budgets come last: what a request may use at most is known once it is understood.
 *
 * @throws the errors of limits, of budgets and of the request's form, `gateway.model-…`, `gateway.no-upstream`
 */
export async function lease(identified: Identified, services: PipelineServices): Promise<Leased> {
  const { principal, route } = identified;
  const { limits, timeouts } = services.config;
  const { limits: bound } = route.policy;
  const rate = bound.includes("requestsPerMinute") ? takeRate(services.counters, principal, limits) : undefined;
  if (rate !== undefined) await rate;
  const taken = bound.includes("concurrency")
    ? takePlace(services.counters, principal, limits, timeouts.totalMs + timeouts.clientMs)
    : NO_PLACE;
  const place = taken instanceof Promise ? await taken : taken;
  try {
    return await understand(identified, place, services);
  } catch (error) {
    place.release();
    throw error;
  }
}

const NO_PLACE: Lease = { release() {} };

/** Reads the request within its limits, and finds who may serve it. */
async function understand(identified: Identified, place: Lease, services: PipelineServices): Promise<Leased> {
  const { cancellation, http, route } = identified;
  const body = await readBody(http, bound(route, services.config.limits, "bodyBytes"), cancellation);
  const read = readRequest(identified, body, services);
  const admitting = admitRead(identified, body, read, services);
  const admission = admitting instanceof Promise ? await admitting : admitting;
  const reserving = reserve(identified, body, read, services);
  const capped = reserving instanceof Promise ? await reserving : reserving;
  const outgoing = route.operation.method === "POST" ? capped : null;
  return { ...identified, lease: place, ...read, admission, body: outgoing } as unknown as Leased;
}

/** What a body says, and who may serve that. */
type Read = Pick<Leased, "value" | "parsed" | "candidates" | "prediction">;

function readRequest(identified: Identified, body: Buffer, services: PipelineServices): Read {
  const { exchange, principal, route } = identified;
  const { limits, media } = services.config;
  const isPost = route.operation.method === "POST";
  if (body.length > 0) {
    exchange.request = { bytes: body.length, commitment: services.committer.commit(exchange.id, "request", body) };
  }
  const value = isPost
    ? parseBody(body, bound(route, limits, "bodyBytes"), bound(route, limits, "jsonDepth"))
    : undefined;
  const parsed = route.operation.parseRequest(value, route.model);
  exchange.stream = parsed.stream;
  const messages = bound(route, limits, "messages");
  if (parsed.messages > messages) {
    throw gatewayError("gateway.too-many-messages", { detail: `limit ${messages} (messages)` });
  }
  checkTokens(parsed, bound(route, limits, "inputTokens"));
  checkMedia(parsed.media, media);
  const { local, protocol } = route.operation;
  const { targets } = services.routing;
  if (local === true) {
    return isPost
      ? { value, parsed, candidates: [], prediction: readPrediction(identified, parsed.model, value, services) }
      : { value, parsed, candidates: [] };
  }
  const candidates = isPost
    ? candidatesFor(services.routing, principal, protocol, parsed.model)
    : targetsFor(targets, principal, protocol, undefined).map((target) => ({ target, model: "" }));
  return { value, parsed, candidates };
}

function admitRead(
  { cancellation, exchange, principal, route }: Identified,
  body: Buffer,
  { parsed, prediction, value }: Read,
  { config, extraction }: PipelineServices,
): Admission | Promise<Admission> {
  const { operation, policy } = route;
  const rows = prediction && queriesOf(prediction.inference, prediction.model, extraction.secret);
  const door = { principal, operation, actions: policy.actions, parsed, value, body, rows };
  return admit(exchange, door, { config: config.extraction, extraction }, cancellation);
}

function reserve(
  { exchange, principal, route }: Identified,
  body: Buffer,
  { candidates, parsed, value }: Read,
  { budgets }: PipelineServices,
): Buffer | Promise<Buffer> {
  if (!route.policy.limits.includes("budgets")) return body;
  const models = candidates.map(({ model }) => model);
  return budgets.reserve(exchange, { principal, operation: route.operation, parsed, value, body, models });
}

/** @throws `gateway.model-forbidden`, `gateway.model-unknown`, `gateway.predict-input` */
function readPrediction(
  { principal, route }: Identified,
  name: string,
  value: unknown,
  { predictions }: PipelineServices,
): Prediction {
  const model = predictions.find(principal, name);
  return { model, inference: readInference(route.operation.id, model, value) };
}

/** A configured limit, where the route's policy names it; what it does not name does not bind. */
function bound(
  { policy }: Route,
  limits: GatewayConfig["limits"],
  name: "bodyBytes" | "jsonDepth" | "messages" | "inputTokens",
): number {
  return policy.limits.includes(name) ? limits[name] : Number.POSITIVE_INFINITY;
}

function parseBody(body: Buffer, maxBytes: number, maxDepth: number): unknown {
  try {
    return parseJson(body, { maxBytes, maxDepth });
  } catch (error) {
    if (!isHoldfastError(error, "core.json-too-deep")) throw error;
    throw coreError("core.json-too-deep", { detail: `limit ${maxDepth} levels (jsonDepth)` });
  }
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

/** Stage 4. @throws `gateway.blocked`, `gateway.policy-…`, `gateway.reference-unknown` */
export async function clear(leased: Leased, services: PipelineServices): Promise<Cleared> {
  const { exchange, parsed, value, body } = leased;
  const scope = leased.principal.app;
  const inspection = await inspect(leased, "request", parsed.spans, services, { scope });
  const verdict = withExtraction(inspection.verdict, exchange.extraction);
  exchange.requestVerdict = { verdict, unscanned: parsed.unscanned };
  if (maySayModel(parsed.model, verdict)) exchange.model = parsed.model;
  if (verdict.action === "block") throw blocked("gateway.blocked", inspection);
  const asked = permitted(leased, verdict, await referable(leased, services), services);
  const candidates = admitted(leased, asked, services.admitting);
  const instructions: string[] = [];
  const known: string[] = [];
  for (const { origin, text } of parsed.spans) {
    if (origin === "system") instructions.push(text);
    else if (origin === "user") known.push(text);
  }
  const { vault } = inspection;
  const context = vault === undefined ? { instructions, known, scope } : { instructions, known, scope, vault };
  const preparing = guardFor(leased, services).prepare("response", context);
  if (preparing !== undefined) await preparing;
  return {
    ...leased,
    candidates,
    context,
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
  const inspection = await inspect(cleared, "response", answer.spans, services, cleared.context);
  cleared.exchange.responseVerdict = { verdict: inspection.verdict, unscanned };
  if (inspection.verdict.action === "block") throw blocked("gateway.answer-blocked", inspection);
  const restored = inspection.restored.map((changed) => withinJson(changed, answer.spans, cleared.context.vault));
  if (inspection.masked.length === 0 && restored.length === 0) return answer.bytes;
  return masked(answer.value, { masked: inspection.masked, restored }, "gateway.answer-blocked");
}

/** The candidates that may be asked for what the request refers to; where there are none, nothing is known to them. */
function referable(
  leased: Leased,
  { references }: PipelineServices,
): Leased["candidates"] | Promise<Leased["candidates"]> {
  const { candidates, parsed, principal } = leased;
  return candidates.length === 0 ? candidates : references.allow(principal, parsed, candidates);
}

/** Those of the candidates that the policies permit; all of them where there are no policies, or a listing is asked for. */
function permitted(
  leased: Leased,
  verdict: Verdict,
  candidates: Leased["candidates"],
  { authorizer, clock }: PipelineServices,
): Leased["candidates"] {
  const { exchange, http, parsed, principal, route } = leased;
  const isListing = route.operation.method === "GET" && parsed.model === "";
  if (authorizer === undefined || isListing) return candidates;
  // A client that has gone has no address, which no policy can judge: it is denied, and nobody is there to read so.
  const facts = factsOf(parsed, verdict, http.socket.remoteAddress ?? "", clock.now());
  const { model } = parsed;
  return route.policy.actions.reduce(
    (left, action) =>
      permit(authorizer, { principal, action, model, candidates: left, facts }, (decided) => {
        exchange.authorization = decided;
      }),
    candidates,
  );
}

/** Those of the candidates whose release is approved and granted; a listing names no model. */
function admitted(
  { exchange, parsed, prediction, principal, route }: Leased,
  candidates: Leased["candidates"],
  admitting: Admitting,
): Leased["candidates"] {
  const say = (judged: Judged): void => void (exchange.release = judged.answer);
  if (prediction !== undefined) {
    const { name, config, info } = prediction.model;
    const judged = admitting.file({ name, reference: config.release, sha256: info.sha256 }, principal, say);
    if (judged !== undefined) say(judged);
  }
  return route.operation.method === "GET" && parsed.model === ""
    ? candidates
    : admitting.candidates(candidates, principal, say);
}

/** Text in a direction that the route's policy does not have read has no business there. */
function inspect(
  stage: Pick<Received, "route" | "tightened">,
  direction: "request" | "response",
  spans: readonly TextSpan[],
  services: PipelineServices,
  context?: ExchangeContext,
): Promise<Inspection> {
  if (spans.length > 0 && !stage.route.policy.guards.includes(direction)) {
    throw gatewayError("gateway.route-without-policy", { detail: `${stage.route.operation.id}, ${direction}` });
  }
  return guardFor(stage, services).inspect(spans, direction, context);
}

/** The guard of an exchange: stricter where its client asked for that. */
export function guardFor({ tightened }: Pick<Received, "tightened">, services: PipelineServices): Guard {
  return tightened.block ? services.blockingGuard() : services.guard;
}

/** Longest name of a model that a receipt shows. */
const MODEL_CHARS = 128;

/**
 * A model's name is the text of the client, or of the upstream, and receipts are public: it is shown only when secrets
 * were looked for, no guard failed and none found anything in it.
 */
export function maySayModel(model: string | undefined, verdict: Verdict): model is string {
  return (
    model !== undefined &&
    model.length <= MODEL_CHARS &&
    verdict.runs.some((run) => run.detector === "secrets" && run.outcome === "ran") &&
    verdict.runs.every((run) => run.outcome !== "error") &&
    verdict.findings.every((finding) => finding.location.pointer !== "/model")
  );
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

/** In a tool call's arguments, which are a JSON text, what a placeholder stands for is written as JSON has it. */
function withinJson(changed: ChangedText, spans: readonly TextSpan[], vault: Vault | undefined): ChangedText {
  const { pointer } = changed;
  if (vault === undefined || !pointer.endsWith("/arguments")) return changed;
  const text = spans.find((span) => span.pointer === pointer)?.text;
  return text === undefined ? changed : { pointer, text: vault.restore(text, escapeJson) };
}

/**
 * The message with its masked texts put in, and placeholders turned back where that breaks nothing: signed thinking keeps
 * them.
 *
 * @throws `code` where a text cannot be masked without breaking the rest
 */
function masked(
  value: unknown,
  inspection: Pick<Inspection, "masked" | "restored">,
  code: "gateway.blocked" | "gateway.answer-blocked",
): Uint8Array {
  for (const { pointer, text } of inspection.masked) setAtPointer(value, pointer, text, code);
  for (const { pointer, text } of inspection.restored) {
    try {
      setAtPointer(value, pointer, text, code);
    } catch (error) {
      if (!isHoldfastError(error, code)) throw error;
    }
  }
  return Buffer.from(JSON.stringify(value), "utf8");
}
