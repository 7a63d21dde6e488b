import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../../../core/index.ts";
import { setAtPointer } from "../../index.ts";
import { responsesOperation } from "./operation.ts";

const read = (fields: object): ReturnType<typeof responsesOperation.parseRequest> =>
  responsesOperation.parseRequest({ model: "m", ...fields });

describe("a request to the Responses API", () => {
  it("tells what a gateway decides by", () => {
    const parsed = read({ input: "hi", stream: true, max_output_tokens: 7 });
    assert.deepEqual([parsed.model, parsed.stream, parsed.messages, parsed.maxTokens], ["m", true, 1, 7]);
    assert.equal(
      read({
        input: [
          { role: "user", content: "a" },
          { role: "user", content: "b" },
        ],
      }).messages,
      2,
    );
  });

  it("has texts of the origin of who wrote them", () => {
    const { spans } = read({
      instructions: "instructions",
      input: [
        { role: "user", content: "user" },
        { role: "system", content: [{ type: "input_text", text: "system" }] },
        {
          type: "message",
          role: "assistant",
          content: [{ type: "output_text", text: "assistant", annotations: [{ title: "document" }] }],
        },
        { type: "function_call", call_id: "c", name: "f", arguments: '{"a":"called"}' },
        { type: "function_call_output", call_id: "c", output: "tool" },
        { type: "mcp_call", name: "n", arguments: "{}", output: "fetched" },
        { type: "reasoning", summary: [{ type: "summary_text", text: "thought" }] },
        { type: "file_search_call", results: [{ text: "found" }] },
        { type: "novel", content: "novel" },
      ],
      tools: [{ type: "function", name: "f", description: "described" }],
    });
    const origin = (text: string): string | undefined => spans.find((span) => span.text.includes(text))?.origin;
    assert.deepEqual(
      [
        "instructions",
        "user",
        "system",
        "assistant",
        "document",
        "called",
        "tool",
        "fetched",
        "thought",
        "found",
        "novel",
        "described",
      ].map((text) => [text, origin(text)]),
      [
        ["instructions", "system"],
        ["user", "user"],
        ["system", "system"],
        ["assistant", "assistant"],
        ["document", "document"],
        ["called", "assistant"],
        ["tool", "tool"],
        ["fetched", "tool"],
        ["thought", "assistant"],
        ["found", "document"],
        ["novel", "tool"],
        ["described", "tool"],
      ],
    );
    assert.equal(read({ input: "plain" }).spans.find(({ text }) => text === "plain")?.origin, "user");
  });

  it("names what the upstream puts in its place as not scanned", () => {
    const { unscanned, spans } = read({
      input: [
        { type: "item_reference", id: "msg_1" },
        { role: "user", content: [{ type: "input_file", file_id: "file_1" }] },
      ],
      previous_response_id: "resp_1",
      conversation: "conv_1",
      prompt: { id: "pmpt_1" },
      tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }],
    });
    assert.deepEqual(
      unscanned.map(({ pointer, kind }) => `${kind} ${pointer}`),
      [
        "reference /input/0/id",
        "reference /input/1/content/0/file_id",
        "reference /previous_response_id",
        "reference /conversation",
        "reference /prompt/id",
        "reference /tools/0/vector_store_ids/0",
      ],
    );
    for (const id of ["resp_1", "conv_1", "file_1"]) assert.ok(spans.some(({ text }) => text === id));
    assert.equal(read({ conversation: { id: "conv_2" } }).unscanned[0]?.pointer, "/conversation/id");
  });

  it("names what it leaves out for the upstream to find under an id", () => {
    const kept = (item: object): readonly string[] => read({ input: [item] }).unscanned.map(({ pointer }) => pointer);
    for (const item of [
      { id: "msg_1" },
      { id: "msg_1", type: null },
      { id: "msg_1", type: "message", role: "assistant" },
      { id: "msg_1", type: "message", role: "assistant", content: [] },
      { id: "rs_1", type: "reasoning", summary: [] },
      { id: "rs_1", type: "reasoning", summary: [], encrypted_content: null },
      { id: "rs_1", type: "reasoning", summary: [{ type: "summary_text", text: "thought" }], encrypted_content: "" },
      { id: "ig_1", type: "image_generation_call" },
      { id: "ig_1", type: "image_generation_call", status: "completed", result: null },
      { id: "cmp_1", type: "compaction" },
      { id: "x_1", type: "novel_call", status: "completed" },
    ]) {
      assert.deepEqual(kept(item), ["/input/0/id"], JSON.stringify(item));
    }
    for (const item of [
      { id: "msg_1", type: "message", role: "assistant", content: "said" },
      { id: "msg_1", role: "user", content: [{ type: "input_text", text: "asked" }] },
      { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "c2VhbGVk" },
      { id: "fc_1", type: "function_call", call_id: "c", name: "f", arguments: "{}" },
      { type: "reasoning", summary: [] },
      { id: "", type: "image_generation_call" },
    ]) {
      assert.deepEqual(
        kept(item).filter((pointer) => pointer.endsWith("/id")),
        [],
        JSON.stringify(item),
      );
    }
    const call = { id: "ci_1", type: "code_interpreter_call", code: "1", container_id: "cntr_1", outputs: [] };
    assert.deepEqual(kept(call), ["/input/0/container_id"]);
    const shell = { type: "shell_call", call_id: "c", action: {}, environment: { container_id: "cntr_1" } };
    assert.deepEqual(kept(shell), ["/input/0/environment/container_id"]);
    // What is named as not scanned is read as text all the same.
    const { spans } = read({ input: [{ id: "rs_1", type: "reasoning" }, call, shell] });
    assert.deepEqual(
      spans.filter(({ pointer }) => /\/(?:input\/0\/id|container_id)$/.test(pointer)).map(({ text }) => text),
      ["rs_1", "cntr_1", "cntr_1"],
    );
  });

  it("may not ask for an answer that nobody would judge", () => {
    assert.throws(
      () => read({ input: "x", background: true }),
      (error) => isHoldfastError(error, "gateway.request-unsupported") && error.detail === "/background",
    );
    assert.doesNotThrow(() => read({ input: "x", background: false }));
    assert.doesNotThrow(() => read({ input: "x", background: null }));
  });

  for (const [body, detail] of [
    [{ input: "x" }, "/model: expected to be there"],
    [{ model: "m", input: 5 }, "/input: expected a string or a list"],
    [{ model: "m", input: [5] }, "/input/0: expected an object"],
    [{ model: "m", input: [{ role: "user", content: 5 }] }, "/input/0/content: expected a string or a list"],
    [{ model: "m", background: "yes" }, "/background: expected a boolean"],
  ] as const) {
    it(`is refused with a wrong type: ${detail}`, () => {
      assert.throws(
        () => responsesOperation.parseRequest(body),
        (error) => isHoldfastError(error, "gateway.request-invalid") && error.detail === detail,
      );
    });
  }
});

describe("an answer of the Responses API", () => {
  it("tells its usage and model, and is refused without output", () => {
    const parsed = responsesOperation.parseResponse({
      model: "m",
      output: [],
      usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 2 }, output_tokens: 4, total_tokens: 7 },
    });
    assert.deepEqual([parsed.usage, parsed.model], [{ inputTokens: 3, outputTokens: 4, cacheReadTokens: 2 }, "m"]);
    assert.equal(responsesOperation.parseResponse({ output: [] }).usage, undefined);
    assert.throws(
      () => responsesOperation.parseResponse({ choices: [] }),
      (error) => isHoldfastError(error, "gateway.upstream-invalid"),
    );
  });

  it("says its request's instructions as the caller's text, which is no leak of them", () => {
    const { spans } = responsesOperation.parseResponse({ output: [], instructions: "be kind" });
    assert.equal(spans.find(({ text }) => text === "be kind")?.origin, "system");
  });

  it("loses the log probabilities of a text that is masked in them", () => {
    const answer = {
      output: [{ type: "message", content: [{ type: "output_text", text: "x", logprobs: [{ token: "x" }] }] }],
    };
    const span = responsesOperation.parseResponse(answer).spans.find(({ pointer }) => pointer.includes("logprobs"));
    assert.ok(span);
    setAtPointer(answer, span.pointer, "y", "gateway.answer-blocked");
    assert.deepEqual(answer.output[0]?.content[0]?.logprobs, []);
  });
});
