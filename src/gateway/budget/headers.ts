/**
 * What is left of budgets, as header fields: `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-10, one member for each budget by its name. Amounts of money are in millionths of
 * the currency.
 *
 * @module
 */

import type { BudgetConfig } from "./config.ts";

/** A budget with its {@link policyOf}, and how it stands. */
interface Bound {
  readonly budget: Pick<BudgetConfig, "name">;
  readonly policy: string;
}

interface Standing {
  readonly left: number;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/** Lengths of windows as they are stated: a month by its longest. */
const SECONDS = { minute: 60, hour: 3_600, day: 86_400, month: 31 * 86_400 } as const;
/** The largest integer of a structured field (RFC 9651 section 3.3.1). */
const MOST = 999_999_999_999_999;

/** What a budget is, as a member of `RateLimit-Policy`: the same for every request. */
export function policyOf(
  { name, what, window }: Pick<BudgetConfig, "name" | "what" | "window">,
  limit: number,
): string {
  const unit = what === "requests" ? "" : `;qu="${what === "money" ? "micro-usd" : what}"`;
  return `"${name}";q=${integer(limit)}${unit}${window === "total" ? "" : `;w=${SECONDS[window]}`}`;
}

/**
 * The header fields of the budgets that bind a request, each with how it stands.
 *
 * @example
 * ```ts
 * const budget = { name: "shop", what: "tokens", window: "day" } as const;
 * budgetHeaders([{ budget, policy: policyOf(budget, 1000) }], [{ left: 10, endsAt: now + 60_000 }], now);
 * // { "ratelimit-policy": '"shop";q=1000;qu="tokens";w=86400', ratelimit: '"shop";r=10;t=60' }
 * ```
 */
export function budgetHeaders(
  bound: readonly Bound[],
  standings: readonly Standing[],
  now: number,
): Readonly<Record<string, string>> {
  if (bound.length === 0) return {};
  let policies = "";
  let limits = "";
  for (let index = 0; index < bound.length; index++) {
    const { budget, policy } = bound[index] as Bound;
    const { left, endsAt } = standings[index] as Standing;
    const until = Number.isFinite(endsAt) ? `;t=${secondsUntil(endsAt, now)}` : "";
    policies += index === 0 ? policy : `, ${policy}`;
    limits += `${index === 0 ? "" : ", "}"${budget.name}";r=${integer(left)}${until}`;
  }
  return { "ratelimit-policy": policies, ratelimit: limits };
}

/** Whole seconds, at least one. */
export function secondsUntil(at: number, now: number): number {
  return Math.max(1, Math.ceil((at - now) / 1_000));
}

function integer(value: number): number {
  return Math.min(MOST, Math.max(0, Math.floor(value)));
}
