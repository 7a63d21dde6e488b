/**
 * Counters in this process. Nothing in JavaScript runs between the reading and the writing of a bucket, so each call
 * is atomic; time is the clock that never steps.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import { storageError } from "../errors.ts";
import type { Counters } from "./counters.ts";
import { answer, refill, take, type Bucket } from "./bucket.ts";
import { checkLease, readLimit } from "./limit.ts";
import { memoryQuotas } from "./quota-memory.ts";

/** Keys kept before full buckets and ended leases are looked for; doubles with what is in use. */
const SWEEP_AT = 1024;

interface Places {
  readonly ends: Map<string, number>;
  /** Before this none ends. */
  firstEnd: number;
}

/** Counters that live and end with this process. */
export function memoryCounters(clock: Clock): Counters {
  const buckets = new Map<string, Bucket & { fullAt: number }>();
  /** Places in use by key: when each ends, by its id. */
  const leases = new Map<string, Places>();
  let places = 0;
  const quotas = memoryQuotas(clock);
  let closed = false;
  let sweepAt = SWEEP_AT;

  /** Forgets what no longer says anything, at a cost that is constant over many calls. */
  const sweep = (now: number): void => {
    if (buckets.size + leases.size < sweepAt) return;
    for (const [key, bucket] of buckets) if (bucket.fullAt <= now) buckets.delete(key);
    for (const [key, held] of leases) {
      expire(held, now);
      if (held.ends.size === 0) leases.delete(key);
    }
    sweepAt = Math.max(SWEEP_AT, 2 * (buckets.size + leases.size));
  };
  const enter = (): number => {
    if (closed) throw storageError("storage.closed");
    return clock.monotonic();
  };

  const atOnce: Required<Counters>["atOnce"] = {
    take: (key, limit, cost = 1) => {
      const rate = readLimit(limit, cost);
      const now = enter();
      sweep(now);
      const { allowed, at, tokens } = take(refill(buckets.get(key), rate, now), cost);
      if (tokens < rate.burst) buckets.set(key, { tokens, at, fullAt: now + (rate.burst - tokens) / rate.perMs });
      else buckets.delete(key);
      return answer(allowed, tokens, rate, cost);
    },
    acquire: (key, limit, ttlMs) => {
      checkLease(limit, ttlMs);
      const now = enter();
      sweep(now);
      const held = leases.get(key) ?? { ends: new Map<string, number>(), firstEnd: Infinity };
      expire(held, now);
      if (held.ends.size >= limit) return undefined;
      const id = String(++places);
      held.ends.set(id, now + ttlMs);
      held.firstEnd = Math.min(held.firstEnd, now + ttlMs);
      leases.set(key, held);
      return { id };
    },
    quota: (call) => {
      enter();
      return quotas(call);
    },
  };

  return {
    shared: false,
    atOnce,
    take: async (...asked) => atOnce.take(...asked),
    acquire: async (...asked) => atOnce.acquire(...asked),
    quota: async (call) => atOnce.quota(call),
    release: async (key, id) => {
      enter();
      const held = leases.get(key);
      held?.ends.delete(id);
      if (held?.ends.size === 0) leases.delete(key);
    },
    close: async () => {
      closed = true;
      buckets.clear();
      leases.clear();
    },
  };
}

function expire(held: Places, now: number): void {
  if (now < held.firstEnd) return;
  held.firstEnd = Infinity;
  for (const [id, endsAt] of held.ends) {
    if (endsAt <= now) held.ends.delete(id);
    else held.firstEnd = Math.min(held.firstEnd, endsAt);
  }
}
