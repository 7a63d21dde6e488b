/**
 * Answers of upstreams that are not 2xx. What an upstream says of a failure may hold its key, a path or another
 * tenant's text, so nothing is passed on but its message, and that only after the guards have read it.
 *
 * @module
 */

import type { IncomingHttpHeaders } from "node:http";

import { parseJson } from "../../core/index.ts";
import type { Guard } from "../../guard/index.ts";
import { gatewayError, type GatewayError } from "../errors.ts";
import type { UpstreamAnswer } from "./dispatch.ts";
import type { Target } from "./target.ts";

/** Bytes of a failure's body that are read at most. */
const BODY_BYTES = 65_536;
/** How long a failure's body has to come, in milliseconds: nobody waits for words of explanation. */
const BODY_MS = 2_000;
/** Characters of a failure's message that are passed on at most. */
const MESSAGE_CHARS = 1_000;

/** The error that a caller gets for an answer that is not 2xx. Consumes the answer's body. */
export async function upstreamFailure(target: Target, answer: UpstreamAnswer, guard: Guard): Promise<GatewayError> {
  const { status } = answer;
  const after = retryAfter(answer.headers["retry-after"]);
  if (status < 400) {
    answer.abort();
    return gatewayError("gateway.upstream-invalid", { detail: `${target.name}: answered ${status} to a request` });
  }
  const said = await messageOf(target, answer, guard);
  const detail = `${target.name}: ${status}${said === undefined ? "" : `: ${said}`}`;
  if (status === 401 || status === 403 || status === 407) {
    return gatewayError("gateway.upstream-credentials", { detail: `${target.name}: ${status}` });
  }
  if (status === 429) return gatewayError("gateway.upstream-rate-limited", { detail, ...after });
  if (status < 500) return gatewayError("gateway.upstream-rejected", { detail, status });
  const busy = status === 503 || status === 529;
  return gatewayError("gateway.upstream-error", {
    detail: `${target.name}: ${status}`,
    ...(busy ? { status: 503 } : {}),
    ...after,
  });
}

/**
 * How long an upstream asks to be left alone, in milliseconds: `retry-after-ms`, which some send beside it, or
 * `retry-after` in either of its forms (RFC 9110 section 10.2.3). 0 where it does not ask, or not in a known form.
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number {
  const exact = headers["retry-after-ms"];
  if (typeof exact === "string" && /^\d{1,9}$/.test(exact)) return Number(exact);
  const value = headers["retry-after"] ?? "";
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1_000;
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value)) return 0;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

async function messageOf(target: Target, answer: UpstreamAnswer, guard: Guard): Promise<string | undefined> {
  let message: unknown;
  const timer = setTimeout(() => {
    answer.abort();
  }, BODY_MS);
  try {
    const value = parseJson(await answer.collect(BODY_BYTES), { maxBytes: BODY_BYTES, maxDepth: 16 });
    message = (value as { error?: { message?: unknown } } | null)?.error?.message;
  } catch {
    // Not JSON, too large, too slow or broken off: then there is no message to pass on.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
  if (typeof message !== "string" || message === "" || message.length > MESSAGE_CHARS) return undefined;
  if (target.key !== undefined && message.includes(target.key.reveal())) return undefined;
  const { verdict } = await guard.inspect(
    [{ pointer: "/error/message", text: message, origin: "metadata" }],
    "response",
  );
  return verdict.findings.length === 0 && verdict.action === "allow" ? message : undefined;
}

/** Only whole seconds up to a day; the date form is not passed on. */
function retryAfter(value: string | undefined): { retryAfter?: number } {
  const seconds = /^\d{1,5}$/.test(value ?? "") ? Number(value) : undefined;
  return seconds === undefined ? {} : { retryAfter: Math.min(seconds, 86_400) };
}
