/** Another configuration while requests are under way: they end on theirs, and nobody gains anything by it. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { gatewayConfig, type GatewayConfig } from "../../src/gateway/index.ts";
import { startFakeUpstream } from "../upstreams/fake.ts";
import { chat, startHarness, type Harness, type HarnessOptions } from "./harness.ts";

async function withHarness(options: HarnessOptions, use: (harness: Harness) => Promise<void>): Promise<void> {
  const harness = await startHarness(options);
  try {
    await use(harness);
  } finally {
    await harness.close();
  }
}

/** The harness's configuration with other sections, written as in the file. */
function changed({ config }: Harness, sections: object): GatewayConfig {
  return gatewayConfig.parse({ ...config, ...sections });
}

async function reload(harness: Harness, sections: object): Promise<void> {
  (await harness.gateway.prepare(changed(harness, sections))).commit();
}

/** A stream of which the first bytes are there. */
async function stream(harness: Harness, content = "hi"): Promise<{ id: string | null; rest(): Promise<string> }> {
  const response = await fetch(`${harness.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${harness.key}`, "content-type": "application/json" },
    body: JSON.stringify(chat(content, { stream: true })),
  });
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  let text = "";
  const decoder = new TextDecoder();
  const next = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    text += decoder.decode(value);
    return !done;
  };
  await next();
  return {
    id: response.headers.get("x-request-id"),
    async rest() {
      while (await next());
      return text;
    },
  };
}

const SECRET = ["AKIA", "QWERTYUIOPASDFGH"].join("");
const OFF = { guards: { secrets: { request: "off", response: "off" } } };
const words = Array.from({ length: 20 }, (_, index) => `word${index} `);

describe("a reload", () => {
  it("changes nothing for a stream under way, and everything for the next request", async () => {
    const script = { text: [...words, SECRET, " end."], delayMs: 20 };
    await withHarness({ script, config: OFF }, async (harness) => {
      const before = await stream(harness);
      await reload(harness, { guards: { secrets: { request: "block", response: "block" } } });
      const after = await stream(harness);
      const [old, fresh] = await Promise.all([before.rest(), after.rest()]);
      assert.ok(old.includes("AKIA") && old.includes("[DONE]"), "the stream under way ends as it began");
      assert.ok(!fresh.includes(SECRET) && fresh.includes("gateway.answer-blocked"), fresh.slice(-300));
      const [one, two] = await Promise.all([harness.receipt(before.id), harness.receipt(after.id)]);
      assert.equal(one.outcome, "served");
      assert.equal(two.outcome, "blocked");
      assert.notEqual(one.policy.digest.sha256, two.policy.digest.sha256, "receipts tell which policy it was");
      const { received, recorded, lost } = harness.gateway.tally();
      assert.deepEqual([received, recorded, lost], [2, 2, 0], "one tally over both");
    });
  });

  it("lets a stream end at an upstream that is gone from the configuration, and closes it then", async () => {
    const other = await startFakeUpstream({ text: ["from the other"] });
    try {
      await withHarness({ script: { text: words, delayMs: 20 } }, async (harness) => {
        const before = await stream(harness);
        await reload(harness, { upstreams: [{ name: "other", protocol: "openai", url: other.url }] });
        const answered = await harness.post("/v1/chat/completions", chat("hi"));
        assert.match(answered.text, /from the other/);
        assert.match(await before.rest(), /word19 [^]*\[DONE\]/);
        assert.equal(harness.upstream.requests.length, 1);
      });
    } finally {
      await other.close();
    }
  });

  it("refills no rate, frees no place and forgets no budget", async () => {
    const config = {
      budgets: [{ name: "few", what: "requests", limit: 3, window: "day" }],
    };
    const key = { requestsPerMinute: 4, concurrency: 1 };
    await withHarness({ script: { text: words, delayMs: 20 }, config, key }, async (harness) => {
      const before = await stream(harness);
      await reload(harness, { limits: { messages: 7 } });
      const second = await harness.post("/v1/chat/completions", chat("hi"));
      assert.match(second.text, /gateway\.concurrency-limited/);
      await before.rest();
      await reload(harness, { limits: { messages: 8 } });
      assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
      await reload(harness, { limits: { messages: 9 } });
      assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
      const over = await harness.post("/v1/chat/completions", chat("hi"));
      assert.match(over.text, /gateway\.rate-limited/, "five requests, by a key with four a minute");
    });
    await withHarness({ config: { ...config, budgets: [{ ...config.budgets[0], limit: 2 }] } }, async (harness) => {
      for (let messages = 5; messages < 7; messages++) {
        assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
        await reload(harness, { limits: { messages } });
      }
      assert.match((await harness.post("/v1/chat/completions", chat("hi"))).text, /gateway\.budget-exceeded/);
    });
  });

  it("keeps the places and the circuit of an upstream that did not change", async () => {
    const upstream = await startFakeUpstream({ text: words, delayMs: 20 });
    const upstreams = [{ name: "one", protocol: "openai", url: upstream.url, concurrency: 1, queue: 0 }];
    try {
      await withHarness({ upstreams }, async (harness) => {
        const before = await stream(harness);
        await reload(harness, { limits: { messages: 7 } });
        assert.match((await harness.post("/v1/chat/completions", chat("hi"))).text, /gateway\.upstream-busy/);
        await before.rest();
        assert.equal((await harness.post("/v1/chat/completions", chat("hi"))).status, 200);
      });
    } finally {
      await upstream.close();
    }
  });

  it("reads the keys of upstreams anew", async () => {
    const env: Record<string, string> = { UPSTREAM_KEY: "key-of-before" };
    const upstream = await startFakeUpstream();
    const upstreams = [{ name: "one", protocol: "openai", url: upstream.url, key: { env: "UPSTREAM_KEY" } }];
    try {
      await withHarness({ upstreams, env }, async (harness) => {
        await harness.post("/v1/chat/completions", chat("hi"));
        env["UPSTREAM_KEY"] = "key-of-after";
        await reload(harness, {});
        await harness.post("/v1/chat/completions", chat("hi"));
        delete env["UPSTREAM_KEY"];
        await assert.rejects(reload(harness, {}), /the key of an upstream could not be read/);
        await harness.post("/v1/chat/completions", chat("hi"));
        const keys = upstream.requests.map(({ headers }) => headers.authorization);
        assert.deepEqual(keys, ["Bearer key-of-before", "Bearer key-of-after", "Bearer key-of-after"]);
      });
    } finally {
      await upstream.close();
    }
  });

  it("that cannot be taken up, or is called off, leaves all as it was", async () => {
    await withHarness({ config: OFF }, async (harness) => {
      const ok = async (): Promise<number> =>
        (await harness.post("/v1/chat/completions", chat(`the key ${SECRET}`))).status;
      const strict = { guards: { secrets: { request: "block", response: "block" } } };
      await assert.rejects(
        reload(harness, { ...strict, models: { mine: [{ upstream: "none", model: "m" }] } }),
        /there is no upstream none/,
      );
      await assert.rejects(reload(harness, { ...strict, receipts: "buffered" }), /restart.*: gateway\.receipts$/);
      await assert.rejects(
        reload(harness, { ...strict, authorization: { policies: "/nowhere/at/all" } }),
        /the policies under gateway\.authorization cannot be used/,
      );
      assert.equal(await ok(), 200);
      await (await harness.gateway.prepare(changed(harness, strict))).abort();
      assert.equal(await ok(), 200);
      await reload(harness, strict);
      assert.equal(await ok(), 403);
    });
  });

  it("under load loses no request and leaves one receipt for each", async () => {
    await withHarness({ key: { requestsPerMinute: 100_000 } }, async (harness) => {
      const load = { done: false };
      const statuses: number[] = [];
      const client = async (): Promise<void> => {
        while (!load.done) statuses.push((await harness.post("/v1/chat/completions", chat("hi"))).status);
      };
      const clients = [client(), client(), client(), client()];
      for (let messages = 10; messages < 30; messages++) await reload(harness, { limits: { messages } });
      load.done = true;
      await Promise.all(clients);
      assert.ok(statuses.length > 0 && statuses.every((status) => status === 200), statuses.join(" "));
      assert.equal((await harness.receipts()).length, statuses.length);
    });
  });
});
