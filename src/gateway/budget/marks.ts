/**
 * Marks: what the database knows of each budget, so that a Redis may lose its memory.
 *
 * **Written ahead.** Nothing is booked with shared counters beyond the counter's mark in the database, and a mark is durable
 * before anything is booked under it. So whatever replicas had booked, spent and not said, or held when they died: it is
 * within the mark. When the counters begin a new epoch, all up to the mark counts as spent: nobody has to remember, and
 * nobody must be waited for. Of what is left a sixteenth is marked ahead, so that few bookings wait for the database, and no
 * more than that is lost with the memory.
 *
 * The database is asked about an epoch after it began, so that it has the mark of the last booking before it. This needs
 * all that share counters to share the database too.
 *
 * @module
 */

import { isHoldfastError } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";
import { enter, isEntered, type Account, type Demand } from "./account.ts";
import type { AccountsOptions } from "./accounts.ts";
import { enterPeriod, forgetSpend, hasSpend, raiseMark, saveSpend } from "./store.ts";

/** Of what is left, this part is marked ahead. */
const AHEAD = 1 / 16;
/** How often a mark is asked for that was overtaken in between: by another epoch, or by others' bookings. */
const TRIES = 3;

/** What is to be booked, under which limit. */
type Need = Pick<Demand, "amount" | "limit">;

export class Marks {
  readonly #options: AccountsOptions;
  readonly #db: Db;
  readonly #asking = new Map<Account, Promise<void>>();
  readonly #unsaved = new Set<Account>();
  #saving: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AccountsOptions) {
    this.#options = options;
    this.#db = options.db;
  }

  /** Forgets what is over. True when no spend is known of any earlier time. */
  async open(): Promise<boolean> {
    await forgetSpend(this.#db, this.#options.clock.now());
    return !(await hasSpend(this.#db));
  }

  /**
   * Makes an account ready for a booking in an epoch that has begun: its base known, and its mark no lower than the amount
   * needs, as far as it was seen. Where that cannot be had, the booking will be refused. Undefined: it is ready.
   */
  ready(account: Account, epoch: string, demand: Need): Promise<void> | undefined {
    if (!this.#isReady(account, epoch, demand)) return this.#makeReady(account, epoch, demand);
    this.#markAhead(account, epoch, demand);
    return undefined;
  }

  /** Notes that more is spent, to be saved. */
  note(account: Account): void {
    this.#unsaved.add(account);
  }

  /** Whether something of it is to be saved. */
  isUnsaved(account: Account): boolean {
    return this.#unsaved.has(account);
  }

  /** Saves within so many milliseconds. */
  saveWithin(ms: number): void {
    this.#timer ??= setTimeout(() => void this.save(), ms).unref();
  }

  /** Saves what was seen. Resolves when all that was unsaved at the call is durable, or could not be saved. */
  async save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#saving;
    if (this.#unsaved.size === 0) return;
    this.#saving ??= this.#saveOnce().finally(() => {
      this.#saving = undefined;
    });
    await this.#saving;
  }

  async #makeReady(account: Account, epoch: string, demand: Need): Promise<void> {
    for (let turn = 0; turn < TRIES && !this.#isReady(account, epoch, demand); turn++) {
      await this.#ask(account, epoch, demand);
    }
    this.#markAhead(account, epoch, demand);
  }

  /** Before the others have to wait for it. Where it fails they will, and will hear of it. */
  #markAhead(account: Account, epoch: string, demand: Need): void {
    if (this.#isNearMark(account, demand)) this.#ask(account, epoch, demand).catch(() => undefined);
  }

  #isReady(account: Account, epoch: string, demand: Need): boolean {
    if (!isEntered(account, epoch)) return false;
    const booked = bookedWith(account, demand);
    return booked > demand.limit || booked <= (account.mark as number);
  }

  /** Half of what was marked ahead is booked, and there is more. */
  #isNearMark(account: Account, demand: Need): boolean {
    if (account.mark === undefined || this.#asking.has(account)) return false;
    const booked = bookedWith(account, demand);
    const ahead = markFor(booked, demand.limit);
    return booked <= demand.limit && ahead > account.mark && account.mark - booked < (ahead - booked) / 2;
  }

  /** One question about an account at a time: who comes meanwhile waits for its answer, and looks again. */
  async #ask(account: Account, epoch: string, demand: Need): Promise<void> {
    const asked =
      this.#asking.get(account) ??
      this.#enterOrRaise(account, epoch, demand).finally(() => {
        this.#asking.delete(account);
      });
    this.#asking.set(account, asked);
    await asked;
  }

  async #enterOrRaise(account: Account, epoch: string, demand: Need): Promise<void> {
    const { counter, window, start } = account;
    const period = { counter, window, start, epoch };
    if (isEntered(account, epoch)) {
      const mark = await raiseMark(this.#db, period, markFor(bookedWith(account, demand), demand.limit));
      if (account.start === start && account.epoch === epoch) account.mark = mark;
      return;
    }
    const found = await enterPeriod(this.#db, period);
    if (account.start !== start) return;
    const { base, mark } = found ?? { base: 0, mark: 0 };
    // Counters of this process are gone with it, and every spend is on disk before it counts.
    enter(account, epoch, { base, mark: this.#options.counters.shared ? mark : Number.MAX_SAFE_INTEGER });
  }

  async #saveOnce(): Promise<void> {
    const all = [...this.#unsaved].filter(({ epoch }) => epoch !== undefined);
    this.#unsaved.clear();
    try {
      await saveSpend(
        this.#db,
        all.map((account) => ({ ...account, epoch: account.epoch as string })),
      );
    } catch (error) {
      for (const account of all) this.#unsaved.add(account);
      const code = isHoldfastError(error) ? error.code : "an error that is not the database's";
      this.#options.log.warn("budgets: what was spent could not be saved", { error: code });
    }
  }
}

/** The mark for so much that is booked. */
function markFor(booked: number, limit: number): number {
  return booked + Math.max(0, Math.floor((limit - booked) * AHEAD));
}

/** What is booked by all as last seen, and what a demand adds to it. */
function bookedWith({ spent, reserved }: Account, { amount }: Need): number {
  return spent + reserved + amount;
}
