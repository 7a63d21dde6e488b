import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { operations, setAtPointer } from "./index.ts";

const chat = operations[0];

function set(value: unknown, pointer: string, text: string): unknown {
  setAtPointer(value, pointer, text);
  return value;
}

const refuses = (value: unknown, pointer: string, text = "x"): void => {
  assert.throws(
    () => setAtPointer(value, pointer, text, "gateway.answer-blocked"),
    (error) => isHoldfastError(error, "gateway.answer-blocked"),
    pointer,
  );
};

describe("writing a masked text back", () => {
  it("goes by name, by place in a list and by place in an object", () => {
    assert.deepEqual(set({ messages: [{ content: "a" }] }, "/messages/0/content", "b"), {
      messages: [{ content: "b" }],
    });
    assert.deepEqual(set({ x: 1, own: "a" }, "/#1", "b"), { x: 1, own: "b" });
    assert.deepEqual(set({ l: ["a", { deep: "c" }] }, "/l/1/#0", "b"), { l: ["a", { deep: "b" }] });
  });

  it("keeps the JSON of a tool call whole", () => {
    const call = { arguments: '{"a":"x","b":["\\u0041KIA","y"]}' };
    assert.deepEqual(set(call, "/arguments/#1/0", 'say "hi"\n'), {
      arguments: '{"a":"x","b":["say \\"hi\\"\\n","y"]}',
    });
    assert.deepEqual(set({ arguments: '{"a":"b"}' }, "/arguments", '{"a":"[masked]"}'), {
      arguments: '{"a":"[masked]"}',
    });
    refuses({ arguments: '{"a":"b"}' }, "/arguments", '{"a":[masked]}');
    refuses({ arguments: "{broken" }, "/arguments/#0");
    refuses({ arguments: "{broken" }, "/arguments/#decoded");
  });

  it("drops log probabilities, which repeat the text", () => {
    const choice = { message: { content: "a" }, logprobs: { content: [{ token: "a" }] } };
    assert.deepEqual(set({ choices: [choice] }, "/choices/0/logprobs/content/#rank3", "b"), {
      choices: [{ ...choice, logprobs: null }],
    });
  });

  it("refuses where the text cannot be changed", () => {
    refuses({ type: "thinking", thinking: "a", signature: "s" }, "/thinking");
    refuses({ type: "redacted_thinking", data: "a" }, "/data");
    refuses({ own: 1 }, "/#names");
    refuses({ url: "data:image/png;base64,AAAA" }, "/url/#head");
    refuses({ n: 5 }, "/n");
    for (const pointer of ["", "/a", "/#9", "/l/9", "/l/x", "/l/-1", "/toString", "/__proto__/x"])
      refuses({ l: ["a"] }, pointer);
  });

  it("says whose text was blocked", () => {
    assert.throws(
      () => setAtPointer({}, "/x", ""),
      (error) => isHoldfastError(error, "gateway.blocked"),
    );
  });

  it("finds every text that the walker read: what was set is read again in its place", () => {
    const text = fc.string().map((part) => `${part}!`);
    const body = fc.record({
      model: text,
      messages: fc.array(
        fc.record({ role: fc.constantFrom("user", "assistant"), content: text, own: fc.jsonValue({ maxDepth: 2 }) }),
        { minLength: 1 },
      ),
      metadata: fc.dictionary(text, text, { maxKeys: 3 }),
      tools: fc.constant([
        { type: "function", function: { name: "f", parameters: { properties: { a: { description: "d" } } } } },
      ]),
    });
    fc.assert(
      fc.property(body, (value) => {
        // Maps of fast-check may lack a prototype, which parsed JSON never does.
        const parsed = JSON.parse(JSON.stringify(value)) as unknown;
        for (const { pointer } of chat?.parseRequest(parsed).spans ?? []) {
          if (pointer.endsWith("#names")) continue;
          setAtPointer(parsed, pointer, "[masked]");
          assert.equal(chat?.parseRequest(parsed).spans.find((span) => span.pointer === pointer)?.text, "[masked]");
        }
      }),
      { numRuns: 100 },
    );
  });
});
