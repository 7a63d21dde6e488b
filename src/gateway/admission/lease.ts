/**
 * The Lease: what a request may use, taken before the work and given back after it. In this version a lease holds one
 * place among the key's requests in flight, after one request was taken from its rate.
 *
 * @module
 */

import type { Counters, RateAnswer } from "../../storage/index.ts";
import type { GatewayConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";

export interface Lease {
  /** Gives the place back. Calling it again does nothing. A lease that is never given back expires by itself. */
  release(): void;
}

/**
 * Takes one request from the key's rate. Done before the body is read, so that a flood costs little. A promise where
 * others must be asked; so below.
 *
 * @throws `gateway.rate-limited`
 */
export function takeRate(
  counters: Counters,
  principal: Principal,
  limits: GatewayConfig["limits"],
): Promise<void> | undefined {
  const perMinute = principal.requestsPerMinute ?? limits.requestsPerMinute;
  const key = `rate:${principal.keyId}`;
  if (counters.atOnce === undefined) {
    return counters.take(key, { perMinute }).then((answer) => checkRate(answer, perMinute));
  }
  checkRate(counters.atOnce.take(key, { perMinute }), perMinute);
  return undefined;
}

function checkRate({ allowed, retryAfterMs }: RateAnswer, perMinute: number): void {
  if (allowed) return;
  throw gatewayError("gateway.rate-limited", {
    detail: `limit ${perMinute} requests a minute (requestsPerMinute)`,
    retryAfter: Math.max(1, Math.ceil(retryAfterMs / 1000)),
  });
}

/** Takes one of the key's places in flight, for at most `ttlMs`. @throws `gateway.concurrency-limited` */
export function takePlace(
  counters: Counters,
  principal: Principal,
  limits: GatewayConfig["limits"],
  ttlMs: number,
): Lease | Promise<Lease> {
  const limit = principal.concurrency ?? limits.concurrency;
  const key = `flight:${principal.keyId}`;
  if (counters.atOnce === undefined) {
    return counters.acquire(key, limit, ttlMs).then((place) => leaseOf(counters, key, limit, place));
  }
  return leaseOf(counters, key, limit, counters.atOnce.acquire(key, limit, ttlMs));
}

function leaseOf(counters: Counters, key: string, limit: number, place: { readonly id: string } | undefined): Lease {
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
