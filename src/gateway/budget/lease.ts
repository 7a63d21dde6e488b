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

import type { TextSpan } from "../../guard/index.ts";
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
  /** Header fields that say what is left. */
  readonly headers: Readonly<Record<string, string>>;
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
  readonly #parts: LeaseParts;
  #meter: Meter | undefined;
  /** The texts of a whole answer, in case it says no usage. */
  #answer: readonly TextSpan[] | undefined;
  #settled: { readonly by: SettledBy; readonly amounts: readonly number[] } | undefined;
  #records: readonly BudgetRecord[] | undefined;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** Header fields that say what is left. */
  get headers(): Readonly<Record<string, string>> {
    return this.#parts.headers;
  }

  /** Counts what a stream writes. */
  get meter(): Meter {
    return (this.#meter ??= new Meter());
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

  /** A whole answer came; its texts are counted if it says no usage. */
  answered(spans: readonly TextSpan[]): void {
    this.#answer = spans;
  }

  /** Settles it by what is known of the exchange. Settling again does nothing, and there is nothing to wait for. */
  settle(exchange: Exchange): Promise<void> | undefined {
    const { accounts, bindings, grant } = this.#parts;
    if (grant === undefined || this.#settled !== undefined) return undefined;
    const used = this.#used(exchange);
    const amounts: number[] = [];
    for (let index = 0; index < bindings.length; index++) amounts.push(this.#charge(index, used, exchange));
    this.#settled = { by: used.by, amounts };
    return accounts.settle(grant, amounts);
  }

  /** For the receipt. */
  get records(): readonly BudgetRecord[] {
    if (this.#records !== undefined) return this.#records;
    const { bindings, amounts, fromEscrow } = this.#parts;
    const records = bindings.map(({ budget: { name, what } }, index): BudgetRecord => ({
      by: this.#settled === undefined ? null : what === "requests" ? "usage" : this.#settled.by,
      counter: fromEscrow ? "escrow" : "shared",
      name,
      reserved: amounts[index] as number,
      settled: this.#settled?.amounts[index] ?? null,
      what,
    }));
    // Nothing of them changes any more.
    if (this.#settled !== undefined) this.#records = records;
    return records;
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
    if (usage !== undefined && (outcome === "served" || this.#answer !== undefined)) return { by: "usage", usage };
    if (outcome !== "served" && stream !== true && this.#answer === undefined) {
      return { by: "reservation", usage: NOTHING };
    }
    // Reads every character, so only where no usage says it.
    if (this.#answer !== undefined) this.meter.whole(this.#answer);
    const estimate = { inputTokens: inputEstimate(request), outputTokens: this.meter.estimate };
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

  /** What it is charged of the budget at `index`. */
  #charge(index: number, { by, usage }: Used, exchange: Exchange): number {
    const { amounts, bindings, request } = this.#parts;
    const { budget } = bindings[index] as Binding;
    if (budget.what === "requests") return 1;
    if (by === "nothing") return 0;
    if (by === "reservation" || request === undefined) return amounts[index] as number;
    if (budget.what === "tokens") return usage.inputTokens + usage.outputTokens;
    const { capped, pricing, parsed, value } = request;
    let most = 0;
    for (const price of pricesUsed(pricing.get(budget) ?? [], parsed.model, exchange)) {
      most = Math.max(most, costOf(price, usage, surchargeOf(price, value), capped.worst.audio));
    }
    return most;
  }
}

/** The input of a request, rather too high; never above what was reserved for it. */
function inputEstimate({ parsed, capped }: LeasedRequest): number {
  return Math.min(capped.worst.input, Math.ceil(estimateTokens(parsed.spans, parsed.unscanned) * SAFETY));
}

/** The price of the upstream that answered, where its model is known; else all that it might be. */
function pricesUsed(prices: readonly Price[], model: string, { upstream }: Exchange): readonly Price[] {
  const asked = upstream?.asked ?? model;
  if (prices.every(({ names }) => names.includes(asked))) return prices;
  const used = prices.filter(({ names }) => names.includes(asked));
  return used.length === 0 ? prices : used;
}
