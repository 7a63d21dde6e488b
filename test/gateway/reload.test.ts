/** Another configuration while requests are under way: they end on theirs, and nobody gains anything by it. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";

import { gatewayConfig, type GatewayConfig } from "../../src/gateway/index.ts";
import { INITIALIZED, startHostileServer } from "../mcp/hostile.ts";
import { perceptron } from "../predict/onnx.ts";
import { startFakeUpstream } from "../upstreams/fake.ts";
import { chat, startHarness, type Answer, type Harness, type HarnessOptions } from "./harness.ts";

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

  it("takes up MCP servers, under the stream of another", async () => {
    const server = await startHostileServer();
    const open: ServerResponse[] = [];
    server.on("GET", (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      open.push(response);
    });
    const mcp = (...names: readonly string[]): Record<string, unknown> => ({
      mcp: { servers: names.map((name) => ({ name, url: server.url })) },
    });
    try {
      await withHarness({ config: mcp("one") }, async (harness) => {
        const headers = {
          authorization: `Bearer ${harness.key}`,
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        };
        const begin = async (name: string): Promise<Response> =>
          await fetch(`${harness.url}/mcp/${name}`, {
            method: "POST",
            headers,
            body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: INITIALIZED }),
          });
        const session = (await begin("one")).headers.get("mcp-session-id") ?? "";
        const listening = await fetch(`${harness.url}/mcp/one`, { headers: { ...headers, "mcp-session-id": session } });
        const reader = listening.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>;
        await reload(harness, mcp("two"));
        assert.match(await (await begin("one")).text(), /gateway\.mcp-server-unknown/);
        assert.ok((await begin("two")).headers.has("mcp-session-id"));
        const said = { jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "still here" } };
        open[0]?.end(`data: ${JSON.stringify(said)}\n\n`);
        let text = "";
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
          text += new TextDecoder().decode(part.value);
        }
        assert.match(text, /still here/, "the stream of a server that is gone ends as it began");
      });
    } finally {
      await server.close();
    }
  });

  it("takes up predictive models, and keeps those in use where one cannot be loaded", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-reload-"));
    const write = async (name: string, weight: number): Promise<string> => {
      const file = join(folder, name);
      await writeFile(file, perceptron([{ weights: [[weight, -weight]], bias: [0, 0] }]));
      return file;
    };
    try {
      const one = await write("one.onnx", 1);
      const predict = (models: object): Record<string, unknown> => ({ predict: { models } });
      await withHarness({ config: predict({ one: { file: one } }) }, async (harness) => {
        const ask = async (name: string): Promise<string> => {
          const { headers, text } = await harness.post(`/v1/models/${name}/predict`, { instances: [[1]] });
          const receipt = await harness.receipt(headers.get("x-request-id"));
          return receipt.prediction?.model.sha256 ?? text;
        };
        const first = await ask("one");
        assert.match(first, /^[0-9a-f]{64}$/);
        const both = predict({ one: { file: one }, two: { file: await write("two.onnx", 2), apps: ["test"] } });
        const under = Promise.all(Array.from({ length: 20 }, () => ask("one")));
        await reload(harness, both);
        assert.deepEqual(new Set(await under), new Set([first]), "no request is lost with the thread");
        assert.match(await ask("two"), /^[0-9a-f]{64}$/);
        await write("one.onnx", 3);
        await reload(harness, both);
        const replaced = await ask("one");
        assert.ok(replaced !== first && /^[0-9a-f]{64}$/.test(replaced), "a file that was replaced is read again");
        await writeFile(one, "no model");
        await assert.rejects(reload(harness, both), /gateway\.predict-model-invalid|predictive model/);
        assert.equal(await ask("one"), replaced);
        await reload(harness, predict({ two: { file: join(folder, "two.onnx") } }));
        assert.match(await ask("one"), /gateway\.model-unknown/);
        assert.match(await ask("two"), /^[0-9a-f]{64}$/);
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("takes up limits on extraction, and goes on counting", async () => {
    const stages = (observe: number, refuse: number): Record<string, unknown> => ({
      extraction: { text: { observe, slow: "off", coarsen: "off", refuse }, alarms: { perMinute: 1_000_000 } },
    });
    await withHarness({ config: stages(1_000, 2_000) }, async (harness) => {
      const ask = async (content: string): Promise<Answer> => await harness.post("/v1/chat/completions", chat(content));
      for (let index = 0; index < 6; index++) assert.equal((await ask(`question ${index}`)).status, 200);
      await reload(harness, stages(3, 1_000));
      const observed = await ask("question 7");
      assert.equal((await harness.receipt(observed.headers.get("x-request-id"))).extraction?.stage, "observe");
      await reload(harness, stages(3, 5));
      assert.match((await ask("question 8")).text, /gateway\.extraction-refused/);
    });
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
