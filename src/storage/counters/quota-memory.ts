/**
 * Quotas in this process. Nothing runs between the look at the limits and the taking, so each call is atomic. There is
 * one epoch: the process's own.
 *
 * @module
 */

import { uuidv7, type Clock } from "../../core/index.ts";
import { checkCall, HOLDER_MS, type Claim, type CounterState, type QuotaAnswer, type QuotaCall } from "./quota.ts";
import { windowAt, type Span } from "./window.ts";

interface Lease {
  readonly amount: number;
  readonly endsAt: number;
  readonly charge: boolean;
}

interface Counter {
  readonly start: number;
  readonly end: number;
  base: number;
  /** Of leases that nobody settled. */
  lost: number;
  /** By holder, and of all holders together. */
  readonly own: Map<string, number>;
  spent: number;
  readonly leases: Map<string, Lease>;
  /** Before this no lease ends. */
  firstEnd: number;
  reserved: number;
}

/** Counters kept before ended ones are looked for; doubles with what is in use. */
const SWEEP_AT = 1024;

/** The quotas of one process. */
export function memoryQuotas(clock: Clock): (call: QuotaCall) => QuotaAnswer {
  const counters = new Map<string, Counter>();
  const holders = new Map<string, number>();
  const epoch = uuidv7();
  let sweepAt = SWEEP_AT;

  const sweep = (now: number): void => {
    if (counters.size < sweepAt) return;
    for (const [name, counter] of counters) if (counter.end <= now || isNothing(counter)) counters.delete(name);
    sweepAt = Math.max(SWEEP_AT, 2 * counters.size);
  };

  /** The counter as it is now: in the window of the moment, without leases that have ended. */
  const current = ({ counter: name, window }: Claim, wall: number, now: number): Counter => {
    let counter = counters.get(name);
    if (counter === undefined || wall >= counter.end) {
      counter = newCounter(windowAt(window, wall));
      counters.set(name, counter);
    }
    if (counter.firstEnd <= now) endLeases(counter, now);
    return counter;
  };

  return (call) => {
    checkCall(call);
    const { op, holder, lease, ttlMs, claims } = call;
    const wall = clock.now();
    const now = clock.monotonic();
    sweep(wall);
    if (holder !== "") holders.set(holder, now);
    if (holders.size > 1) for (const [name, at] of holders) if (now - at > HOLDER_MS) holders.delete(name);

    const all: Counter[] = [];
    let fits = true;
    for (const claim of claims) {
      const counter = current(claim, wall, now);
      all.push(counter);
      learn(counter, holder, claim);
      if (op === "settle") giveBack(counter, lease);
      else fits &&= hasRoom(counter, lease, claim);
    }
    if (op === "register" || (op === "reserve" && fits)) {
      for (let at = 0; at < all.length; at++) hold(all[at] as Counter, lease, claims[at] as Claim, now + ttlMs);
    }
    return {
      status: op === "reserve" && !fits ? "refused" : "done",
      epoch,
      holders: Math.max(1, holders.size),
      counters: all.map(stateOf),
    };
  };
}

function newCounter({ start, end }: Span): Counter {
  const nothing = { base: 0, lost: 0, spent: 0, reserved: 0 };
  return { start, end, ...nothing, own: new Map(), leases: new Map(), firstEnd: Infinity };
}

/** Ends the leases whose time is over. */
function endLeases(counter: Counter, now: number): void {
  counter.firstEnd = Infinity;
  for (const [id, { amount, charge, endsAt }] of counter.leases) {
    if (endsAt > now) {
      counter.firstEnd = Math.min(counter.firstEnd, endsAt);
      continue;
    }
    counter.leases.delete(id);
    counter.reserved -= amount;
    if (charge) counter.lost += amount;
  }
}

/** Takes what the holder knows, where it is of the same window. */
function learn(counter: Counter, holder: string, { known }: Claim): void {
  if (known === undefined || known.start !== counter.start) return;
  counter.base = Math.max(counter.base, known.base);
  const before = counter.own.get(holder) ?? 0;
  if (known.own <= before) return;
  counter.own.set(holder, known.own);
  counter.spent += known.own - before;
}

function hasRoom(counter: Counter, lease: string, { amount, known, limit }: Claim): boolean {
  const more = counter.leases.has(lease) ? 0 : amount;
  return spentOf(counter) + counter.reserved + more <= limit && (known === undefined || known.start === counter.start);
}

function hold(counter: Counter, lease: string, { amount, chargeIfLost: charge }: Claim, endsAt: number): void {
  if (amount === 0) return;
  if (!counter.leases.has(lease)) counter.reserved += amount;
  counter.leases.set(lease, { amount, endsAt, charge });
  counter.firstEnd = Math.min(counter.firstEnd, endsAt);
}

function giveBack(counter: Counter, id: string): void {
  const held = counter.leases.get(id);
  if (held === undefined) return;
  counter.leases.delete(id);
  counter.reserved -= held.amount;
}

function spentOf({ base, lost, spent }: Counter): number {
  return base + lost + spent;
}

function stateOf(counter: Counter): CounterState {
  return { start: counter.start, spent: spentOf(counter), reserved: counter.reserved };
}

function isNothing(counter: Counter): boolean {
  return spentOf(counter) === 0 && counter.reserved === 0;
}
