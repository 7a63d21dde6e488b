/**
 * Quotas: amounts that are reserved before work, and settled after it, under limits in windows of the calendar. Several
 * counters at once, all or none, in one step.
 *
 * A counter knows what was *spent* in its window and what is *reserved* by leases that are not settled. A reservation is
 * granted only where spent + reserved + amount is within the limit of every counter. A lease whose holder died ends by
 * its time to live; what it held is free again, or counts as spent where the claim says so.
 *
 * **Nothing counts twice.** A holder never says «add 5»: it says «I have spent 12 in this window so far», and the counter
 * keeps the highest that each holder said (a grow-only counter). A call whose answer was lost may be made again.
 *
 * **Nothing is forgotten.** A server that may have lost some of its memory starts a new *epoch*: it is empty, it was started
 * again, or another took over from it. A holder that expected another epoch is told so (`moved`) and nothing was done: it
 * then says what all have booked at most before (`base`, of which the counter keeps the highest), and begins to say anew
 * what it spends from then on (`own`). As long as an epoch is young it grants nothing new (`recovering`): holders that do
 * not know of one another's bookings have their say before it counts on what it knows.
 *
 * @module
 */

import { storageError } from "../errors.ts";
import type { Window } from "./window.ts";

/** What a holder knows of a counter in the window that starts at `start`. */
interface Known {
  readonly start: number;
  /** Booked by all in earlier epochs, at most. */
  readonly base: number;
  /** Spent by this holder in this epoch. */
  readonly own: number;
}

/** One counter in a call. */
export interface Claim {
  readonly counter: string;
  readonly window: Window;
  readonly limit: number;
  /** What a lease holds of it: to be reserved, or to be given back. */
  readonly amount: number;
  readonly known?: Known | undefined;
  /** A lease that nobody settles counts as spent in full, rather than as nothing. */
  readonly chargeIfLost: boolean;
}

export interface QuotaCall {
  /**
   * - `reserve`: takes the amounts, or nothing; a lease that is there takes nothing more, and is renewed. Refused as well
   *   where a claim knows of another window than the counter is in
   * - `register`: takes them whatever the limits, for a lease that another granted; one that is there is renewed
   * - `settle`: gives the lease's amounts back, its holder having said in `known` what was spent
   * - `report`: only says what is known, and asks
   */
  readonly op: "reserve" | "register" | "settle" | "report";
  /** Who calls: unique for each process and start. `""` only looks. */
  readonly holder: string;
  /** The epoch that the caller's knowledge is of; undefined: it has none. */
  readonly epoch: string | undefined;
  /** Unique for each reservation. Not used by `report`. */
  readonly lease: string;
  /** How long a reservation lasts that nobody settles, in milliseconds. */
  readonly ttlMs: number;
  readonly claims: readonly Claim[];
  /** The caller knows that nothing was ever spent before this epoch, so that there is nothing to recover. */
  readonly nothingBefore?: boolean;
}

export interface CounterState {
  /** Start of the window that it counts in: never that of an earlier one than it once was in. */
  readonly start: number;
  readonly spent: number;
  readonly reserved: number;
}

export interface QuotaAnswer {
  /** Only `done` and `refused` had a look at the limits. See above for the others. */
  readonly status: "done" | "refused" | "recovering" | "moved";
  readonly epoch: string;
  /** Holders that called within the last minute, this one included. */
  readonly holders: number;
  /** In the order of the claims, after the call. Empty when `moved`. */
  readonly counters: readonly CounterState[];
}

/** Amounts that can be added up without losing a unit. */
const MOST = Number.MAX_SAFE_INTEGER / 4;
/** Claims of one call: a script is not interrupted. */
export const MOST_CLAIMS = 256;
/** How long a holder counts as there after its last call, in milliseconds. */
export const HOLDER_MS = 60_000;
/** How long a new epoch grants nothing: longer than the slowest replica takes to notice and to have its say. */
export const RECOVERY_MS = 5_000;

function wrong(what: string): Error {
  return storageError("storage.limit-invalid", { detail: what });
}

/** @throws `storage.limit-invalid` for what cannot be counted with */
export function checkCall({ claims, lease, ttlMs, op }: QuotaCall): void {
  if (claims.length > MOST_CLAIMS) throw wrong(`${claims.length} claims, at most ${MOST_CLAIMS}`);
  if (op !== "report" && (lease === "" || lease.includes(":"))) throw wrong("a lease without a name of its own");
  if (!(ttlMs > 0 && Number.isFinite(ttlMs))) throw wrong(`ttlMs ${ttlMs}`);
  for (const { limit, amount, known } of claims) {
    if (isAmount(limit) && isAmount(amount) && (known === undefined || isKnown(known))) continue;
    throw wrong(`limit ${limit}, amount ${amount}`);
  }
  // A claim is judged by what the one before it left: a counter that stands there twice would be judged by neither.
  if (hasTwice(claims)) throw wrong("a counter claimed twice");
}

function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= MOST;
}

function isKnown({ start, base, own }: Known): boolean {
  return isAmount(start) && isAmount(base) && isAmount(own);
}

/** A request has a handful of claims: for so few a set costs more than looking. */
function hasTwice(claims: readonly Claim[]): boolean {
  return claims.some(({ counter }, index) => claims.findIndex((one) => one.counter === counter) < index);
}
