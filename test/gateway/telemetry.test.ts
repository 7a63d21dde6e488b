/** Metrics and traces of a running gateway: right, complete, and without a word of any request. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { startCollector } from "./collector.ts";
import { chat, startHarness } from "./harness.ts";

const PROMPT = "a very recognisable prompt";
const TRACE = "0af7651916cd43dd8448eb211c80319c";

describe("metrics", () => {
  it("count requests by route, outcome and error, and hold no text", async () => {
    const harness = await startHarness({ telemetry: { metrics: true } });
    try {
      await harness.post("/v1/chat/completions", chat(PROMPT));
      await harness.post("/v1/chat/completions", chat(`x${String.fromCodePoint(0xe0041, 0xe0042, 0xe0043)}`));
      await harness.get("/v1/nowhere");
      const text = (await harness.gateway.metricsText?.()) ?? "";
      assert.match(text, /^holdfast_requests_total\{route="openai.chat",outcome="served",error=""\} 1$/m);
      assert.match(
        text,
        /^holdfast_requests_total\{route="openai.chat",outcome="blocked",error="gateway.blocked"\} 1$/m,
      );
      assert.match(
        text,
        /^holdfast_requests_total\{route="none",outcome="refused",error="gateway.route-unknown"\} 1$/m,
      );
      assert.match(text, /^holdfast_request_duration_seconds_count\{route="openai.chat",outcome="served"\} 1$/m);
      assert.match(text, /^holdfast_upstream_first_byte_seconds_count\{upstream="fake-openai"\} 1$/m);
      assert.match(text, /^holdfast_guard_findings_total\{direction="request",rule="unicode\.[a-z-]+"\} \d+$/m);
      assert.match(text, /^gen_ai_client_token_usage_count\{.*gen_ai_token_type="output"\} 1$/m);
      assert.match(text, /^process_resident_memory_bytes \d+$/m);
      assert.equal(text.includes("recognisable"), false);
    } finally {
      await harness.close();
    }
  });

  it("are off unless asked for", async () => {
    const harness = await startHarness();
    try {
      assert.equal(harness.gateway.metricsText, undefined);
    } finally {
      await harness.close();
    }
  });
});

describe("traces", () => {
  it("tell of a request in the words of the GenAI conventions, under the client's trace, without its text", async () => {
    const collector = await startCollector();
    const harness = await startHarness({ telemetry: { traces: { endpoint: collector.url } } });
    try {
      const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
      await harness.post("/v1/chat/completions", chat(PROMPT), { traceparent });
      await harness.post("/v1/chat/completions", "{", { traceparent: "nonsense" });
    } finally {
      // Closing sends what is still held.
      await harness.close();
      collector.close();
    }
    const sent = collector.bodies.join("\n");
    for (const words of [
      TRACE,
      "b7ad6b7169203331",
      '"chat fake-model"',
      '"gen_ai.operation.name"',
      '"gen_ai.request.model"',
      '"gen_ai.response.model"',
      '"gen_ai.usage.output_tokens"',
      '"error.type"',
      "core.json-invalid",
      '"holdfast.request.id"',
    ]) {
      assert.ok(sent.includes(words), words);
    }
    assert.equal(sent.includes("recognisable"), false);
    assert.equal(sent.includes(harness.key), false);
  });

  it("cost no request when the collector is away", async () => {
    const harness = await startHarness({ telemetry: { traces: { endpoint: "http://127.0.0.1:9/v1/traces" } } });
    try {
      assert.equal((await harness.post("/v1/chat/completions", chat(PROMPT))).status, 200);
    } finally {
      await harness.close();
    }
  });
});
