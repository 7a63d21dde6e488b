/**
 * What is left of budgets, as header fields: `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-10, one member for each budget by its name. Amounts of money are in millionths of
 * the currency.
 *
 * @module
 */

import type { BudgetConfig } from "./config.ts";

/** A budget and how it stands. */
export interface Standing {
  readonly budget: Pick<BudgetConfig, "name" | "what" | "window">;
  readonly limit: number;
  readonly left: number;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/** Lengths of windows as they are stated: a month by its longest. */
const SECONDS = { minute: 60, hour: 3_600, day: 86_400, month: 31 * 86_400 } as const;
/** The largest integer of a structured field (RFC 9651 section 3.3.1). */
const MOST = 999_999_999_999_999;

/**
 * The header fields of the budgets that bind a request.
 *
 * @example
 * ```ts
 * const budget = { name: "shop", what: "tokens", window: "day" } as const;
 * budgetHeaders([{ budget, limit: 1000, left: 10, endsAt: now + 60_000 }], now);
 * // { "ratelimit-policy": '"shop";q=1000;qu="tokens";w=86400', ratelimit: '"shop";r=10;t=60' }
 * ```
 */
export function budgetHeaders(standings: readonly Standing[], now: number): Readonly<Record<string, string>> {
  if (standings.length === 0) return {};
  const policies = standings.map(({ budget: { name, what, window }, limit }) => {
    const unit = what === "requests" ? "" : `;qu="${what === "money" ? "micro-usd" : what}"`;
    return `"${name}";q=${integer(limit)}${unit}${window === "total" ? "" : `;w=${SECONDS[window]}`}`;
  });
  const limits = standings.map(({ budget: { name }, left, endsAt }) => {
    return `"${name}";r=${integer(left)}${Number.isFinite(endsAt) ? `;t=${secondsUntil(endsAt, now)}` : ""}`;
  });
  return { "ratelimit-policy": policies.join(", "), ratelimit: limits.join(", ") };
}

/** Whole seconds, at least one. */
export function secondsUntil(at: number, now: number): number {
  return Math.max(1, Math.ceil((at - now) / 1_000));
}

function integer(value: number): number {
  return Math.min(MOST, Math.max(0, Math.floor(value)));
}
