/**
 * The accounts of this replica with the shared counters: reserve, settle, and what happens while they are away.
 *
 * **Away** is when a call was not answered, and when the counters forgot what they knew (`link.ts`). From then on requests are
 * granted out of what this replica had booked before, its escrow, and out of nothing else (`escrow.ts`). A few times a second
 * the replica tries to come back: it says what it has spent, registers what it granted meanwhile and settles what ended. Only
 * when all of that was taken does it count with the others again, and gives back the escrow that it took from. All of it is
 * said as totals, so that what was said twice counts once.
 *
 * **No more than the budget**, then, since whatever is spent was booked: by its request, or in the escrow that it came out of.
 * A booking ends when its replica settled it, and had said what was spent of it; or when it expired. With `onLost: charge` it
 * counts as spent then. With `free` that is the one way past a limit: what was reserved by a replica that died, or was cut off
 * from the counters for longer than `leaseMs`. A call that was not answered may have been done: it is settled later under its
 * own name, which is used once. What counters forgot counts as spent (`marks.ts`).
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

import { isHoldfastError, uuidv7, type Clock } from "../../core/index.ts";
import { windowAt, type Counters, type Db, type QuotaAnswer } from "../../storage/index.ts";
import { spentOf, type Account, type Demand, type Grant } from "./account.ts";
import {
  accountsOf,
  ask,
  bareAccount,
  bookingOf,
  isSpendableNow,
  retire,
  settle,
  settleWaiting,
  type Book,
} from "./book.ts";
import { leftIn, takeEscrows } from "./escrow.ts";
import { exchange, FRESH_MS, tendEscrows } from "./exchange.ts";
import { Link } from "./link.ts";
import { Marks } from "./marks.ts";

/** How a counter stands, after a reservation or a refusal. */
export interface Balance {
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
  /** What may still be reserved. */
  readonly left: number;
  /** When its window ends, in milliseconds since the epoch. */
  readonly endsAt: number;
}

export interface Reserved {
  /** Undefined when it was refused. */
  readonly grant: Grant | undefined;
  /** It came out of this replica's escrow, or had no room in it. */
  readonly fromEscrow: boolean;
  /** In the order of the demands. */
  readonly balances: readonly Balance[];
}

export interface AccountsOptions {
  readonly counters: Counters;
  readonly db: Db;
  readonly clock: Clock;
  readonly log: { warn(message: string, fields?: object): void; info(message: string, fields?: object): void };
  /** How long a reservation outlives the gateway that made it, in milliseconds. */
  readonly leaseMs: number;
  /** Where no other process counts along: what is settled is on disk within this time. Default: before it is settled. */
  readonly saveWithinMs?: number | undefined;
}

/** Between two talks with the shared counters, in milliseconds: with them, and without. */
const TALK_MS = 1_000;
const RETRY_MS = 200;
/** Between two questions to counters that are about to know all again, in milliseconds. */
const WAIT_MS = 100;
/** How often a reservation is asked for again: in a new window, with a higher mark, and without the own escrow. */
const TURNS = 6;
/** Accounts before those are looked for that say nothing any more; doubles with what is in use. */
const SWEEP_AT = 1_024;

export class Accounts {
  readonly #options: AccountsOptions;
  readonly #book: Book;
  #sweepAt = SWEEP_AT;
  #timer: NodeJS.Timeout | undefined;
  #talking: Promise<void> | undefined;
  #closed = false;
  /** Why the last talk failed: it is logged once. */
  #failed: string | undefined;

  private constructor(options: AccountsOptions) {
    this.#options = options;
    const marks = new Marks(options);
    const link = new Link(
      options,
      (account) => marks.note(account),
      () => this.#schedule(RETRY_MS),
    );
    const nothing = { accounts: new Map(), live: new Set<Grant>(), unsettled: new Set<Grant>() };
    this.#book = { options, link, marks, ...nothing, retired: new Set() };
  }

  /** Opens the accounts. The shared counters may be away. */
  static async open(options: AccountsOptions): Promise<Accounts> {
    const accounts = new Accounts(options);
    const { link, marks } = accounts.#book;
    link.nothingBefore = await marks.open();
    await accounts.talk();
    return accounts;
  }

  /** True while this replica spends out of its escrow. */
  get away(): boolean {
    return this.#book.link.away;
  }

  /** Replicas that count together, as last seen. */
  get replicas(): number {
    return this.#book.link.replicas;
  }

  /**
   * Reserves what is demanded, of all counters or of none. `id` names the reservation, and no other ever. A promise where
   * something is to be waited for.
   *
   * @throws the database's errors
   */
  reserve(demands: readonly Demand[], id = uuidv7()): Reserved | Promise<Reserved> {
    const { link } = this.#book;
    const accounts: Account[] = [];
    for (const demand of demands) accounts.push(this.#account(demand));
    if (link.away) return this.#takeEscrows(id, demands, accounts);
    const booking = bookingOf(this.#book, id, demands);
    const asked = link.orAway(ask(this.#book, booking));
    if (asked instanceof Promise || asked?.status !== "done") return this.#reserveOn(booking, asked, accounts);
    return this.#booked(booking, asked, accounts);
  }

  /** Goes on with a reservation that was asked for, until it is granted or refused. */
  async #reserveOn(
    first: Grant,
    asked: QuotaAnswer | undefined | Promise<QuotaAnswer | undefined>,
    accounts: readonly Account[],
  ): Promise<Reserved> {
    const { link, unsettled } = this.#book;
    const { demands, id } = first;
    let booking = first;
    let answer = await asked;
    for (let turn = 1; ; turn++) {
      if (answer === undefined) {
        // It may be booked all the same. What is granted out of the escrow instead goes by the same name.
        const reserved = this.#takeEscrows(id, demands, accounts);
        if (reserved.grant === undefined) unsettled.add(booking);
        return reserved;
      }
      if (answer.status === "moved") break;
      if (answer.status === "recovering") {
        // They answer, and will know all within seconds.
        await delay(WAIT_MS);
      } else {
        const mayMakeRoom = answer.status !== "done" && turn < TURNS;
        if (!mayMakeRoom || !(await this.#canMakeRoom(booking, accounts, answer))) {
          return this.#booked(booking, answer, accounts);
        }
      }
      if (link.away) break;
      booking = bookingOf(this.#book, id, demands);
      answer = await link.orAway(ask(this.#book, booking));
    }
    return this.#takeEscrows(id, demands, accounts);
  }

  /** What the counters made of a booking. */
  #booked(booking: Grant, answer: QuotaAnswer, accounts: readonly Account[]): Reserved {
    const grant = answer.status === "done" ? this.#granted(inWindowsOf(booking, answer)) : undefined;
    return { grant, fromEscrow: false, balances: this.#balances(booking.demands, accounts) };
  }

  /**
   * Ends a reservation: `spent` counts, in the order of the demands, and the rest is free again. Where no other process
   * counts along it is durable when this resolves, or within `saveWithinMs`. Settling twice does nothing. Undefined: there
   * is nothing to wait for.
   */
  settle(grant: Grant, spent: readonly number[]): Promise<void> | undefined {
    const { accounts, link, live } = this.#book;
    if (!live.delete(grant)) return undefined;
    for (let index = 0; index < grant.demands.length; index++) {
      const { counter, amount } = grant.demands[index] as Demand;
      const used = spent[index] ?? 0;
      const account = accounts.get(counter);
      const escrow = grant.escrows[index];
      if (escrow !== undefined) escrow.taken += used - amount;
      // What was booked by itself is gone already, unless more than that was used.
      else if (account?.escrow !== undefined && link.away) account.escrow.taken += Math.max(0, used - amount);
      if (account === undefined) continue;
      account.live--;
      if (account.start !== grant.starts[index]) continue;
      // All that was booked in another epoch counts as spent already.
      account.own += account.epoch === grant.epoch ? used : Math.max(0, used - amount);
    }
    const settling = settle(this.#book, grant);
    return settling === undefined ? this.#save() : settling.then(() => this.#save());
  }

  /** Saves what was settled, where no other process counts along. */
  #save(): Promise<void> | undefined {
    const { counters, saveWithinMs } = this.#options;
    if (counters.shared) return undefined;
    if (saveWithinMs === undefined) return this.#book.marks.save();
    this.#book.marks.saveWithin(saveWithinMs);
    return undefined;
  }

  /** How the counters of a grant stand now. */
  balancesOf({ demands }: Grant): readonly Balance[] {
    return this.#balances(demands, accountsOf(this.#book, demands));
  }

  /** Says what is not said, gives escrows back, and saves what is not saved. Open reservations stay with the counters. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#talking;
    const { accounts, marks } = this.#book;
    if (this.#options.counters.shared) {
      for (const account of accounts.values()) retire(this.#book, account);
      await exchange(this.#book).catch(() => undefined);
    }
    await marks.save();
  }

  /** Talks with the shared counters now, rather than within the second. */
  async talk(): Promise<void> {
    this.#talking ??= this.#talkOnce().finally(() => {
      this.#talking = undefined;
      this.#schedule(this.away ? RETRY_MS : TALK_MS);
    });
    await this.#talking;
  }

  async #talkOnce(): Promise<void> {
    await this.#book.link.orAway(this.#exchange());
    await this.#book.marks.save();
  }

  async #exchange(): Promise<void> {
    await exchange(this.#book);
    if (this.#options.counters.shared && !this.#closed) await tendEscrows(this.#book);
  }

  #schedule(ms: number): void {
    if (this.#closed || !this.#options.counters.shared) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.talk().then(
        () => (this.#failed = undefined),
        (error: unknown) => {
          // The database's, closed by another hand, or a defect: the next reservation meets it too, and tells its caller.
          const code = isHoldfastError(error) ? error.code : "an error that is not the counters'";
          if (code !== this.#failed) {
            this.#options.log.warn("budgets: talking with the shared counters failed", { error: code });
          }
          this.#failed = code;
          if (isHoldfastError(error, "storage.closed")) this.#closed = true;
        },
      );
    }, ms).unref();
  }

  #account(demand: Demand): Account {
    const { accounts } = this.#book;
    let account = accounts.get(demand.counter);
    if (account === undefined) {
      this.#sweep();
      account = bareAccount(this.#book, demand);
      accounts.set(demand.counter, account);
    }
    account.usedAt = this.#options.clock.monotonic();
    return account;
  }

  /** Forgets accounts of windows that are over, and of counters that came to nothing. */
  #sweep(): void {
    const { accounts, marks } = this.#book;
    if (accounts.size < this.#sweepAt) return;
    const { clock } = this.#options;
    const old = clock.monotonic() - FRESH_MS;
    for (const [name, account] of accounts) {
      const over = windowAt(account.window, account.start).end <= clock.now();
      const unused = account.usedAt < old && account.live === 0 && !marks.isUnsaved(account);
      if (unused && account.escrow === undefined && (over || spentOf(account) === 0)) accounts.delete(name);
    }
    this.#sweepAt = Math.max(SWEEP_AT, 2 * accounts.size);
  }

  #granted(grant: Grant): Grant {
    this.#book.live.add(grant);
    const accounts = accountsOf(this.#book, grant.demands);
    for (let index = 0; index < accounts.length; index++) {
      const account = accounts[index] as Account;
      const demand = grant.demands[index] as Demand;
      account.live++;
      account.pace += demand.amount;
      account.asked = demand;
    }
    return grant;
  }

  /** Grants it out of the escrows, or refuses it. */
  #takeEscrows(id: string, demands: readonly Demand[], accounts: readonly Account[]): Reserved {
    const escrows = takeEscrows(accounts, demands, (escrow) => isSpendableNow(this.#book, escrow));
    if (escrows === undefined) {
      return { grant: undefined, fromEscrow: true, balances: this.#balances(demands, accounts) };
    }
    const booking = bookingOf(this.#book, id, demands);
    const starts = escrows.map((escrow, index) => escrow?.grant.starts[0] ?? (booking.starts[index] as number));
    const epoch = escrows.find((escrow) => escrow !== undefined)?.grant.epoch ?? booking.epoch;
    const grant = this.#granted({ ...booking, starts, epoch, escrows, booked: false });
    return { grant, fromEscrow: true, balances: this.#balances(demands, accounts) };
  }

  /** Whether a refusal need not be the last word: asked again, there may be room. */
  async #canMakeRoom({ demands, starts }: Grant, accounts: readonly Account[], answer: QuotaAnswer): Promise<boolean> {
    // In another window it is to be looked anew; and where only the mark was too low, that is raised.
    if (answer.counters.some(({ start }, index) => start !== starts[index])) return true;
    const short = answer.counters.map(({ spent, reserved }, index) => {
      const { limit, amount } = demands[index] as Demand;
      return spent + reserved + amount > limit;
    });
    if (!short.includes(true)) return true;
    const held = accounts.filter(({ escrow }, index) => short[index] === true && escrow !== undefined);
    for (const account of held) retire(this.#book, account);
    if (held.length > 0) await this.#book.link.orAway(settleWaiting(this.#book));
    return held.length > 0;
  }

  #balances(demands: readonly Demand[], accounts: readonly Account[]): readonly Balance[] {
    const balances: Balance[] = [];
    for (let index = 0; index < demands.length; index++) {
      const { limit } = demands[index] as Demand;
      const account = accounts[index] as Account;
      const spent = spentOf(account);
      const { reserved } = account;
      const left = (this.away ? 0 : limit - spent - reserved) + leftIn(account);
      const endsAt = windowAt(account.window, account.start).end;
      balances.push({ limit, spent, reserved, left: Math.max(0, left), endsAt });
    }
    return balances;
  }
}

/** A booking that was done, in the windows in which the counters count it. */
function inWindowsOf(booking: Grant, { counters }: QuotaAnswer): Grant {
  if (counters.every(({ start }, index) => start === booking.starts[index])) return booking;
  return { ...booking, starts: counters.map(({ start }) => start) };
}
