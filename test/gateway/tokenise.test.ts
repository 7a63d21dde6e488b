/**
 * Tokenise through the gateway: the model sees placeholders, the client its own values, whole and streamed, in text and
 * in tool arguments.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { RecordedRequest } from "../upstreams/fake.ts";
import { startHarness, type Harness } from "./harness.ts";

const KEY = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
const PLACEHOLDER = /\[AWS_ACCESS_KEY_ID_1_[b-v]{7}\]/;

/** The placeholder that the model was sent, in pieces of three units. */
function pieces({ body }: RecordedRequest): readonly string[] {
  const placeholder = PLACEHOLDER.exec(body)?.[0] ?? "no placeholder";
  return placeholder.match(/.{1,3}/g) ?? [];
}

describe("tokenised secrets", () => {
  let harness: Harness;
  before(async () => {
    harness = await startHarness({
      config: { guards: { secrets: { request: "tokenise" } } },
      script: {
        text: (request) => ["I have ", ...pieces(request), " here."],
        tool: (request) => ({ name: "use", arguments: ['{"key":"', ...pieces(request), '"}'] }),
      },
    });
  });
  after(async () => {
    await harness.close();
  });

  for (const stream of [false, true]) {
    for (const path of ["/v1/chat/completions", "/v1/messages"]) {
      it(`${path}${stream ? ", streamed" : ""}: go as placeholders and come back`, async () => {
        const answer = await harness.post(path, {
          model: "m",
          max_tokens: 9,
          stream,
          messages: [{ role: "user", content: `keep ${KEY} for me` }],
        });
        assert.equal(answer.status, 200, answer.text);
        const sent = harness.upstream.requests.at(-1)?.body ?? "";
        assert.equal(sent.includes(KEY), false);
        assert.match(sent, PLACEHOLDER);
        // Twice: in the text and in the arguments. A stream may spell it over several events.
        const said = stream ? textsOf(answer.text) : answer.text;
        assert.equal(said.split(KEY).length - 1, 2, answer.text);
        assert.doesNotMatch(said, /AWS_ACCESS_KEY_ID/);
        const receipt = await harness.receipt(answer.headers.get("x-request-id"));
        assert.equal(receipt.guards.request?.action, "tokenise");
        assert.equal(JSON.stringify(receipt).includes(KEY), false);
      });
    }
  }
});

/** Every string of every event, one after the other. */
function textsOf(sse: string): string {
  const texts: string[] = [];
  for (const line of sse.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    JSON.parse(line.slice(6), (name: string, value: unknown) => {
      if (["content", "text", "arguments", "partial_json"].includes(name) && typeof value === "string")
        texts.push(value);
      return value;
    });
  }
  return texts.join("");
}
