/**
 * The Lease: what a request may use, taken before the work and given back after it. In this version a lease holds one
 * place among the key's requests in flight, after one request was taken from its rate.
 *
 * @module
 */

import type { Counters } from "../../storage/index.ts";
import type { GatewayConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";

export interface Lease {
  /** Gives the place back. Calling it again does nothing. A lease that is never given back expires by itself. */
  release(): void;
}

/**
 * Takes one request from the key's rate. Done before the body is read, so that a flood costs little.
 *
 * @throws `gateway.rate-limited`
 */
export async function takeRate(
  counters: Counters,
  principal: Principal,
  limits: GatewayConfig["limits"],
): Promise<void> {
  const perMinute = principal.requestsPerMinute ?? limits.requestsPerMinute;
  const taken = await counters.take(`rate:${principal.keyId}`, { perMinute });
  if (!taken.allowed) {
    throw gatewayError("gateway.rate-limited", {
      detail: `limit ${perMinute} requests a minute (requestsPerMinute)`,
      retryAfter: Math.max(1, Math.ceil(taken.retryAfterMs / 1000)),
    });
  }
}

/** Takes one of the key's places in flight, for at most `ttlMs`. @throws `gateway.concurrency-limited` */
export async function takePlace(
  counters: Counters,
  principal: Principal,
  limits: GatewayConfig["limits"],
  ttlMs: number,
): Promise<Lease> {
  const limit = principal.concurrency ?? limits.concurrency;
  const key = `flight:${principal.keyId}`;
  const place = await counters.acquire(key, limit, ttlMs);
  if (place === undefined) {
    throw gatewayError("gateway.concurrency-limited", {
      detail: `limit ${limit} requests at a time (concurrency)`,
      retryAfter: 1,
    });
  }
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      // A place that cannot be given back, because the counter store is away, expires with its time to live.
      counters.release(key, place.id).catch(() => undefined);
    },
  };
}
