import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Clock } from "../../core/index.ts";
import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { openCounters, type Counters } from "./counters.ts";

/** A clock whose wall time can be set, as a person or NTP does, while the time that passes goes on. */
function settable() {
  let [wall, passed] = [1_790_000_000_000, 0];
  const clock: Clock = { now: () => wall, monotonic: () => passed };
  const advance = (ms: number): void => {
    wall += ms;
    passed += ms;
  };
  return { clock, advance, setWall: (ms: number) => (wall += ms) };
}

interface Backend {
  readonly name: string;
  readonly skip: string | undefined;
  readonly start: () => Promise<{ readonly url: string; readonly stop: () => Promise<void> }>;
}

const BACKENDS: readonly Backend[] = [
  { name: "memory", skip: undefined, start: async () => ({ url: "memory", stop: async () => undefined }) },
  {
    name: "Redis",
    skip: redisMissing,
    start: async () => {
      const server: RedisServer = await startRedis();
      return { url: server.url, stop: () => server.stop() };
    },
  },
];

for (const backend of BACKENDS) {
  describe(`counters in ${backend.name}`, { skip: backend.skip ?? false }, () => {
    const time = settable();
    let stop: () => Promise<void>;
    let counters: Counters;
    let keys = 0;
    /** A key that no other test uses. */
    const fresh = (): string => `key:${++keys}`;

    before(async () => {
      const started = await backend.start();
      stop = started.stop;
      counters = await openCounters({ url: started.url, clock: time.clock });
    });
    after(async () => {
      await counters.close();
      await stop();
    });

    it("allows a burst, counts what is left, then says how long to wait", async () => {
      const key = fresh();
      const limit = { perMinute: 60, burst: 3 };
      for (const remaining of [2, 1, 0]) {
        assert.deepEqual(await counters.take(key, limit), { allowed: true, remaining, retryAfterMs: 0 });
      }
      assert.deepEqual(await counters.take(key, limit), { allowed: false, remaining: 0, retryAfterMs: 1000 });
      time.advance(999);
      assert.deepEqual(await counters.take(key, limit), { allowed: false, remaining: 0, retryAfterMs: 1 });
      time.advance(1);
      assert.deepEqual(await counters.take(key, limit), { allowed: true, remaining: 0, retryAfterMs: 0 });
      time.advance(3_600_000);
      assert.deepEqual(await counters.take(key, limit), { allowed: true, remaining: 2, retryAfterMs: 0 });
    });

    it("lets a minute's worth come at once where no burst is given", async () => {
      const key = fresh();
      const answers = [];
      for (let index = 0; index < 6; index++) answers.push((await counters.take(key, { perMinute: 5 })).allowed);
      assert.deepEqual(answers, [true, true, true, true, true, false]);
    });

    it("takes a cost as a whole or not at all", async () => {
      const key = fresh();
      const limit = { perMinute: 600, burst: 10 };
      assert.deepEqual(await counters.take(key, limit, 7), { allowed: true, remaining: 3, retryAfterMs: 0 });
      assert.deepEqual(await counters.take(key, limit, 4), { allowed: false, remaining: 3, retryAfterMs: 100 });
      assert.deepEqual(await counters.take(key, limit, 3), { allowed: true, remaining: 0, retryAfterMs: 0 });
      assert.deepEqual(await counters.take(key, limit, 0), { allowed: true, remaining: 0, retryAfterMs: 0 });
      assert.deepEqual(await counters.take(key, limit, 11), { allowed: false, remaining: 0, retryAfterMs: Infinity });
    });

    it("never gives out more than the limit to many at once", async () => {
      const [key, place] = [fresh(), fresh()];
      const takes = Array.from({ length: 200 }, () => counters.take(key, { perMinute: 60, burst: 37 }));
      assert.equal((await Promise.all(takes)).filter(({ allowed }) => allowed).length, 37);
      const leases = await Promise.all(Array.from({ length: 200 }, () => counters.acquire(place, 37, 60_000)));
      assert.equal(new Set(leases.flatMap((lease) => (lease === undefined ? [] : [lease.id]))).size, 37);
    });

    it("counts a large burst exactly", async () => {
      const key = fresh();
      const limit = { perMinute: 700_000, burst: 3000 };
      let allowed = 0;
      for (let round = 0; round < 4; round++) {
        const takes = await Promise.all(Array.from({ length: 1000 }, () => counters.take(key, limit)));
        allowed += takes.filter((answer) => answer.allowed).length;
      }
      assert.equal(allowed, 3000);
    });

    it("keeps keys apart, whatever is in them", async () => {
      const limit = { perMinute: 1 };
      const odd = [
        "",
        "a",
        "A",
        "a b",
        "a\nb",
        "a\r\nDEL x",
        "{a}",
        "}{",
        "a}",
        "a%7D",
        "é",
        "e\u0301",
        "\ud800",
        "*",
        "__proto__",
        "x".repeat(5000),
      ];
      for (const key of odd) assert.equal((await counters.take(key, limit)).allowed, true, key);
      for (const key of odd) assert.equal((await counters.take(key, limit)).allowed, false, key);
    });

    it("follows a limit that was changed", async () => {
      const key = fresh();
      assert.equal((await counters.take(key, { perMinute: 60, burst: 100 }, 50)).remaining, 50);
      assert.equal((await counters.take(key, { perMinute: 60, burst: 10 })).remaining, 9);
      assert.equal((await counters.take(key, { perMinute: 60, burst: 100 })).remaining, 8);
    });

    it("refuses limits that cannot be counted with", async () => {
      const invalid = { code: "storage.limit-invalid" };
      for (const perMinute of [0, -1, Number.NaN, Infinity])
        await assert.rejects(counters.take("x", { perMinute }), invalid);
      for (const burst of [0, -1, Number.NaN, Infinity]) {
        await assert.rejects(counters.take("x", { perMinute: 1, burst }), invalid);
      }
      for (const cost of [-1, Number.NaN, Infinity])
        await assert.rejects(counters.take("x", { perMinute: 1 }, cost), invalid);
      for (const limit of [-1, 1.5, Number.NaN, Infinity])
        await assert.rejects(counters.acquire("x", limit, 1000), invalid);
      for (const ttl of [0, -1, Number.NaN, Infinity]) await assert.rejects(counters.acquire("x", 1, ttl), invalid);
    });

    it("lends places, takes them back, and lends them again", async () => {
      const key = fresh();
      const [one, two] = [await counters.acquire(key, 2, 60_000), await counters.acquire(key, 2, 60_000)];
      assert.ok(one !== undefined && two !== undefined && one.id !== two.id);
      assert.equal(await counters.acquire(key, 2, 60_000), undefined);
      await counters.release(key, one.id);
      await counters.release(key, one.id);
      await counters.release(key, "no such lease");
      await counters.release(fresh(), two.id);
      assert.ok((await counters.acquire(key, 2, 60_000)) !== undefined);
      assert.equal(await counters.acquire(key, 2, 60_000), undefined);
      assert.equal(await counters.acquire(fresh(), 0, 60_000), undefined);
    });

    it("ends a lease by itself, each at its own time", async () => {
      const key = fresh();
      assert.ok((await counters.acquire(key, 2, 1000)) !== undefined);
      assert.ok((await counters.acquire(key, 2, 5000)) !== undefined);
      time.advance(999);
      assert.equal(await counters.acquire(key, 2, 1000), undefined);
      time.advance(1);
      assert.ok((await counters.acquire(key, 2, 10_000)) !== undefined);
      assert.equal(await counters.acquire(key, 2, 1000), undefined);
      time.advance(4000);
      assert.ok((await counters.acquire(key, 2, 1000)) !== undefined);
    });

    it("neither opens nor locks up when the wall clock is set", async () => {
      const [key, place] = [fresh(), fresh()];
      const limit = { perMinute: 60, burst: 5 };
      await counters.take(key, limit, 5);
      await counters.acquire(place, 1, 10_000);
      // An hour back: nothing is gained, and from here on all goes its way.
      time.setWall(-3_600_000);
      assert.equal((await counters.take(key, limit)).allowed, false);
      assert.equal(await counters.acquire(place, 1, 10_000), undefined);
      time.advance(1000);
      assert.equal((await counters.take(key, limit)).allowed, true);
      time.advance(9000);
      assert.ok((await counters.acquire(place, 1, 10_000)) !== undefined);
      // An hour forward: a bucket is full at most.
      await counters.take(key, limit, 5);
      time.setWall(3_600_000);
      const takes = await Promise.all(Array.from({ length: 20 }, () => counters.take(key, limit)));
      assert.ok(takes.filter(({ allowed }) => allowed).length <= 5);
    });

    it("answers nothing after it was closed", async () => {
      const { url, stop } = await backend.start();
      const own = await openCounters({ url });
      await own.close();
      await own.close();
      await assert.rejects(own.take("x", { perMinute: 1 }), { code: "storage.closed" });
      await assert.rejects(own.acquire("x", 1, 1000), { code: "storage.closed" });
      await assert.rejects(own.release("x", "y"), { code: "storage.closed" });
      await stop();
    });
  });
}
