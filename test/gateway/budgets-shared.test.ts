/**
 * Budgets of several gateways on one Redis, which is killed and started again under them.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { redisMissing, startRedis, type RedisServer } from "../servers/redis.ts";
import { chat, startHarness, type Answer, type Harness } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const off = { request: "off", response: "off" };

describe("gateways that share their counters", { skip: redisMissing ?? false }, () => {
  let server: RedisServer;
  let gateways: Harness[] = [];
  before(async () => {
    server = await startRedis();
    const budgets = [
      { name: "req", what: "requests", limit: 60, window: "total" },
      { name: "tok", what: "tokens", limit: 100_000, window: "month", per: ["app"] },
    ];
    gateways = await Promise.all(
      [0, 1, 2].map(() =>
        startHarness({
          countersUrl: server.url,
          telemetry: { metrics: true },
          config: { budgets, guards: { injection: off, pii: off }, limits: { outputTokens: 50 } },
        }),
      ),
    );
  });
  after(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await server.stop();
  });

  const ask = (at: number): Promise<Answer> => (gateways[at % 3] as Harness).post(CHAT, chat("hi"));
  const many = async (count: number): Promise<number> => {
    const answers = await Promise.all(Array.from({ length: count }, (_, at) => ask(at)));
    const wrong = answers.filter(({ status }) => status !== 200 && status !== 429);
    assert.deepEqual(
      wrong.map(({ status, text }) => [status, text]),
      [],
    );
    return answers.filter(({ status }) => status === 200).length;
  };

  const metricsOf = async ({ gateway }: Harness): Promise<string> => (await gateway.metricsText?.()) ?? "";
  const asked = (): number => gateways.reduce((sum, gateway) => sum + gateway.upstream.requests.length, 0);

  it("count as one, also with Redis away, and again when it is back without its memory", async () => {
    assert.equal(await many(15), 15);
    const shown = /^"req";r=(\d+), "tok";r=\d+;t=\d+$/.exec((await ask(0)).headers.get("ratelimit") ?? "")?.[1];
    // What the others have booked ahead is not left: a quarter at most.
    assert.ok(Number(shown) <= 44 && Number(shown) >= 33, shown);
    // A request that is refused for its tokens takes none of the others.
    for (const gateway of gateways) {
      assert.equal((await gateway.post(CHAT, chat("hi", { max_tokens: 1_000_000 }))).status, 429);
    }

    // Each of them books some ahead within a second of being used.
    await delay(1_500);
    await server.kill();
    const first = await ask(0);
    assert.equal(first.status, 200, first.text);
    const receipt = await (gateways[0] as Harness).receipt(first.headers.get("request-id"));
    assert.deepEqual(
      receipt.budgets?.map(({ name, counter }) => [name, counter]),
      [
        ["req", "escrow"],
        ["tok", "escrow"],
      ],
    );
    const away = 1 + (await many(57));
    assert.ok(away >= 3 && away <= 11, `${away} of what was booked ahead`);
    const refused = await ask(0);
    assert.equal(refused.status, 429);
    assert.match(
      refused.json.error?.message ?? "",
      /req: 0 requests of 60 requests left of what this instance booked ahead/,
    );
    assert.ok(Number(refused.headers.get("retry-after")) <= 1);
    const metrics = await metricsOf(gateways[0] as Harness);
    assert.match(metrics, /^holdfast_counters_away 1$/m);
    assert.match(metrics, /^holdfast_budget_requests_total\{budget="req",outcome="settled",counter="escrow"\} \d+$/m);
    assert.match(metrics, /^holdfast_budget_requests_total\{budget="req",outcome="refused",counter="escrow"\} \d+$/m);
    assert.ok(gateways[0]?.logged.some((line) => line.includes("the shared counters are away")));

    await server.start();
    for (let round = 0; round < 1_200; round++) {
      const texts = await Promise.all(gateways.map(metricsOf));
      if (texts.every((text) => text.includes("\nholdfast_counters_away 0\n"))) break;
      await delay(50);
    }
    // To its end. What was booked ahead when Redis forgot it counts as spent, and what was marked.
    for (let refusals = 0; refusals < 30; refusals++) if ((await many(3)) > 0) refusals = 0;
    assert.ok(asked() <= 60 && asked() > 16 + away + 15, `${asked()} of 60`);
  });
});
