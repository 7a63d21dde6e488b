/**
 * What a replica and the shared counters tell each other every second, and how it comes back when they were away.
 *
 * @module
 */

import { uuidv7 } from "../../core/index.ts";
import type { Account, Demand, Grant } from "./account.ts";
import { accountsOf, ask, bookingOf, isSpendableNow, lookAt, retire, settleWaiting, type Book } from "./book.ts";
import { escrowFor, FADE, isFar, type Escrow } from "./escrow.ts";

/** Counters that were used within this time are looked at in every talk, and have an escrow. */
export const FRESH_MS = 5_000;
/** Rounds in which what came in meanwhile is told too; the rest is told with the next talk. */
const ROUNDS = 10;
/** Counters in one call, and calls at a time. */
const CHUNK = 64;
/** Of a booking's time, what is left of it when it is renewed. */
const RENEW = 2 / 3;

/**
 * Tells the counters all that they do not know, and learns how they stand; then this replica counts with them.
 *
 * @throws `storage.counters-unavailable`, the database's errors
 */
export async function exchange(book: Book): Promise<void> {
  const { link } = book;
  for (let round = 1; round <= ROUNDS; round++) {
    const { status } = await link.call("report", link.epoch, "", [], []);
    const { epoch } = link;
    if (status === "moved" || epoch === undefined) continue;
    await report(book, epoch);
    // First what was taken out of escrows is booked by itself, then the escrows are given back.
    for (const grant of book.live) await register(book, grant, epoch);
    await settleWaiting(book);
    if (status === "recovering") return;
    const complete = [...book.live].every((grant) => grant.booked || grant.epoch !== epoch);
    if (epoch !== link.epoch || !complete || (book.unsettled.size > 0 && round < ROUNDS)) continue;
    link.return();
    return;
  }
}

/** Brings every escrow to the size that it should have. @throws as `exchange` */
export async function tendEscrows(book: Book): Promise<void> {
  for (const accounts of chunks([...book.accounts.values()])) {
    if (book.link.away) return;
    await Promise.all(accounts.map((account) => tend(book, account)));
  }
  await settleWaiting(book);
}

/** Says what was spent and asks how all stand; while they are away of every account, else of those in use. */
async function report(book: Book, epoch: string): Promise<void> {
  const { link, marks, options } = book;
  const now = options.clock.monotonic();
  const all = [...book.accounts.values()].filter((account) => {
    return link.away || account.own > account.said || now - account.usedAt < FRESH_MS;
  });
  for (const accounts of chunks(all)) {
    const say = () => link.call("report", epoch, "", accounts.map(lookAt), accounts);
    await say();
    if (!link.away) continue;
    await Promise.all(accounts.map(async (account) => await marks.ready(account, epoch, { amount: 0, limit: 0 })));
    await say();
  }
}

/** Books what was granted out of an escrow by itself, and renews what goes on for long. */
async function register(book: Book, grant: Grant, epoch: string): Promise<void> {
  const { clock, leaseMs } = book.options;
  const now = clock.monotonic();
  if (grant.epoch !== epoch || (grant.booked && now < grant.endsAt - leaseMs * RENEW)) return;
  const { status } = await book.link.call("register", epoch, grant.id, grant.demands, accountsOf(book, grant.demands));
  if (status === "moved") return;
  Object.assign(grant, { booked: true, endsAt: now + leaseMs });
  // It ended while it was registered.
  if (!book.live.has(grant)) book.unsettled.add(grant);
}

async function tend(book: Book, account: Account): Promise<void> {
  const { link, options } = book;
  const now = options.clock.monotonic();
  account.pace *= FADE;
  const { escrow } = account;
  const held = escrow?.amount ?? 0;
  const wanted = now - account.usedAt < FRESH_MS ? escrowFor(account, link.replicas) : 0;
  // What was taken out of it is booked by itself, or said, since the counters are back.
  const isOver =
    escrow !== undefined && (escrow.taken > 0 || escrow.grant.epoch !== link.epoch || !isSpendableNow(book, escrow));
  if (escrow !== undefined && !isOver && !isFar(held, wanted)) {
    if (now >= escrow.grant.endsAt - options.leaseMs * RENEW) await renew(book, account, escrow);
    return;
  }
  // What is to be less is given back first, so that it does not stand in its own way.
  if (isOver || wanted < held) {
    retire(book, account);
    await settleWaiting(book);
  }
  if (wanted > 0) await hold(book, account, wanted);
}

/** Books an escrow, in the place of the one that is there. */
async function hold(book: Book, account: Account, amount: number): Promise<void> {
  const demands: readonly Demand[] = [{ ...account.asked, amount }];
  const booking = bookingOf(book, uuidv7(), demands);
  const answer = await book.link.orAway(ask(book, booking));
  // Not answered is not refused: it may be booked.
  if (answer === undefined) book.unsettled.add(booking);
  if (answer?.status !== "done") return;
  retire(book, account);
  account.escrow = { grant: { ...booking, starts: answer.counters.map(({ start }) => start) }, amount, taken: 0 };
}

/** Asks for more time, as for a new booking: where the old one has ended, its room may be another's. */
async function renew(book: Book, account: Account, escrow: Escrow): Promise<void> {
  const { clock, leaseMs } = book.options;
  const endsAt = clock.monotonic() + leaseMs;
  const answer = await book.link.orAway(ask(book, escrow.grant));
  // It was given back while it was renewed, and may be there again.
  if (account.escrow !== escrow) book.retired.add(escrow);
  else if (answer?.status === "done") escrow.grant.endsAt = endsAt;
  else if (answer !== undefined) retire(book, account);
}

function chunks<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, at) => all.slice(at * CHUNK, (at + 1) * CHUNK));
}
