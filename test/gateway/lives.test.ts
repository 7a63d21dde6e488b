/** The lives of exchanges and connections: nothing lives for ever, whatever the client does or leaves undone. */

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, it } from "node:test";

import { gatewayModule } from "../../src/gateway/index.ts";
import { systemClock } from "../../src/core/index.ts";
import { chat, raw, startHarness, type Harness, type HarnessOptions } from "./harness.ts";

const wait = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; waited < 800 && !condition(); waited++) await wait(10);
  assert.equal(condition(), true, what);
}

async function withHarness(options: HarnessOptions, use: (harness: Harness) => Promise<void>): Promise<void> {
  const harness = await startHarness(options);
  try {
    await use(harness);
  } finally {
    await harness.close();
  }
}

const head = (harness: Harness, length: number): string =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${harness.key}\r\n` +
  `content-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

const slow = { config: { timeouts: { clientMs: 500, totalMs: 1_000, idleMs: 700, firstByteMs: 700 } } };

describe("a client that does not close", () => {
  it("after half a header: its connection is cut once it was told", async () => {
    await withHarness(slow, async (harness) => {
      const socket = connect({ port: harness.port, host: "127.0.0.1", allowHalfOpen: true });
      let got = "";
      let closed = false;
      socket.on("data", (chunk) => (got += chunk.toString()));
      socket.on("error", () => undefined);
      // A half-open client sees the end of what it reads; that the other side is gone shows when it writes.
      const poke = setInterval(() => got !== "" && socket.write("x"), 100);
      socket.write("GET /v1/mod");
      socket.on("close", () => {
        closed = true;
      });
      await until(() => closed, "the connection lives on");
      clearInterval(poke);
      assert.match(got, /^HTTP\/1\.1 408/);
    });
  });

  it("after half a body: told 408 by its exchange, which leaves a receipt that says so", async () => {
    await withHarness(slow, async (harness) => {
      let got = "";
      const socket = connect({ port: harness.port, host: "127.0.0.1", allowHalfOpen: true });
      socket.on("data", (chunk) => (got += chunk.toString()));
      socket.on("error", () => undefined);
      socket.write(`${head(harness, 1_000)}{`);
      await until(() => harness.gateway.tally().received === 1 && harness.gateway.tally().inFlight === 0, "in flight");
      const [receipt] = await harness.receipts();
      assert.equal(receipt?.error, "gateway.request-timeout");
      assert.equal(receipt?.status, 408);
      assert.equal(receipt?.outcome, "refused");
      await until(() => got !== "", "nothing was told");
      assert.match(got, /^HTTP\/1\.1 408/);
      socket.destroy();
    });
  });

  it("and reads no more of its stream: the exchange ends when its time is up", async () => {
    const piece = "word ".repeat(4_000);
    await withHarness({ ...slow, script: { text: [piece], repeat: 1_000 } }, async (harness) => {
      const body = JSON.stringify(chat("hi", { stream: true }));
      const socket = connect({ port: harness.port, host: "127.0.0.1" });
      socket.on("error", () => undefined);
      socket.pause();
      socket.write(head(harness, Buffer.byteLength(body)) + body);
      await until(() => harness.gateway.tally().received === 1, "not received");
      await until(() => harness.gateway.tally().inFlight === 0, "still in flight");
      const [receipt] = await harness.receipts();
      assert.ok(receipt?.outcome === "cancelled" || receipt?.outcome === "failed");
      socket.destroy();
    });
  });
});

describe("garbage behind a request", () => {
  it("never stands in the middle of the response", async () => {
    await withHarness({ script: { text: ["word "], repeat: 50, delayMs: 10 } }, async (harness) => {
      const body = JSON.stringify(chat("hi", { stream: true }));
      const got = await raw(harness.port, (socket: Socket) => {
        socket.write(head(harness, Buffer.byteLength(body)) + body);
        setTimeout(() => socket.write("garbage\r\n\r\n"), 150);
      });
      assert.equal(got.match(/HTTP\/1\.1/g)?.length, 1);
      await until(() => harness.gateway.tally().inFlight === 0, "still in flight");
      assert.equal((await harness.receipts())[0]?.outcome, "cancelled");
    });
  });
});

describe("hanging up", () => {
  it("does not get around the limit of receipts without a key", async () => {
    await withHarness({}, async (harness) => {
      const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n`;
      for (let round = 0; round < 20; round++) {
        await Promise.all(
          Array.from({ length: 10 }, async () => {
            await raw(harness.port, (socket) => {
              socket.write(request, () => socket.resetAndDestroy());
            });
          }),
        );
      }
      await until(() => harness.gateway.tally().inFlight === 0, "still in flight");
      const { received, recorded, unrecorded } = harness.gateway.tally();
      assert.equal(received, recorded + unrecorded);
      // The minute may turn over once while the test runs.
      assert.ok(recorded <= 240);
      if (received > 240) assert.ok(unrecorded > 0);
    });
  });
});

describe("concurrency", () => {
  it("counts uploads too", async () => {
    await withHarness({ key: { concurrency: 2 } }, async (harness) => {
      const sockets = Array.from({ length: 2 }, () => connect({ port: harness.port, host: "127.0.0.1" }));
      try {
        for (const socket of sockets) socket.on("error", () => undefined).write(`${head(harness, 1_000)}{`);
        await until(() => harness.gateway.tally().inFlight === 2, "not in flight");
        await wait(100);
        assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 429);
      } finally {
        for (const socket of sockets) socket.destroy();
      }
      await until(() => harness.gateway.tally().inFlight === 0, "still in flight");
      assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
    });
  });
});

describe("a store that is away", () => {
  it("is no business of the caller, and stands in the log", async () => {
    await withHarness({}, async (harness) => {
      await harness.db.close();
      const answer = await harness.post("/v1/chat/completions", chat("hi"));
      assert.equal(answer.status, 503);
      assert.equal(answer.json.error?.code, "gateway.unavailable");
      assert.equal(answer.text.includes("storage"), false);
      assert.match(harness.logged.join("\n"), /storage\.closed/);
    });
  });
});

describe("stopping", () => {
  it("does not wait for connections that are idle by then", async () => {
    const harness = await startHarness({ script: { text: ["word "], repeat: 20, delayMs: 10 } });
    const stream = harness.post("/v1/chat/completions", chat("hi", { stream: true }));
    await until(() => harness.gateway.tally().inFlight === 1, "not in flight");
    const started = performance.now();
    await harness.gateway.close(30_000);
    assert.ok(performance.now() - started < 10_000);
    assert.equal((await stream).status, 200);
    await harness.close();
  });
});

describe("the gateway's proofs", () => {
  const proofs = gatewayModule.proofs;

  for (const receipts of ["durable", "buffered"] as const) {
    it(`hold of a running gateway, ${receipts}`, async () => {
      const config = { receipts, limits: { bodyBytes: 200_000 } };
      await withHarness({ config }, async (harness) => {
        const services = {
          clock: systemClock,
          db: async () => harness.db,
          config: { gateway: harness.config },
          gateway: () => harness.gateway,
        };
        for (const proof of proofs) {
          const seen = await proof.observe(services);
          assert.equal(seen.outcome, "holds", `${proof.id}: ${seen.observed}`);
        }
      });
    });
  }

  it("are unknown when nothing answers", async () => {
    await withHarness({}, async (harness) => {
      const services = {
        clock: systemClock,
        db: async () => harness.db,
        config: { gateway: { ...harness.config, listen: "127.0.0.1:9" } },
      };
      for (const proof of proofs) assert.equal((await proof.observe(services)).outcome, "unknown", proof.id);
    });
  });
});
