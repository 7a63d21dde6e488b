import assert from "node:assert/strict";
import { test } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { textsOf, withoutLogprobs, withTextAt, type Reading } from "./texts.ts";

const USER: Reading = { origin: "user" };

function read(message: unknown, reading: Reading = USER): readonly string[] {
  return textsOf(message, reading).spans.map(({ origin, pointer, text }) => `${origin} ${pointer} ${text}`);
}

test("a chat request: who said what, and nothing of the grammar", () => {
  assert.deepEqual(
    read({
      model: "m",
      messages: [
        { role: "developer", content: "rules" },
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
        },
        { role: "tool", tool_call_id: "c", content: "result" },
      ],
      tools: [
        {
          type: "function",
          function: { name: "f", parameters: { type: "object", properties: { a: { description: "the a" } } } },
        },
      ],
    }),
    [
      "system /messages/0/content rules",
      "user /messages/1/content/0/text hi",
      "assistant /messages/2/tool_calls/0/function/name f",
      'assistant /messages/2/tool_calls/0/function/arguments {"a":1}',
      "tool /messages/3/content result",
      "metadata /tools/0/function/name f",
      ...["type~ type", "type object", "properties~ properties", "properties/a~ a"].map(
        (rest) => `metadata /tools/0/function/parameters/${rest}`,
      ),
      "metadata /tools/0/function/parameters/properties/a/description~ description",
      "metadata /tools/0/function/parameters/properties/a/description the a",
    ],
  );
});

test("messages and responses: system, tool results, documents, calls", () => {
  assert.deepEqual(
    read({
      system: [{ type: "text", text: "rules" }],
      messages: [
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "1", content: [{ type: "text", text: "found" }] },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "page" }, title: "t" },
          ],
        },
        { role: "assistant", content: [{ type: "tool_use", id: "1", name: "f", input: { id: "x" } }] },
      ],
    }),
    [
      "system /system/0/text rules",
      "tool /messages/0/content/0/content/0/text found",
      "document /messages/0/content/1/source/data page",
      "document /messages/0/content/1/title t",
      "assistant /messages/1/content/0/name f",
      "assistant /messages/1/content/0/input/id~ id",
      "assistant /messages/1/content/0/input/id x",
    ],
  );
  assert.deepEqual(
    read({
      instructions: "rules",
      input: [
        { role: "user", content: "hi" },
        { type: "function_call_output", call_id: "1", output: "found" },
        { type: "mcp_call", name: "f", arguments: "{}", output: "said" },
      ],
    }),
    [
      "system /instructions rules",
      "user /input/0/content hi",
      "tool /input/1/output found",
      "assistant /input/2/name f",
      "assistant /input/2/arguments {}",
      "tool /input/2/output said",
    ],
  );
});

test("a response's echo of the request is no word of the model", () => {
  const response = {
    object: "response",
    instructions: "rules",
    output: [{ type: "message", content: [{ text: "hi" }] }],
  };
  assert.deepEqual(read({ type: "response.completed", response }, { origin: "assistant" }), [
    "assistant /response/output/0/content/0/text hi",
  ]);
  // Elsewhere the same names are texts as any.
  assert.deepEqual(read({ arguments: { object: "response", instructions: "x" } }).length, 4);
});

test("data of others is read whole, names too", () => {
  assert.deepEqual(read({ role: "system", id: "x", "a/b~": { type: ["t"] } }, { origin: "tool", foreign: true }), [
    "tool /role~ role",
    "tool /role system",
    "tool /id~ id",
    "tool /id x",
    "tool /a~1b~0~ a/b~",
    "tool /a~1b~0/type~ type",
    "tool /a~1b~0/type/0 t",
  ]);
});

test("files of text are read decoded and written encoded, other bytes are left", () => {
  const base64 = Buffer.from("käse").toString("base64");
  const message = {
    content: [
      { type: "file", mediaType: "text/plain", data: new TextEncoder().encode("käse") },
      { type: "file", mediaType: "application/json", data: { type: "data", data: base64 } },
      { type: "image", source: { type: "base64", media_type: "image/png", data: base64 } },
      { file_data: `data:text/csv;charset=utf-8;base64,${base64}` },
      { file_data: `data:application/pdf;base64,${base64}` },
      { type: "file", mediaType: "text/plain", data: new URL("https://example.com/") },
    ],
  };
  const texts = textsOf(message, USER);
  assert.deepEqual(
    texts.spans.map(({ pointer, text }) => [pointer, text]),
    [
      ["/content/0/data", "käse"],
      ["/content/1/data", "käse"],
      ["/content/3/file_data", "käse"],
    ],
  );
  const replaced = texts.replace(texts.spans.map(({ pointer }) => ({ pointer, text: "ö" }))) as typeof message;
  const o = Buffer.from("ö").toString("base64");
  assert.deepEqual(replaced.content[0]?.data, new TextEncoder().encode("ö"));
  assert.deepEqual(replaced.content[1]?.data, { type: "data", data: o });
  assert.equal(replaced.content[3]?.file_data, `data:text/csv;charset=utf-8;base64,${o}`);
  assert.equal(replaced.content[2], message.content[2]);
});

test("replacing copies, keeps what is no JSON, and renames members last", () => {
  const signal = new AbortController().signal;
  const message = { signal, args: { "a b": { deep: "x" }, c: 1 } };
  const texts = textsOf(message, USER);
  const changed = texts.replace([
    { pointer: "/args/a b~", text: "renamed" },
    { pointer: "/args/a b/deep", text: "y" },
  ]) as typeof message;
  assert.deepEqual(changed.args, { renamed: { deep: "y" }, c: 1 });
  assert.equal(changed.signal, signal);
  assert.deepEqual(message.args, { "a b": { deep: "x" }, c: 1 });
});

test("a name that is special in JavaScript stays a name", () => {
  const message = JSON.parse('{"args":{"__proto__":{"text":"x"},"constructor":"y"}}') as object;
  const changed = textsOf(message, USER).replace([{ pointer: "/args/__proto__/text", text: "z" }]);
  assert.equal(JSON.stringify(changed), '{"args":{"__proto__":{"text":"z"},"constructor":"y"}}');
});

test("a message may be 128 levels deep and no deeper", () => {
  const nested = (levels: number): unknown => {
    let value: unknown = "text";
    for (let level = 0; level < levels; level++) value = [value];
    return value;
  };
  assert.equal(read(nested(129)).length, 1);
  assert.throws(
    () => read(nested(130)),
    (error) => isHoldfastError(error, "guard.body-unread"),
  );
});

test("a text is put anywhere, and probabilities are taken out everywhere", () => {
  assert.deepEqual(withTextAt({ a: [{ "b/c": "" }] }, "/a/0/b~1c", "x"), { a: [{ "b/c": "x" }] });
  assert.deepEqual(withoutLogprobs({ a: [{ logprobs: { content: [] } }, { logprobs: [1] }], b: "logprobs" }), {
    a: [{ logprobs: null }, { logprobs: [] }],
    b: "logprobs",
  });
});
