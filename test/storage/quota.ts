/**
 * Calls of quotas for tests: filled in, but for what a test is about.
 *
 * @module
 */

import type { Claim, QuotaCall } from "../../src/storage/index.ts";

export function claim(counter: string, amount: number, more: Partial<Claim> = {}): Claim {
  return { counter, window: "total", limit: 100, amount, chargeIfLost: false, ...more };
}

export function call(op: QuotaCall["op"], claims: readonly Claim[], more: Partial<QuotaCall> = {}): QuotaCall {
  const lease = op === "report" ? "" : "l1";
  return { op, holder: "a", epoch: undefined, lease, ttlMs: 60_000, claims, ...more };
}

let names = 0;

/** The name of a counter that no other test has. */
export function fresh(): string {
  return `counter:${++names}`;
}
