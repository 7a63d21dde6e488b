import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fakeClock } from "../../core/index.ts";
import { answer, refill, take, type Bucket } from "./bucket.ts";
import { memoryCounters } from "./memory.ts";
import { readLimit } from "./limit.ts";

describe("a token bucket", () => {
  const asks = fc.array(
    fc.record({ wait: fc.double({ min: 0, max: 5000, noNaN: true }), cost: fc.integer({ min: 0, max: 9 }) }),
    {
      maxLength: 60,
    },
  );
  const limits = fc.record({ perMinute: fc.integer({ min: 1, max: 100_000 }), burst: fc.integer({ min: 1, max: 50 }) });

  it("gives out, in any stretch of time, at most the burst and what flows in", () => {
    fc.assert(
      fc.property(limits, asks, (limit, history) => {
        const rate = readLimit(limit, 0);
        let bucket: Bucket | undefined;
        let now = 0;
        const given: { at: number; cost: number }[] = [];
        for (const { wait, cost } of history) {
          now += wait;
          const after = take(refill(bucket, rate, now), cost);
          if (after.allowed) given.push({ at: now, cost });
          bucket = after;
        }
        for (const [from, { at: start }] of given.entries()) {
          let sum = 0;
          for (const { at, cost } of given.slice(from)) {
            sum += cost;
            assert.ok(sum <= rate.burst + (at - start) * rate.perMs + 1e-6, `${sum} from ${start} to ${at}`);
          }
        }
      }),
    );
  });

  it("allows after the wait that it named, and not a millisecond before", () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (limit, used, cost) => {
        const rate = readLimit(limit, cost);
        const before = take(refill(undefined, rate, 0), Math.min(used, rate.burst));
        const { retryAfterMs } = answer(before.tokens >= cost, before.tokens, rate, cost);
        if (retryAfterMs === Infinity) return assert.ok(cost > rate.burst);
        assert.equal(take(refill(before, rate, retryAfterMs), cost).allowed, true);
        if (retryAfterMs > 0) assert.equal(take(refill(before, rate, retryAfterMs - 1), cost).allowed, false);
      }),
    );
  });
});

describe("counters in memory", () => {
  it("forget keys that say nothing any more, and keep those that do", async () => {
    const clock = fakeClock();
    const counters = memoryCounters(clock);
    const limit = { perMinute: 60, burst: 2 };
    await counters.take("kept", { perMinute: 1, burst: 2 }, 2);
    const place = await counters.acquire("kept", 1, 100_000);
    for (let round = 0; round < 5; round++) {
      for (let index = 0; index < 1500; index++) {
        await counters.take(`${round}:${index}`, limit);
        await counters.acquire(`${round}:${index}`, 1, 500);
      }
      clock.advance(2000);
    }
    assert.equal((await counters.take("kept", { perMinute: 1, burst: 2 })).allowed, false);
    assert.equal(await counters.acquire("kept", 1, 1000), undefined);
    assert.ok(place !== undefined);
    // A key that was swept starts full, as it would have been.
    assert.deepEqual(await counters.take("0:0", limit), { allowed: true, remaining: 1, retryAfterMs: 0 });
    await counters.close();
  });
});
