/**
 * Budgets through a whole gateway: what is reserved, sent, cut, settled and said.
 */

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";

import type { Receipt } from "../../src/gateway/index.ts";
import { chat, message, startHarness, type Answer, type Harness, type HarnessOptions } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const MESSAGES = "/v1/messages";

let harness: Harness | undefined;

/** What a test takes apart of a harness: functions of their own. */
type Parts = Pick<Harness, "url" | "key" | "upstream" | "gateway"> & {
  readonly post: (path: string, body: unknown) => Promise<Answer>;
  readonly receipt: (id: string | null) => Promise<Receipt>;
  readonly receipts: () => Promise<readonly Receipt[]>;
};

async function start(budgets: readonly object[], options: HarnessOptions = {}, config: object = {}): Promise<Parts> {
  // Budgets do not depend on the trained guard, which takes a while to load.
  const off = { request: "off", response: "off" };
  const guards = { injection: off, pii: off };
  const started = await startHarness({ ...options, config: { budgets, guards, ...config } });
  harness = started;
  return {
    ...started,
    post: (path, body) => started.post(path, body),
    receipt: (id) => started.receipt(id),
    receipts: () => started.receipts(),
  };
}
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

const tokens = (limit: number, more: object = {}): object => ({
  name: "tok",
  what: "tokens",
  limit,
  window: "day",
  ...more,
});

describe("a budget of requests", () => {
  it("lets through what it has, refuses the next by its name, and says when", async () => {
    const { post, receipt } = await start([{ name: "three", what: "requests", limit: 3, window: "hour" }]);
    for (const left of [2, 1, 0]) {
      const answer = await post(CHAT, chat("hi"));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("ratelimit-policy"), '"three";q=3;w=3600');
      assert.match(answer.headers.get("ratelimit") ?? "", new RegExp(`^"three";r=${left};t=\\d+$`));
    }
    const refused = await post(CHAT, chat("hi"));
    assert.deepEqual([refused.status, refused.json.error?.code], [429, "gateway.budget-exceeded"]);
    assert.equal(refused.json.error?.type, "rate_limit_error");
    assert.match(refused.json.error?.message ?? "", /three: 0 requests of 3 requests left/);
    const after = Number(refused.headers.get("retry-after"));
    assert.ok(after >= 1 && after <= 3_600, `${after}`);
    assert.match(refused.headers.get("ratelimit") ?? "", /^"three";r=0;t=\d+$/);
    const { budgets, outcome } = await receipt(refused.headers.get("request-id"));
    assert.equal(outcome, "refused");
    assert.deepEqual(budgets, [
      { by: null, counter: "shared", name: "three", reserved: 1, settled: null, what: "requests" },
    ]);
    assert.equal(harness?.upstream.requests.length, 3);
  });

  it("counts what a guard blocks, and does not charge its tokens", async () => {
    const { post, receipt } = await start([
      { name: "req", what: "requests", limit: 1, window: "hour" },
      tokens(100_000),
    ]);
    const blocked = await post(CHAT, chat("my key is AKIAIOSFODNN7EXAMPLQ"));
    assert.equal(blocked.json.error?.code, "gateway.blocked");
    const { budgets = [] } = await receipt(blocked.headers.get("request-id"));
    assert.deepEqual(
      budgets.map(({ name, settled, by }) => [name, settled, by]),
      [
        ["req", 1, "usage"],
        ["tok", 0, "nothing"],
      ],
    );
    assert.equal((await post(CHAT, chat("hi"))).status, 429);
  });
});

describe("who a budget binds", () => {
  it("is each app for itself, and no one it does not name", async () => {
    const { post } = await start([
      {
        name: "mine",
        what: "requests",
        limit: 1,
        window: "total",
        per: ["app"],
        who: { app: ["te*"], model: ["fake-model"] },
      },
      { name: "other", what: "requests", limit: 1, window: "total", who: { app: ["shop"] } },
    ]);
    assert.equal((await post(CHAT, chat("hi"))).status, 200);
    assert.equal((await post(CHAT, chat("hi", { model: "another" }))).status, 200);
    const refused = await post(CHAT, chat("hi"));
    assert.equal(refused.status, 429);
    // It never begins again: then there is no time to wait for.
    assert.equal(refused.headers.get("retry-after"), null);
    assert.equal(refused.headers.get("ratelimit"), '"mine";r=0');
  });

  it("takes from all budgets or from none", async () => {
    const { post, receipts } = await start([
      { name: "wide", what: "requests", limit: 2, window: "day" },
      tokens(40, { name: "narrow" }),
    ]);
    assert.equal((await post(CHAT, chat("hi", { max_tokens: 500 }))).status, 429);
    assert.equal((await post(CHAT, chat("hi", { max_tokens: 500 }))).status, 429);
    const last = await post(CHAT, chat("hi", { max_tokens: 500 }));
    assert.match(last.headers.get("ratelimit") ?? "", /"wide";r=2;.*"narrow";r=40;/);
    assert.equal((await receipts()).length, 3);
  });
});

describe("a budget of tokens", () => {
  it("reserves the worst case, settles by usage, and lets the rest be used again", async () => {
    const { post, receipt } = await start([tokens(300)]);
    for (let round = 0; round < 4; round++) {
      const answer = await post(CHAT, chat("hi", { max_tokens: 100 }));
      assert.equal(answer.status, 200, answer.text);
      const [record] = (await receipt(answer.headers.get("request-id"))).budgets ?? [];
      assert.ok((record?.reserved ?? 0) >= 100 + 18 && (record?.reserved ?? 0) <= 300, `${record?.reserved}`);
      assert.deepEqual([record?.settled, record?.by], [18, "usage"]);
    }
    const answer = await post(CHAT, chat("hi", { max_tokens: 200 }));
    assert.equal(answer.status, 429);
    assert.match(answer.json.error?.message ?? "", /tok: 228 tokens of 300 tokens left, and the request may take/);
  });

  it("puts a cap into a request that names none, and leaves every other byte as it came", async () => {
    const { post, upstream } = await start([tokens(100_000)], {}, { limits: { outputTokens: 777 } });
    const body =
      '{ "model":"fake-model","seed":12345678901234567890, "messages":[{"role":"user","content":"h\\u0069"}] }\n';
    assert.equal((await post(CHAT, body)).status, 200);
    assert.equal(
      upstream.requests[0]?.body,
      '{ "model":"fake-model","seed":12345678901234567890, "messages":[{"role":"user","content":"h\\u0069"}] ,"max_tokens":777}',
    );
    await post(CHAT, chat("hi", { model: "gpt-5-mini" }));
    assert.equal(upstream.requests[1]?.json?.["max_completion_tokens"], 777);
    await post(MESSAGES, { ...message("hi"), max_tokens: undefined });
    assert.equal(upstream.requests[2]?.json?.["max_tokens"], 777);
    await post(CHAT, chat("hi", { max_completion_tokens: 5 }));
    assert.deepEqual(Object.keys(upstream.requests[3]?.json ?? {}), ["model", "messages", "max_completion_tokens"]);
  });

  it("does not take for a cap what is none", async () => {
    const { post, upstream } = await start([tokens(100_000)], {}, { limits: { outputTokens: 777 } });
    for (const cap of [null, -1, 1.5]) {
      const answer = await post(CHAT, chat("hi", { max_tokens: cap }));
      if (answer.status !== 200) continue;
      assert.equal(upstream.requests.at(-1)?.json?.["max_tokens"], 777, String(cap));
    }
    const most = Number.MAX_SAFE_INTEGER;
    for (const more of [{ max_tokens: 50_000, n: 3 }, { max_tokens: most }, { max_tokens: most, n: 8 }]) {
      const answer = await post(CHAT, chat("hi", more));
      assert.equal(answer.status, 429, answer.text);
      assert.match(answer.json.error?.message ?? "", /left, and the request may take more than all of it/);
      // No waiting would help.
      assert.equal(answer.headers.get("retry-after"), null);
    }
  });

  it("leaves a request alone that no budget of tokens binds", async () => {
    const { post, upstream } = await start([{ name: "r", what: "requests", limit: 9, window: "day" }]);
    const body = JSON.stringify(chat("hi", { stream: true }));
    await post(CHAT, body);
    assert.equal(upstream.requests[0]?.body, body);
  });
});

describe("a stream under a budget", () => {
  it("is made to say its usage, which a client that did not ask does not get", async () => {
    const { post, upstream, receipt } = await start([tokens(100_000)]);
    const answer = await post(CHAT, chat("hi", { stream: true }));
    assert.deepEqual(upstream.requests[0]?.json?.["stream_options"], { include_usage: true });
    assert.doesNotMatch(answer.text, /prompt_tokens|"choices":\[\]/);
    assert.match(answer.text, /Hello.*afar.*data: \[DONE\]/s);
    const { budgets, tokens: counted } = await receipt(answer.headers.get("request-id"));
    assert.deepEqual([budgets?.[0]?.settled, budgets?.[0]?.by, counted], [18, "usage", { input: 11, output: 7 }]);
    for (const options of [{ include_usage: false }, { include_obfuscation: false }, {}]) {
      const without = await post(CHAT, chat("hi", { stream: true, stream_options: options }));
      assert.doesNotMatch(without.text, /prompt_tokens/);
      assert.deepEqual(upstream.requests.at(-1)?.json?.["stream_options"], { ...options, include_usage: true });
    }
    const asked = await post(CHAT, chat("hi", { stream: true, stream_options: { include_usage: true } }));
    assert.match(asked.text, /"choices":\[\],"usage":\{"prompt_tokens":11/);
  });

  it("that says no usage is settled by an estimate that errs high", async () => {
    const words = Array.from({ length: 40 }, (_, index) => `word${index} `);
    const { post, receipt } = await start([tokens(100_000)], {
      script: {
        answer: async (_request, response) => {
          response.writeHead(200, { "content-type": "text/event-stream" });
          for (const content of words) {
            response.write(`data: {"choices":[{"index":0,"delta":{"content":"${content}"},"finish_reason":null}]}\n\n`);
          }
          response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
          return true;
        },
      },
    });
    const answer = await post(CHAT, chat("hi", { stream: true }));
    const [record] = (await receipt(answer.headers.get("request-id"))).budgets ?? [];
    assert.equal(record?.by, "estimate");
    // Each word and its number are two tokens at least; a token has a byte at least.
    const settled = record?.settled ?? 0;
    assert.ok(settled >= 80 && settled <= words.join("").length + 100, `${settled}`);
  });

  for (const [protocol, path, body] of [
    ["openai", CHAT, chat("hi", { stream: true, max_tokens: 50 })],
    ["anthropic", MESSAGES, message("hi", { stream: true, max_tokens: 50 })],
  ] as const) {
    it(`is cut where it is longer than its cap, with the error event of ${protocol}`, async () => {
      const { post, upstream, receipt } = await start([tokens(200)], {
        script: { text: ["tick "], repeat: 20_000, delayMs: 0 },
      });
      const answer = await post(path, body);
      assert.equal(answer.status, 200);
      const delivered = answer.text.split("tick").length - 1;
      assert.ok(delivered >= 50 && delivered < 2_000, `${delivered} words`);
      const last = answer.text.trim().split("\n\n").at(-1) ?? "";
      if (protocol === "anthropic") assert.match(last, /^event: error\ndata: \{"type":"error"/);
      assert.match(last, /gateway\.budget-cut/);
      const { budgets, outcome, error } = await receipt(answer.headers.get("request-id"));
      assert.deepEqual([outcome, error], ["refused", "gateway.budget-cut"]);
      assert.equal(budgets?.[0]?.by, "estimate");
      assert.ok((budgets?.[0]?.settled ?? 0) >= 50, "at least what was delivered is charged");
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.notEqual(upstream.requests[0]?.disconnectedAt, undefined);
      // What it took beyond its cap counts too: the budget knows the truth.
      assert.equal((await post(path, body)).status, 429);
    });
  }

  it("is never cut while it keeps to its cap, whatever it writes", async () => {
    const texts = ["words ", " the", "漢字", "7", " ".repeat(24), "-".repeat(40), "नमस्ते", "\n"].map((token) =>
      Array.from({ length: 200 }, () => token),
    );
    let text = texts[0] as string[];
    const { post } = await start([tokens(1_000_000)], { script: { text: () => text } });
    for (text of texts) {
      const answer = await post(CHAT, chat("hi", { stream: true, max_tokens: 200 }));
      assert.match(answer.text, /\[DONE\]/, `${text[0]}: ${answer.text.slice(-200)}`);
    }
  });

  it("that its client leaves is charged for what was written, and no more is held", async () => {
    const { url, key, receipts, upstream, gateway, post } = await start([tokens(2_000)], {
      script: { text: ["some words "], repeat: 10_000, delayMs: 5 },
    });
    const aborter = new AbortController();
    const response = await fetch(url + CHAT, {
      method: "POST",
      signal: aborter.signal,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(chat("hi", { stream: true, max_tokens: 1_500 })),
    });
    const reader = response.body?.getReader();
    for (let piece = 0; piece < 5; piece++) await reader?.read();
    aborter.abort();
    await upstream.disconnected().catch(() => undefined);
    while (gateway.tally().inFlight > 0) await new Promise(setImmediate);
    const [receipt] = await receipts();
    assert.equal(receipt?.outcome, "cancelled");
    assert.equal(receipt?.budgets?.[0]?.by, "estimate");
    assert.ok((receipt?.budgets?.[0]?.settled ?? 9e9) < 500, `${receipt?.budgets?.[0]?.settled}`);
    assert.equal((await post(CHAT, chat("hi", { max_tokens: 1_300, stream: false }))).status, 200);
  });
});

describe("an upstream that fails", () => {
  it("costs nothing where it did not take the request, and all that was reserved where nobody knows", async () => {
    let how: "500" | "400" | "silent" | "garbage" = "500";
    const { post, receipt } = await start(
      [tokens(1_000_000)],
      {
        script: {
          answer: async (_request, response) => {
            if (how === "silent") response.destroy();
            else if (how === "garbage") response.writeHead(200, { "content-type": "application/json" }).end("{");
            else response.writeHead(Number(how), { "content-type": "application/json" }).end('{"error":{}}');
            return true;
          },
        },
      },
      { retries: { attempts: 1 } },
    );
    const settled = async (): Promise<unknown[]> => {
      const answer = await post(CHAT, chat("hi", { max_tokens: 100 }));
      const [record] = (await receipt(answer.headers.get("request-id"))).budgets ?? [];
      return [record?.by, record?.by === "reservation" ? record.settled === record.reserved : record?.settled];
    };
    assert.deepEqual(await settled(), ["nothing", 0]);
    how = "400";
    assert.deepEqual(await settled(), ["nothing", 0]);
    how = "silent";
    assert.deepEqual(await settled(), ["reservation", true]);
    how = "garbage";
    assert.deepEqual(await settled(), ["reservation", true]);
  });
});

describe("a request that only counts tokens", () => {
  it("is bound by budgets of requests alone", async () => {
    const { post, receipt } = await start(
      [
        { name: "req", what: "requests", limit: 1, window: "day" },
        tokens(1),
        { name: "money", what: "money", limit: 1, window: "day" },
      ],
      { script: { answer: async (_request, response) => (response.end('{"input_tokens":7}'), true) } },
    );
    const counting = { model: "fake-model", messages: [{ role: "user", content: "hi" }] };
    const answer = await post("/v1/messages/count_tokens", counting);
    const { budgets = [] } = await receipt(answer.headers.get("request-id"));
    assert.deepEqual([answer.status, budgets.map(({ name }) => name)], [200, ["req"]]);
    assert.equal((await post("/v1/messages/count_tokens", counting)).status, 429);
  });
});

describe("a budget of money", () => {
  const prices = { models: [{ model: "fake-model", input: 2_000_000, output: 10_000_000 }] };

  it("counts in the millionths that the price table says", async () => {
    const { post, receipt } = await start(
      [{ name: "spend", what: "money", limit: 0.002, window: "month" }],
      {},
      { prices },
    );
    const answer = await post(CHAT, chat("hi", { max_tokens: 100 }));
    assert.equal(answer.status, 200, answer.text);
    // 11 tokens of 2 and 7 of 10 dollars a million.
    const [record] = (await receipt(answer.headers.get("request-id"))).budgets ?? [];
    assert.equal(record?.settled, 11 * 2 + 7 * 10);
    assert.match(answer.headers.get("ratelimit-policy") ?? "", /^"spend";q=2000;qu="micro-usd";w=\d+$/);
    const refused = await post(CHAT, chat("hi", { max_tokens: 200 }));
    assert.equal(refused.status, 429);
    assert.match(refused.json.error?.message ?? "", /spend: 0\.001908 USD of 0\.002 USD left/);
  });

  it("reserves the dearest of those that may answer, and settles by the one that did", async () => {
    const { post, receipt, upstream } = await start(
      [{ name: "spend", what: "money", limit: 1, window: "day", who: { model: ["fast"] } }],
      {},
      {
        models: {
          fast: [
            { upstream: "fake-openai", model: "cheap", weight: 1 },
            { upstream: "fake-openai", model: "dear", weight: 0 },
          ],
        },
        prices: {
          models: [
            { model: "cheap", input: 1_000_000, output: 1_000_000 },
            { model: "dear", input: 50_000_000, output: 50_000_000 },
          ],
        },
      },
    );
    const answer = await post(CHAT, chat("hi", { model: "fast", max_tokens: 100 }));
    assert.equal(answer.status, 200, answer.text);
    assert.equal(upstream.requests[0]?.json?.["model"], "cheap");
    const [record] = (await receipt(answer.headers.get("request-id"))).budgets ?? [];
    assert.ok((record?.reserved ?? 0) >= 50 * 100, `${record?.reserved}`);
    assert.equal(record?.settled, 18);
  });

  it("refuses a model without a price, or takes the default one, as it says", async () => {
    const unknown = { name: "strict", what: "money", limit: 1, window: "day" };
    const { post, upstream } = await start([unknown], {}, { prices });
    const refused = await post(CHAT, chat("hi", { model: "gpt-4o-ultra" }));
    assert.deepEqual([refused.status, refused.json.error?.code], [403, "gateway.price-unknown"]);
    assert.equal(upstream.requests.length, 0);
    await harness?.close();
    const lax = await start(
      [{ ...unknown, onUnknownPrice: "default" }],
      {},
      { prices: { default: { input: 1_000_000, output: 1_000_000 } } },
    );
    assert.equal((await lax.post(CHAT, chat("hi", { model: "gpt-4o-ultra" }))).status, 200);
    await harness?.close();
    const without = await start([{ ...unknown, onUnknownPrice: "default" }]);
    assert.equal((await without.post(CHAT, chat("hi", { model: "gpt-4o-ultra" }))).status, 403);
  });
});

describe("what was spent", () => {
  it("is not exceeded by many at once", async () => {
    const { post, receipts } = await start([tokens(2_000)], { script: { text: ["ok"] } });
    const answers = await Promise.all(Array.from({ length: 40 }, () => post(CHAT, chat("hi", { max_tokens: 150 }))));
    const served = answers.filter(({ status }) => status === 200).length;
    assert.equal(served + answers.filter(({ status }) => status === 429).length, 40);
    assert.ok(served >= 7, `${served}`);
    const all = await receipts();
    const spent = all.reduce((sum, { budgets }) => sum + (budgets?.[0]?.settled ?? 0), 0);
    assert.equal(spent, served * 18);
  });
});
