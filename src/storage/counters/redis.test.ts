import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, it } from "node:test";
import { createClient } from "@redis/client";
import fc from "fast-check";
import { fakeClock } from "../../core/index.ts";
import { runChild } from "../../../test/servers/child.ts";
import { freePort } from "../../../test/servers/port.ts";
import { redisMissing, startRedis, type RedisServer } from "../../../test/servers/redis.ts";
import { openCounters, type Counters } from "./counters.ts";

const unavailable = { code: "storage.counters-unavailable" };

/** Asks until there is an answer again. */
async function comesBack(counters: Counters): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    const answer = await counters.take("back", { perMinute: 1e6 }).catch(() => undefined);
    if (answer !== undefined) return;
    await delay(25);
  }
  assert.fail("it did not come back");
}

describe("a Redis that cannot be used", () => {
  it("is named by its reason, not by its password", async () => {
    const port = await freePort();
    await assert.rejects(openCounters({ url: `redis://user:hunter2@127.0.0.1:${port}` }), (error: Error) => {
      assert.match(error.message, /ECONNREFUSED/);
      assert.doesNotMatch(`${error.message}${error.stack}${String(error.cause)}${JSON.stringify(error)}`, /hunter2/);
      return true;
    });
  });

  it("is given up when it takes connections and says nothing, or garbage", async () => {
    const tried = ["", "HTTP/1.1 400 Bad Request\r\n\r\n", "$-5\r\n", "\0\0\0\0"].map(async (say) => {
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        sockets.push(socket);
        socket.on("error", () => undefined);
        if (say !== "") socket.write(say);
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      await assert.rejects(
        openCounters({ url: `redis://:hunter2@127.0.0.1:${port}` }),
        unavailable,
        JSON.stringify(say),
      );
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await Promise.all(tried);
  });
});

describe("counters in a real Redis", { skip: redisMissing ?? false }, () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it("refuses a wrong password by name", async () => {
    const url = server.url.replace(encodeURIComponent(server.password), "wrong-hunter2");
    await assert.rejects(openCounters({ url }), (error: Error & { code: string; detail: string }) => {
      assert.deepEqual([error.code, error.detail], [unavailable.code, "WRONGPASS"]);
      assert.doesNotMatch(`${error.stack}${String(error.cause)}`, /hunter2/);
      return true;
    });
  });

  it("counts as memory does, on any history", async () => {
    const clock = fakeClock();
    const [redis, memory] = [
      await openCounters({ url: server.url, clock }),
      await openCounters({ url: "memory", clock }),
    ];
    const step = fc.oneof(
      fc.record({ advance: fc.integer({ min: 0, max: 3000 }) }),
      fc.record({ take: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ acquire: fc.integer({ min: 1, max: 3000 }) }),
      fc.record({ release: fc.nat({ max: 5 }) }),
    );
    let histories = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 12 }),
        fc.array(step, { maxLength: 40 }),
        async (perMinute, burst, steps) => {
          const key = `history:${++histories}`;
          const leases: { redis: string; memory: string }[] = [];
          for (const one of steps) {
            if ("advance" in one) clock.advance(one.advance);
            else if ("take" in one) {
              const limit = { perMinute, burst };
              assert.deepEqual(await redis.take(key, limit, one.take), await memory.take(key, limit, one.take));
            } else if ("acquire" in one) {
              const [a, b] = [await redis.acquire(key, 3, one.acquire), await memory.acquire(key, 3, one.acquire)];
              assert.equal(a === undefined, b === undefined);
              if (a !== undefined && b !== undefined) leases.push({ redis: a.id, memory: b.id });
            } else {
              const lease = leases[one.release];
              if (lease === undefined) continue;
              await redis.release(key, lease.redis);
              await memory.release(key, lease.memory);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
    await redis.close();
    await memory.close();
  });

  it("is one limit for all replicas", async () => {
    const replicas = await Promise.all([1, 2, 3].map(() => openCounters({ url: server.url })));
    const ask = (index: number): Counters => replicas[index % 3] as Counters;
    const limit = { perMinute: 1, burst: 50 };
    const takes = await Promise.all(Array.from({ length: 300 }, (_, index) => ask(index).take("shared", limit)));
    assert.equal(takes.filter(({ allowed }) => allowed).length, 50);
    const leases = await Promise.all(
      Array.from({ length: 300 }, (_, index) => ask(index).acquire("shared", 50, 60_000)),
    );
    assert.equal(leases.filter((lease) => lease !== undefined).length, 50);
    // A place may be given back through any of them.
    for (const [index, lease] of leases.entries())
      if (lease !== undefined) await ask(index + 1).release("shared", lease.id);
    assert.ok((await ask(0).acquire("shared", 1, 60_000)) !== undefined);
    for (const replica of replicas) await replica.close();
  });

  it("leaves nothing behind for ever, under its own prefix", async () => {
    const counters = await openCounters({ url: server.url });
    await counters.take("a}b", { perMinute: 60, burst: 60 });
    await counters.acquire("a}b", 2, 60_000);
    const client = createClient({ url: server.url });
    await client.connect();
    for (const [key, longest] of [
      ["holdfast:rate:{a%7Db}", 61_000],
      ["holdfast:lease:{a%7Db}", 120_000],
    ] as const) {
      const ttl = await client.pTTL(key);
      assert.ok(ttl > 0 && ttl <= longest, `${key}: ${ttl}`);
    }
    for (const key of await client.keys("*")) assert.match(key, /^holdfast:(?:rate|lease):\{[^{}]*\}$/);
    for (const key of await client.keys("*")) assert.ok((await client.pTTL(key)) > 0, key);
    client.destroy();
    await counters.close();
  });

  it("takes back the place of a replica that was killed", async () => {
    const end = await runChild(
      `const counters = await storage.openCounters({ url: ${JSON.stringify(server.url)} });
      const lease = await counters.acquire("killed", 1, 400);
      console.log(lease !== undefined);
      process.kill(process.pid, "SIGKILL");`,
      { url: "", home: "" },
    );
    assert.deepEqual([end.signal, end.output], ["SIGKILL", "true\n"]);
    const counters = await openCounters({ url: server.url });
    let lease: { id: string } | undefined;
    for (let attempt = 0; lease === undefined && attempt < 400; attempt++) {
      lease = await counters.acquire("killed", 1, 60_000);
      if (lease === undefined) await delay(25);
    }
    assert.ok(lease !== undefined);
    assert.equal(await counters.acquire("killed", 1, 60_000), undefined);
    await counters.close();
  });

  it("fails by name while the server is down, and counts again when it is back, without its scripts", async () => {
    const counters = await openCounters({ url: server.url });
    await counters.take("x", { perMinute: 10 });
    await server.kill();
    for (let index = 0; index < 20; index++) await assert.rejects(counters.take("x", { perMinute: 10 }), unavailable);
    await assert.rejects(counters.acquire("x", 1, 1000), unavailable);
    await assert.rejects(counters.release("x", "id"), unavailable);
    await server.start();
    await comesBack(counters);
    assert.ok((await counters.acquire("x", 1, 1000)) !== undefined);
    await counters.close();
  });

  it("does not hang on a server that stands still, and fails at once after that", async () => {
    const counters = await openCounters({ url: server.url });
    server.pause();
    const waiting = await Promise.allSettled(
      Array.from({ length: 50 }, () => counters.take("still", { perMinute: 10 })),
    );
    for (const one of waiting) {
      assert.equal(one.status, "rejected");
      assert.equal((one.reason as { code: string }).code, unavailable.code);
    }
    // Two seconds each would be half an hour.
    for (let index = 0; index < 1000; index++) {
      await assert.rejects(counters.take("still", { perMinute: 10 }), { ...unavailable, detail: "not connected" });
    }
    server.resume();
    await comesBack(counters);
    await counters.close();
  });

  it("passes on why the server refuses, without the text of the command", async () => {
    const client = createClient({ url: server.url });
    await client.connect();
    const counters = await openCounters({ url: server.url });
    await client.set("holdfast:lease:{odd}", "not a set");
    await assert.rejects(
      counters.acquire("odd", 1, 1000),
      (error: { code: string; detail: string; cause?: unknown }) => {
        assert.deepEqual([error.code, error.cause], [unavailable.code, undefined]);
        assert.match(error.detail, /^[A-Z]+$/);
        return true;
      },
    );
    // A refusal is no reason to drop the connection.
    assert.equal((await counters.take("odd", { perMinute: 1 })).allowed, true);
    client.destroy();
    await counters.close();
  });

  it("does not keep a process alive that has nothing to wait for", async () => {
    const script = `const counters = await storage.openCounters({ url: ${JSON.stringify(server.url)} });
      console.log((await counters.take("end", { perMinute: 1 })).allowed);`;
    const { code, output } = await runChild(script, { url: "", home: "" });
    assert.deepEqual({ code, output }, { code: 0, output: "true\n" });
  });
});
