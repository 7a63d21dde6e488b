import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { chat, startHarness, type Harness } from "./harness.ts";

let harness: Harness;

const VECTOR = [0.123456, -0.654321];
const base64 = Buffer.from(Float32Array.from(VECTOR).buffer).toString("base64");

before(async () => {
  harness = await startHarness({
    telemetry: { metrics: true },
    script: {
      answer({ json, path }, response) {
        if (!path.endsWith("/embeddings")) return false;
        const embedding = json?.["encoding_format"] === "base64" ? base64 : VECTOR;
        const inputs = Array.isArray(json?.["input"]) ? json["input"] : [json?.["input"]];
        response.setHeader("content-type", "application/json");
        const data = inputs.map((_, index) => ({ object: "embedding", index, embedding }));
        response.end(
          JSON.stringify({ object: "list", model: "fake-model", data, usage: { prompt_tokens: 1, total_tokens: 1 } }),
        );
        return true;
      },
    },
    config: {
      extraction: {
        caps: { embeddingDecimals: 3 },
        text: { observe: 3, coarsen: 6, refuse: 9 },
        embeddings: { observe: "off", coarsen: 6, refuse: 12 },
        slowPerMinute: 100_000,
        alarms: { perMinute: 1_000_000 },
      },
      limits: { requestsPerMinute: 10_000 },
      guards: { injection: { request: "off" } },
    },
  });
});
after(async () => {
  await harness.close();
});

const embed = (input: unknown, more: object = {}) =>
  harness.post("/v1/embeddings", { model: "fake-model", input, ...more });

describe("extraction through the gateway", () => {
  it("is capped before the upstream is asked, and the receipt says so", async () => {
    const asked = harness.upstream.requests.length;
    for (const more of [
      { n: 9 },
      { logprobs: true, top_logprobs: 6 },
      { logit_bias: { 1: 5 } },
      { logprobs: true, logit_bias: { 1: -1 } },
    ]) {
      const answer = await harness.post("/v1/chat/completions", chat("hello", more));
      assert.equal(answer.status, 400, JSON.stringify(more));
      assert.equal(answer.json.error?.code, "gateway.extraction-capped");
      assert.equal((await harness.receipt(answer.headers.get("x-request-id"))).error, "gateway.extraction-capped");
    }
    assert.equal(harness.upstream.requests.length, asked);
  });

  it("gets embeddings with fewer decimals, as numbers and in base64, and with fewer still while coarsened", async () => {
    const numbers = async (input: unknown, more: object = {}): Promise<readonly number[]> => {
      const answer = await embed(input, more);
      assert.equal(answer.status, 200);
      const [{ embedding }] = answer.json["data"] as [{ embedding: number[] | string }];
      if (typeof embedding !== "string") return embedding;
      const bytes = Buffer.from(embedding, "base64");
      return [bytes.readFloatLE(0), bytes.readFloatLE(4)].map((x) => Number(x.toFixed(6)));
    };
    assert.deepEqual(await numbers("one"), [0.123, -0.654]);
    assert.deepEqual(await numbers("one", { encoding_format: "base64" }), [0.123, -0.654]);
    // Token ids have no text, and count all the same.
    assert.deepEqual(
      await numbers([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      [0.123, -0.654],
    );
    assert.deepEqual(await numbers(["two", "three", "four"]), [0.123, -0.654]);
    assert.deepEqual(await numbers("five"), [0.1, -0.7]);
    assert.deepEqual(await numbers("five", { encoding_format: "base64" }), [0.1, -0.7]);
    assert.equal((await embed("five", { output_dtype: "int8" })).status, 400);
    await embed(Array.from({ length: 9 }, (_, index) => `more ${index}`));
    const refused = await embed("six");
    assert.equal(refused.status, 403);
    assert.equal(refused.json.error?.code, "gateway.extraction-refused");
  });

  it("of texts is seen, coarsened and refused, in receipts and metrics", async () => {
    const ask = async (text: string, more: object = {}) => {
      const answer = await harness.post("/v1/chat/completions", chat(text, more));
      const receipt = await harness.receipt(answer.headers.get("x-request-id"));
      return { code: answer.json.error?.code, receipt };
    };
    for (let index = 0; index < 3; index++)
      assert.equal((await ask(`question ${index}`)).receipt.extraction, undefined);
    const observed = await ask("question 3", { logprobs: true });
    assert.equal(observed.code, undefined);
    assert.deepEqual(observed.receipt.extraction, {
      alarms: [],
      distinct: 3,
      kind: "text",
      scope: "key",
      stage: "observe",
    });
    assert.deepEqual(
      observed.receipt.guards.request?.findings.map(({ rule }) => rule),
      ["theft.observe"],
    );
    assert.equal(observed.receipt.guards.request?.action, "flag");
    for (const text of ["question 4", "question 5"]) await ask(text);
    assert.equal((await ask("question 6", { logprobs: true })).code, "gateway.extraction-coarsened");
    assert.equal((await ask("question 6")).receipt.extraction?.stage, "coarsen");
    for (const text of ["question 7", "question 8"]) await ask(text);
    const refused = await ask("question 9");
    assert.equal(refused.code, "gateway.extraction-refused");
    assert.equal(refused.receipt.outcome, "refused");
    assert.equal(refused.receipt.guards.request?.action, "block");
    const text = (await harness.gateway.metricsText?.()) ?? "";
    assert.match(text, /holdfast_extraction_requests_total\{kind="text",stage="refuse",scope="key"\} 1/);
    assert.match(text, /holdfast_guard_findings_total\{direction="request",rule="theft\.observe"\}/);
  });

  it("of a stream is watched like any other", async () => {
    const answer = await harness.post("/v1/chat/completions", chat("a stream", { stream: true }));
    assert.equal(answer.json.error?.code, "gateway.extraction-refused");
  });
});
