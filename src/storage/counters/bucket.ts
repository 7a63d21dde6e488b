/**
 * The arithmetic of a token bucket. `script.ts` says the same in Lua; a test runs both on the same histories.
 *
 * Tokens are kept rather than the time at which the bucket is full (GCRA): small numbers lose no precision, so that a
 * burst of a hundred thousand counts exactly.
 *
 * @module
 */

import type { RateAnswer } from "./counters.ts";
import type { Rate } from "./limit.ts";

export interface Bucket {
  readonly tokens: number;
  /** When `tokens` was true: milliseconds. */
  readonly at: number;
}

/** Hides the last bits of floating point: a token is there when this little is missing. */
export const EPSILON = 1e-9;

/** The bucket at `now`. No bucket is a full one; a clock that stepped back gains nothing and counts from there. */
export function refill(bucket: Bucket | undefined, rate: Rate, now: number): Bucket {
  if (bucket === undefined) return { tokens: rate.burst, at: now };
  const gained = Math.max(0, now - bucket.at) * rate.perMs;
  return { tokens: Math.min(rate.burst, bucket.tokens + gained), at: now };
}

/** Takes `cost` tokens, or none. */
export function take(bucket: Bucket, cost: number): Bucket & { readonly allowed: boolean } {
  const allowed = bucket.tokens + EPSILON >= cost;
  return { tokens: allowed ? Math.max(0, bucket.tokens - cost) : bucket.tokens, at: bucket.at, allowed };
}

/** What the caller gets, from the tokens that are left. */
export function answer(allowed: boolean, tokens: number, rate: Rate, cost: number): RateAnswer {
  const remaining = Math.floor(tokens + EPSILON);
  if (allowed) return { allowed, remaining, retryAfterMs: 0 };
  const wait = cost > rate.burst + EPSILON ? Infinity : Math.ceil((cost - tokens - EPSILON) / rate.perMs);
  return { allowed, remaining, retryAfterMs: wait };
}
