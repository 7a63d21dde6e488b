/**
 * Counters that go on while the shared ones are away: each replica within its share of every limit, so that all of them
 * together stay near it, and no limit is ever gone. Where the counters are back they count again.
 *
 * Quotas are not among them: what was spent must not be forgotten when the counters return, so their holder keeps its own
 * account (`holdfast/gateway`, budgets).
 *
 * @module
 */

import { isHoldfastError, type Clock } from "../../core/index.ts";
import type { Counters } from "./counters.ts";
import { memoryCounters } from "./memory.ts";

/** Tells places that were lent here from those of the shared counters. */
const OWN = "own:";

/**
 * `shared`, with rates and places of this process in its stead whenever it throws `storage.counters-unavailable`.
 *
 * @param share of every limit, from 0 (exclusive) to 1, asked for at every call: one over the number of replicas. A
 *   share of few places is one place at least: else a limit of 2 would let nobody in
 */
export function withFallback(shared: Counters, clock: Clock, share: () => number): Counters {
  // Those of this process are never away.
  if (!shared.shared) return shared;
  const own = memoryCounters(clock);
  const orOwn = async <T>(ask: () => Promise<T>, instead: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      if (!isHoldfastError(error, "storage.counters-unavailable")) throw error;
      return await instead();
    }
  };
  return {
    shared: true,
    take: (key, limit, cost) =>
      orOwn(
        () => shared.take(key, limit, cost),
        () => {
          const { perMinute, burst = perMinute } = limit;
          // A single request must be able to pass at all: a share of one a minute is one.
          const most = Math.max(burst * share(), Math.min(burst, cost ?? 1));
          return own.take(key, { perMinute: perMinute * share(), burst: most }, cost);
        },
      ),
    acquire: (key, limit, ttlMs) =>
      orOwn(
        () => shared.acquire(key, limit, ttlMs),
        async () => {
          const places = Math.min(limit, Math.max(1, Math.floor(limit * share())));
          const place = await own.acquire(key, places, ttlMs);
          return place === undefined ? undefined : { id: `${OWN}${place.id}` };
        },
      ),
    release: (key, id) => (id.startsWith(OWN) ? own.release(key, id.slice(OWN.length)) : shared.release(key, id)),
    quota: (call) => shared.quota(call),
    close: async () => {
      await own.close();
      await shared.close();
    },
  };
}
