import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { openGatewayDatabase, type GatewayDatabase } from "../../../test/gateway/database.ts";
import { demand, fresh } from "../../../test/gateway/demand.ts";
import { fakeClock, HoldfastError, systemClock, type Clock } from "../../core/index.ts";
import { openCounters, type Counters, type Db } from "../../storage/index.ts";
import type { Demand, Grant } from "./account.ts";
import { Accounts } from "./accounts.ts";
import { listSpend } from "./store.ts";

let database: GatewayDatabase;
let db: Db;
const logged: string[] = [];
const log = {
  warn: (message: string) => void logged.push(message),
  info: (message: string) => void logged.push(message),
};
const open: Accounts[] = [];

before(async () => {
  database = await openGatewayDatabase();
  ({ db } = database);
});
after(() => database.close());
afterEach(async () => {
  for (const accounts of open.splice(0)) await accounts.close();
  logged.length = 0;
});

async function accountsOn(counters: Counters, clock: Clock = systemClock, more: object = {}): Promise<Accounts> {
  const accounts = await Accounts.open({ counters, db, clock, log, leaseMs: 60_000, ...more });
  open.push(accounts);
  return accounts;
}

/** Shared counters that can be taken away, with their memory or without. */
async function breakable(clock: Clock) {
  const state = { away: false, deaf: false, inner: await openCounters({ url: "memory", clock }), recovering: false };
  const lost = (): Error => new HoldfastError("storage.counters-unavailable", { what: "away", hint: "wait" });
  const ask: Counters["quota"] = async (call) => {
    if (state.away) throw lost();
    const answer = await answered(call);
    // It was done, and nobody heard so.
    if (state.deaf) throw lost();
    return answer;
  };
  const answered: Counters["quota"] = async (call) => {
    const { epoch } = await state.inner.quota({ ...call, op: "report", holder: "", claims: [] });
    if (call.epoch !== undefined && call.epoch !== epoch) return { status: "moved", epoch, holders: 2, counters: [] };
    const recovers = state.recovering && (call.op === "report" || call.op === "reserve");
    const answer = await state.inner.quota(recovers ? { ...call, op: "report", lease: "" } : call);
    return recovers ? { ...answer, status: "recovering" } : answer;
  };
  const counters: Counters = { ...state.inner, shared: true, quota: ask };
  return {
    counters,
    lose: () => (state.away = true),
    find: () => (state.away = false),
    deaf: (value: boolean) => (state.deaf = value),
    forget: async () => (state.inner = await openCounters({ url: "memory", clock })),
    recovering: (value: boolean) => (state.recovering = value),
    look: async (counter: string) => {
      const looked = { ...demand(0), counter };
      const call = { op: "report", holder: "", epoch: undefined, lease: "", ttlMs: 1, claims: [looked] } as const;
      return (await state.inner.quota(call)).counters[0] as { start: number; spent: number; reserved: number };
    },
  };
}

describe("accounts with counters of this process", () => {
  it("remember what was spent when the process starts again, and not what was only reserved", async () => {
    const counter = fresh();
    const first = await accountsOn(await openCounters({ url: "memory" }));
    const { grant } = await first.reserve([demand(400, { counter })]);
    await first.reserve([demand(500, { counter })]);
    await first.settle(grant as Grant, [123]);
    // No close: it is durable as soon as it is settled.
    const second = await accountsOn(await openCounters({ url: "memory" }));
    const { balances } = await second.reserve([demand(1, { counter })]);
    assert.deepEqual([balances[0]?.spent, balances[0]?.left], [123, 1_000 - 123 - 1]);
    const third = await second.reserve([demand(877, { counter })]);
    assert.equal(third.grant, undefined);
  });

  it("are on disk within the time that they are given, and at the latest when they are closed", async () => {
    const counter = fresh();
    const first = await accountsOn(await openCounters({ url: "memory" }), systemClock, { saveWithinMs: 20 });
    const spend = async (amount: number): Promise<void> => {
      const { grant } = await first.reserve([demand(amount, { counter })]);
      await first.settle(grant as Grant, [amount]);
    };
    const saved = async (): Promise<number | undefined> =>
      (await listSpend(db, counter.slice(0, counter.indexOf("|"))))[0]?.spent;
    await spend(100);
    for (let waited = 0; (await saved()) !== 100; waited++) {
      assert.ok(waited < 500);
      await delay(10);
    }
    await spend(23);
    await first.close();
    assert.equal(await saved(), 123);
  });

  it("begin anew with the window, and forget those that are over", async () => {
    const clock = fakeClock(Date.UTC(2026, 10, 27, 10, 59));
    const counter = `${fresh()}.hour`;
    const accounts = await accountsOn(await openCounters({ url: "memory", clock }), clock);
    const hour = (amount: number): Demand => demand(amount, { counter, window: "hour" });
    const { grant } = await accounts.reserve([hour(1_000)]);
    assert.equal((await accounts.reserve([hour(1)])).grant, undefined);
    clock.advance(60_000);
    const next = await accounts.reserve([hour(1_000)]);
    assert.notEqual(next.grant, undefined);
    assert.equal(next.balances[0]?.endsAt, Date.UTC(2026, 10, 27, 12));
    // It began in the hour before, and counts there.
    await accounts.settle(grant as Grant, [1_000]);
    await accounts.settle(next.grant as Grant, [10]);
    assert.equal((await accounts.reserve([hour(990)])).balances[0]?.spent, 10);
  });

  it("settle once, and know more than was reserved", async () => {
    const counter = fresh();
    const accounts = await accountsOn(await openCounters({ url: "memory" }));
    const { grant } = await accounts.reserve([demand(10, { counter })]);
    await accounts.settle(grant as Grant, [1_500]);
    await accounts.settle(grant as Grant, [1_500]);
    const { balances, grant: none } = await accounts.reserve([demand(1, { counter })]);
    assert.deepEqual([none, balances[0]?.spent, balances[0]?.left], [undefined, 1_500, 0]);
  });
});

/** Uses a budget up a little, so that the next talk books some of it ahead. */
async function use(accounts: Accounts, counter: string, times: number, amount: number): Promise<void> {
  for (let round = 0; round < times; round++) {
    const { grant } = await accounts.reserve([demand(amount, { counter })]);
    await accounts.settle(grant as Grant, [amount]);
  }
}

/** Reserves until it is refused, and says how often it was not. */
async function reserveAll(accounts: Accounts, one: Demand): Promise<readonly Grant[]> {
  const grants: Grant[] = [];
  for (;;) {
    const { grant } = await accounts.reserve([one]);
    if (grant === undefined) return grants;
    grants.push(grant);
  }
}

describe("accounts whose shared counters go away", () => {
  it("spend what they have booked ahead, and not more however long that lasts", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    const all = [await accountsOn(server.counters), await accountsOn(server.counters)];
    for (const accounts of all) await use(accounts, counter, 10, 10);
    for (const accounts of all) await accounts.talk();
    // A quarter of what is left at most, for both together.
    const { reserved } = await server.look(counter);
    assert.ok(reserved >= 2 * 10 && reserved <= (1_000 - 200) / 4, `${reserved} booked ahead`);
    server.lose();
    let taken = 0;
    for (const accounts of all) {
      const grants = await reserveAll(accounts, demand(10, { counter }));
      assert.ok(grants.length > 0);
      taken += 10 * grants.length;
      // What is not used of a reservation may be used again, what is used is gone.
      await accounts.settle(grants[0] as Grant, [4]);
      const left = accounts.balancesOf(grants[0] as Grant)[0]?.left as number;
      assert.ok(left >= 6 && left < 16, `${left} left`);
      assert.equal((await accounts.reserve([demand(left + 1, { counter })])).grant, undefined);
      const again = await accounts.reserve([demand(left, { counter })]);
      assert.deepEqual([again.grant === undefined, again.fromEscrow], [false, true]);
      assert.equal(accounts.away, true);
    }
    assert.ok(taken <= reserved && taken > reserved - 2 * 10, `${taken} of ${reserved}`);
    assert.equal(logged.filter((line) => line.includes("are away")).length, 2);
  });

  it("spend nothing of a budget that they have booked nothing of", async () => {
    const server = await breakable(systemClock);
    const [nearItsEnd, both, unseen] = [fresh(), fresh(), fresh()];
    const accounts = await accountsOn(server.counters);
    await use(accounts, nearItsEnd, 99, 10);
    await use(accounts, both, 10, 10);
    await accounts.talk();
    assert.equal((await server.look(nearItsEnd)).reserved, 0);
    server.lose();
    for (const counter of [nearItsEnd, unseen]) {
      assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
      // All of them, or none.
      const pair = [demand(10, { counter: both }), demand(1, { counter })];
      assert.equal((await accounts.reserve(pair)).grant, undefined);
      // Nothing can be had of nothing.
      assert.notEqual((await accounts.reserve([demand(0, { counter })])).grant, undefined);
    }
    const { balances, grant } = await accounts.reserve([demand(10, { counter: both })]);
    assert.notEqual(grant, undefined);
    assert.ok((balances[0]?.left ?? 0) > 0);
  });

  it("spend it only as long as it is certainly booked, and in its window", async () => {
    for (const { pause, granted } of [
      { pause: 53_000, granted: true },
      { pause: 54_000, granted: false },
      { pause: 56_000, granted: false },
    ]) {
      const clock = fakeClock(Date.UTC(2026, 10, 27, 10, 59, 4));
      const server = await breakable(clock);
      const counter = fresh();
      const accounts = await accountsOn(server.counters, clock);
      await use(accounts, counter, 10, 10);
      await accounts.talk();
      server.lose();
      clock.advance(pause);
      assert.equal((await accounts.reserve([demand(10, { counter })])).grant !== undefined, granted, `${pause}`);
    }
    const clock = fakeClock(Date.UTC(2026, 10, 27, 10, 59, 30));
    const server = await breakable(clock);
    const hour = demand(10, { counter: fresh(), window: "hour" });
    const accounts = await accountsOn(server.counters, clock);
    await accounts.settle((await accounts.reserve([hour])).grant as Grant, [10]);
    await accounts.talk();
    server.lose();
    clock.advance(29_999);
    assert.notEqual((await accounts.reserve([hour])).grant, undefined);
    clock.advance(1);
    assert.equal((await accounts.reserve([hour])).grant, undefined);
  });

  it("give what they booked ahead back when they do not use it, and when it is all that is left", async () => {
    const clock = fakeClock();
    const server = await breakable(clock);
    const counter = fresh();
    const accounts = await accountsOn(server.counters, clock);
    await use(accounts, counter, 10, 10);
    await accounts.talk();
    const { reserved } = await server.look(counter);
    assert.ok(reserved > 0);
    const grants = await reserveAll(accounts, demand(10, { counter }));
    assert.equal(grants.length, 90);
    for (const grant of grants) await accounts.settle(grant, [1]);
    await accounts.talk();
    assert.ok((await server.look(counter)).reserved > 0);
    clock.advance(5_001);
    await accounts.talk();
    assert.deepEqual(await server.look(counter), { start: 0, spent: 190, reserved: 0 });
  });

  it("renew what they booked ahead, but not when it has ended and the room may be another's", async () => {
    const clock = fakeClock();
    const server = await breakable(clock);
    const counter = fresh();
    const accounts = await accountsOn(server.counters, clock);
    const held = async (): Promise<number> => (await server.look(counter)).reserved;
    for (let round = 0; round < 6; round++) {
      await use(accounts, counter, 10, 10);
      await accounts.talk();
      assert.ok((await held()) > 0);
      clock.advance(50_000);
    }
    await use(accounts, counter, 10, 10);
    await accounts.talk();
    clock.advance(61_000);
    // Another takes all that is left.
    const other = await accountsOn(server.counters, clock);
    assert.equal((await reserveAll(other, demand(10, { counter }))).length, 30);
    await accounts.reserve([demand(0, { counter })]);
    await accounts.talk();
    assert.deepEqual(await server.look(counter), { start: 0, spent: 700, reserved: 300 });
    server.lose();
    assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
  });

  for (const forgets of [false, true]) {
    it(`say all when they are back, once${forgets ? "; what was forgotten counts as spent" : ""}`, async () => {
      const server = await breakable(systemClock);
      const counter = fresh();
      const [one, other] = [await accountsOn(server.counters), await accountsOn(server.counters)];
      await use(one, counter, 6, 10);
      const open = (await one.reserve([demand(20, { counter })])).grant as Grant;
      const kept = (await other.reserve([demand(30, { counter })])).grant as Grant;
      await one.talk();
      const booked = await server.look(counter);
      assert.ok(booked.reserved >= 50 + 40);
      server.lose();
      await one.settle(open, [17]);
      const away = (await one.reserve([demand(10, { counter })])).grant as Grant;
      await one.settle(away, [5]);
      const still = (await one.reserve([demand(20, { counter })])).grant as Grant;
      await other.reserve([demand(0, { counter })]);
      if (forgets) await server.forget();
      server.find();
      for (const accounts of [one, other, one, other]) await accounts.talk();
      assert.deepEqual([one.away, other.away], [false, false]);
      const { grant: next, fromEscrow } = await one.reserve([demand(100, { counter })]);
      assert.deepEqual([next === undefined, fromEscrow], [false, false]);
      await one.settle(next as Grant, [100]);
      await one.settle(still, [20]);
      await other.settle(kept, [1]);
      await one.close();
      await other.close();
      const { spent, reserved } = await server.look(counter);
      assert.equal(reserved, 0);
      // 60 before, 17 of the one that was open, 5 and 20 in between, 1 of the other, 100 afterwards.
      if (!forgets) assert.equal(spent, 203);
      // All that was booked then, and a sixteenth of what was left.
      else assert.ok(spent >= 203 && spent <= 100 + booked.spent + booked.reserved + 1_000 / 16, `${spent}`);
    });
  }

  it("forget nothing where a replica died with what it knew", async () => {
    const clock = fakeClock();
    const server = await breakable(clock);
    const counter = fresh();
    const [dead, other] = [await accountsOn(server.counters, clock), await accountsOn(server.counters, clock)];
    await other.reserve([demand(0, { counter })]);
    await use(dead, counter, 80, 10);
    await dead.reserve([demand(50, { counter })]);
    await server.forget();
    // The other has not seen any of it.
    await other.talk();
    const grants = await reserveAll(other, demand(10, { counter }));
    assert.ok(grants.length <= 15 && grants.length > 5, `${grants.length}`);
  });

  it("count nothing twice where a call was done and its answer was lost", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    const accounts = await accountsOn(server.counters);
    await use(accounts, counter, 10, 10);
    const first = (await accounts.reserve([demand(20, { counter })])).grant as Grant;
    await accounts.talk();
    const { reserved: ahead } = await server.look(counter);
    server.deaf(true);
    await accounts.settle(first, [15]);
    assert.deepEqual(await server.look(counter), { start: 0, spent: 115, reserved: ahead - 20 });
    server.deaf(false);
    await accounts.talk();
    assert.equal((await server.look(counter)).spent, 115);
    // A reservation that was done and not heard of is granted from the escrow, and is the same one afterwards.
    const before = (await server.look(counter)).reserved;
    server.deaf(true);
    const second = await accounts.reserve([demand(10, { counter })]);
    assert.deepEqual([second.grant === undefined, second.fromEscrow], [false, true]);
    assert.equal((await server.look(counter)).reserved, before + 10);
    server.deaf(false);
    await accounts.talk();
    await accounts.settle(second.grant as Grant, [10]);
    // One that the escrow has no room for is given back.
    server.deaf(true);
    assert.equal((await accounts.reserve([demand(600, { counter })])).grant, undefined);
    assert.ok((await server.look(counter)).reserved >= 600);
    server.deaf(false);
    await accounts.talk();
    await accounts.close();
    assert.deepEqual(await server.look(counter), { start: 0, spent: 125, reserved: 0 });
  });

  it("go on with their escrow until all could have their say", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    const accounts = await accountsOn(server.counters);
    await use(accounts, counter, 10, 10);
    await accounts.talk();
    server.lose();
    assert.equal((await accounts.reserve([demand(10, { counter })])).fromEscrow, true);
    await server.forget();
    server.recovering(true);
    server.find();
    await accounts.talk();
    assert.equal(accounts.away, true);
    const { grant, fromEscrow } = await accounts.reserve([demand(10, { counter })]);
    assert.deepEqual([grant === undefined, fromEscrow], [false, true]);
    server.recovering(false);
    await accounts.talk();
    assert.equal(accounts.away, false);
  });

  it("wait, where they have just started and the counters are about to know all again", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    server.recovering(true);
    const accounts = await accountsOn(server.counters);
    setTimeout(() => server.recovering(false), 150);
    const { grant, fromEscrow } = await accounts.reserve([demand(10, { counter })]);
    assert.deepEqual([grant === undefined, fromEscrow], [false, false]);
  });
});
