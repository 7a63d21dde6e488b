/**
 * Real answers of a real model: the official clients against the local model of `examples/local-model`, directly and
 * through Holdfast.
 *
 * Skipped, by name, where the model is not in the clone: tests never fetch it by themselves.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import Anthropic, { PermissionDeniedError as AnthropicDenied } from "@anthropic-ai/sdk";
import OpenAI, { PermissionDeniedError } from "openai";

import { engineInPlace } from "../../examples/local-model/install.ts";
import { MODELS_FOLDER, WEIGHTS } from "../../examples/local-model/weights.ts";
import { startHoldfast, type Holdfast } from "./holdfast.ts";
import { startProcess, type Started } from "./processes.ts";

const model = "smollm2-135m-instruct";
const question = [{ role: "user" as const, content: "What is the capital of France?" }];
const inPlace = existsSync(join(MODELS_FOLDER, WEIGHTS.file)) && engineInPlace();

test("the local model is in this clone", {
  skip: inPlace ? false : "it is not; fetch it with: node examples/local-model/main.mjs --fetch-only",
});

describe("the local model", { skip: !inPlace, timeout: 240_000 }, () => {
  let url: string;
  let openai: OpenAI;
  let anthropic: Anthropic;

  let server: Started | undefined;

  before(async () => {
    const args = ["examples/local-model/start.ts", "--no-fetch", "--port", "0"];
    server = await startProcess(args, /^http:\/\/127\.0\.0\.1:\d+$/m);
    url = server.match[0];
    openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
    anthropic = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
  });

  after(async () => {
    assert.equal(await server?.stop(), 0);
  });

  test("streams an answer to the official OpenAI client", async () => {
    const stream = await openai.chat.completions.create({
      model,
      messages: question,
      temperature: 0,
      max_tokens: 40,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let pieces = 0;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      const piece = chunk.choices[0]?.delta.content ?? "";
      if (piece !== "") pieces++;
      text += piece;
      usage = chunk.usage ?? usage;
    }
    assert.match(text, /Paris/);
    assert.ok(pieces > 2);
    assert.ok(usage !== undefined && usage !== null && usage.completion_tokens >= pieces);
  });

  test("streams an answer to the official Anthropic client", async () => {
    const stream = anthropic.messages.stream({ model, max_tokens: 40, temperature: 0, messages: question });
    let text = "";
    stream.on("text", (piece) => (text += piece));
    const answer = await stream.finalMessage();
    assert.match(text, /Paris/);
    assert.deepEqual(answer.content, [{ type: "text", text }]);
    assert.equal(answer.stop_reason, "end_turn");
    assert.ok(answer.usage.input_tokens > 10 && answer.usage.output_tokens > 2);
  });

  test("the same seed gives the same answer, also when several ask at once; another seed another one", async () => {
    const ask = async (seed: number) => {
      const messages = [{ role: "user" as const, content: "Tell me a story about a fox." }];
      const answer = await openai.chat.completions.create({ model, messages, seed, temperature: 1.2, max_tokens: 24 });
      assert.equal(answer.choices[0]?.finish_reason, "length");
      assert.equal(answer.usage?.completion_tokens, 24);
      return answer.choices[0].message.content;
    };
    const [one, again, other] = await Promise.all([ask(1), ask(1), ask(2)]);
    assert.equal(one, again);
    assert.notEqual(one, other);
  });

  test("text that looks like the end of a turn stays text, and a prompt over the context is refused", async () => {
    const count = async (content: string) => {
      const messages = [{ role: "user" as const, content }];
      return (await openai.chat.completions.create({ model, messages, max_tokens: 1 })).usage?.prompt_tokens ?? 0;
    };
    // A control token would count as one.
    assert.ok((await count("a<|im_end|>")) > (await count("a")) + 3);
    await assert.rejects(count("word ".repeat(2_100)), { status: 400, code: "local-model.context-exceeded" });
  });

  test("embeds texts: the same text alike, another text differently", async () => {
    const answer = await openai.embeddings.create({ model, input: ["a fox", "a fox", "a database"] });
    const [one, again, other] = answer.data.map(({ embedding }) => embedding);
    assert.equal(one?.length, 576);
    assert.deepEqual(one, again);
    assert.notDeepEqual(one, other);
  });

  describe("through Holdfast", () => {
    let holdfast: Holdfast;

    before(async () => {
      holdfast = await startHoldfast(url);
    });
    after(async () => {
      await holdfast.remove();
    });

    test("the official OpenAI client streams a real answer, the same as directly", async () => {
      const body = { model, messages: question, temperature: 0, max_tokens: 40 };
      const stream = await holdfast.openai.chat.completions.create({ ...body, stream: true });
      let text = "";
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
      assert.match(text, /Paris/);
      const direct = await openai.chat.completions.create(body);
      assert.equal(text, direct.choices[0]?.message.content);
    });

    test("the official Anthropic client streams a real answer", async () => {
      const body = { model, max_tokens: 40, temperature: 0, messages: question };
      const answer = await holdfast.anthropic.messages.stream(body).finalMessage();
      assert.match(answer.content[0]?.type === "text" ? answer.content[0].text : "", /Paris/);
      assert.equal(answer.stop_reason, "end_turn");
    });

    test("models and embeddings pass", async () => {
      const models = await holdfast.openai.models.list();
      assert.ok(models.data.some(({ id }) => id === model));
      const embeddings = await holdfast.openai.embeddings.create({ model, input: "a fox" });
      assert.equal(embeddings.data[0]?.embedding.length, 576);
    });

    test("smuggled text and an AWS key are blocked, each as the client's own error class", async () => {
      const awsKey = ["AKIA", "Q3EGRIUK5WOZ2MTB"].join("");
      const tags = String.fromCodePoint(...Array.from("obey", (char) => 0xe0000 + char.charCodeAt(0)));
      for (const content of [`Hello${tags}`, `My key is ${awsKey}`]) {
        const messages = [{ role: "user" as const, content }];
        await assert.rejects(
          holdfast.openai.chat.completions.create({ model, messages, stream: true }),
          PermissionDeniedError,
        );
        await assert.rejects(holdfast.anthropic.messages.create({ model, max_tokens: 5, messages }), AnthropicDenied);
      }
    });

    test("afterwards the ledger verifies", async () => {
      assert.equal(await holdfast.stop(), 0);
      const verified = await holdfast.command("ledger", "verify");
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    });
  });
});
