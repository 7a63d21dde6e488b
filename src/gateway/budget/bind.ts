/**
 * Which budgets bind a request, and which counter of each: a budget with `per: [app]` has one for every app.
 *
 * @module
 */

import { covers, type Principal } from "../identity/principal.ts";
import { MICRO, type BudgetConfig } from "./config.ts";
import { policyOf } from "./headers.ts";

/** A budget that binds a request. */
export interface Binding {
  readonly budget: BudgetConfig;
  readonly counter: string;
  /** In requests, tokens, or millionths of the currency. */
  readonly limit: number;
  /** What it says of itself in header fields. */
  readonly policy: string;
}

/** The budgets that bind a request of `principal` for `model`. Without a model only requests are counted. */
export function bindingsFor(budgets: readonly BudgetConfig[], principal: Principal, model: string): readonly Binding[] {
  const known = latest.get(principal);
  if (known?.budgets === budgets && known.model === model) return known.bindings;
  const bindings = budgets
    .filter(({ what, who }) => {
      if (model === "" && what !== "requests") return false;
      return (
        covers(who.key, principal.keyId) &&
        covers(who.app, principal.app) &&
        covers(who.user, principal.user ?? "") &&
        covers(who.model, model)
      );
    })
    .map((budget) => {
      const limit = limitOf(budget);
      return { budget, counter: counterOf(budget, principal, model), limit, policy: policyOf(budget, limit) };
    });
  latest.set(principal, { budgets, model, bindings });
  return bindings;
}

/** What bound the latest request of a principal: most ask for one model again and again. */
const latest = new WeakMap<
  Principal,
  { readonly budgets: readonly BudgetConfig[]; readonly model: string; readonly bindings: readonly Binding[] }
>();

/** The limit in the units that are counted. */
export function limitOf({ what, limit }: BudgetConfig): number {
  return what === "money" ? Math.round(limit * MICRO) : limit;
}

/**
 * `shop-monthly|money|month|app=shop`. What a budget counts and in which window is part of the name: a budget that was
 * changed begins anew, rather than with numbers that meant something else.
 *
 * Users go by the pseudonym that is their key's id: names of people stand in no counter and no table.
 */
function counterOf({ name, what, window, per }: BudgetConfig, principal: Principal, model: string): string {
  const user = principal.user === undefined ? "" : principal.keyId;
  const values = { key: principal.keyId, app: principal.app, user, model };
  const parts = [...new Set(per)]
    .toSorted()
    .map((dimension) => `${dimension}=${encodeURIComponent(values[dimension].toWellFormed())}`);
  return [name, what, window, ...parts].join("|");
}
