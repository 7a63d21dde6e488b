import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../../core/index.ts";
import { setAtPointer, type Operation, type ParsedRequest } from "../index.ts";
import { geminiOperations } from "./operations.ts";

const MODEL = "gemini-x";
const operation = (id: string): Operation => geminiOperations.find((one) => one.id === id) as Operation;
const read = (body: object, id = "gemini.generate"): ParsedRequest => operation(id).parseRequest(body, MODEL);
const say = (parts: readonly unknown[], rest: object = {}): ParsedRequest =>
  read({ contents: [{ role: "user", parts }], ...rest });

describe("a request to the Gemini API", () => {
  it("tells what a gateway decides by, in either spelling", () => {
    for (const config of [
      { generationConfig: { maxOutputTokens: 7 } },
      { generation_config: { max_output_tokens: 7 } },
    ]) {
      const parsed = say([{ text: "hi" }], config);
      assert.deepEqual([parsed.model, parsed.stream, parsed.messages, parsed.maxTokens], [MODEL, false, 1, 7]);
    }
    assert.equal(read({ contents: [] }, "gemini.stream").stream, true);
    const batch = { requests: [{ content: { parts: [{ text: "a" }] } }, { content: { parts: [{ text: "b" }] } }] };
    assert.equal(read(batch, "gemini.embed-batch").messages, 2);
    assert.equal(read({ content: { parts: [{ text: "a" }] } }, "gemini.embed").messages, 1);
    const counted = { generateContentRequest: { contents: [{ parts: [] }, { parts: [] }] } };
    assert.equal(read(counted, "gemini.count-tokens").messages, 2);
  });

  it("has texts of the origin of who wrote them", () => {
    const { spans } = read({
      system_instruction: { parts: [{ text: "instructed" }] },
      contents: [
        { parts: [{ text: "unsaid" }] },
        { role: "user", parts: [{ text: "user" }, { functionResponse: { name: "f", response: { a: "result" } } }] },
        { role: "model", parts: [{ text: "model" }, { functionCall: { name: "f", args: { q: "called" } } }] },
        { role: "function", parts: [{ text: "function" }] },
      ],
      tools: [{ functionDeclarations: [{ name: "f", description: "described" }] }],
    });
    const origin = (text: string): string | undefined => spans.find((span) => span.text === text)?.origin;
    assert.deepEqual(
      ["instructed", "unsaid", "user", "result", "model", "called", "function", "described"].map((text) =>
        origin(text),
      ),
      ["system", "user", "user", "tool", "assistant", "assistant", "tool", "tool"],
    );
    assert.equal(
      read({ content: { parts: [{ text: "x" }] } }, "gemini.embed").spans.find(({ text }) => text === "x")?.origin,
      "document",
    );
  });

  it("has the name of its model read, and a mask in it becomes a block", () => {
    const parsed = say([{ text: "hi" }]);
    assert.deepEqual(parsed.spans[0], { pointer: "/model", text: MODEL, origin: "metadata" });
    assert.throws(
      () => {
        setAtPointer({ contents: [] }, "/model", "x");
      },
      (error) => isHoldfastError(error, "gateway.blocked"),
    );
  });

  it("may name no other model than its path does", () => {
    const embed = (model: unknown): object => ({ requests: [{ model, content: { parts: [] } }] });
    assert.doesNotThrow(() => say([], { model: `models/${MODEL}` }));
    assert.doesNotThrow(() => read(embed(MODEL), "gemini.embed-batch"));
    for (const [body, id, detail] of [
      [{ contents: [], model: "models/other" }, "gemini.generate", "/model: expected the model of the path"],
      [embed("models/other"), "gemini.embed-batch", "/requests/0/model: expected the model of the path"],
      [
        { generateContentRequest: { model: "models/other", contents: [] } },
        "gemini.count-tokens",
        "/generateContentRequest/model: expected the model of the path",
      ],
      [
        { generate_content_request: { model: "models/other", contents: [] } },
        "gemini.count-tokens",
        "/generateContentRequest/model: expected the model of the path",
      ],
    ] as const) {
      assert.throws(
        () => read(body, id),
        (error) => isHoldfastError(error, "gateway.request-invalid") && error.detail === detail,
      );
    }
  });

  it("may not say one thing in two spellings where a gateway decides by it", () => {
    for (const body of [
      { generationConfig: { maxOutputTokens: 7 }, generation_config: { maxOutputTokens: 9 } },
      { generationConfig: { maxOutputTokens: 7, max_output_tokens: 9 } },
    ]) {
      assert.throws(
        () => say([], body),
        (error) => isHoldfastError(error, "gateway.request-invalid"),
      );
    }
  });

  it("has images and files of either spelling, typed and measured", () => {
    const data = Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1").toString("base64");
    for (const part of [
      { inlineData: { mimeType: "image/png", data } },
      { inline_data: { mime_type: "image/png", data } },
    ]) {
      assert.deepEqual(
        say([part]).media.map(({ kind, stated, found, bytes }) => [kind, stated, found, bytes]),
        [["image", "image/png", "image/png", 12]],
      );
    }
    for (const part of [
      { fileData: { mimeType: "image/png", fileUri: "u" } },
      { file_data: { mime_type: "image/png", file_uri: "u" } },
    ]) {
      const { media, unscanned } = say([part]);
      assert.deepEqual(
        media.map(({ kind, bytes }) => [kind, bytes]),
        [["image", undefined]],
      );
      assert.equal(unscanned[0]?.kind, "reference");
    }
    const inResult = {
      functionResponse: { name: "f", response: {}, parts: [{ inlineData: { mimeType: "image/png", data } }] },
    };
    assert.equal(say([inResult]).media[0]?.kind, "image");
    assert.equal(say([], { cachedContent: "cachedContents/1" }).unscanned[0]?.pointer, "/cachedContent");
  });

  it("reads a file of text that comes in base64", () => {
    const data = Buffer.from("what it says").toString("base64");
    const { spans } = say([{ inlineData: { mimeType: "text/plain", data } }]);
    assert.ok(spans.some(({ text }) => text === "what it says"));
  });

  for (const [body, detail] of [
    [{}, "/contents: expected to be there"],
    [{ contents: "x" }, "/contents: expected a list"],
    [{ contents: [{ parts: "x" }] }, "/contents/0/parts: expected a list"],
    [
      { contents: [], generationConfig: { maxOutputTokens: "7" } },
      "/generationConfig/maxOutputTokens: expected a number",
    ],
  ] as const) {
    it(`is refused with a wrong type: ${detail}`, () => {
      assert.throws(
        () => read(body),
        (error) => isHoldfastError(error, "gateway.request-invalid") && error.detail === detail,
      );
    });
  }
});

describe("an answer of the Gemini API", () => {
  it("tells its usage and model", () => {
    const parsed = operation("gemini.generate").parseResponse({
      candidates: [],
      modelVersion: MODEL,
      usageMetadata: {
        promptTokenCount: 3,
        toolUsePromptTokenCount: 2,
        candidatesTokenCount: 4,
        thoughtsTokenCount: 5,
        cachedContentTokenCount: 1,
      },
    });
    assert.deepEqual([parsed.model, parsed.usage], [MODEL, { inputTokens: 5, outputTokens: 9, cacheReadTokens: 1 }]);
  });

  it("is refused without what makes it one", () => {
    for (const [id, value] of [
      ["gemini.generate", {}],
      ["gemini.generate", []],
      ["gemini.stream", { choices: [] }],
      ["gemini.embed", { values: [] }],
      ["gemini.embed-batch", { embedding: {} }],
      ["gemini.count-tokens", { tokens: 3 }],
    ] as const) {
      assert.throws(
        () => operation(id).parseResponse(value),
        (error) => isHoldfastError(error, "gateway.upstream-invalid"),
      );
    }
    assert.doesNotThrow(() =>
      operation("gemini.generate").parseResponse({ promptFeedback: { blockReason: "SAFETY" } }),
    );
  });

  it("has vectors that are no text", () => {
    const { unscanned } = operation("gemini.embed").parseResponse({ embedding: { values: [0.1, 0.2] } });
    assert.deepEqual(
      unscanned.map(({ kind, size }) => [kind, size]),
      [["vector", 2]],
    );
  });
});
