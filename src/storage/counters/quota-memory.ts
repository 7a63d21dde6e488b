/**
 * Quotas in this process. Nothing runs between the look at the limits and the taking, so each call is atomic. There is
 * one epoch: the process's own.
 *
 * @module
 */

import { uuidv7, type Clock } from "../../core/index.ts";
import { checkCall, HOLDER_MS, type Claim, type CounterState, type QuotaAnswer, type QuotaCall } from "./quota.ts";
import { windowAt } from "./window.ts";

interface Lease {
  readonly amount: number;
  readonly endsAt: number;
  readonly charge: boolean;
}

interface Counter {
  start: number;
  end: number;
  base: number;
  /** Of leases that nobody settled. */
  lost: number;
  own: Map<string, number>;
  leases: Map<string, Lease>;
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
    const { start, end } = windowAt(window, wall);
    let counter = counters.get(name);
    if (counter === undefined || start > counter.start) {
      counter = { start, end, base: 0, lost: 0, own: new Map(), leases: new Map(), reserved: 0 };
      counters.set(name, counter);
    }
    for (const [id, lease] of counter.leases) {
      if (lease.endsAt > now) continue;
      counter.leases.delete(id);
      counter.reserved -= lease.amount;
      if (lease.charge) counter.lost += lease.amount;
    }
    return counter;
  };

  return (call) => {
    checkCall(call);
    const { op, holder, lease, ttlMs, claims } = call;
    const [wall, now] = [clock.now(), clock.monotonic()];
    sweep(wall);
    if (holder !== "") holders.set(holder, now);
    for (const [name, at] of holders) if (now - at > HOLDER_MS) holders.delete(name);

    const all = claims.map((claim) => current(claim, wall, now));
    claims.forEach((claim, index) => learn(all[index] as Counter, holder, claim));
    if (op === "settle") for (const counter of all) giveBack(counter, lease);
    const fits = claims.every(({ limit, amount, known }, index) => {
      const counter = all[index] as Counter;
      const { start, spent, reserved } = stateOf(counter);
      const more = counter.leases.has(lease) ? 0 : amount;
      return spent + reserved + more <= limit && (known === undefined || known.start === start);
    });
    const takes = op === "register" || (op === "reserve" && fits);
    if (takes) {
      claims.forEach((claim, index) => {
        const counter = all[index] as Counter;
        if (claim.amount === 0) return;
        if (!counter.leases.has(lease)) counter.reserved += claim.amount;
        counter.leases.set(lease, { amount: claim.amount, endsAt: now + ttlMs, charge: claim.chargeIfLost });
      });
    }
    return {
      status: op === "reserve" && !fits ? "refused" : "done",
      epoch,
      holders: Math.max(1, holders.size),
      counters: all.map(stateOf),
    };
  };
}

/** Takes what the holder knows, where it is of the same window. */
function learn(counter: Counter, holder: string, { known }: Claim): void {
  if (known === undefined || known.start !== counter.start) return;
  counter.base = Math.max(counter.base, known.base);
  if (known.own > (counter.own.get(holder) ?? 0)) counter.own.set(holder, known.own);
}

function giveBack(counter: Counter, id: string): void {
  const held = counter.leases.get(id);
  if (held === undefined) return;
  counter.leases.delete(id);
  counter.reserved -= held.amount;
}

function stateOf({ start, base, lost, own, reserved }: Counter): CounterState {
  let spent = base + lost;
  for (const one of own.values()) spent += one;
  return { start, spent, reserved };
}

function isNothing(counter: Counter): boolean {
  const { spent, reserved } = stateOf(counter);
  return spent === 0 && reserved === 0;
}
