import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { createClient } from "@redis/client";
import fc from "fast-check";

import { runChild } from "../../../test/servers/child.ts";
import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { call, claim, fresh } from "../../../test/storage/quota.ts";
import { fakeClock } from "../../core/index.ts";
import { openCounters, type Counters } from "./counters.ts";
import type { QuotaCall } from "./quota.ts";
import { windowAt, WINDOWS } from "./window.ts";

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

  it("count all that was booked before as spent when they are started again, or another takes over", async () => {
    const counters = await openCounters({ url: server.url, recoveryMs: 0 });
    const counter = fresh();
    const { epoch } = await counters.quota(call("reserve", [claim(counter, 30)]));
    const known = { start: 0, base: 0, own: 20 };
    await counters.quota(call("reserve", [claim(counter, 10, { known, chargeIfLost: true })], { lease: "l2" }));
    // The data is there, but the process that it says is another: it may be older than what was answered.
    const client = createClient({ url: server.url });
    await client.connect();
    const key = "holdfast:quota:{budget}:epoch";
    const [id, born, run] = ((await client.get(key)) ?? "").split(" ");
    assert.equal(id, epoch);
    assert.equal(run, /^run_id:(\w+)/m.exec(await client.info("server"))?.[1]);
    await client.set(key, `${id} ${born} ${"0".repeat(40)}`);
    const moved = await counters.quota(call("settle", [claim(counter, 30, { known })], { epoch }));
    assert.equal(moved.status, "moved");
    assert.notEqual(moved.epoch, epoch);
    const again = { epoch: moved.epoch, lease: "l3" };
    const { status, counters: states } = await counters.quota(call("reserve", [claim(counter, 40)], again));
    assert.deepEqual([status, states], ["done", [{ start: 0, spent: 60, reserved: 40 }]]);
    assert.equal(
      (await counters.quota(call("reserve", [claim(counter, 1)], { ...again, lease: "l4" }))).status,
      "refused",
    );
    client.destroy();
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
