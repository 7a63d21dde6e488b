/**
 * What a detector's failure is called in the verdict. Always a fixed sentence or a code, never what was thrown: that
 * may quote the text.
 *
 * @module
 */

import { isHoldfastError } from "../core/index.ts";
import { guardError } from "./errors.ts";

/** Milliseconds that a detector may take over one message, or one look at a stream, unless its settings say otherwise. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** The sentence for whatever a detector, or the guard on its behalf, threw. */
export function failureOf(error: unknown): string {
  if (isHoldfastError(error, "guard.answer-invalid")) return "the detector answered with something that is no finding";
  if (isHoldfastError(error, "guard.timeout")) return "the detector took longer than its time limit";
  return isHoldfastError(error) ? `the detector failed: ${error.code}` : "the detector failed";
}

/** `work`, or a rejection once `ms` are over. @throws `guard.timeout` */
export function withinTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(guardError("guard.timeout")), Math.max(0, ms));
  });
  return Promise.race([work, end]).finally(() => clearTimeout(timer));
}

/** For work in steps: to be called between them. @throws `guard.timeout` once the monotonic clock is past `until` */
export function checkTime(until: number): void {
  if (performance.now() > until) throw guardError("guard.timeout");
}
