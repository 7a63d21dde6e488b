/**
 * The line from this replica to the shared counters: one call at a time is told and answered in one epoch, and whether they
 * are *away*: a call was not answered, or they forgot what they knew.
 *
 * @module
 */

import { isHoldfastError, uuidv7 } from "../../core/index.ts";
import type { Claim, CounterState, QuotaAnswer, QuotaCall } from "../../storage/index.ts";
import { see, type Account, type Demand } from "./account.ts";
import type { AccountsOptions } from "./accounts.ts";

export class Link {
  /** The epoch of the counters, as last heard. */
  epoch: string | undefined;
  /** Replicas that called them within the last minute. */
  replicas = 1;
  /** No spend is known of any earlier time. */
  nothingBefore = false;
  readonly #options: AccountsOptions;
  readonly #holder = uuidv7();
  readonly #onSpent: (account: Account) => void;
  readonly #onAway: () => void;
  #away = false;

  constructor(options: AccountsOptions, onSpent: (account: Account) => void, onAway: () => void) {
    this.#options = options;
    this.#onSpent = onSpent;
    this.#onAway = onAway;
  }

  get away(): boolean {
    return this.#away;
  }

  /**
   * One call, in the epoch that the caller takes it to be; a promise where others must be asked. Nothing is booked beyond an
   * account's mark, and nothing of one that has not entered the epoch.
   *
   * @throws `storage.counters-unavailable`
   */
  call(
    op: QuotaCall["op"],
    epoch: string | undefined,
    lease: string,
    demands: readonly Demand[],
    accounts: readonly Account[],
  ): QuotaAnswer | Promise<QuotaAnswer> {
    const claims: Claim[] = [];
    for (let index = 0; index < demands.length; index++) {
      const { counter, window, limit: most, amount, chargeIfLost } = demands[index] as Demand;
      const account = accounts[index] as Account;
      const { start, base, own, mark = 0 } = account;
      // What was spent is always said: a settlement that did not would give back more than is free.
      const known = epoch !== undefined && account.epoch === epoch ? { start, base, own } : undefined;
      const limit = known === undefined ? 0 : Math.min(most, mark);
      claims.push({ counter, window, amount, chargeIfLost, limit, known });
    }
    const { counters, leaseMs } = this.#options;
    const call = { op, holder: this.#holder, epoch, lease, ttlMs: leaseMs, claims, nothingBefore: this.nothingBefore };
    if (!counters.shared && counters.atOnce !== undefined) {
      return this.#hear(counters.atOnce.quota(call), accounts, claims);
    }
    return counters.quota(call).then((answer) => this.#hear(answer, accounts, claims));
  }

  #hear(answer: QuotaAnswer, accounts: readonly Account[], claims: readonly Claim[]): QuotaAnswer {
    this.replicas = answer.holders;
    this.epoch = answer.epoch;
    if (answer.status === "moved") {
      this.nothingBefore = false;
      this.#leave("they forgot what they knew");
      return answer;
    }
    for (let index = 0; index < answer.counters.length; index++) {
      const account = accounts[index] as Account;
      const before = account.spent;
      see(account, answer.counters[index] as CounterState, answer.epoch, claims[index]?.known);
      if (account.spent > 0 && account.spent !== before) this.#onSpent(account);
    }
    return answer;
  }

  /** What was asked for, or undefined when the counters are away from now on. What is there already was answered. */
  orAway<T>(asked: T | Promise<T>): T | undefined | Promise<T | undefined> {
    if (!(asked instanceof Promise)) return asked;
    return asked.catch((error: unknown) => {
      if (!isHoldfastError(error, "storage.counters-unavailable")) throw error;
      this.#leave("they do not answer");
      return undefined;
    });
  }

  return(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#options.log.info("budgets: the shared counters are back, and know what was spent meanwhile");
  }

  #leave(why: string): void {
    if (this.#away) return;
    this.#away = true;
    this.#options.log.warn(`budgets: the shared counters are away, ${why}: this instance spends what it booked ahead`, {
      instances: this.replicas,
    });
    this.#onAway();
  }
}
