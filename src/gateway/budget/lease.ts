/**
 * The part of one exchange in its budgets: what was reserved for it, what it used, and the settlement between the two.
 *
 * | what is known when it ends | what it is charged of tokens and money |
 * |---|---|
 * | no upstream was asked, or none took the request | nothing |
 * | the upstream said its usage, and the answer was whole | that usage |
 * | a stream that broke off, was cut or left by its client | the usage said so far, or what was written by an estimate that errs high, whichever is more |
 * | a whole answer without usage | an estimate that errs high |
 * | the upstream was asked, and what became of it is not known | all that was reserved |
 * | a call that has one price was taken by its server | that price, which was reserved |
 *
 * @module
 */

import type { Exchange } from "../receipt/receipt.ts";
import { estimateTokens, type ParsedRequest, type Usage } from "../wire/index.ts";
import type { Grant } from "./account.ts";
import type { Accounts } from "./accounts.ts";
import type { Binding } from "./bind.ts";
import type { Capped } from "./cap.ts";
import type { BudgetConfig } from "./config.ts";
import { Meter, SAFETY } from "./meter.ts";
import { costOf, surchargeOf, type Price } from "./prices.ts";

/** How it was known what an exchange used. */
export type SettledBy = "usage" | "estimate" | "reservation" | "nothing";

/** One budget in a receipt. */
export interface BudgetRecord {
  readonly by: SettledBy | null;
  /** Booked for it with the counters, or out of what this instance had booked ahead. */
  readonly counter: "shared" | "escrow";
  readonly name: string;
  readonly reserved: number;
  /** Null where the request was refused, or is not settled. */
  readonly settled: number | null;
  readonly what: BudgetConfig["what"];
}

interface LeaseParts {
  readonly accounts: Accounts;
  /** Undefined: it was refused. */
  readonly grant: Grant | undefined;
  readonly bindings: readonly Binding[];
  readonly amounts: readonly number[];
  readonly fromEscrow: boolean;
  /** Undefined for a call that has one price, which is what was reserved. */
  readonly request: LeasedRequest | undefined;
}

/** A request to a model, whose usage is known when it ends. */
export interface LeasedRequest {
  readonly capped: Capped;
  readonly pricing: ReadonlyMap<BudgetConfig, readonly Price[]>;
  readonly value: unknown;
  readonly parsed: ParsedRequest;
}

/** What an exchange used. */
interface Used {
  readonly by: SettledBy;
  readonly usage: Usage;
}

/** Errors after which it is certain that no upstream took the request. */
const NOT_TAKEN: ReadonlySet<string> = new Set([
  "gateway.upstream-unreachable",
  "gateway.upstream-address",
  "gateway.upstream-circuit-open",
  "gateway.upstream-busy",
]);

const NOTHING: Usage = { inputTokens: 0, outputTokens: 0 };

export class BudgetLease {
  readonly meter = new Meter();
  /** Header fields that say what is left. */
  headers: Readonly<Record<string, string>> = {};
  readonly #parts: LeaseParts;
  #answered = false;
  #settled: { readonly by: SettledBy; readonly amounts: readonly number[] } | undefined;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** The usage that a stream says is not to reach the client, who did not ask for it. */
  get dropUsage(): boolean {
    return this.#parts.request?.capped.dropUsage === true;
  }

  /** True when an upstream has certainly written more than was reserved for it. */
  get isOver(): boolean {
    const { bindings, request } = this.#parts;
    const metered = bindings.some(({ budget }) => budget.what !== "requests");
    return metered && request !== undefined && this.meter.least > request.capped.worst.output;
  }

  /** The budgets that are over when {@link isOver}. */
  get names(): string {
    const metered = this.#parts.bindings.filter(({ budget }) => budget.what !== "requests");
    return metered.map(({ budget }) => budget.name).join(", ");
  }

  /** A whole answer came; its texts were counted, in case it says no usage. */
  answered(spans: Parameters<Meter["whole"]>[0]): void {
    this.#answered = true;
    this.meter.whole(spans);
  }

  /** Settles it by what is known of the exchange. Settling again does nothing. */
  async settle(exchange: Exchange): Promise<void> {
    const { accounts, bindings, grant } = this.#parts;
    if (grant === undefined || this.#settled !== undefined) return;
    const used = this.#used(exchange);
    const amounts = bindings.map((binding, index) => this.#charge(binding, index, used, exchange));
    this.#settled = { by: used.by, amounts };
    await accounts.settle(grant, amounts);
  }

  /** For the receipt. */
  get records(): readonly BudgetRecord[] {
    const { bindings, amounts, fromEscrow } = this.#parts;
    return bindings.map(({ budget: { name, what } }, index) => ({
      by: this.#settled === undefined ? null : what === "requests" ? "usage" : this.#settled.by,
      counter: fromEscrow ? "escrow" : "shared",
      name,
      reserved: amounts[index] as number,
      settled: this.#settled?.amounts[index] ?? null,
      what,
    }));
  }

  #used({ attempts = [], error, outcome, stream, upstream, usage }: Exchange): Used {
    if (upstream === undefined) return { by: "nothing", usage: NOTHING };
    const status = upstream.status;
    if (status === undefined) {
      // It was asked and did not answer: it may have done all the work.
      const taken = !NOT_TAKEN.has(upstream.error ?? error ?? "");
      return taken ? { by: "reservation", usage: NOTHING } : this.#lostAttempts(attempts);
    }
    if (status < 200 || status > 299) return this.#lostAttempts(attempts);
    const { request } = this.#parts;
    if (request === undefined) return { by: "reservation", usage: NOTHING };
    const estimate = { inputTokens: inputEstimate(request), outputTokens: this.meter.estimate };
    if (outcome === "served") return usage === undefined ? { by: "estimate", usage: estimate } : { by: "usage", usage };
    if (usage !== undefined && this.#answered) return { by: "usage", usage };
    if (stream !== true && !this.#answered) return { by: "reservation", usage: NOTHING };
    const most = {
      ...usage,
      inputTokens: usage === undefined ? estimate.inputTokens : usage.inputTokens,
      outputTokens: Math.max(usage?.outputTokens ?? 0, estimate.outputTokens),
    };
    return { by: "estimate", usage: most };
  }

  /** No upstream took the request in the end; one that was asked before may have. */
  #lostAttempts(attempts: NonNullable<Exchange["attempts"]>): Used {
    const taken = attempts.some(({ error, status }) => status === undefined && !NOT_TAKEN.has(error ?? ""));
    return { by: taken ? "reservation" : "nothing", usage: NOTHING };
  }

  #charge({ budget }: Binding, index: number, { by, usage }: Used, exchange: Exchange): number {
    const { amounts, request } = this.#parts;
    if (budget.what === "requests") return 1;
    if (by === "nothing") return 0;
    if (by === "reservation" || request === undefined) return amounts[index] as number;
    if (budget.what === "tokens") return usage.inputTokens + usage.outputTokens;
    const { capped, pricing, parsed, value } = request;
    const prices = pricesUsed(pricing.get(budget) ?? [], parsed.model, exchange);
    return Math.max(...prices.map((price) => costOf(price, usage, surchargeOf(price, value), capped.worst.audio)));
  }
}

/** The input of a request, rather too high; never above what was reserved for it. */
function inputEstimate({ parsed, capped }: LeasedRequest): number {
  return Math.min(capped.worst.input, Math.ceil(estimateTokens(parsed.spans, parsed.unscanned) * SAFETY));
}

/** The price of the upstream that answered, where its model is known; else all that it might be. */
function pricesUsed(prices: readonly Price[], model: string, { upstream }: Exchange): readonly Price[] {
  const asked = upstream?.asked ?? model;
  const used = prices.filter(({ names }) => names.includes(asked));
  return used.length === 0 ? prices : used;
}
