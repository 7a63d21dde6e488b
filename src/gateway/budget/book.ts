/**
 * The bookings of this replica: how one is asked for, and how it is settled, also when nobody answers.
 *
 * A booking has a name that is used once. Where a call was not answered it may be done, now or later, so that it is settled
 * under that name, and nothing is ever booked under it again but by its renewal.
 *
 * @module
 */

import { windowAt, type QuotaAnswer } from "../../storage/index.ts";
import { newAccount, type Account, type Demand, type Grant } from "./account.ts";
import type { AccountsOptions } from "./accounts.ts";
import { isSpendable, type Escrow } from "./escrow.ts";
import type { Link } from "./link.ts";
import type { Marks } from "./marks.ts";

export interface Book {
  readonly options: AccountsOptions;
  readonly link: Link;
  readonly marks: Marks;
  readonly accounts: Map<string, Account>;
  /** Granted, and not settled. */
  readonly live: Set<Grant>;
  /** Ended, or not answered: to be settled when the counters are back. */
  readonly unsettled: Set<Grant>;
  /** Escrows that nothing is taken out of any more, to be settled. */
  readonly retired: Set<Escrow>;
}

/** Settlements that wait for the counters to come back at most; beyond it their leases end by themselves. */
const MOST_WAITING = 10_000;

/** A reservation as it will be, once it is granted: by itself, from now on. */
export function bookingOf(book: Book, id: string, demands: readonly Demand[]): Grant {
  const { clock, leaseMs } = book.options;
  const starts: number[] = [];
  for (const demand of demands) starts.push(accountOf(book, demand).start);
  return {
    id,
    demands,
    starts,
    epoch: book.link.epoch,
    escrows: NO_ESCROWS,
    booked: true,
    endsAt: clock.monotonic() + leaseMs,
  };
}

const NO_ESCROWS: Grant["escrows"] = [];

/**
 * Asks for a booking, or for more time for it. A promise where others must be asked, or something must be known before.
 *
 * @throws `storage.counters-unavailable`, the database's errors
 */
export function ask(book: Book, { id, demands, epoch }: Grant): QuotaAnswer | Promise<QuotaAnswer> {
  const accounts = accountsOf(book, demands);
  const reserve = (): QuotaAnswer | Promise<QuotaAnswer> => book.link.call("reserve", epoch, id, demands, accounts);
  const preparing = epoch === undefined ? undefined : prepare(book, epoch, demands, accounts);
  return preparing === undefined ? reserve() : preparing.then((moved) => moved ?? reserve());
}

/** Makes accounts ready for a booking in an epoch. Undefined: they are. Resolves with the answer that it is over. */
function prepare(
  book: Book,
  epoch: string,
  demands: readonly Demand[],
  accounts: readonly Account[],
): Promise<QuotaAnswer | undefined> | undefined {
  if (accounts.some((account) => account.epoch !== epoch)) return lookAndPrepare(book, epoch, demands, accounts);
  const waiting: Promise<void>[] = [];
  for (let index = 0; index < accounts.length; index++) {
    const ready = book.marks.ready(accounts[index] as Account, epoch, demands[index] as Demand);
    if (ready !== undefined) waiting.push(ready);
  }
  return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
}

async function lookAndPrepare(
  book: Book,
  epoch: string,
  demands: readonly Demand[],
  accounts: readonly Account[],
): Promise<QuotaAnswer | undefined> {
  const unseen = accounts.filter((account) => account.epoch !== epoch);
  const seen = await book.link.call("report", epoch, "", unseen.map(lookAt), unseen);
  if (seen.status === "moved") return seen;
  await Promise.all(
    accounts.map(async (account, index) => await book.marks.ready(account, epoch, demands[index] as Demand)),
  );
  return undefined;
}

/** Settles a booking, now or when the counters are back. Undefined: it is settled. */
export function settle(book: Book, grant: Grant): Promise<void> | undefined {
  // One of another epoch counts as spent already, and nobody knows of it by its name.
  if (grant.epoch !== book.link.epoch) return undefined;
  const wait = (): void => {
    if (book.unsettled.size < MOST_WAITING) book.unsettled.add(grant);
  };
  if (book.link.away) {
    wait();
    return undefined;
  }
  const sent = book.link.orAway(callSettle(book, grant));
  if (!(sent instanceof Promise)) return undefined;
  return sent.then((answer) => {
    if (answer === undefined) wait();
  });
}

/** Settles all that waits, but for escrows that something not yet booked was taken out of. @throws as `ask` */
export async function settleWaiting(book: Book): Promise<void> {
  for (const grant of book.unsettled) {
    if (grant.epoch === book.link.epoch) await callSettle(book, grant);
    book.unsettled.delete(grant);
  }
  for (const escrow of book.retired) {
    if (escrow.grant.epoch === book.link.epoch) {
      if ([...book.live].some(({ booked, escrows }) => !booked && escrows.includes(escrow))) continue;
      await callSettle(book, escrow.grant);
    }
    book.retired.delete(escrow);
  }
}

/** Ends an escrow here: nothing is taken out of it from now on. Its booking is settled with what waits. */
export function retire(book: Book, account: Account): void {
  if (account.escrow !== undefined) book.retired.add(account.escrow);
  account.escrow = undefined;
}

/** Whether an escrow may still be spent. */
export function isSpendableNow({ options: { clock, leaseMs } }: Book, escrow: Escrow): boolean {
  return isSpendable(escrow, clock.monotonic(), clock.now(), leaseMs);
}

export function accountsOf(book: Book, demands: readonly Demand[]): readonly Account[] {
  const accounts: Account[] = [];
  for (const demand of demands) accounts.push(accountOf(book, demand));
  return accounts;
}

function accountOf(book: Book, demand: Demand): Account {
  return book.accounts.get(demand.counter) ?? bareAccount(book, demand);
}

/** An account of which nothing is known. Its window is a guess by the local clock. */
export function bareAccount({ options }: Book, demand: Demand): Account {
  return newAccount(demand, windowAt(demand.window, options.clock.now()).start);
}

/** A claim that only looks. */
export function lookAt({ asked }: Account): Demand {
  return { ...asked, limit: 0, amount: 0 };
}

function callSettle(book: Book, { id, demands, epoch }: Grant): QuotaAnswer | Promise<QuotaAnswer> {
  return book.link.call("settle", epoch, id, demands, accountsOf(book, demands));
}
