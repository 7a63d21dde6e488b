import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import {
  DONE,
  SECRET,
  assemble,
  chat,
  chunk,
  finish,
  guardThat,
  messageText,
  named,
  run,
  sse,
  utf8,
} from "../../../../test/upstreams/streams.ts";

describe("the end of a stream", () => {
  const throwsCode = async (code: string, id: string, sent: string): Promise<void> => {
    await assert.rejects(run(id, guardThat("block"), [utf8.encode(sent)]), (error) => {
      assert.ok(isHoldfastError(error, code as never), String(error));
      assert.doesNotMatch(String(error), /sk-upstream/);
      return true;
    });
  };

  it("is [DONE] exactly; what follows is dropped", async () => {
    const sent = chat(["say [DONE]"]);
    const seen = await run("openai.chat", guardThat("block"), [utf8.encode(`${sent}${chunk(0, { content: SECRET })}`)]);
    assert.equal(seen.text, sent);
    await throwsCode("gateway.upstream-invalid", "openai.chat", "data: [DONE] \n\n");
  });

  it("may lack [DONE] when all choices have ended", async () => {
    const { stream, text } = await run("openai.chat", guardThat("block"), [
      utf8.encode(chunk(0, { content: "hi" }) + finish(0)),
    ]);
    assert.equal(stream.complete, true);
    assert.equal(assemble(text)["0.content"], "hi");
  });

  it("is not complete when the upstream breaks off, and what is judged still comes", async () => {
    for (const [id, sent] of [
      ["openai.chat", chunk(0, { content: "hi" })],
      ["openai.chat", chunk(0, { content: "hi" }) + finish(0) + chunk(1, { content: "x" })],
      ["openai.chat", ""],
      [
        "anthropic.messages",
        named({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi" } } as never),
      ],
    ] as const) {
      const { stream, text, blocked } = await run(id, guardThat("block"), [utf8.encode(sent)]);
      assert.equal(stream.complete, false);
      assert.equal(blocked, false);
      assert.equal(text, sent);
    }
  });

  it("is an error for what no guard can read", async () => {
    const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
    for (const data of ["hello", "{", "[]", "1", "null", '{"a":1,"a":2}', `{"a":${deep}}`]) {
      await throwsCode("gateway.upstream-invalid", "openai.chat", `data: ${data}\n\n`);
      await throwsCode("gateway.upstream-invalid", "anthropic.messages", `event: ping\ndata: ${data}\n\n`);
    }
    await throwsCode("gateway.upstream-invalid", "anthropic.messages", sse({ type: "content_block_delta" }, "ping"));
  });

  it("is an error that keeps the upstream's own words to itself", async () => {
    const error = { message: "bad key sk-upstream-1234", type: "server_error", code: null };
    await throwsCode("gateway.upstream-error", "openai.chat", sse({ error }));
    await throwsCode("gateway.upstream-error", "openai.chat", sse({ anything: "sk-upstream" }, "error"));
    await throwsCode("gateway.upstream-error", "anthropic.messages", named({ type: "error", error } as never));
    await throwsCode("gateway.upstream-rate-limited", "openai.chat", sse({ error: { type: "rate_limit_error" } }));
  });

  it("is reached by every stream of random events without a foreign error", async () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 4 }),
      fc.record({
        choices: fc.jsonValue({ maxDepth: 3 }),
        type: fc.constantFrom("content_block_start", "content_block_delta", "message_start"),
        delta: fc.jsonValue(),
        content_block: fc.jsonValue(),
        index: fc.jsonValue(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("openai.chat", "anthropic.messages"),
        fc.array(value, { maxLength: 5 }),
        async (id, values) => {
          try {
            await run(id, guardThat("mask"), [utf8.encode(values.map((one) => sse(one)).join(""))]);
          } catch (error) {
            assert.ok(isHoldfastError(error) && error.code.startsWith("gateway.upstream-"), String(error));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it("counts tokens as the upstream does", async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 6 };
    const openai = await run("openai.chat", guardThat("block"), [
      utf8.encode(chunk(0, {}) + sse({ model: "m2", choices: [], usage }) + DONE),
    ]);
    assert.deepEqual(openai.stream.usage, { inputTokens: 5, outputTokens: 6 });
    assert.equal(openai.stream.model, "m2");
    const anthropic = await run("anthropic.messages", guardThat("block"), [utf8.encode(messageText(["a"]))]);
    assert.deepEqual(anthropic.stream.usage, { inputTokens: 3, outputTokens: 9 });
    assert.equal(anthropic.stream.model, "m");
  });
});
