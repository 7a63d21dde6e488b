import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { operations, type Operation } from "../wire/index.ts";
import { routes } from "../route/table.ts";
import { capRequest, isFree, type Capped } from "./cap.ts";

const defaults = { outputTokens: 500, inputTokens: 10_000 };

function capped(id: string, request: object | string, model?: string): Capped & { sent: Record<string, unknown> } {
  const operation = operations.find((one) => one.id === id) as Operation;
  const body = Buffer.from(typeof request === "string" ? request : JSON.stringify(request));
  const value: unknown = JSON.parse(body.toString());
  const parsed = operation.parseRequest(value, model);
  const result = capRequest(id, { parsed, value, body }, defaults);
  const sent = JSON.parse(result.body.toString()) as Record<string, unknown>;
  // Masks are written into the value: it must say what the body says.
  assert.deepEqual(value, sent);
  return { ...result, sent };
}

const chat = (more: object = {}): object => ({ model: "m", messages: [{ role: "user", content: "hi" }], ...more });

describe("the output cap", () => {
  it("is put in where there is none, by the field of the protocol", () => {
    assert.equal(capped("openai.chat", chat()).sent["max_tokens"], 500);
    for (const model of ["gpt-5", "o3-mini", "chatgpt-4o-latest"]) {
      const { sent } = capped("openai.chat", chat({ model }));
      assert.deepEqual([sent["max_completion_tokens"], sent["max_tokens"]], [500, undefined]);
    }
    assert.equal(capped("openai.chat", chat({ model: "gpt-oss-20b" })).sent["max_tokens"], 500);
    assert.equal(capped("openai.responses", { model: "m", input: "hi" }).sent["max_output_tokens"], 500);
    const messages = [{ role: "user", content: "hi" }];
    assert.equal(capped("anthropic.messages", { model: "m", messages }).sent["max_tokens"], 500);
  });

  it("of the client stands, and is what is reserved, for every answer it asks for", () => {
    for (const [more, output] of [
      [{ max_tokens: 7 }, 7],
      [{ max_completion_tokens: 7 }, 7],
      [{ max_tokens: 7, max_completion_tokens: 9 }, 9],
      [{ max_tokens: 0 }, 0],
      [{ max_tokens: 7, n: 3 }, 21],
      [{ n: 3 }, 1_500],
      [{ n: 0, max_tokens: 7 }, 7],
    ] as const) {
      const request = chat(more);
      const { worst, body } = capped("openai.chat", request);
      assert.equal(worst.output, output, JSON.stringify(more));
      if ("max_tokens" in more || "max_completion_tokens" in more)
        assert.equal(body.toString(), JSON.stringify(request));
    }
  });

  it("is not what is none: it is taken out, so that no upstream reads it as it likes", () => {
    for (const none of [null, -1, 1.5, 1e300, "7", true, [7], {}]) {
      const value = chat({ max_tokens: none }) as Record<string, unknown>;
      const body = Buffer.from(JSON.stringify(value));
      const operation = operations.find(({ id }) => id === "openai.chat") as Operation;
      const { max_tokens: _, ...fine } = value;
      const parsed = operation.parseRequest(fine);
      const result = capRequest("openai.chat", { parsed, value, body }, defaults);
      const sent = JSON.parse(result.body.toString()) as Record<string, unknown>;
      assert.deepEqual([sent["max_tokens"], result.worst.output], [500, 500], JSON.stringify(none));
    }
    // One that counts stays, one beside it that does not goes.
    const both = capped("openai.chat", chat({ max_tokens: null, max_completion_tokens: 9 }));
    assert.deepEqual([both.worst.output, "max_tokens" in both.sent], [9, false]);
  });

  it("stands in the configuration of Gemini's requests, in either spelling", () => {
    const contents = [{ parts: [{ text: "hi" }] }];
    for (const [more, output] of [
      [{}, 500],
      [{ generationConfig: {} }, 500],
      [{ generationConfig: null }, 500],
      [{ generation_config: { temperature: 1 } }, 500],
      [{ generationConfig: { maxOutputTokens: 7 } }, 7],
      [{ generation_config: { max_output_tokens: 7, candidate_count: 2 } }, 14],
      [{ generationConfig: { max_output_tokens: 7, candidateCount: 3 } }, 21],
    ] as const) {
      const { worst, sent } = capped("gemini.generate", { contents, ...more }, "gemini-2.5-pro");
      assert.equal(worst.output, output, JSON.stringify(more));
      const [name, other] =
        "generation_config" in more
          ? ["generation_config", "generationConfig"]
          : ["generationConfig", "generation_config"];
      const config = sent[name] as Record<string, number>;
      assert.equal(
        (config["maxOutputTokens"] ?? config["max_output_tokens"] ?? 0) *
          (config["candidateCount"] ?? config["candidate_count"] ?? 1),
        output,
      );
      assert.equal(other in sent, false);
    }
  });

  it("leaves embeddings without an output", () => {
    const { worst, body } = capped("openai.embeddings", { model: "m", input: "hello" });
    assert.deepEqual([worst.output, worst.input], [0, body.length]);
  });

  it("is known for every route that asks a model", () => {
    const unknown = routes()
      .filter(({ policy }) => policy.limits.includes("budgets"))
      .map(({ operation }) => operation.id)
      .filter((id) => !isFree(id))
      .filter((id) => {
        // A route that is not known is taken to write the default cap, and nothing is put into it.
        const parsed = { ...(operations[0] as Operation).parseRequest(chat()), stream: false };
        const value = { any: 1 };
        const result = capRequest(id, { parsed, value, body: Buffer.from('{"any":1}') }, defaults);
        return result.worst.output === 500 && result.body.toString() === '{"any":1}';
      });
    assert.deepEqual(unknown, []);
  });
});

describe("usage in a stream", () => {
  it("is asked for, and its event is the gateway's where the client did not ask", () => {
    for (const [options, drops] of [
      [undefined, true],
      [{}, true],
      [{ include_usage: false }, true],
      [{ include_usage: true }, false],
      [{ include_usage: true, include_obfuscation: false }, false],
    ] as const) {
      const { dropUsage, sent } = capped("openai.chat", chat({ stream: true, stream_options: options }));
      assert.equal(dropUsage, drops, JSON.stringify(options));
      assert.deepEqual(sent["stream_options"], { ...options, include_usage: true });
    }
    assert.equal("stream_options" in capped("openai.chat", chat()).sent, false);
    assert.equal("stream_options" in capped("openai.responses", { model: "m", input: "x", stream: true }).sent, false);
  });
});

describe("the most that an input comes to", () => {
  it("is its bytes, of which a token has one at least", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (content) => {
        const request = { model: "m", messages: [{ role: "user", content: content.toWellFormed() }] };
        const { worst } = capped("openai.chat", request);
        assert.ok(worst.input >= Buffer.byteLength(content.toWellFormed()));
      }),
    );
  });

  it("counts pictures and files by what they may come to, not by their letters", () => {
    const picture = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(600_000)]).toString(
      "base64",
    );
    const image = (url: string): object => ({ type: "image_url", image_url: { url } });
    const content = [{ type: "text", text: "what is this" }, image(`data:image/png;base64,${picture}`)];
    const { worst } = capped("openai.chat", chat({ messages: [{ role: "user", content }] }));
    assert.ok(worst.input >= 40_000 && worst.input < 60_000, `${worst.input}`);
    const linked = chat({ messages: [{ role: "user", content: [image("https://example.com/a.png")] }] });
    assert.ok(capped("openai.chat", linked).worst.input >= 40_000);
  });

  it("counts a stored conversation as the longest input there may be", () => {
    const request = { model: "m", input: "hi", previous_response_id: "resp_1" };
    assert.ok(capped("openai.responses", request).worst.input >= 10_000);
    assert.ok(capped("openai.responses", { model: "m", input: "hi" }).worst.input < 100);
  });
});
