/**
 * `holdfast budget …`: thin, over the configuration, the counters and `store.ts`.
 *
 * @module
 */

import { textTable, type CommandRun } from "../../core/index.ts";
import { windowAt, type Counters, type CounterState } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import type { GatewayServices } from "../module.ts";
import { limitOf } from "./bind.ts";
import { sayAmount } from "./budgets.ts";
import type { BudgetConfig } from "./config.ts";
import { listSpend, type Spend } from "./store.ts";

/** One counter of a budget, as it stands. */
interface Counted {
  readonly counter: string;
  readonly spent: number;
  readonly reserved: number | null;
  readonly left: number;
  readonly endsAt: string | null;
}

export const list: CommandRun<GatewayServices> = async ({ services }) => {
  const { budgets } = services.config.gateway;
  return {
    data: { budgets: budgets.map((budget) => ({ ...budget, units: limitOf(budget) })) },
    text: (style) =>
      budgets.length === 0
        ? "no budgets; name some under gateway.budgets in holdfast.yaml"
        : textTable(
            ["NAME", "LIMIT", "WINDOW", "PER", "WHO"],
            budgets.map((budget) => [
              budget.name,
              sayAmount(budget.what, limitOf(budget)),
              budget.window,
              budget.per.length === 0 ? "all" : budget.per.join(", "),
              who(budget),
            ]),
            style,
          ),
  };
};

export const show: CommandRun<GatewayServices> = async ({ services, args }) => {
  const budget = services.config.gateway.budgets.find(({ name }) => name === args["name"]);
  if (budget === undefined) throw gatewayError("gateway.budget-unknown");
  const now = services.clock.now();
  const saved = (await listSpend(await services.db(), budget.name)).filter(
    ({ window, start, counter }) =>
      counter.startsWith(`${budget.name}|${budget.what}|${budget.window}`) && start === windowAt(window, now).start,
  );
  const counters = await services.counters?.();
  const live = counters?.shared === true ? await look(counters, budget, saved) : undefined;
  const limit = limitOf(budget);
  const counted = saved.map(({ counter, spent, start, window }, index): Counted => {
    const state = live?.[index];
    const known = state?.start === start ? state : { spent, reserved: undefined };
    const { end } = windowAt(window, start);
    return {
      counter: nameOf(counter, budget),
      spent: known.spent,
      reserved: known.reserved ?? null,
      left: Math.max(0, limit - known.spent - (known.reserved ?? 0)),
      endsAt: Number.isFinite(end) ? new Date(end).toISOString() : null,
    };
  });
  return {
    data: { budget: { ...budget, units: limit }, counters: counted },
    text: (style) => {
      const head = `${style.bold(budget.name)}: ${sayAmount(budget.what, limit)} ${budget.window === "total" ? "in total" : `a ${budget.window}`}, ${who(budget)}`;
      if (counted.length === 0) return `${head}\nnothing is spent in this window`;
      const say = (units: number): string => sayAmount(budget.what, units);
      const rows = counted.map(({ counter, spent, reserved, left, endsAt }) => [
        counter,
        say(spent),
        // What a process keeps to itself cannot be seen from outside.
        reserved === null ? "-" : say(reserved),
        say(left),
        endsAt === null ? "never" : endsAt.replace(/:\d\d\.\d{3}Z$/, "Z"),
      ]);
      return `${head}\n\n${textTable(["COUNTER", "SPENT", "RESERVED", "LEFT", "BEGINS ANEW"], rows, style)}`;
    },
  };
};

/** Claims in one look. */
const CHUNK = 64;

/** How the shared counters stand. A look, by nobody: it counts as no replica. */
async function look(
  counters: Counters,
  budget: BudgetConfig,
  saved: readonly Spend[],
): Promise<readonly CounterState[]> {
  const states: CounterState[] = [];
  for (let at = 0; at < saved.length; at += CHUNK) {
    const claims = saved.slice(at, at + CHUNK).map(({ counter }) => {
      return { counter, window: budget.window, limit: 0, amount: 0, chargeIfLost: false };
    });
    const call = { op: "report", holder: "", epoch: undefined, lease: "", ttlMs: 1, claims } as const;
    states.push(...(await counters.quota(call)).counters);
  }
  return states;
}

/** `app shop`, or `all`: whose a counter is. */
function nameOf(counter: string, { name, what, window }: BudgetConfig): string {
  const parts = counter.slice([name, what, window].join("|").length + 1);
  if (parts === "") return "all";
  return parts
    .split("|")
    .map((part) => {
      const [dimension = "", value = ""] = part.split("=");
      return `${dimension} ${decodeURIComponent(value)}`;
    })
    .join(", ");
}

function who({ who: patterns }: BudgetConfig): string {
  const named = Object.entries(patterns).filter(([, list]) => !(list.length === 1 && list[0] === "*"));
  return named.length === 0 ? "everyone" : named.map(([kind, list]) => `${kind} ${list.join(" or ")}`).join(", ");
}
