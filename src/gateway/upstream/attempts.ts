/**
 * Asking upstreams until one answers: the next one of the model when one fails, the same one again after a pause, within
 * a bound of attempts and of time.
 *
 * Nothing is asked twice once an upstream has begun an answer (its 2xx status line): from then on bytes may have been
 * delivered, and a client must never see two answers in one. Before that it depends on what the upstream may have done
 * already:
 *
 * | failure | what follows |
 * |---|---|
 * | no connection | the next, or the same again: nothing was sent |
 * | 429, 503, 529 | the next, or the same again, not before its `retry-after` |
 * | other 5xx, lost before it answered | the same, where `serverErrors` allows it: the work may have been done |
 * | too slow to answer, no HTTP | the next, where `serverErrors` allows it |
 * | circuit open, no place, wrong address, key not accepted | the next |
 * | anything else | nothing: another upstream would say the same |
 *
 * Sources: RFC 9110 sections 9.2.2 (retries) and 10.2.3 (`Retry-After`); M. Brooker, «Exponential Backoff And Jitter».
 *
 * @module
 */

import { isHoldfastError, type Clock } from "../../core/index.ts";
import type { Guard } from "../../guard/index.ts";
import type { GatewayConfig } from "../config.ts";
import { gatewayError, type GatewayError } from "../errors.ts";
import type { Circuit } from "./circuit.ts";
import { send, type Cancellation, type ExchangeEnd, type UpstreamAnswer, type UpstreamRequest } from "./dispatch.ts";
import { retryAfterMs, upstreamFailure } from "./failure.ts";
import type { Candidate } from "./routing.ts";

/** One attempt, filled in as it goes. */
export interface Attempt {
  /** The upstream's. */
  readonly name: string;
  status?: number;
  /** From sending the request to the status line, in milliseconds. */
  firstByteMs?: number;
  /** Why it failed; absent while it goes well. */
  error?: string;
}

export interface Question {
  /** In the order of preference; at least one. */
  readonly candidates: readonly Candidate[];
  readonly requestFor: (candidate: Candidate) => UpstreamRequest;
  readonly cancellation: Cancellation;
  /** Told when an attempt begins. */
  readonly onAttempt: (attempt: Attempt, candidate: Candidate) => void;
}

export interface AskServices {
  readonly retries: GatewayConfig["retries"];
  readonly guard: Guard;
  readonly clock: Clock;
  /** As `Math.random`, which is the default. */
  readonly random?: () => number;
}

/** What may follow a failed attempt. */
type Next = "again" | "elsewhere" | "nothing";

/** What is known of a candidate during one question. */
interface Prospect {
  readonly candidate: Candidate;
  tries: number;
  /** On the clock, before which it asked not to be asked again. */
  notBefore: number;
  out: boolean;
}

/**
 * Asks until an upstream answers with 2xx. The last failure is thrown when none does.
 *
 * @throws the `gateway.upstream-…` errors
 */
export async function ask(
  question: Question,
  services: AskServices,
): Promise<{ readonly candidate: Candidate; readonly answer: UpstreamAnswer }> {
  const { retries, clock } = services;
  const { cancellation } = question;
  const prospects = question.candidates.map((candidate): Prospect => ({
    candidate,
    tries: 0,
    notBefore: 0,
    out: false,
  }));
  const deadline = clock.monotonic() + retries.totalMs;
  let last: GatewayError | undefined;
  let left = retries.attempts;
  while (left > 0) {
    const prospect = nextOf(prospects);
    if (prospect === undefined) break;
    const now = clock.monotonic();
    const at = prospect.tries === 0 ? now : Math.max(now + backoff(prospect.tries, services), prospect.notBefore);
    if (last !== undefined && at > deadline) {
      prospect.out = true;
      continue;
    }
    if (at > now) await pause(at - now, cancellation);
    const { candidate } = prospect;
    if (cancellation.cancelled) {
      throw gatewayError("gateway.upstream-broken", { detail: `${candidate.target.name}: aborted` });
    }
    const attempt: Attempt = { name: candidate.target.name };
    question.onAttempt(attempt, candidate);
    const outcome = await tryOnce(question, candidate, attempt, services);
    if ("answer" in outcome) return { candidate, answer: outcome.answer };
    const { error, next, retryAfter = 0 } = outcome;
    attempt.error = error.code;
    last = error;
    if (next === "nothing") break;
    prospect.tries++;
    prospect.notBefore = clock.monotonic() + retryAfter;
    prospect.out = next === "elsewhere" || retryAfter > retries.retryAfterMs;
    if (!NOT_ASKED.has(error.code)) left--;
  }
  throw last ?? gatewayError("gateway.no-upstream");
}

/** Refusals of the gateway itself, before a connection was used. Each puts its upstream out, so that there is an end. */
const NOT_ASKED: ReadonlySet<string> = new Set(["gateway.upstream-circuit-open", "gateway.upstream-busy"]);

/** The one least often asked, in the order of preference; of these the first that has a place free. */
function nextOf(prospects: readonly Prospect[]): Prospect | undefined {
  let next: Prospect | undefined;
  for (const prospect of prospects) {
    if (prospect.out) continue;
    const fewer = next === undefined || prospect.tries < next.tries;
    if (fewer || (prospect.tries === next?.tries && isFree(prospect) && !isFree(next))) next = prospect;
  }
  return next;
}

function isFree({ candidate }: Prospect): boolean {
  return candidate.target.gate.free;
}

/** Between half and the whole of the pause, which doubles: those that failed together do not come back together. */
function backoff(tries: number, { retries, random = Math.random }: AskServices): number {
  const whole = Math.min(retries.backoffMs * 2 ** (tries - 1), retries.totalMs);
  return whole / 2 + (whole / 2) * random();
}

async function pause(ms: number, cancellation: Cancellation): Promise<void> {
  if (ms <= 0 || cancellation.cancelled) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      cancellation.onCancel = undefined;
      resolve();
    };
    const timer = setTimeout(done, ms);
    cancellation.onCancel = done;
  });
}

type Outcome =
  | { readonly answer: UpstreamAnswer }
  | { readonly error: GatewayError; readonly next: Next; readonly retryAfter?: number };

/** One attempt at one upstream, within its circuit and its places. */
async function tryOnce(
  question: Question,
  candidate: Candidate,
  attempt: Attempt,
  services: AskServices,
): Promise<Outcome> {
  const { cancellation } = question;
  const { circuit, gate, name } = candidate.target;
  const { clock, retries } = services;
  let leave: (() => void) | undefined;
  let settle: ReturnType<Circuit["enter"]>;
  let end: ExchangeEnd | undefined;
  try {
    // Nobody waits for a place at an upstream that is left alone; and it may have failed while one waited.
    if (circuit.waitMs > 0) throw circuitOpen(name, circuit);
    const entered = gate.enter(cancellation);
    leave = entered instanceof Promise ? await entered : entered;
    settle = circuit.enter();
    if (settle === undefined) throw circuitOpen(name, circuit);
    const started = clock.monotonic();
    const answer = await send(candidate.target, question.requestFor(candidate), cancellation, (ended) => {
      end = ended;
      settle?.(circuitOutcome(ended));
      leave?.();
    });
    attempt.status = answer.status;
    attempt.firstByteMs = clock.monotonic() - started;
    if (answer.status >= 200 && answer.status < 300) {
      checkEncoding(name, answer);
      return { answer };
    }
    const retryAfter = retryAfterMs(answer.headers, clock.now());
    const error = await upstreamFailure(candidate.target, answer, services.guard);
    return { error, next: afterStatus(answer.status, retries), retryAfter };
  } catch (error) {
    // What undici never began has no end that would tell.
    if (end === undefined) {
      settle?.("none");
      leave?.();
    }
    if (!isHoldfastError(error)) throw error;
    const over = attempt.status !== undefined || cancellation.cancelled;
    return { error, next: over ? "nothing" : afterError(error, end, retries) };
  }
}

function circuitOpen(name: string, circuit: Circuit): GatewayError {
  const retryAfter = Math.max(1, Math.ceil(circuit.waitMs / 1_000));
  return gatewayError("gateway.upstream-circuit-open", { detail: name, retryAfter });
}

function circuitOutcome({ how, status }: ExchangeEnd): "success" | "failure" | "none" {
  if (status >= 500) return "failure";
  return how === "whole" ? "success" : how === "failed" ? "failure" : "none";
}

/** @throws `gateway.upstream-invalid` */
function checkEncoding(name: string, answer: UpstreamAnswer): void {
  if ((answer.headers["content-encoding"] ?? "identity") === "identity") return;
  answer.abort();
  throw gatewayError("gateway.upstream-invalid", { detail: `${name}: a content encoding nobody asked for` });
}

function afterStatus(status: number, { serverErrors }: GatewayConfig["retries"]): Next {
  if (status === 429 || status === 503 || status === 529) return "again";
  if (status >= 500) return serverErrors ? "again" : "nothing";
  return status === 401 || status === 403 || status === 407 ? "elsewhere" : "nothing";
}

function afterError(
  error: GatewayError,
  end: ExchangeEnd | undefined,
  { serverErrors }: GatewayConfig["retries"],
): Next {
  if (NOT_ASKED.has(error.code) || error.code === "gateway.upstream-address") return "elsewhere";
  if (end?.sent === false) return "again";
  if (!serverErrors) return "nothing";
  return error.code === "gateway.upstream-broken" || error.code === "gateway.upstream-unreachable"
    ? "again"
    : "elsewhere";
}
