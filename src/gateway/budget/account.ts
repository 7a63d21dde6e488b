/**
 * What this replica knows of one counter: pure bookkeeping, without a clock and without a network.
 *
 * `own` grows with what this replica spent; `said` is how much of it the shared counter has confirmed. `spent` and
 * `reserved` are of all replicas, as last seen. All of it is of one window and of one epoch of the shared counter; of
 * what was before that epoch only a bound is known, its `base` (`storage`, quotas; `marks.ts`).
 *
 * @module
 */

import type { CounterState, Window } from "../../storage/index.ts";
import type { Escrow } from "./escrow.ts";

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
  /** The epoch in which its amounts are booked, be it by itself or in the escrows. Another one counts them as spent. */
  readonly epoch: string | undefined;
  /** What it was taken out of, in the order of the demands; empty: it was booked by itself. */
  readonly escrows: readonly (Escrow | undefined)[];
  /** The shared counters know it by its own id. */
  booked: boolean;
  /** Before this they do not end it, in milliseconds on the clock that never steps. */
  endsAt: number;
}

export interface Account {
  readonly counter: string;
  readonly window: Window;
  start: number;
  /** The epoch that the rest is of; undefined: of none that is known. */
  epoch: string | undefined;
  /** Booked by all before this epoch, at most. */
  base: number;
  /** As much may be booked by all, says the database; undefined: it was not asked yet. */
  mark: number | undefined;
  own: number;
  said: number;
  spent: number;
  reserved: number;
  /** Booked ahead, for when the shared counters are away. */
  escrow: Escrow | undefined;
  /** What was reserved in the last seconds, the earlier the less of it. */
  pace: number;
  /** What was granted of it last. What is refused says nothing of what it is used for. */
  asked: Demand;
  /** Reservations that are not settled. */
  live: number;
  /** When it was last used, in milliseconds on the clock that never steps. */
  usedAt: number;
}

/** What is known of a window that has just begun. */
const NOTHING = { base: 0, mark: undefined, own: 0, said: 0, spent: 0, reserved: 0 };

export function newAccount(asked: Demand, start: number): Account {
  const { counter, window } = asked;
  const unused = { epoch: undefined, escrow: undefined, pace: 0, live: 0, usedAt: 0 };
  return { counter, window, start, asked, ...NOTHING, ...unused };
}

/** Whether it may be booked in that epoch: what was before is known, and a bound is set. */
export function isEntered(account: Account, epoch: string): boolean {
  return account.epoch === epoch && account.mark !== undefined;
}

/** Begins an epoch, or a window. All that was before counts in the base. */
export function enter(
  account: Account,
  epoch: string,
  { base, mark }: { readonly base: number; readonly mark: number },
): void {
  Object.assign(account, NOTHING, { epoch, base, mark, spent: base });
}

/** Takes what the shared counter answered when it was told so much. */
export function see(
  account: Account,
  state: CounterState,
  epoch: string,
  told: { readonly start: number; readonly own: number } | undefined,
): void {
  // The counters say in which window they are, by their clock: the local one was a guess until now.
  if (account.epoch !== epoch) account.start = state.start;
  else if (state.start > account.start) Object.assign(account, NOTHING, { start: state.start });
  if (account.epoch !== epoch || state.start !== account.start) return;
  if (told?.start === account.start) account.said = Math.max(account.said, told.own);
  account.spent = Math.max(account.spent, state.spent);
  account.reserved = state.reserved;
}

/** What is spent as far as this replica knows: by all as last seen, and by itself since then. */
export function spentOf(account: Account): number {
  return account.spent + account.own - account.said;
}
