import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { createClient } from "@redis/client";
import fc from "fast-check";

import { runChild } from "../../../test/servers/child.ts";
import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { fakeClock, type FakeClock } from "../../core/index.ts";
import { openCounters, type Counters } from "./counters.ts";
import { MOST_CLAIMS, type Claim, type QuotaCall } from "./quota.ts";
import { windowAt, WINDOWS, type Window } from "./window.ts";

const claim = (counter: string, amount: number, more: Partial<Claim> = {}): Claim => ({
  counter,
  window: "total",
  limit: 100,
  amount,
  chargeIfLost: false,
  ...more,
});

const call = (op: QuotaCall["op"], claims: readonly Claim[], more: Partial<QuotaCall> = {}): QuotaCall => ({
  op,
  holder: "a",
  epoch: undefined,
  lease: op === "report" ? "" : "l1",
  ttlMs: 60_000,
  claims,
  ...more,
});

let names = 0;
const fresh = (): string => `counter:${++names}`;

for (const backend of ["memory", "Redis"] as const) {
  describe(`quotas in ${backend}`, { skip: backend === "Redis" ? (redisMissing ?? false) : false }, () => {
    const clock = fakeClock(Date.UTC(2026, 10, 27, 12, 30));
    let server: RedisServer | undefined;
    let counters: Counters;
    before(async () => {
      server = backend === "Redis" ? await startRedis() : undefined;
      counters = await openCounters({ url: server?.url ?? "memory", clock, recoveryMs: 0 });
    });
    after(async () => {
      await counters.close();
      await server?.stop();
    });

    it("takes from all counters or from none", async () => {
      const [wide, tight] = [fresh(), fresh()];
      const both = (amount: number, lease: string): QuotaCall =>
        call("reserve", [claim(wide, amount, { limit: 1000 }), claim(tight, amount)], { lease });
      assert.equal((await counters.quota(both(100, "one"))).status, "done");
      const refused = await counters.quota(both(1, "two"));
      assert.equal(refused.status, "refused");
      assert.deepEqual(
        refused.counters.map(({ spent, reserved }) => [spent, reserved]),
        [
          [0, 100],
          [0, 100],
        ],
      );
    });

    it("grants up to the limit and not one more, also beside what is spent", async () => {
      const counter = fresh();
      const { start } = windowAt("total", clock.now());
      await counters.quota(call("report", [claim(counter, 0, { known: { start, base: 30, own: 20 } })]));
      assert.equal((await counters.quota(call("reserve", [claim(counter, 51)]))).status, "refused");
      assert.equal((await counters.quota(call("reserve", [claim(counter, 50)]))).status, "done");
      assert.equal((await counters.quota(call("reserve", [claim(counter, 1)], { lease: "l2" }))).status, "refused");
      assert.equal((await counters.quota(call("reserve", [claim(counter, 0)], { lease: "l3" }))).status, "done");
    });

    it("counts what each holder says once, however often it says it", async () => {
      const counter = fresh();
      const say = async (holder: string, own: number): Promise<number | undefined> => {
        const known = { start: 0, base: 0, own };
        return (await counters.quota(call("report", [claim(counter, 0, { known })], { holder }))).counters[0]?.spent;
      };
      assert.deepEqual(
        [await say("a", 10), await say("a", 10), await say("b", 5), await say("a", 7), await say("a", 12)],
        [10, 10, 15, 15, 17],
      );
    });

    it("settles what was reserved, once", async () => {
      const counter = fresh();
      await counters.quota(call("reserve", [claim(counter, 40)], { lease: "x" }));
      await counters.quota(call("reserve", [claim(counter, 40)], { lease: "y" }));
      const settle = call("settle", [claim(counter, 40, { known: { start: 0, base: 0, own: 3 } })], { lease: "x" });
      for (let round = 0; round < 3; round++) {
        const { counters: states } = await counters.quota(settle);
        assert.deepEqual(states, [{ start: 0, spent: 3, reserved: 40 }]);
      }
    });

    it("frees a lease that nobody settled after its time, or charges it", async () => {
      const [free, charged] = [fresh(), fresh()];
      const claims = [claim(free, 60), claim(charged, 60, { chargeIfLost: true })];
      await counters.quota(call("reserve", claims, { ttlMs: 1_000 }));
      clock.advance(999);
      assert.equal((await counters.quota(call("reserve", [claim(free, 41)], { lease: "n" }))).status, "refused");
      clock.advance(1);
      const { counters: states } = await counters.quota(
        call("report", [claim(free, 0), claim(charged, 0, { chargeIfLost: true })]),
      );
      assert.deepEqual(
        states.map(({ spent, reserved }) => [spent, reserved]),
        [
          [0, 0],
          [60, 0],
        ],
      );
      // The holder was only slow: what it says it spent counts all the same.
      const late = claim(free, 60, { known: { start: 0, base: 0, own: 55 } });
      assert.equal((await counters.quota(call("settle", [late]))).counters[0]?.spent, 55);
    });

    it("registers a lease whatever the limit, and once", async () => {
      const counter = fresh();
      for (let round = 0; round < 2; round++) {
        const { status, counters: states } = await counters.quota(call("register", [claim(counter, 150)]));
        assert.deepEqual([status, states[0]?.reserved], ["done", 150]);
      }
    });

    it("keeps a lease that is renewed, for its new time and no longer", async () => {
      const counter = fresh();
      const held = async (): Promise<number | undefined> =>
        (await counters.quota(call("report", [claim(counter, 0)]))).counters[0]?.reserved;
      await counters.quota(call("reserve", [claim(counter, 60)], { ttlMs: 1_000 }));
      clock.advance(900);
      await counters.quota(call("register", [claim(counter, 60)], { ttlMs: 1_000 }));
      clock.advance(900);
      assert.equal(await held(), 60);
      clock.advance(100);
      assert.equal(await held(), 0);
    });

    it("begins anew with each window, and takes nothing of an earlier one over", async () => {
      const counter = fresh();
      const { start } = windowAt("hour", clock.now());
      const hour = (amount: number, more: Partial<Claim> = {}): Claim =>
        claim(counter, amount, { window: "hour", ...more });
      await counters.quota(call("reserve", [hour(90)], { lease: "long", ttlMs: 1e9 }));
      await counters.quota(call("report", [hour(0, { known: { start, base: 0, own: 10 } })]));
      assert.equal((await counters.quota(call("reserve", [hour(1)], { lease: "no" }))).status, "refused");
      clock.advance(3_600_000);
      const next = await counters.quota(call("reserve", [hour(100)], { lease: "new" }));
      assert.deepEqual(next.counters, [{ start: start + 3_600_000, spent: 0, reserved: 100 }]);
      // The long request ends: it belongs to the window that it began in.
      const settled = call("settle", [hour(90, { known: { start, base: 0, own: 95 } })], { lease: "long" });
      assert.deepEqual((await counters.quota(settled)).counters, next.counters);
    });

    it("never gives out more than the limit to many at once", async () => {
      const counter = fresh();
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          counters.quota(call("reserve", [claim(counter, 3)], { lease: `many${index}` })),
        ),
      );
      assert.equal(answers.filter(({ status }) => status === "done").length, 33);
    });

    it("keeps counters apart, whatever is in their names", async () => {
      const odd = ["a b", "a\r\nDEL x", "{a}", "a}", "a%7D", "é", "e\u0301", "\ud800", "*", "__proto__", "a:leases"];
      const claims = odd.map((counter) => claim(counter, 100));
      assert.equal((await counters.quota(call("reserve", claims))).status, "done");
      for (const counter of odd) {
        const { counters: states } = await counters.quota(call("report", [claim(counter, 0)]));
        assert.equal(states[0]?.reserved, 100, counter);
      }
      await counters.quota(call("settle", claims));
    });

    it("counts large amounts exactly", async () => {
      const counter = fresh();
      const limit = 2 ** 51 - 1;
      await counters.quota(call("reserve", [claim(counter, limit - 1, { limit })]));
      assert.equal(
        (await counters.quota(call("reserve", [claim(counter, 2, { limit })], { lease: "b" }))).status,
        "refused",
      );
      assert.equal(
        (await counters.quota(call("reserve", [claim(counter, 1, { limit })], { lease: "c" }))).status,
        "done",
      );
      const { counters: states } = await counters.quota(call("report", [claim(counter, 0)]));
      assert.equal(states[0]?.reserved, limit);
    });

    it("refuses what cannot be counted with", async () => {
      const invalid = { code: "storage.limit-invalid" };
      for (const bad of [-1, 1.5, Number.NaN, Infinity, Number.MAX_SAFE_INTEGER]) {
        await assert.rejects(counters.quota(call("reserve", [claim("x", bad)])), invalid);
        await assert.rejects(counters.quota(call("reserve", [claim("x", 1, { limit: bad })])), invalid);
        const known = { start: 0, base: bad, own: 0 };
        await assert.rejects(counters.quota(call("reserve", [claim("x", 1, { known })])), invalid);
      }
      await assert.rejects(counters.quota(call("reserve", [claim("x", 1)], { ttlMs: 0 })), invalid);
      await assert.rejects(counters.quota(call("reserve", [claim("x", 1)], { lease: "" })), invalid);
      await assert.rejects(counters.quota(call("reserve", [claim("x", 1)], { lease: "a:1:0" })), invalid);
      await assert.rejects(counters.quota(call("reserve", [claim("x", 1), claim("x", 1)])), invalid);
      const many = Array.from({ length: MOST_CLAIMS + 1 }, () => claim(fresh(), 1));
      await assert.rejects(counters.quota(call("reserve", many)), invalid);
    });

    it("counts the holders that called lately", async () => {
      const ask = async (holder: string): Promise<number> =>
        (await counters.quota(call("report", [claim("h", 0)], { holder }))).holders;
      clock.advance(120_000);
      assert.deepEqual([await ask("r1"), await ask("r2"), await ask(""), await ask("r1")], [1, 2, 2, 2]);
      clock.advance(60_001);
      assert.equal(await ask("r3"), 1);
    });

    it("does as a plain model does, on any history", async () => {
      const step = fc.oneof(
        fc.record({ advance: fc.constantFrom(1, 500, 30_000, 60_000, 3_600_000) }),
        fc.record({ reserve: fc.integer({ min: 0, max: 60 }), counter: fc.nat({ max: 2 }), both: fc.boolean() }),
        fc.record({ settle: fc.nat({ max: 6 }), spent: fc.integer({ min: 0, max: 70 }) }),
        fc.record({ restate: fc.nat({ max: 1 }) }),
      );
      let history = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          history++;
          const model = plainModel(clock);
          const leases: { id: string; holder: string; claims: Claim[]; spent: boolean; start: number[] }[] = [];
          const own = new Map<string, number>();
          let lease = 0;
          for (const one of steps) {
            if ("advance" in one) clock.advance(one.advance);
            else if ("reserve" in one) {
              const windows: readonly Window[] = ["minute", "hour", "total"];
              const which = one.both ? [0, 1, 2] : [one.counter];
              const claims = which.map((index) =>
                claim(`m${history}.${index}`, one.reserve, {
                  window: windows[index] as Window,
                  limit: 100,
                  chargeIfLost: index === 1,
                }),
              );
              const id = `${history}-${++lease}`;
              const holder = `h${lease % 2}`;
              const answer = await counters.quota(call("reserve", claims, { lease: id, holder, ttlMs: 45_000 }));
              assert.equal(answer.status === "done", model.reserve(id, claims, 45_000));
              if (answer.status === "done")
                leases.push({ id, holder, claims, spent: false, start: answer.counters.map(({ start }) => start) });
            } else {
              const held = "settle" in one ? leases[one.settle] : leases.find(({ spent }) => spent);
              if (held === undefined || ("settle" in one && held.spent)) continue;
              held.spent = true;
              const settled = held.claims.map((one_, index) => {
                const start = held.start[index] as number;
                const key = `${held.holder} ${one_.counter} ${start}`;
                own.set(key, (own.get(key) ?? 0) + ("settle" in one ? one.spent : 0));
                return { ...one_, known: { start, base: 0, own: own.get(key) as number } };
              });
              await counters.quota(call("settle", settled, { lease: held.id, holder: held.holder }));
              if ("settle" in one) model.settle(held.id, one.spent, held.claims, held.start);
            }
            for (const [index, window] of (["minute", "hour", "total"] as const).entries()) {
              const looked = claim(`m${history}.${index}`, 0, { window });
              const { counters: states } = await counters.quota(call("report", [looked], { holder: "" }));
              assert.deepEqual(states, [model.look(looked)]);
              assert.ok((states[0] as { reserved: number }).reserved <= 100);
            }
          }
        }),
        { numRuns: backend === "memory" ? 200 : 40 },
      );
    });
  });
}

/** What a quota is, in the plainest words: lists of what happened, added up anew at every look. */
function plainModel(clock: FakeClock) {
  const spent: { counter: string; start: number; amount: number }[] = [];
  let held: { id: string; counter: string; start: number; amount: number; endsAt: number; charge: boolean }[] = [];
  const expire = (): void => {
    for (const one of held) {
      if (one.endsAt <= clock.now() && one.charge) spent.push(one);
    }
    held = held.filter(({ endsAt }) => endsAt > clock.now());
  };
  const look = ({ counter, window }: Claim): { start: number; spent: number; reserved: number } => {
    expire();
    const { start } = windowAt(window, clock.now());
    const sum = (list: readonly { counter: string; start: number; amount: number }[]): number =>
      list.filter((one) => one.counter === counter && one.start === start).reduce((all, { amount }) => all + amount, 0);
    return { start, spent: sum(spent), reserved: sum(held) };
  };
  return {
    look,
    reserve(id: string, claims: readonly Claim[], ttlMs: number): boolean {
      for (const one of claims) {
        const state = look(one);
        if (state.spent + state.reserved + one.amount > one.limit) return false;
      }
      for (const { counter, window, amount, chargeIfLost } of claims) {
        const { start } = windowAt(window, clock.now());
        held.push({ id, counter, start, amount, endsAt: clock.now() + ttlMs, charge: chargeIfLost });
      }
      return true;
    },
    settle(id: string, amount: number, claims: readonly Claim[], starts: readonly number[]): void {
      expire();
      held = held.filter((one) => one.id !== id);
      for (const [index, { counter }] of claims.entries()) {
        spent.push({ counter, start: starts[index] as number, amount });
      }
    },
  };
}

describe("quotas shared by replicas in a real Redis", { skip: redisMissing ?? false }, () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it("are one for 64 callers on 3 clients", async () => {
    const replicas = await Promise.all([1, 2, 3].map(() => openCounters({ url: server.url, recoveryMs: 0 })));
    const counter = fresh();
    const own = [0, 0, 0];
    let [granted, most] = [0, 0];
    const caller = async (index: number): Promise<void> => {
      const which = index % 3;
      const counters = replicas[which] as Counters;
      const holder = `replica${which}`;
      for (let round = 0; round < 12; round++) {
        const lease = `${index}-${round}`;
        const one = claim(counter, 9, { limit: 1_000 });
        const answer = await counters.quota(call("reserve", [one], { holder, lease }));
        const { spent, reserved } = answer.counters[0] as { spent: number; reserved: number };
        most = Math.max(most, spent + reserved);
        if (answer.status !== "done") continue;
        granted++;
        own[which] = (own[which] as number) + (round % 10);
        const known = { start: 0, base: 0, own: own[which] };
        await counters.quota(call("settle", [{ ...one, known }], { holder, lease }));
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, index) => caller(index)));
    const { counters: states } = await (replicas[0] as Counters).quota(call("report", [claim(counter, 0)]));
    const total = own.reduce((sum, one) => sum + one, 0);
    assert.deepEqual(states, [{ start: 0, spent: total, reserved: 0 }]);
    assert.ok(most <= 1_000 && total <= 1_000 && total > 900, `${granted} granted, ${total} spent, ${most} at most`);
    for (const replica of replicas) await replica.close();
  });

  it("take back what a holder held that was killed", async () => {
    const end = await runChild(
      `const counters = await storage.openCounters({ url: ${JSON.stringify(server.url)}, recoveryMs: 0 });
      const claims = [{ counter: "killed", window: "total", limit: 10, amount: 10, chargeIfLost: false }];
      const reserve = { op: "reserve", holder: "child", epoch: undefined, lease: "c", ttlMs: 500, claims };
      console.log((await counters.quota(reserve)).status);
      process.kill(process.pid, "SIGKILL");`,
      { url: "", home: "" },
    );
    assert.deepEqual([end.signal, end.output], ["SIGKILL", "done\n"]);
    const counters = await openCounters({ url: server.url, recoveryMs: 0 });
    const ask = (): Promise<{ status: string }> =>
      counters.quota(call("reserve", [claim("killed", 10, { limit: 10 })], { lease: "d" }));
    let [status, attempts] = ["refused", 0];
    for (; status !== "done" && attempts < 400; attempts++) {
      status = (await ask()).status;
      if (status !== "done") await delay(25);
    }
    assert.equal(status, "done");
    await counters.close();
  });

  it("do not go back to an earlier window when the clock is set back", async () => {
    const clocks = [fakeClock(Date.UTC(2026, 0, 1, 5)), fakeClock(Date.UTC(2026, 0, 1, 4, 59))];
    const [ahead, behind] = await Promise.all(
      clocks.map((clock) => openCounters({ url: server.url, clock, recoveryMs: 0 })),
    );
    const hour = claim(fresh(), 70, { window: "hour" });
    assert.equal((await ahead?.quota(call("reserve", [hour])))?.status, "done");
    assert.equal((await behind?.quota(call("reserve", [hour], { lease: "two" })))?.status, "refused");
    await Promise.all([ahead?.close(), behind?.close()]);
  });

  it("are in one window with all of JavaScript's, in every month", async () => {
    const clock = fakeClock(0);
    const counters = await openCounters({ url: server.url, clock, recoveryMs: 0 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: Date.UTC(2120, 0) }),
        fc.constantFrom(...WINDOWS),
        async (at, window) => {
          clock.advance(at - clock.now());
          const looked = claim(fresh(), 0, { window });
          const answer = await counters.quota(call("report", [looked], { holder: "" }));
          assert.equal(answer.counters[0]?.start, windowAt(window, at).start);
        },
      ),
      { numRuns: 400 },
    );
    await counters.close();
  });

  it("leave nothing behind for ever but totals, and nothing of what came to nothing", async () => {
    const counters = await openCounters({ url: server.url, recoveryMs: 0 });
    const client = createClient({ url: server.url });
    await client.connect();
    await client.flushAll();
    const hour = claim("h", 5, { window: "hour" });
    await counters.quota(call("reserve", [hour, claim("t", 5)]));
    await counters.quota(call("reserve", [claim("none", 0)], { lease: "n" }));
    assert.deepEqual((await client.keys("*")).toSorted(), [
      "holdfast:quota:{budget}:epoch",
      "holdfast:quota:{budget}:h",
      "holdfast:quota:{budget}:h:leases",
      "holdfast:quota:{budget}:holders",
      "holdfast:quota:{budget}:t",
      "holdfast:quota:{budget}:t:leases",
    ]);
    for (const name of ["h", "h:leases"]) {
      const ttl = await client.pTTL(`holdfast:quota:{budget}:${name}`);
      assert.ok(ttl > 0 && ttl <= 3_660_001, `${name}: ${ttl}`);
    }
    await counters.quota(call("settle", [hour, claim("t", 5)]));
    assert.deepEqual((await client.keys("*")).toSorted(), [
      "holdfast:quota:{budget}:epoch",
      "holdfast:quota:{budget}:holders",
    ]);
    client.destroy();
    await counters.close();
  });

  it("tell a holder that all was forgotten, and grant nothing until all could say what they know", async () => {
    const clock = fakeClock();
    const counters = await openCounters({ url: server.url, clock, recoveryMs: 5_000 });
    const counter = fresh();
    await counters.quota(call("report", [claim(counter, 0)]));
    clock.advance(5_000);
    const { epoch } = await counters.quota(call("reserve", [claim(counter, 10)]));
    await server.kill();
    await server.start();
    const again = async (
      more: Partial<QuotaCall>,
      own = 0,
    ): Promise<{ status: string; epoch: string; spent?: number }> => {
      for (let attempt = 0; ; attempt++) {
        try {
          const known = { start: 0, base: 40, own };
          const answer = await counters.quota(call("reserve", [claim(counter, 10, { known })], more));
          return { status: answer.status, epoch: answer.epoch, spent: answer.counters[0]?.spent as number };
        } catch (error) {
          if (attempt > 400) throw error;
          await delay(25);
        }
      }
    };
    const moved = await again({ epoch });
    assert.equal(moved.status, "moved");
    assert.notEqual(moved.epoch, epoch);
    assert.deepEqual(await again({ epoch: moved.epoch }, 2), { status: "recovering", epoch: moved.epoch, spent: 42 });
    assert.deepEqual(await again({ epoch: moved.epoch, holder: "b" }, 3), {
      status: "recovering",
      epoch: moved.epoch,
      spent: 45,
    });
    const fresh_ = await counters.quota(
      call("reserve", [claim(fresh(), 1)], { epoch: moved.epoch, lease: "f", nothingBefore: true }),
    );
    assert.equal(fresh_.status, "done");
    const registered = await counters.quota(
      call("register", [claim(counter, 50)], { lease: "live", epoch: moved.epoch }),
    );
    assert.equal(registered.status, "done");
    clock.advance(5_000);
    assert.equal((await again({ epoch: moved.epoch, lease: "l9" }, 2)).status, "refused");
    await counters.close();
  });
});
