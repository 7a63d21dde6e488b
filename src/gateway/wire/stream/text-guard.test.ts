import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { createGuard, secretsDetector, unicodeDetector } from "../../../guard/index.ts";
import {
  MASK,
  SECRET,
  assemble,
  call,
  cut,
  guardThat,
  message,
  run,
  split,
} from "../../../../test/upstreams/streams.ts";

const word = fc.oneof(
  { weight: 1, arbitrary: fc.constant(SECRET) },
  { weight: 3, arbitrary: fc.string({ maxLength: 8 }) },
);
const phrase = fc.array(word, { maxLength: 6 }).map((words) => words.join(""));
const places = fc.array(fc.nat(5_000), { maxLength: 12 });

describe("a streamed tool call", () => {
  /** Arguments with the strings escaped in every way that JSON allows. */
  const escaped = fc
    .tuple(phrase, fc.string({ unit: "grapheme", maxLength: 50 }), fc.infiniteStream(fc.nat(2)))
    .map(([secret, rest, how]) => {
      const value = {
        a: secret,
        [`k${rest.replaceAll(SECRET, "")}`]: [rest.replaceAll(SECRET, ""), 1, true, null, ""],
      };
      const json = JSON.stringify(value).replaceAll(/[a-zA-Z]/g, (char) =>
        how.next().value === 0 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : char,
      );
      // Escaping the words true and null would make them something else.
      return {
        value,
        json: json.replaceAll(/\[.*\]/g, () => JSON.stringify(value[`k${rest.replaceAll(SECRET, "")}`])),
      };
    })
    .filter(({ json, value }) => isSame(json, value));

  it("stays JSON and says the same with its secrets masked, however it is escaped and cut", async () => {
    await fc.assert(
      fc.asyncProperty(escaped, places, places, async ({ json, value }, pieces, chunks) => {
        const { text, blocked } = await run("openai.chat", guardThat("mask"), cut(call(split(json, pieces)), chunks));
        assert.equal(blocked, false);
        const got = JSON.parse(assemble(text)["0.0.arguments"] ?? "") as unknown;
        assert.deepEqual(got, { ...value, a: value.a.replaceAll(SECRET, MASK) });
        assert.equal(assemble(text)["0.0.name"], "f");
      }),
      { numRuns: 150 },
    );
  });

  it("passes byte for byte what is clean, also what is not JSON", async () => {
    const fragment = fc.constantFrom('"', "\\", "\\u00", "e9", "{", "a", "\n", '":"', "é", "x".repeat(40));
    await fc.assert(
      fc.asyncProperty(fc.array(fragment, { maxLength: 20 }), places, async (pieces, chunks) => {
        const sent = call(pieces);
        assert.equal((await run("openai.chat", guardThat("block"), cut(sent, chunks))).text, sent);
      }),
      { numRuns: 150 },
    );
  });

  it("blocks an escaped secret with nothing of it let out", async () => {
    for (const json of [
      '{"k":"\\u0043ANARY"}',
      '{"k":"CAN\\u0041RY and more"}',
      '{"k\\u0043ANARY":1}',
      `{"k":"${"x".repeat(50)}CANAR\\u0059"}`,
    ]) {
      for (let at = 0; at <= json.length; at++) {
        const { text, blocked } = await run("openai.chat", guardThat("block"), cut(call(split(json, [at])), []));
        assert.equal(blocked, true, json);
        assert.doesNotMatch(assemble(text)["0.0.arguments"] ?? "", /C(AN)?$|CAN|0043|RY/);
      }
    }
  });

  it("blocks where a mask would tear the JSON", async () => {
    const { blocked, text } = await run("openai.chat", guardThat("mask"), cut(call(["{CAN", "ARY:1}"]), []));
    assert.equal(blocked, true);
    assert.equal(assemble(text)["0.0.arguments"] ?? "", "");
  });

  // Work that grew with the square of the escapes would never end in time.
  it("is read in linear time, however many escapes it has", { timeout: 60_000 }, async () => {
    const sent = call([`"${"\\n".repeat(400_000)}`, `${"\\n".repeat(400_000)}"`]);
    assert.equal((await run("openai.chat", guardThat("block"), cut(sent, []))).text, sent);
  });

  it("is read by the detectors that the product has: an escaped key is masked, with its neighbours whole", async () => {
    const key = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
    const settings = { request: "mask", response: "mask", onError: "block" } as const;
    const guard = createGuard({
      detectors: [unicodeDetector, secretsDetector],
      settings: { unicode: settings, secrets: settings },
    });
    const json = `{"k":"use \\u0041${key.slice(1)}","t":"a\\u200bb","n":"Z\\u00fcrich"}`;
    for (let at = 1; at < json.length; at += 3) {
      const { text } = await run("openai.chat", guard, cut(call(split(json, [at, at + 9])), []));
      const got = JSON.parse(assemble(text)["0.0.arguments"] ?? "") as unknown;
      assert.deepEqual(got, { k: "use [masked:secrets.aws-access-key-id]", t: "ab", n: "Z\u00fcrich" });
    }
  });

  it("is read in Anthropic's form", async () => {
    const pieces = ["", '{"city": "CAN', "AR", 'Y", "n": "\\u0043ANARY"}'];
    const sent = message(
      pieces.map((partial_json) => ({ type: "input_json_delta", partial_json })),
      { type: "tool_use", id: "i", name: "n", input: {} },
    );
    const { text } = await run("anthropic.messages", guardThat("mask"), cut(sent, [50, 300, 600]));
    assert.deepEqual(JSON.parse(assemble(text)["0.partial_json"] ?? ""), { city: MASK, n: MASK });
  });
});

function isSame(json: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(json)) === JSON.stringify(value);
  } catch {
    return false;
  }
}
