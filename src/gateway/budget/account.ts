/**
 * What this replica knows of one counter: pure bookkeeping, without a clock and without a network.
 *
 * `own` grows with what this replica spent; `said` is how much of it the shared counter has confirmed. `spent` and
 * `reserved` are of all replicas, as last seen. All of it is of one window and of one epoch of the shared counter; in
 * another epoch, which knows nothing of the one before, what was last seen becomes the `base`, and what was not said the
 * new `own` (`storage`, quotas).
 *
 * @module
 */

import type { CounterState, Window } from "../../storage/index.ts";

export interface Account {
  readonly counter: string;
  readonly window: Window;
  start: number;
  /** The epoch that the rest is of; undefined: of none that is known. */
  epoch: string | undefined;
  base: number;
  own: number;
  said: number;
  spent: number;
  reserved: number;
  /** What this replica may spend by itself while the shared counters are away, and how much of it is taken. */
  share: { readonly allowance: number; taken: number } | undefined;
  /** Reservations that are not settled. */
  live: number;
  /** When it was last used, in milliseconds on the clock that never steps. */
  usedAt: number;
}

export function newAccount(counter: string, window: Window, start: number): Account {
  return {
    counter,
    window,
    start,
    epoch: undefined,
    base: 0,
    own: 0,
    said: 0,
    spent: 0,
    reserved: 0,
    share: undefined,
    live: 0,
    usedAt: 0,
  };
}

/** Begins a later window, in which nothing is spent yet. An earlier one changes nothing. */
export function roll(account: Account, start: number): void {
  if (start <= account.start) return;
  Object.assign(account, { start, base: 0, own: 0, said: 0, spent: 0, reserved: 0, share: undefined });
}

/** Moves the account into an epoch; nothing where it is in that one. */
export function enterEpoch(account: Account, epoch: string): void {
  if (account.epoch === epoch) return;
  account.base = account.spent;
  account.own -= account.said;
  account.said = 0;
  account.epoch = epoch;
}

/** Takes what the shared counter answered when it was told `own`. */
export function see(account: Account, state: CounterState, epoch: string, own: number): void {
  roll(account, state.start);
  if (state.start !== account.start || account.epoch !== epoch) return;
  account.said = Math.max(account.said, own);
  account.spent = Math.max(account.spent, state.spent);
  account.reserved = state.reserved;
}

/** What is spent as far as this replica knows: by all as last seen, and by itself since then. */
export function spentOf(account: Account): number {
  return account.spent + account.own - account.said;
}

/**
 * Takes `amounts` from the shares of all accounts, or from none. Each share is fixed when it is first asked for: a part of
 * what was left as last seen, with all that was reserved then counted as gone.
 */
export function takeShares(
  accounts: readonly Account[],
  claims: readonly { readonly limit: number; readonly amount: number }[],
  part: number,
): boolean {
  accounts.forEach((account, index) => {
    const left = (claims[index]?.limit ?? 0) - account.spent - account.reserved;
    account.share ??= { allowance: Math.floor(Math.max(0, left) * part), taken: 0 };
  });
  const amountOf = (index: number): number => claims[index]?.amount ?? 0;
  const fits = accounts.every(({ share }, index) => {
    return share !== undefined && share.taken + amountOf(index) <= share.allowance;
  });
  if (!fits) return false;
  accounts.forEach(({ share }, index) => {
    if (share !== undefined) share.taken += amountOf(index);
  });
  return true;
}
