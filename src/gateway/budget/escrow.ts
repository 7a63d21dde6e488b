/**
 * Escrow: what a replica has booked ahead with the shared counters, to be spent while they are away. Pure: no clock, no
 * network.
 *
 * It is a reservation like any other, which the replica made for itself: the others cannot spend it, it expires when its
 * replica dies, and it is free or charged then, as `onLost` says. While the counters are away requests are granted out of it
 * and out of nothing else. Hence no budget is exceeded, whoever is cut off from whom and for how long.
 *
 * **Clocks.** The counters end it `leaseMs` after they took it. The replica counts the same time from before it asked, on the
 * clock that never steps, and leaves a tenth of it out, since no two clocks run alike: it has stopped spending before its
 * booking can end.
 *
 * **How much.** What the replica reserved in about the last ten seconds, so that it bridges an outage of some length, and at
 * most a quarter of what is left, divided by the replicas. So it is nothing where little is left; it is given back when the
 * counter is not used; and never is more than a quarter of a budget out of the reach of others.
 *
 * @module
 */

import { windowAt } from "../../storage/index.ts";
import type { Account, Demand, Grant } from "./account.ts";

export interface Escrow {
  /** The booking: of one counter. */
  readonly grant: Grant;
  readonly amount: number;
  taken: number;
}

/** Of what is left, all replicas together hold at most this part. */
const PART = 1 / 4;
/** Of what was reserved a second ago counts this part: all of it together is that of ten seconds. */
export const FADE = 0.9;
/** Of a booking's time, the part in which it is spent. */
const SAFE = 0.9;

/** Whether it may still be spent. `now` on the clock that never steps, `wall` in milliseconds since the epoch. */
export function isSpendable({ grant }: Escrow, now: number, wall: number, leaseMs: number): boolean {
  const [demand] = grant.demands;
  if (demand === undefined || now >= grant.endsAt - leaseMs * (1 - SAFE)) return false;
  // In the next window nothing is booked.
  return grant.starts[0] === windowAt(demand.window, wall).start;
}

/** What is left in the escrow of an account. */
export function leftIn({ escrow }: Account): number {
  return escrow === undefined ? 0 : Math.max(0, escrow.amount - escrow.taken);
}

/**
 * Takes the amounts out of the escrows of all accounts, or out of none. Undefined: it was none. A demand for nothing needs no
 * escrow.
 */
export function takeEscrows(
  accounts: readonly Account[],
  demands: readonly Demand[],
  spendable: (escrow: Escrow) => boolean,
): readonly (Escrow | undefined)[] | undefined {
  const escrows = accounts.map(({ escrow }) => (escrow !== undefined && spendable(escrow) ? escrow : undefined));
  const epochs = new Set(escrows.flatMap((escrow) => (escrow === undefined ? [] : [escrow.grant.epoch])));
  const fits = demands.every(({ amount }, index) => {
    const escrow = escrows[index];
    return escrow === undefined ? amount === 0 : escrow.taken + amount <= escrow.amount;
  });
  // What is taken at once is booked in one epoch: in another all of it would count as spent already, or none.
  if (!fits || epochs.size > 1) return undefined;
  escrows.forEach((escrow, index) => {
    if (escrow !== undefined) escrow.taken += demands[index]?.amount ?? 0;
  });
  return escrows;
}

/** How much an account that is in use should hold, among so many replicas: nothing, where that would not do for a request. */
export function escrowFor(account: Account, replicas: number): number {
  const left = account.asked.limit - account.spent - account.reserved + (account.escrow?.amount ?? 0);
  const { amount } = account.asked;
  const wanted = Math.min(Math.floor((left * PART) / replicas), Math.max(amount, Math.ceil(account.pace)));
  return wanted < amount ? 0 : Math.max(0, wanted);
}

/** Whether the difference is worth two calls. */
export function isFar(held: number, wanted: number): boolean {
  return wanted < held / 2 || wanted > held * 1.5;
}
