/** What a client asks of the gateway itself can only make it stricter. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { chat, startHarness, type Harness } from "./harness.ts";

const awsKey = ["AKIA", "Z3MGNQ4WTRKXUVYB"].join("");
const BLOCK = { "x-holdfast-guards": "block" };
const personal = chat("write to maria.schmidt@example.com please");

let harness: Harness;

before(async () => {
  harness = await startHarness({
    script: { text: ["the key is ", awsKey.slice(0, 9), awsKey.slice(9), "."] },
    config: { guards: { injection: { request: "off" } } },
  });
});

after(async () => {
  await harness.close();
});

describe("x-holdfast-guards: block", () => {
  it("blocks in a request what policy lets pass", async () => {
    assert.equal((await harness.post("/v1/chat/completions", personal)).status, 200);
    const asked = harness.upstream.requests.length;
    const answer = await harness.post("/v1/chat/completions", personal, BLOCK);
    assert.equal(answer.status, 403, answer.text);
    const receipt = await harness.receipt(answer.headers.get("x-request-id"));
    assert.deepEqual([receipt.outcome, receipt.guards.request?.action], ["blocked", "block"]);
    assert.equal(harness.upstream.requests.length, asked);
  });

  it("blocks in an answer what policy masks, streamed or not", async () => {
    for (const stream of [false, true]) {
      const masked = await harness.post("/v1/chat/completions", chat("hi", { stream }));
      assert.equal((await harness.receipt(masked.headers.get("x-request-id"))).outcome, "served");
      const blocked = await harness.post("/v1/chat/completions", chat("hi", { stream }), BLOCK);
      const receipt = await harness.receipt(blocked.headers.get("x-request-id"));
      assert.deepEqual([receipt.outcome, receipt.guards.response?.action], ["blocked", "block"], `stream ${stream}`);
      assert.equal(
        [masked.text, blocked.text].some((text) => text.includes(awsKey)),
        false,
      );
    }
  });

  it("never travels on", () => {
    for (const { headers } of harness.upstream.requests) {
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith("x-holdfast")),
        [],
      );
    }
  });
});

describe("every other wish", () => {
  const attack = chat(`my key is ${awsKey}`);
  for (const headers of [
    { "x-holdfast-guards": "off" },
    { "x-holdfast-guards": "allow" },
    { "x-holdfast-guards": "" },
    { "x-holdfast-policy": "off" },
    { "X-Holdfast-Guard": "block" },
  ]) {
    it(`${JSON.stringify(headers)} is refused`, async () => {
      for (const body of [chat("hi"), attack]) {
        const answer = await harness.post("/v1/chat/completions", body, headers);
        assert.equal(answer.status, 400, answer.text);
        assert.equal(answer.json.error?.code, "gateway.header-invalid");
      }
    });
  }

  it("in the body changes nothing: it is text like any other", async () => {
    const wishes = {
      metadata: { guardrails: [], "x-holdfast-guards": "off" },
      guardrails: [],
      guardrails_config: { mode: "off" },
      disable_global_guardrail: true,
      user_api_key_metadata: { guardrails: [] },
      cache: { "no-cache": false },
    };
    for (const stream of [false, true]) {
      const answer = await harness.post("/v1/chat/completions", { ...attack, ...wishes, stream });
      assert.equal(answer.status, 403, answer.text);
    }
  });
});
