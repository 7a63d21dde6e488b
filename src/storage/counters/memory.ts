/**
 * Counters in this process. Nothing in JavaScript runs between the reading and the writing of a bucket, so each call
 * is atomic; time is the clock that never steps.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import { uuidv7 } from "../../core/index.ts";
import { storageError } from "../errors.ts";
import type { Counters } from "./counters.ts";
import { answer, refill, take, type Bucket } from "./bucket.ts";
import { checkLease, readLimit } from "./limit.ts";
import { memoryQuotas } from "./quota-memory.ts";

/** Keys kept before full buckets and ended leases are looked for; doubles with what is in use. */
const SWEEP_AT = 1024;

/** Counters that live and end with this process. */
export function memoryCounters(clock: Clock): Counters {
  const buckets = new Map<string, Bucket & { fullAt: number }>();
  const leases = new Map<string, Map<string, number>>();
  const quotas = memoryQuotas(clock);
  let closed = false;
  let sweepAt = SWEEP_AT;

  /** Forgets what no longer says anything, at a cost that is constant over many calls. */
  const sweep = (now: number): void => {
    if (buckets.size + leases.size < sweepAt) return;
    for (const [key, bucket] of buckets) if (bucket.fullAt <= now) buckets.delete(key);
    for (const [key, held] of leases) {
      expire(held, now);
      if (held.size === 0) leases.delete(key);
    }
    sweepAt = Math.max(SWEEP_AT, 2 * (buckets.size + leases.size));
  };
  const enter = (): number => {
    if (closed) throw storageError("storage.closed");
    return clock.monotonic();
  };

  return {
    shared: false,
    take: async (key, limit, cost = 1) => {
      const rate = readLimit(limit, cost);
      const now = enter();
      sweep(now);
      const before = refill(buckets.get(key), rate, now);
      const after = take(before, cost);
      if (after.tokens < rate.burst)
        buckets.set(key, { ...after, fullAt: now + (rate.burst - after.tokens) / rate.perMs });
      else buckets.delete(key);
      return answer(after.allowed, after.tokens, rate, cost);
    },
    acquire: async (key, limit, ttlMs) => {
      checkLease(limit, ttlMs);
      const now = enter();
      sweep(now);
      const held = leases.get(key) ?? new Map<string, number>();
      expire(held, now);
      if (held.size >= limit) return undefined;
      const id = uuidv7();
      held.set(id, now + ttlMs);
      leases.set(key, held);
      return { id };
    },
    release: async (key, id) => {
      enter();
      const held = leases.get(key);
      held?.delete(id);
      if (held?.size === 0) leases.delete(key);
    },
    quota: async (call) => {
      enter();
      return quotas(call);
    },
    close: async () => {
      closed = true;
      buckets.clear();
      leases.clear();
    },
  };
}

function expire(held: Map<string, number>, now: number): void {
  for (const [id, endsAt] of held) if (endsAt <= now) held.delete(id);
}
