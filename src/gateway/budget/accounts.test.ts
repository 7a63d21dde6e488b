import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import fc from "fast-check";

import { runChild } from "../../../test/servers/child.ts";
import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { fakeClock, HoldfastError, systemClock, type Clock } from "../../core/index.ts";
import { migrate, openCounters, openDb, storageModule, type Counters, type Db } from "../../storage/index.ts";
import { gatewayModule } from "../module.ts";
import { Accounts, type Demand, type Grant } from "./accounts.ts";
import { findSpend } from "./store.ts";

const demand = (amount: number, more: Partial<Demand> = {}): Demand => ({
  counter: "b|tokens|total",
  window: "total",
  limit: 1_000,
  amount,
  chargeIfLost: false,
  ...more,
});

let folder: string;
let db: Db;
const logged: string[] = [];
const log = {
  warn: (message: string) => void logged.push(message),
  info: (message: string) => void logged.push(message),
};
const open: Accounts[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-accounts-"));
  db = await openDb({ url: "sqlite", home: folder });
  await migrate(db, [storageModule, gatewayModule]);
});
after(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});
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
      return (await state.inner.quota(call)).counters[0];
    },
  };
}

let names = 0;
const fresh = (): string => `b${++names}|tokens|total`;

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
    const saved = async (): Promise<number | undefined> => (await findSpend(db, counter))?.spent;
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

describe("accounts whose shared counters go away", () => {
  it("spend their share of what is left, and not more however long that lasts", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    const [one, other] = [await accountsOn(server.counters), await accountsOn(server.counters)];
    const { grant } = await one.reserve([demand(400, { counter })]);
    await one.settle(grant as Grant, [200]);
    await other.reserve([demand(100, { counter })]);
    await one.talk();
    server.lose();
    // 200 are spent and 100 reserved: 700 are left for two.
    for (const accounts of [one, other]) {
      const got = [];
      for (let round = 0; round < 10; round++) {
        const reserved = await accounts.reserve([demand(90, { counter })]);
        assert.equal(reserved.fromShare, true);
        if (reserved.grant !== undefined) got.push(reserved.grant);
      }
      assert.equal(got.length, 3);
      // What is not used of a reservation may be used again, what is used is gone.
      await accounts.settle(got[0] as Grant, [80]);
      assert.equal((await accounts.reserve([demand(91, { counter })])).grant, undefined);
      assert.notEqual((await accounts.reserve([demand(90, { counter })])).grant, undefined);
      assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
      assert.equal(accounts.away, true);
    }
    assert.equal(logged.filter((line) => line.includes("are away")).length, 2);
  });

  it("take the share that is configured, down to nothing where nothing is left", async () => {
    const server = await breakable(systemClock);
    const [counter, unseen] = [fresh(), fresh()];
    const accounts = await accountsOn(server.counters, systemClock, { share: 0.1 });
    const { grant } = await accounts.reserve([demand(1_000, { counter })]);
    await accounts.settle(grant as Grant, [995]);
    server.lose();
    assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
    assert.equal((await accounts.reserve([demand(101, { counter: unseen })])).grant, undefined);
    assert.notEqual((await accounts.reserve([demand(100, { counter: unseen })])).grant, undefined);
  });

  for (const forgets of [false, true]) {
    it(`say all when they are back, once${forgets ? ", also where all was forgotten" : ""}`, async () => {
      const server = await breakable(systemClock);
      const counter = fresh();
      const [one, other] = [await accountsOn(server.counters), await accountsOn(server.counters)];
      const before = await one.reserve([demand(100, { counter })]);
      await one.settle(before.grant as Grant, [60]);
      const open = (await one.reserve([demand(100, { counter })])).grant as Grant;
      const kept = (await other.reserve([demand(30, { counter })])).grant as Grant;
      server.lose();
      await one.settle(open, [70]);
      const away = (await one.reserve([demand(50, { counter })])).grant as Grant;
      await one.settle(away, [5]);
      const still = (await one.reserve([demand(40, { counter })])).grant as Grant;
      await other.reserve([demand(0, { counter })]);
      if (forgets) await server.forget();
      server.find();
      for (let round = 0; round < 2; round++) {
        await one.talk();
        await other.talk();
      }
      assert.deepEqual([one.away, other.away], [false, false]);
      // 60 before, 70 of the one that was open, 5 in between; 30 and 40 are under way.
      assert.deepEqual(await server.look(counter), { start: 0, spent: 135, reserved: 70 });
      await one.settle(still, [40]);
      await other.settle(kept, [1]);
      assert.deepEqual(await server.look(counter), { start: 0, spent: 176, reserved: 0 });
      const next = await one.reserve([demand(824, { counter })]);
      assert.deepEqual([next.fromShare, next.grant === undefined], [false, false]);
    });
  }

  it("count nothing twice where a call was done and its answer was lost", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    const accounts = await accountsOn(server.counters, systemClock, { share: 0.5 });
    const first = (await accounts.reserve([demand(100, { counter })])).grant as Grant;
    server.deaf(true);
    await accounts.settle(first, [70]);
    assert.deepEqual(await server.look(counter), { start: 0, spent: 70, reserved: 0 });
    server.deaf(false);
    await accounts.talk();
    assert.deepEqual(await server.look(counter), { start: 0, spent: 70, reserved: 0 });
    // A reservation that was done and not heard of is granted from the share, and is the same one afterwards.
    server.deaf(true);
    const second = await accounts.reserve([demand(40, { counter })]);
    assert.equal(second.fromShare, true);
    assert.equal((await server.look(counter))?.reserved, 40);
    // One that the share has no room for is given back.
    server.deaf(false);
    await accounts.talk();
    server.deaf(true);
    const third = await accounts.reserve([demand(880, { counter })]);
    assert.deepEqual([third.grant, (await server.look(counter))?.reserved], [undefined, 920]);
    server.deaf(false);
    await accounts.talk();
    assert.deepEqual(await server.look(counter), { start: 0, spent: 70, reserved: 40 });
    await accounts.settle(second.grant as Grant, [40]);
    assert.deepEqual(await server.look(counter), { start: 0, spent: 110, reserved: 0 });
  });

  it("go on with their share until all could have their say", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    const accounts = await accountsOn(server.counters);
    await accounts.reserve([demand(0, { counter })]);
    server.lose();
    await accounts.reserve([demand(10, { counter })]);
    await server.forget();
    server.recovering(true);
    server.find();
    await accounts.talk();
    assert.equal(accounts.away, true);
    assert.equal((await accounts.reserve([demand(10, { counter })])).fromShare, true);
    server.recovering(false);
    await accounts.talk();
    assert.equal(accounts.away, false);
    assert.equal((await server.look(counter))?.reserved, 20);
  });

  it("wait, where they have just started and the counters are about to know all again", async () => {
    const server = await breakable(systemClock);
    const counter = fresh();
    server.recovering(true);
    const accounts = await accountsOn(server.counters);
    setTimeout(() => server.recovering(false), 150);
    const { grant, fromShare } = await accounts.reserve([demand(10, { counter })]);
    assert.deepEqual([grant === undefined, fromShare], [false, false]);
  });

  it("keep the truth over any history of outages, and every limit but for what was being reserved then", async () => {
    const clock = fakeClock();
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ who: fc.nat(1), reserve: fc.integer({ min: 0, max: 300 }) }) },
      { weight: 6, arbitrary: fc.record({ settle: fc.nat(5), part: fc.integer({ min: 0, max: 100 }) }) },
      { weight: 1, arbitrary: fc.constantFrom("lose", "find", "forget", "talk") },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const server = await breakable(clock);
        const counter = fresh();
        const all = [await accountsOn(server.counters, clock), await accountsOn(server.counters, clock)];
        const live: { who: Accounts; grant: Grant; amount: number }[] = [];
        let spent = 0;
        const talk = async (): Promise<void> => {
          for (const accounts of all) await accounts.talk();
        };
        // Both have a look before every outage, as they do every second.
        const look = async (): Promise<void> => {
          for (const accounts of all) await accounts.reserve([demand(0, { counter })]);
        };
        await look();
        for (const one of steps) {
          if (one === "lose") {
            await look();
            server.lose();
          } else if (one === "forget") {
            await look();
            server.lose();
            await look();
            await server.forget();
          } else if (one === "find" || one === "talk") {
            if (one === "find") server.find();
            await talk();
            await talk();
          } else if ("reserve" in one) {
            const who = all[one.who] as Accounts;
            const { grant } = await who.reserve([demand(one.reserve, { counter })]);
            if (grant !== undefined) live.push({ who, grant, amount: one.reserve });
          } else {
            const [held] = live.splice(one.settle, 1);
            if (held === undefined) continue;
            const used = Math.floor((held.amount * one.part) / 100);
            spent += used;
            await held.who.settle(held.grant, [used]);
          }
          const reserved = live.reduce((sum, { amount }) => sum + amount, 0);
          assert.ok(spent + reserved <= 1_000, `${spent} + ${reserved}`);
        }
        server.find();
        await talk();
        await talk();
        const state = await server.look(counter);
        const reserved = live.reduce((sum, { amount }) => sum + amount, 0);
        assert.deepEqual(state, { start: 0, spent, reserved });
      }),
      { numRuns: 60 },
    );
  });
});

describe("accounts of replicas on a real Redis", { skip: redisMissing ?? false }, () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  for (const quiet of [true, false]) {
    const how = quiet ? "while nobody calls" : "under their calls";
    it(`never exceed a budget, 64 callers on 3 replicas, the server stopped and started ${how}`, async () => {
      const counter = fresh();
      const limit = 20_000;
      const replicas = await Promise.all(
        [0, 1, 2].map(async () => {
          // Long enough for all to have their say, however busy the machine is.
          const counters = await openCounters({ url: server.url, recoveryMs: 4_000 });
          return { counters, accounts: await accountsOn(counters) };
        }),
      );
      let [spent, granted, refused, shares] = [0, 0, 0, 0];
      const run: { state: "calling" | "paused" | "over"; inFlight: number } = { state: "calling", inFlight: 0 };
      const caller = async (index: number): Promise<void> => {
        const { accounts } = replicas[index % 3] as { accounts: Accounts };
        for (let round = 0; run.state !== "over"; round++) {
          if (run.state === "calling") {
            run.inFlight++;
            const { grant, fromShare } = await accounts.reserve([demand(50, { counter, limit })]);
            if (fromShare) shares++;
            if (grant === undefined) refused++;
            else {
              granted++;
              await delay(5);
              const used = (index * 7 + round * 13) % 51;
              spent += used;
              await accounts.settle(grant, [used]);
            }
            run.inFlight--;
          }
          await delay(refused > 0 ? 20 : 5);
        }
      };
      const callers = Array.from({ length: 64 }, (_, index) => caller(index));
      await delay(200);
      if (quiet) {
        run.state = "paused";
        while (run.inFlight > 0) await delay(5);
        for (const { accounts } of replicas) await accounts.talk();
      }
      await server.kill();
      run.state = "calling";
      await delay(600);
      await server.start();
      for (let round = 0; round < 600 && replicas.some(({ accounts }) => accounts.away); round++) await delay(50);
      await delay(300);
      run.state = "over";
      await Promise.all(callers);
      for (const { accounts } of replicas) await accounts.talk();
      const said = `${granted} granted, ${refused} refused, ${shares} from shares, ${spent} spent`;
      // What a replica has seen of the others may be one call old, for each of the callers.
      const margin = quiet ? 0 : 64 * 50;
      assert.ok(spent <= limit + margin, said);
      assert.ok(shares > 0 && granted > 0, said);
      const { balances } = await (replicas[0] as { accounts: Accounts }).accounts.reserve([
        demand(0, { counter, limit }),
      ]);
      const known = balances[0] as { spent: number; reserved: number };
      assert.equal(known.reserved, 0, said);
      // A settlement that was taken, but not confirmed before all was forgotten, counts twice; none is lost.
      assert.ok(known.spent >= spent && known.spent <= spent + margin, `${said}, ${known.spent} known`);
      for (const one of replicas) await one.accounts.close();
      for (const one of replicas) await one.counters.close();
    });
  }

  it("free what a replica held that was killed, after its time, and renew what lives", async () => {
    const counter = fresh();
    const counters = await openCounters({ url: server.url, recoveryMs: 0 });
    const accounts = await accountsOn(counters, systemClock, { leaseMs: 6_000 });
    const mine = (await accounts.reserve([demand(300, { counter })])).grant as Grant;
    const here = new URL("./accounts.ts", import.meta.url).href;
    const door = new URL("../module.ts", import.meta.url).href;
    const core = new URL("../../core/index.ts", import.meta.url).href;
    const end = await runChild(
      `const { Accounts } = await import(${JSON.stringify(here)});
      const { gatewayModule } = await import(${JSON.stringify(door)});
      const { systemClock } = await import(${JSON.stringify(core)});
      const db = await storage.openDb(options);
      await storage.migrate(db, [storage.storageModule, gatewayModule]);
      const counters = await storage.openCounters({ url: ${JSON.stringify(server.url)}, recoveryMs: 0 });
      const log = { warn() {}, info() {} };
      const accounts = await Accounts.open({ counters, db, clock: systemClock, log, leaseMs: 6_000 });
      const { grant } = await accounts.reserve([${JSON.stringify(demand(700, { counter }))}]);
      console.log(grant !== undefined);
      process.kill(process.pid, "SIGKILL");`,
      { url: "sqlite", home: await mkdtemp(join(folder, "child-")) },
    );
    assert.deepEqual([end.signal, end.output], ["SIGKILL", "true\n"]);
    assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
    let freed: Grant | undefined;
    for (let round = 0; round < 1_200 && freed === undefined; round++) {
      await delay(50);
      freed = (await accounts.reserve([demand(700, { counter })])).grant;
    }
    assert.notEqual(freed, undefined);
    // The other one was held all the while.
    assert.equal((await accounts.reserve([demand(1, { counter })])).grant, undefined);
    await accounts.settle(mine, [300]);
    await accounts.settle(freed as Grant, [0]);
    assert.equal((await accounts.reserve([demand(700, { counter })])).balances[0]?.spent, 300);
    await accounts.close();
    await counters.close();
  });
});
