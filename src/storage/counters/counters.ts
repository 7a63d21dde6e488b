/**
 * Shared counters: rate limits and concurrency leases behind one port, in process or in Redis or Valkey.
 *
 * They answer one question, «may this go ahead now?», atomically: however many callers ask at once, never more than
 * the limit are let through. When the answer cannot be had the call throws within two seconds. It never means yes.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import { systemClock } from "../../core/index.ts";
import { storageError } from "../errors.ts";
import { memoryCounters } from "./memory.ts";
import type { QuotaAnswer, QuotaCall } from "./quota.ts";

/** A token bucket: it holds `burst` tokens and gains `perMinute` a minute. */
export interface RateLimit {
  readonly perMinute: number;
  /** Most tokens at once. Default: `perMinute`, so that a whole minute's worth may come at once. */
  readonly burst?: number;
}

export interface RateAnswer {
  readonly allowed: boolean;
  /** Whole tokens left. */
  readonly remaining: number;
  /** Milliseconds until the same cost would be allowed; 0 when it was; Infinity when `cost` is above the burst. */
  readonly retryAfterMs: number;
}

/** One of the places of a key, taken. */
interface Place {
  readonly id: string;
}

export interface Counters {
  /** Other processes count with these too. */
  readonly shared: boolean;
  /**
   * The same questions, answered at once: where nobody else counts along there is nothing to wait for, and a request asks
   * several of them. Only of counters that are not shared. Throws what the others reject with.
   */
  readonly atOnce?: {
    take(key: string, limit: RateLimit, cost?: number): RateAnswer;
    acquire(key: string, limit: number, ttlMs: number): Place | undefined;
    quota(call: QuotaCall): QuotaAnswer;
  };
  /**
   * Takes `cost` tokens (default 1) from the bucket of `key`, or none. In any minute at most `burst + perMinute` are
   * given out. A cost of 0 takes nothing and is always allowed.
   *
   * @throws `storage.counters-unavailable`, `storage.limit-invalid`, `storage.closed`
   */
  take(key: string, limit: RateLimit, cost?: number): Promise<RateAnswer>;
  /**
   * Takes one of `limit` places of `key` for at most `ttlMs` milliseconds, or `undefined` when all are taken.
   *
   * @throws as `take`
   */
  acquire(key: string, limit: number, ttlMs: number): Promise<Place | undefined>;
  /** Gives a place back. One that is back already, or has expired, is no error. @throws as `take` */
  release(key: string, id: string): Promise<void>;
  /** Reserves, settles and asks about amounts in windows, over many counters at once: `quota.ts`. @throws as `take` */
  quota(call: QuotaCall): Promise<QuotaAnswer>;
  /** Later calls throw `storage.closed`. */
  close(): Promise<void>;
}

export interface CountersOptions {
  /** `memory`, or `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string;
  /** For tests. Without it Redis counts by the server's clock, so that replicas with clocks apart agree. */
  readonly clock?: Clock;
  /** For tests: how long a Redis that lost its memory grants no quota, in milliseconds (`quota.ts`). */
  readonly recoveryMs?: number;
}

/**
 * Opens the counters. Redis must answer once now; later it may come and go.
 *
 * @throws `storage.url-invalid`, `storage.counters-unavailable`
 *
 * @example
 * ```ts
 * import { openCounters } from "holdfast/storage";
 *
 * const counters = await openCounters({ url: "memory" });
 * await counters.take("key:42", { perMinute: 60 }); // { allowed: true, remaining: 59, retryAfterMs: 0 }
 * const lease = await counters.acquire("key:42", 8, 60_000);
 * if (lease !== undefined) await counters.release("key:42", lease.id);
 * ```
 */
export async function openCounters(options: CountersOptions): Promise<Counters> {
  if (options.url === "memory") return memoryCounters(options.clock ?? systemClock);
  if (/^rediss?:\/\/./.test(options.url)) {
    // Loaded when it is used, as PostgreSQL's client is.
    const { openRedisCounters } = await import("./redis.ts");
    return openRedisCounters(options.url, options.clock, options.recoveryMs);
  }
  throw storageError("storage.url-invalid");
}
