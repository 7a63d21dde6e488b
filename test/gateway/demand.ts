/**
 * Demands of budgets for tests: filled in, but for what a test is about.
 *
 * @module
 */

import type { Demand } from "../../src/gateway/budget/account.ts";

export function demand(amount: number, more: Partial<Demand> = {}): Demand {
  return { counter: "b|tokens|total", window: "total", limit: 1_000, amount, chargeIfLost: false, ...more };
}

let names = 0;

/** The name of a counter that no other test has, of a budget of its own. */
export function fresh(): string {
  return `b${++names}|tokens|total`;
}
