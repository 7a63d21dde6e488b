/**
 * Many requests at once, upstreams that fail in every way by turns, clients that leave: whatever happens, each request
 * gets one answer of one upstream and one receipt, and nothing is left behind.
 */

import assert from "node:assert/strict";
import { request as httpRequest, type ServerResponse } from "node:http";
import { describe, it } from "node:test";

import { chatEvents } from "../upstreams/answers.ts";
import { startFakeUpstream, type FakeScript, type FakeUpstream } from "../upstreams/fake.ts";
import { chat, startHarness, type Harness } from "./harness.ts";

const REQUESTS = 160;
const AT_A_TIME = 16;

/** Numbers that look random and are the same each time (Park and Miller). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** One fault in two answers; the rest are right, and say who gave them. */
function faulty(name: string, random: () => number): FakeScript {
  const faults: readonly ((response: ServerResponse) => void)[] = [
    (response) => response.writeHead(503, { "retry-after": "0" }).end(),
    (response) => response.writeHead(500).end("{"),
    (response) => response.writeHead(429).end("{}"),
    (response) => response.socket?.resetAndDestroy(),
    (response) => response.socket?.end(),
    // From here on the answer has begun.
    (response) => response.writeHead(200, { "content-type": "application/json" }).end("{}"),
    (response) => {
      const [first = ""] = chatEvents("fake-model", [`from ${name}`], undefined, false);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(first, () => response.destroy());
    },
  ];
  return {
    text: [`from ${name}`],
    delayMs: 2,
    answer(_, response) {
      const fault = faults[Math.floor(random() * faults.length * 2)];
      fault?.(response);
      return fault !== undefined;
    },
  };
}

/** Sends one, and leaves after a while where it is told to. Resolves with what came. */
function send(
  harness: Harness,
  stream: boolean,
  leaveAfterMs: number | undefined,
): Promise<{ status: number; text: string }> {
  const body = JSON.stringify(chat("hi", { stream, model: "mixed" }));
  return new Promise((resolve) => {
    let text = "";
    let status = 0;
    const done = (): void => resolve({ status, text });
    const request = httpRequest(
      {
        port: harness.port,
        host: "127.0.0.1",
        method: "POST",
        path: "/v1/chat/completions",
        headers: { authorization: `Bearer ${harness.key}`, "content-type": "application/json" },
      },
      (response) => {
        status = response.statusCode ?? 0;
        response.setEncoding("utf8");
        response.on("data", (piece: string) => (text += piece));
        response.on("close", done);
      },
    );
    request.on("error", done);
    request.end(body);
    if (leaveAfterMs !== undefined) setTimeout(() => request.destroy(), leaveAfterMs);
  });
}

describe("faults of all kinds at once", () => {
  it("leave each request with one answer of one upstream and one receipt, and nothing behind", async () => {
    const random = numbers(20_261_127);
    const upstreams: FakeUpstream[] = [];
    for (const name of ["a", "b", "c"]) upstreams.push(await startFakeUpstream(faulty(name, random)));
    const names = upstreams.map((_, index) => "abc"[index] as string);
    const harness = await startHarness({
      upstreams: upstreams.map(({ url }, index) => ({
        name: names[index],
        protocol: "openai",
        url,
        concurrency: 4,
        queue: 64,
      })),
      config: {
        models: { mixed: names.map((upstream) => ({ upstream, model: "fake-model" })) },
        retries: { attempts: 4, backoffMs: 2 },
        circuit: { failures: 5, share: 0.6, windowMs: 1_000, openMs: 50 },
        limits: { requestsPerMinute: 100_000, concurrency: 1_000 },
      },
      telemetry: { metrics: true },
    });
    try {
      const answers: { status: number; text: string; left: boolean }[] = [];
      let next = 0;
      const client = async (): Promise<void> => {
        while (next++ < REQUESTS) {
          const leaveAfterMs = random() < 0.15 ? random() * 20 : undefined;
          const answer = await send(harness, random() < 0.5, leaveAfterMs);
          answers.push({ ...answer, left: leaveAfterMs !== undefined });
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, client));
      while (harness.gateway.tally().inFlight > 0) await new Promise(setImmediate);

      assert.equal(answers.length, REQUESTS);
      for (const { status, text, left } of answers) {
        const from = new Set([...text.matchAll(/from ([abc])/g)].map(([, name]) => name));
        assert.ok(from.size <= 1, `an answer of two upstreams: ${text}`);
        assert.ok(left || [200, 429, 502, 503].includes(status), `${status} ${text}`);
        if (!left && status === 200) assert.match(text, /from [abc]|"error"/);
      }
      const good = answers.filter(({ status, text }) => status === 200 && !text.includes('"error"')).length;
      // Two of seven faults come after the answer has begun; of the others most are healed by another attempt.
      assert.ok(good > REQUESTS / 3, `${good} of ${REQUESTS} were answered`);

      const receipts = await harness.receipts();
      const tally = harness.gateway.tally();
      assert.equal(new Set(receipts.map(({ id }) => id)).size, receipts.length, "a receipt twice");
      assert.equal(receipts.length, tally.received);
      assert.deepEqual([tally.recorded, tally.lost, tally.unrecorded], [receipts.length, 0, 0]);
      for (const { upstream, outcome } of receipts) {
        const tried = [...(upstream?.attempts ?? []), ...(upstream === null ? [] : [upstream])];
        // Refusals of the gateway itself put an upstream out and count as no attempt: at most one of each.
        assert.ok(tried.length <= 4 + names.length, JSON.stringify(upstream));
        for (const one of upstream?.attempts ?? []) assert.notEqual(one.error, null);
        if (outcome === "served") assert.equal(upstream?.status, 200);
      }

      const metrics = (await harness.gateway.metricsText?.()) ?? "";
      for (const name of names) {
        assert.match(metrics, new RegExp(`^holdfast_upstream_in_flight\\{upstream="${name}"\\} 0$`, "m"));
        assert.match(metrics, new RegExp(`^holdfast_upstream_waiting\\{upstream="${name}"\\} 0$`, "m"));
      }
    } finally {
      await harness.close();
      for (const upstream of upstreams) await upstream.close();
    }
  });
});
