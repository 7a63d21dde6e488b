/**
 * The accounts of this replica with the shared counters: reserve, settle, and what happens while they are away.
 *
 * **Away** is when a call was not answered, and when the counters forgot what they knew. From then on reservations come
 * out of this replica's share: of each budget a part of what was left as last seen, fixed for as long as this lasts, never
 * more. A few times a second the replica tries to come back: it says what it has spent, registers the reservations that
 * are still open and settles those that ended meanwhile. Only when all of that was taken does it count with the others
 * again. All of it is said as totals, so that what was said twice counts once.
 *
 * What was left «as last seen» is at most a second old for budgets in use. What other replicas reserved within that second
 * may be given out once more; it is the one way past a limit, and the shares bound it.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";

import { isHoldfastError, uuidv7, type Clock } from "../../core/index.ts";
import { windowAt, type Claim, type Counters, type Db, type QuotaAnswer, type Window } from "../../storage/index.ts";
import { enterEpoch, newAccount, roll, see, spentOf, takeShares, type Account } from "./account.ts";
import { findSpend, forgetSpend, hasSpend, saveSpend } from "./store.ts";

/** What a request may use of one counter. */
export interface Demand {
  readonly counter: string;
  readonly window: Window;
  readonly limit: number;
  readonly amount: number;
  readonly chargeIfLost: boolean;
}

/** A reservation that was granted. */
export interface Grant {
  readonly id: string;
  readonly demands: readonly Demand[];
  /** The windows that it counts in, by their start. */
  readonly starts: readonly number[];
  /** It came out of this replica's share. */
  readonly fromShare: boolean;
  /** The epoch in which the shared counters know it. */
  epoch: string | undefined;
  renewAt: number;
}

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
  readonly fromShare: boolean;
  /** In the order of the demands. */
  readonly balances: readonly Balance[];
}

export interface AccountsOptions {
  readonly counters: Counters;
  readonly db: Db;
  readonly clock: Clock;
  readonly log: { warn(message: string, fields?: object): void; info(message: string, fields?: object): void };
  /** This replica's part of what is left while the counters are away. Default: one over the replicas last seen. */
  readonly share?: number | undefined;
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
/** Rounds in which what came in meanwhile is told too; the rest is told with the next talk. */
const ROUNDS = 10;
/** Counters that were used within this time are looked at in every talk. */
const FRESH_MS = 5_000;
/** Counters in one call. */
const CHUNK = 64;
/** Settlements that wait for the counters to come back at most; beyond it their leases end by themselves. */
const MOST_WAITING = 10_000;
/** Accounts before those are looked for that say nothing any more; doubles with what is in use. */
const SWEEP_AT = 1_024;

export class Accounts {
  readonly #options: AccountsOptions;
  readonly #holder = uuidv7();
  readonly #accounts = new Map<string, Account>();
  readonly #loading = new Map<string, Promise<Account>>();
  readonly #live = new Set<Grant>();
  readonly #unsettled = new Set<Grant>();
  readonly #unsaved = new Set<Account>();
  #saving: Promise<void> | undefined;
  #saveTimer: NodeJS.Timeout | undefined;
  #epoch: string | undefined;
  #holders = 1;
  #away: { readonly why: string } | undefined;
  #sweepAt = SWEEP_AT;
  #timer: NodeJS.Timeout | undefined;
  #talking: Promise<void> | undefined;
  #closed = false;
  /** No spend is known of any earlier time. */
  #nothingBefore = false;

  private constructor(options: AccountsOptions) {
    this.#options = options;
  }

  /** Opens the accounts. The shared counters may be away. */
  static async open(options: AccountsOptions): Promise<Accounts> {
    const accounts = new Accounts(options);
    await forgetSpend(options.db, options.clock.now());
    accounts.#nothingBefore = !(await hasSpend(options.db));
    await accounts.talk();
    return accounts;
  }

  /** True while this replica spends out of its share. */
  get away(): boolean {
    return this.#away !== undefined;
  }

  /** This replica's part of every limit while the shared counters are away. */
  get share(): number {
    return this.#options.share ?? 1 / this.#holders;
  }

  /** Reserves what is demanded, of all counters or of none. @throws the database's errors */
  async reserve(demands: readonly Demand[]): Promise<Reserved> {
    const { clock, leaseMs } = this.#options;
    const accounts = await Promise.all(demands.map((demand) => this.#account(demand)));
    const now = clock.monotonic();
    for (const account of accounts) account.usedAt = now;
    const id = uuidv7();
    const asked = this.#away === undefined;
    while (this.#away === undefined) {
      const answer = await this.#orAway(() => this.#call("reserve", id, demands, accounts));
      if (answer === undefined) break;
      if (answer.status === "recovering") {
        // They answer, and will know all within seconds: that is better than a share of what nobody knows yet.
        await delay(WAIT_MS);
        continue;
      }
      const starts = answer.counters.map(({ start }) => start);
      const { epoch } = answer;
      const grant = { id, demands, starts, fromShare: false, epoch, renewAt: now + leaseMs / 3 };
      if (answer.status === "done") this.#granted(grant);
      const balances = this.#balances(demands, accounts);
      return { grant: answer.status === "done" ? grant : undefined, fromShare: false, balances };
    }
    for (const account of accounts) roll(account, windowAt(account.window, clock.now()).start);
    const fits = takeShares(accounts, demands, this.share);
    const starts = accounts.map(({ start }) => start);
    const grant = { id, demands, starts, fromShare: true, epoch: undefined, renewAt: now };
    if (fits) this.#granted(grant);
    // A call that was not answered may have reserved it all the same.
    else if (asked) this.#unsettled.add(grant);
    return { grant: fits ? grant : undefined, fromShare: true, balances: this.#balances(demands, accounts) };
  }

  /**
   * Ends a reservation: `spent` counts, in the order of the demands, and the rest is free again. Where no other process
   * counts along it is durable when this resolves, or within `saveWithinMs`. Settling twice does nothing.
   */
  async settle(grant: Grant, spent: readonly number[]): Promise<void> {
    if (!this.#live.delete(grant)) return;
    const accounts = grant.demands.map(({ counter }) => this.#accounts.get(counter));
    accounts.forEach((account, index) => {
      if (account === undefined) return;
      account.live--;
      if (account.start !== grant.starts[index]) return;
      const amount = spent[index] ?? 0;
      account.own += amount;
      const over = amount - (grant.demands[index]?.amount ?? 0);
      // What was reserved with the others counts as gone already, unless more than that was used.
      if (account.share !== undefined) account.share.taken += grant.fromShare ? over : Math.max(0, over);
    });
    await this.#sendSettlement(grant);
    const { counters, saveWithinMs } = this.#options;
    if (counters.shared) return;
    if (saveWithinMs === undefined) await this.#save();
    else this.#saveTimer ??= setTimeout(() => void this.#save(), saveWithinMs).unref();
  }

  /** How the counters of a grant stand now. */
  balancesOf({ demands }: Grant): readonly Balance[] {
    const accounts = demands.map(({ counter }) => this.#accounts.get(counter));
    return this.#balances(
      demands,
      accounts.map((account, index) => {
        const { counter, window } = demands[index] as Demand;
        return account ?? newAccount(counter, window, windowAt(window, this.#options.clock.now()).start);
      }),
    );
  }

  /** Says what is not said and saves what is not saved. Reservations that are still open stay with the counters. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#saveTimer);
    await this.#talking;
    if (this.#options.counters.shared) await this.#exchangeAll().catch(() => undefined);
    await this.#save();
  }

  #granted(grant: Grant): Grant {
    this.#live.add(grant);
    for (const { counter } of grant.demands) {
      const account = this.#accounts.get(counter);
      if (account !== undefined) account.live++;
    }
    return grant;
  }

  async #sendSettlement(grant: Grant): Promise<void> {
    if (this.#away === undefined) {
      const sent = await this.#orAway(() => this.#callSettle(grant));
      if (sent !== undefined) return;
    }
    // Registered nowhere, or where nobody answers now.
    if (this.#unsettled.size < MOST_WAITING) this.#unsettled.add(grant);
  }

  #callSettle(grant: Grant): Promise<QuotaAnswer> {
    const accounts = grant.demands.map((demand) => this.#accounts.get(demand.counter) ?? this.#bare(demand));
    return this.#call("settle", grant.id, grant.demands, accounts);
  }

  #bare({ counter, window }: Demand): Account {
    return newAccount(counter, window, windowAt(window, this.#options.clock.now()).start);
  }

  async #account(demand: Demand): Promise<Account> {
    const known = this.#accounts.get(demand.counter);
    if (known !== undefined) return known;
    let loading = this.#loading.get(demand.counter);
    if (loading === undefined) {
      loading = this.#load(demand).finally(() => this.#loading.delete(demand.counter));
      this.#loading.set(demand.counter, loading);
    }
    return await loading;
  }

  async #load(demand: Demand): Promise<Account> {
    const account = this.#bare(demand);
    account.usedAt = this.#options.clock.monotonic();
    const saved = await findSpend(this.#options.db, demand.counter);
    if (saved !== undefined && saved.window === demand.window && saved.start === account.start) {
      account.spent = saved.spent;
      account.epoch = saved.epoch;
    }
    this.#sweep();
    this.#accounts.set(demand.counter, account);
    return account;
  }

  /** Forgets accounts of windows that are over, and of counters that came to nothing. */
  #sweep(): void {
    if (this.#accounts.size < this.#sweepAt) return;
    const { clock } = this.#options;
    const old = clock.monotonic() - FRESH_MS;
    for (const [name, account] of this.#accounts) {
      const over = windowAt(account.window, account.start).end <= clock.now();
      const unused = account.usedAt < old && account.live === 0 && !this.#unsaved.has(account);
      if (unused && account.share === undefined && (over || spentOf(account) === 0)) this.#accounts.delete(name);
    }
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#accounts.size);
  }

  /** One call to the counters, told and answered in the current epoch. @throws `storage.counters-unavailable` */
  async #call(
    op: "reserve" | "register" | "settle" | "report",
    lease: string,
    demands: readonly Demand[],
    accounts: readonly Account[],
  ): Promise<QuotaAnswer> {
    for (;;) {
      const epoch = this.#epoch;
      const claims = demands.map((demand, index): Claim => {
        const account = accounts[index] as Account;
        if (epoch !== undefined) enterEpoch(account, epoch);
        const { start, base, own } = account;
        return { ...demand, known: epoch === undefined ? undefined : { start, base, own } };
      });
      const { counters, leaseMs } = this.#options;
      const answer = await counters.quota({
        op,
        holder: this.#holder,
        epoch,
        lease,
        ttlMs: leaseMs,
        claims,
        nothingBefore: this.#nothingBefore,
      });
      this.#holders = answer.holders;
      this.#epoch = answer.epoch;
      if (answer.status === "moved") {
        this.#nothingBefore = false;
        this.#leave("they forgot what they knew");
        continue;
      }
      answer.counters.forEach((state, index) => {
        const account = accounts[index] as Account;
        const before = account.spent;
        see(account, state, answer.epoch, claims[index]?.known?.own ?? 0);
        if (account.spent > 0 && account.spent !== before) this.#unsaved.add(account);
      });
      return answer;
    }
  }

  /** What `ask` answers, or undefined when the counters are away from now on. */
  async #orAway<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!isHoldfastError(error, "storage.counters-unavailable")) throw error;
      this.#leave("they do not answer");
      return undefined;
    }
  }

  #leave(why: string): void {
    if (this.#away !== undefined) return;
    this.#away = { why };
    const { log } = this.#options;
    log.warn(`budgets: the shared counters are away, ${why}: this instance spends at most its share of what is left`, {
      share: this.share,
      instances: this.#holders,
    });
    this.#schedule(RETRY_MS);
  }

  #return(): void {
    if (this.#away === undefined) return;
    this.#away = undefined;
    for (const account of this.#accounts.values()) account.share = undefined;
    this.#options.log.info("budgets: the shared counters are back, and know what was spent meanwhile");
  }

  #schedule(ms: number): void {
    if (this.#closed || !this.#options.counters.shared) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.talk().catch((error: unknown) => {
        // Closed by another hand, or a defect: the next reservation meets it too, and tells its caller.
        const code = isHoldfastError(error) ? error.code : "an error that is not the counters'";
        this.#options.log.warn("budgets: talking with the shared counters failed", { error: code });
        if (isHoldfastError(error, "storage.closed")) this.#closed = true;
      });
    }, ms).unref();
  }

  /** Talks with the shared counters now, rather than within the second. */
  async talk(): Promise<void> {
    this.#talking ??= this.#talkOnce().finally(() => {
      this.#talking = undefined;
      this.#schedule(this.#away === undefined ? TALK_MS : RETRY_MS);
    });
    await this.#talking;
  }

  async #talkOnce(): Promise<void> {
    await this.#orAway(() => this.#exchangeAll());
    await this.#save();
  }

  /** Tells the counters all that they do not know, and learns how they stand; then this replica counts with them. */
  async #exchangeAll(): Promise<void> {
    const { clock, leaseMs } = this.#options;
    for (let round = 1; ; round++) {
      const now = clock.monotonic();
      const all = [...this.#accounts.values()].filter((account) => {
        return this.#away !== undefined || account.own > account.said || now - account.usedAt < FRESH_MS;
      });
      let { status } = await this.#call("report", "", [], []);
      for (let at = 0; at < all.length; at += CHUNK) {
        const accounts = all.slice(at, at + CHUNK);
        ({ status } = await this.#call("report", "", accounts.map(lookAt), accounts));
      }
      for (const grant of this.#unsettled) {
        await this.#callSettle(grant);
        this.#unsettled.delete(grant);
      }
      for (const grant of this.#live) {
        if (grant.epoch === this.#epoch && clock.monotonic() < grant.renewAt) continue;
        const accounts = grant.demands.map((demand) => this.#accounts.get(demand.counter) ?? this.#bare(demand));
        const { epoch } = await this.#call("register", grant.id, grant.demands, accounts);
        grant.epoch = epoch;
        grant.renewAt = clock.monotonic() + leaseMs / 3;
        // It ended while it was registered.
        if (!this.#live.has(grant)) this.#unsettled.add(grant);
      }
      if (status === "recovering") return;
      const complete = [...this.#live].every(({ epoch }) => epoch === this.#epoch) && this.#unsettled.size === 0;
      if (!complete && round < ROUNDS) continue;
      this.#return();
      return;
    }
  }

  #balances(demands: readonly Demand[], accounts: readonly Account[]): readonly Balance[] {
    return demands.map(({ limit }, index) => {
      const account = accounts[index] as Account;
      const spent = spentOf(account);
      const { share, reserved } = account;
      const left = share === undefined ? limit - spent - reserved : share.allowance - share.taken;
      return {
        limit,
        spent,
        reserved: account.reserved,
        left: Math.max(0, left),
        endsAt: windowAt(account.window, account.start).end,
      };
    });
  }

  /** Saves what was seen. Resolves when all that was unsaved at the call is durable, or could not be saved. */
  async #save(): Promise<void> {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    await this.#saving;
    if (this.#unsaved.size === 0) return;
    this.#saving ??= this.#saveOnce().finally(() => {
      this.#saving = undefined;
    });
    await this.#saving;
  }

  async #saveOnce(): Promise<void> {
    const all = [...this.#unsaved].filter(({ epoch }) => epoch !== undefined);
    this.#unsaved.clear();
    try {
      await saveSpend(
        this.#options.db,
        all.map((account) => ({ ...account, epoch: account.epoch as string })),
      );
    } catch (error) {
      for (const account of all) this.#unsaved.add(account);
      const code = isHoldfastError(error) ? error.code : "an error that is not the database's";
      this.#options.log.warn("budgets: what was spent could not be saved", { error: code });
    }
  }
}

/** A claim that only looks. */
function lookAt({ counter, window }: Account): Demand {
  return { counter, window, limit: 0, amount: 0, chargeIfLost: false };
}
