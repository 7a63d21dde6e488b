/**
 * Reading limits: a number that cannot be counted with is refused before it reaches a counter, where NaN would compare
 * as «not over the limit».
 *
 * @module
 */

import { storageError } from "../errors.ts";
import type { RateLimit } from "./counters.ts";

/** A rate limit in the units that buckets count in. */
export interface Rate {
  /** Tokens gained in a millisecond. */
  readonly perMs: number;
  /** Most tokens at once. */
  readonly burst: number;
}

/** @throws `storage.limit-invalid` */
export function readLimit({ perMinute, burst = perMinute }: RateLimit, cost: number): Rate {
  const finite = Number.isFinite(perMinute) && Number.isFinite(burst) && Number.isFinite(cost);
  if (!finite || !(perMinute > 0 && burst > 0 && cost >= 0)) {
    throw storageError("storage.limit-invalid", { detail: `perMinute ${perMinute}, burst ${burst}, cost ${cost}` });
  }
  return { perMs: perMinute / 60_000, burst };
}

/** @throws `storage.limit-invalid` */
export function checkLease(limit: number, ttlMs: number): void {
  if (!Number.isSafeInteger(limit) || limit < 0 || !(ttlMs > 0 && Number.isFinite(ttlMs))) {
    throw storageError("storage.limit-invalid", { detail: `limit ${limit}, ttlMs ${ttlMs}` });
  }
}
