/**
 * Budgets of a gateway: what a request may use at most is reserved before the upstream is asked, what it did use is
 * settled before its receipt, and what nobody settles expires.
 *
 * A request is bound by every budget that fits it, and all of them must have room. It counts as a request from then on; of
 * tokens and money it is charged what the upstream says that it used, and an estimate that errs high where the upstream
 * does not say.
 *
 * @module
 */

import type { Clock } from "../../core/index.ts";
import type { Counters, Db } from "../../storage/index.ts";
import type { GatewayConfig } from "../config.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { Exchange } from "../receipt/receipt.ts";
import type { Operation, ParsedRequest } from "../wire/index.ts";
import type { Demand } from "./account.ts";
import { Accounts, type AccountsOptions, type Balance, type Reserved } from "./accounts.ts";
import { bindingsFor, type Binding } from "./bind.ts";
import { capRequest, isFree, type Capped } from "./cap.ts";
import { MICRO, type BudgetConfig } from "./config.ts";
import { budgetHeaders, secondsUntil } from "./headers.ts";
import { BudgetLease, type LeasedRequest } from "./lease.ts";
import { loadPrices, mostOf, surchargeOf, type Price, type Prices } from "./prices.ts";

export interface Budgets {
  /**
   * Reserves what a request may use at most, of all budgets that bind it, or refuses it. Sets the exchange's `budget`, and
   * returns the body as it may be sent: with an output cap, and with usage asked for in a stream. A promise where something is
   * to be waited for.
   *
   * @throws `gateway.budget-exceeded`, `gateway.price-unknown`
   */
  reserve(exchange: Exchange, request: BudgetRequest): Buffer | Promise<Buffer>;
  /**
   * Reserves a call that has one price, whatever it does: of budgets of requests, and where it has a price of those of
   * money. Sets the exchange's `budget`.
   *
   * @throws `gateway.budget-exceeded`
   */
  reserveCall(exchange: Exchange, call: BudgetCall): Promise<void> | undefined;
  /** This instance's part of limits that no budget is, while shared counters are away. */
  readonly share: () => number;
  readonly countersAway: () => boolean;
  close(): Promise<void>;
}

interface BudgetRequest {
  readonly principal: Principal;
  readonly operation: Operation;
  readonly parsed: ParsedRequest;
  readonly value: unknown;
  readonly body: Buffer;
  /** What the upstreams that may be asked call the model. */
  readonly models: readonly string[];
}

interface BudgetCall {
  readonly principal: Principal;
  /** What budgets know it by, where they ask for a model. */
  readonly name: string;
  /** Millionths of the currency; 0: nothing. */
  readonly price: number;
}

export interface BudgetsOptions {
  readonly config: GatewayConfig;
  readonly counters: Counters;
  readonly db: Db;
  readonly clock: Clock;
  readonly log: AccountsOptions["log"];
}

/** A reservation in a counter that only this process has cannot outlive it: it needs no other end than its request's. */
const OWN_LEASE_MS = 86_400_000;
/** With `receipts: buffered` what was spent goes to disk as receipts do, in milliseconds. */
const BUFFERED_MS = 50;

/** Opens the budgets of the configuration. @throws `gateway.prices-invalid`, the database's errors */
export async function openBudgets(options: BudgetsOptions): Promise<Budgets> {
  const { config, counters, clock } = options;
  const prices = await loadPrices(config.prices);
  const accounts = await Accounts.open({
    ...options,
    leaseMs: counters.shared ? config.timeouts.leaseMs : OWN_LEASE_MS,
    saveWithinMs: config.receipts === "buffered" ? BUFFERED_MS : undefined,
  });
  const ofRequests = config.budgets.filter(({ what }) => what === "requests");
  const ofPricedCalls = config.budgets.filter(({ what }) => what !== "tokens");

  return {
    share: () => config.limits.lostCountersShare ?? 1 / accounts.replicas,
    countersAway: () => accounts.away,
    close: () => accounts.close(),
    reserve(exchange, request) {
      const { principal, operation, parsed, value } = request;
      const budgets = isFree(operation.id) ? ofRequests : config.budgets;
      const bindings = bindingsFor(budgets, principal, parsed.model);
      if (bindings.length === 0) return request.body;
      const metered = bindings.some(({ budget }) => budget.what !== "requests");
      const capped = metered ? capRequest(operation.id, request, config.limits) : UNCAPPED;
      const pricing = pricingFor(bindings, request, prices);
      const amounts: number[] = [];
      for (const { budget, limit } of bindings) {
        // More than a limit is as good as the limit and one; far beyond it numbers could not be counted with.
        amounts.push(Math.min(limit + 1, amountOf(budget, capped, pricing.get(budget) ?? [], value)));
      }
      const outgoing = metered ? capped.body : request.body;
      const taking = take(exchange, bindings, amounts, { capped, pricing, value, parsed });
      return taking === undefined ? outgoing : taking.then(() => outgoing);
    },
    reserveCall(exchange, { name, price, principal }) {
      const bindings = bindingsFor(price > 0 ? ofPricedCalls : ofRequests, principal, name);
      if (bindings.length === 0) return undefined;
      const amounts = bindings.map(({ budget, limit }) =>
        budget.what === "requests" ? 1 : Math.min(limit + 1, price),
      );
      return take(exchange, bindings, amounts, undefined);
    },
  };

  /** Reserves the amounts, of all budgets or of none, and gives the exchange its lease. @throws `gateway.budget-exceeded` */
  function take(
    exchange: Exchange,
    bindings: readonly Binding[],
    amounts: readonly number[],
    request: LeasedRequest | undefined,
  ): Promise<void> | undefined {
    const demands: Demand[] = [];
    for (let index = 0; index < bindings.length; index++) {
      const { budget, counter, limit } = bindings[index] as Binding;
      const amount = amounts[index] as number;
      demands.push({ counter, window: budget.window, limit, amount, chargeIfLost: budget.onLost === "charge" });
    }
    // An exchange reserves once, so that its name serves for its reservation.
    const reserving = accounts.reserve(demands, exchange.id);
    const give = (reserved: Reserved): undefined => {
      const { grant, balances, fromEscrow } = reserved;
      const headers = budgetHeaders(bindings, balances, clock.now());
      exchange.budget = new BudgetLease({ accounts, grant, bindings, amounts, fromEscrow, request, headers });
      if (grant === undefined) throw exceeded(bindings, amounts, reserved, clock.now());
    };
    return reserving instanceof Promise ? reserving.then(give) : give(reserving);
  }
}

const NO_PRICES: ReadonlyMap<BudgetConfig, readonly Price[]> = new Map();
const UNCAPPED: Capped = { worst: { input: 0, output: 0, audio: false }, body: Buffer.alloc(0), dropUsage: false };

/** The prices that a budget of money counts with: of every upstream that may be asked. @throws `gateway.price-unknown` */
function pricingFor(
  bindings: readonly Binding[],
  { models, parsed }: BudgetRequest,
  prices: Prices,
): ReadonlyMap<BudgetConfig, readonly Price[]> {
  if (!bindings.some(({ budget }) => budget.what === "money")) return NO_PRICES;
  const pricing = new Map<BudgetConfig, readonly Price[]>();
  for (const { budget } of bindings) {
    if (budget.what !== "money") continue;
    const known = (models.length === 0 ? [parsed.model] : models).map((model) => {
      const price = prices.of(model) ?? (budget.onUnknownPrice === "default" ? prices.fallback : undefined);
      // The name is the client's own text, and may be anything: it is not said again.
      if (price === undefined) throw gatewayError("gateway.price-unknown", { detail: `budget ${budget.name}` });
      return price;
    });
    pricing.set(budget, known);
  }
  return pricing;
}

/** The most that a request can take of a budget. */
function amountOf({ what }: BudgetConfig, { worst }: Capped, pricing: readonly Price[], value: unknown): number {
  if (what === "requests") return 1;
  if (what === "tokens") return worst.input + worst.output;
  let most = 0;
  for (const price of pricing) {
    most = Math.max(most, mostOf(price, worst.input, worst.output, surchargeOf(price, value), worst.audio));
  }
  return most;
}

/** The refusal: of the budget that will have room last. */
function exceeded(
  bindings: readonly Binding[],
  amounts: readonly number[],
  { balances, fromEscrow }: Reserved,
  now: number,
): Error {
  const short = bindings.flatMap(({ budget, limit }, index) => {
    const [amount, balance] = [amounts[index] as number, balances[index] as Balance];
    if (amount <= balance.left) return [];
    // What others have reserved is partly free again as soon as their requests end, and counters that are away come back.
    const soon = balance.spent + amount <= limit;
    return [{ budget, limit, amount, balance, wait: amount > limit ? Infinity : soon ? now : balance.endsAt }];
  });
  const [worst] = short.toSorted((one, other) => (one.wait === other.wait ? 0 : other.wait - one.wait));
  if (worst === undefined) return gatewayError("gateway.budget-exceeded");
  const { budget, limit, amount, balance, wait } = worst;
  const say = (units: number): string => sayAmount(budget.what, units);
  return gatewayError("gateway.budget-exceeded", {
    detail:
      `${budget.name}: ${say(balance.left)} of ${say(balance.limit)} left` +
      `${fromEscrow ? " of what this instance booked ahead" : ""}, and the request may take ${amount > limit ? "more than all of it" : say(amount)}`,
    ...(Number.isFinite(wait) ? { retryAfter: secondsUntil(wait, now) } : {}),
  });
}

/** An amount for people: `1,200 tokens`, `0.02 USD`. */
export function sayAmount(what: BudgetConfig["what"], units: number): string {
  if (what !== "money") return `${grouped(units)} ${units === 1 ? what.slice(0, -1) : what}`;
  const [whole, fraction] = [
    Math.floor(units / MICRO),
    String(units % MICRO)
      .padStart(6, "0")
      .replace(/0+$/, ""),
  ];
  return `${grouped(whole)}${fraction === "" ? "" : `.${fraction}`} USD`;
}

function grouped(whole: number): string {
  return whole.toLocaleString("en-US");
}
