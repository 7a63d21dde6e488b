/**
 * A judge behind an address: sends the text to a web service, and reads its judgement. The one file of the guard that
 * opens a socket.
 *
 *     POST {"version":1,"text":"…","direction":"request","origin":"user","pointer":"/messages/0/content"}
 *     200  {"flagged":true,"category":"competitor","places":[{"start":3,"end":9}]}
 *
 * The text leaves the machine, so: https, or http to the machine itself; no redirect is followed, which could lead
 * elsewhere; the answer is read up to a limit and as strictly as all JSON of strangers.
 *
 * @module
 */

import { isHoldfastError, isServiceUrl, parseJson, Secret } from "../../../core/index.ts";
import { customError } from "./errors.ts";
import type { Judge, Judgement } from "./judge.ts";

export interface WebhookOptions {
  readonly url: string;
  /** Sent with each request; values that open something as a `Secret`. */
  readonly headers?: Readonly<Record<string, string | Secret>>;
  /** Milliseconds for the whole exchange. The detector's own time-out holds too. */
  readonly timeoutMs: number;
  /** In place of the global `fetch`: through a proxy, with a client certificate. */
  readonly fetch?: typeof globalThis.fetch;
}

/** Bytes of an answer. */
const MAX_ANSWER = 64 * 1024;
const LIMITS = { maxBytes: MAX_ANSWER, maxDepth: 8 };

/**
 * Makes a judge of a web service.
 *
 * @throws `guard.judge-options` for an address that is not https, nor http to the machine itself, or has a login in it
 *
 * @example
 * ```ts
 * import { createJudgeDetector, webhookJudge } from "holdfast/guard";
 * import { Secret } from "holdfast/core";
 *
 * const detector = createJudgeDetector({
 *   id: "house-rules",
 *   judge: webhookJudge({
 *     url: "https://rules.example.com/judge",
 *     headers: { authorization: new Secret(`Bearer ${process.env["RULES_TOKEN"] ?? ""}`) },
 *     timeoutMs: 800,
 *   }),
 *   categories: [{ id: "competitor", message: "names a competitor" }],
 *   timeoutMs: 1000,
 *   onError: "closed",
 * });
 * ```
 */
export function webhookJudge(options: WebhookOptions): Judge {
  const { url, timeoutMs } = options;
  const address = URL.parse(url);
  if (address === null || !isServiceUrl(url)) throw customError("guard.judge-options", { detail: "the webhook's url" });
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1) {
    throw customError("guard.judge-options", { detail: "the webhook's timeoutMs" });
  }
  const send = options.fetch ?? ((...request: Parameters<typeof globalThis.fetch>) => fetch(...request));

  return async (text, { direction, origin, pointer, view }, signal) => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const response = await send(address.href, {
        method: "POST",
        headers: { ...revealed(options.headers), "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ version: 1, text, direction, origin, pointer, ...(view === undefined ? {} : { view }) }),
        redirect: "manual",
        signal: limit,
      });
      if (response.status !== 200) {
        await response.body?.cancel();
        throw customError("guard.judge-failed", { detail: `the webhook answered with status ${response.status}` });
      }
      // The detector checks the fields: it knows the categories.
      return parseJson(await readBounded(response), LIMITS) as Judgement;
    } catch (cause) {
      if (limit.aborted) throw customError("guard.judge-timeout", { detail: `the webhook: ${timeoutMs} ms` });
      if (isHoldfastError(cause)) {
        throw cause.code.startsWith("core.") ? customError("guard.judge-answer", { detail: cause.message }) : cause;
      }
      // What fetch says may hold the address, and that a token.
      throw customError("guard.judge-failed", { detail: "the webhook cannot be reached" });
    }
  };
}

function revealed(headers: WebhookOptions["headers"] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]),
  );
}

/** @throws `guard.judge-answer` for more than {@link MAX_ANSWER} bytes: the rest is not read */
async function readBounded(response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) throw customError("guard.judge-answer", { detail: `more than ${MAX_ANSWER} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
