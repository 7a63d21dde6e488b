import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import fc from "fast-check";

import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { call, claim, fresh } from "../../../test/storage/quota.ts";
import { fakeClock, type FakeClock } from "../../core/index.ts";
import { openCounters, type Counters } from "./counters.ts";
import { MOST_CLAIMS, type Claim, type QuotaCall } from "./quota.ts";
import { windowAt, type Window } from "./window.ts";

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

    it("takes a lease that is there no second time, and not again when it has ended and the room is another's", async () => {
      const counter = fresh();
      const reserve = async (lease: string): Promise<unknown> => {
        const { status, counters: states } = await counters.quota(
          call("reserve", [claim(counter, 60)], { lease, ttlMs: 1_000 }),
        );
        return [status, states[0]?.reserved];
      };
      assert.deepEqual(await reserve("x"), ["done", 60]);
      clock.advance(900);
      assert.deepEqual(await reserve("x"), ["done", 60]);
      clock.advance(900);
      assert.deepEqual(
        [await reserve("y"), await reserve("x")],
        [
          ["refused", 60],
          ["done", 60],
        ],
      );
      clock.advance(1_000);
      assert.deepEqual(
        [await reserve("y"), await reserve("x")],
        [
          ["done", 60],
          ["refused", 60],
        ],
      );
    });

    it("takes nothing in another window than the claim knows of", async () => {
      const counter = fresh();
      const { start } = windowAt("hour", clock.now());
      for (const [known, status] of [
        [start - 3_600_000, "refused"],
        [start + 3_600_000, "refused"],
        [start, "done"],
      ] as const) {
        const one = claim(counter, 5, { window: "hour", known: { start: known, base: 0, own: 0 } });
        const answer = await counters.quota(call("reserve", [one]));
        assert.deepEqual([answer.status, answer.counters[0]?.start], [status, start]);
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
