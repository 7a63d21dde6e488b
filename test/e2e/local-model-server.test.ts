/**
 * The local model's server with an engine that speaks by script: both protocols as the official clients see them, the
 * refusals, and a client that goes away. The model itself is in `local-model.test.ts`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { test } from "node:test";

import Anthropic, { APIError as AnthropicError, NotFoundError as AnthropicNotFound } from "@anthropic-ai/sdk";
import OpenAI, { APIError as OpenAIError, BadRequestError, NotFoundError } from "openai";

import { startServer } from "../../examples/local-model/server.ts";
import { SCRIPTED_MODEL as model, scriptedEngine, type Script } from "./scripted-engine.ts";

const hello = [{ role: "user" as const, content: "hello" }];

async function serve(t: { after(run: () => Promise<void>): void }, script: Script) {
  const { engine, ...seen } = scriptedEngine(script);
  const server = await startServer(engine, 0);
  t.after(() => server.close());
  return {
    ...seen,
    url: server.url,
    // No retries: they would hide a fault.
    openai: new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: server.url, apiKey: "none", maxRetries: 0 }),
  };
}

test("openai: a whole answer, and every parameter reaches the engine", async (t) => {
  const { openai, asked } = await serve(t, { pieces: ["Hello", " there"] });
  const answer = await openai.chat.completions.create({
    model,
    messages: [
      { role: "developer", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "he" },
          { type: "text", text: "llo" },
        ],
      },
    ],
    max_tokens: 9,
    temperature: 0.5,
    top_p: 0.8,
    seed: 3,
    stop: "END",
  });
  assert.equal(answer.choices[0]?.message.content, "Hello there");
  assert.equal(answer.choices[0]?.finish_reason, "stop");
  assert.deepEqual(answer.usage, { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 });
  assert.deepEqual(asked, [
    {
      messages: [
        { role: "system", text: "Be brief." },
        { role: "user", text: "hello" },
      ],
      maxTokens: 9,
      temperature: 0.5,
      topP: 0.8,
      seed: 3,
      stop: ["END"],
    },
  ]);
});

test("openai: a stream, with token counts where they are asked for", async (t) => {
  const { openai } = await serve(t, { pieces: ["Grüß", " Gott", " 👋"] });
  const read = async (include_usage: boolean) => {
    const stream = await openai.chat.completions.create({
      model,
      messages: hello,
      stream: true,
      stream_options: { include_usage },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  };
  const chunks = await read(true);
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "Grüß Gott 👋");
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, "stop");
  assert.deepEqual(chunks.at(-1)?.usage, { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 });
  assert.ok((await read(false)).every((chunk) => chunk.usage === undefined));
});

test("openai: models and embeddings, as numbers and as base64", async (t) => {
  const { openai } = await serve(t, { pieces: [] });
  assert.deepEqual(
    (await openai.models.list()).data.map(({ id }) => id),
    [model],
  );
  for (const encoding_format of ["float", "base64", undefined] as const) {
    const answer = await openai.embeddings.create({
      model,
      input: ["a", "bc"],
      ...(encoding_format === undefined ? {} : { encoding_format }),
    });
    const vectors = answer.data.map(({ embedding }) => embedding as unknown);
    // Asked for base64, the client hands it over as it came; otherwise it decodes.
    const decoded = vectors.map((vector) =>
      typeof vector === "string"
        ? [...new Float32Array(Uint8Array.from(Buffer.from(vector, "base64")).buffer)]
        : vector,
    );
    assert.deepEqual(decoded, [
      [0.5, -0.25, 1],
      [0.5, -0.25, 2],
    ]);
    assert.equal(answer.usage.prompt_tokens, 2);
  }
});

test("anthropic: a whole answer that a stop text ended", async (t) => {
  const { anthropic, asked } = await serve(t, { pieces: ["Hello"], stop: "END" });
  const answer = await anthropic.messages.create({
    model,
    max_tokens: 5,
    system: "Be brief.",
    messages: hello,
    stop_sequences: ["END"],
  });
  assert.deepEqual(answer.content, [{ type: "text", text: "Hello" }]);
  assert.equal(answer.stop_reason, "stop_sequence");
  assert.equal(answer.stop_sequence, "END");
  assert.equal(answer.usage.input_tokens, 7);
  assert.deepEqual(asked[0]?.messages, [
    { role: "system", text: "Be brief." },
    { role: "user", text: "hello" },
  ]);
  assert.equal(asked[0]?.maxTokens, 5);
});

test("anthropic: a stream that the client puts together", async (t) => {
  const { anthropic } = await serve(t, { pieces: ["Hel", "lo"] });
  const answer = await anthropic.messages.stream({ model, max_tokens: 5, messages: hello }).finalMessage();
  assert.deepEqual(answer.content, [{ type: "text", text: "Hello" }]);
  assert.equal(answer.stop_reason, "end_turn");
  assert.equal(answer.usage.input_tokens, 7);
  assert.equal(answer.usage.output_tokens, 2);
});

test("an unknown model and parameters without effect are refused, not ignored", async (t) => {
  const { openai, anthropic, asked } = await serve(t, { pieces: ["no"] });
  const tool = { type: "function" as const, function: { name: "f" } };
  await assert.rejects(openai.chat.completions.create({ model: "other", messages: hello }), NotFoundError);
  await assert.rejects(openai.chat.completions.create({ model, messages: hello, tools: [tool] }), BadRequestError);
  await assert.rejects(openai.chat.completions.create({ model, messages: hello, n: 2 }), BadRequestError);
  await assert.rejects(openai.chat.completions.create({ model, messages: [] }), BadRequestError);
  const image = { type: "image_url" as const, image_url: { url: "data:," } };
  await assert.rejects(
    openai.chat.completions.create({ model, messages: [{ role: "user", content: [image] }] }),
    BadRequestError,
  );
  await assert.rejects(
    anthropic.messages.create({ model: "other", max_tokens: 1, messages: hello }),
    AnthropicNotFound,
  );
  assert.equal(asked.length, 0);
});

test("a full queue and a failure in mid-stream reach both clients as errors", async (t) => {
  const full = await serve(t, { pieces: ["a"], failAt: 0 });
  await assert.rejects(full.openai.chat.completions.create({ model, messages: hello, stream: true }), { status: 503 });
  await assert.rejects(full.anthropic.messages.create({ model, max_tokens: 1, messages: hello }), { status: 529 });

  t.mock.method(console, "error", () => {});
  const broken = await serve(t, { pieces: ["a", "b"], failAt: 1 });
  const stream = await broken.openai.chat.completions.create({ model, messages: hello, stream: true });
  await assert.rejects(
    async () => {
      for await (const chunk of stream) assert.ok(chunk);
    },
    (error) => error instanceof OpenAIError && !error.message.includes("stays inside"),
  );
  await assert.rejects(
    broken.anthropic.messages.stream({ model, max_tokens: 1, messages: hello }).finalMessage(),
    (error) => error instanceof AnthropicError && !error.message.includes("stays inside"),
  );
});

test("a client that goes away stops the computation", async (t) => {
  const { openai, gone } = await serve(t, { pieces: ["a"], waits: true });
  const stream = await openai.chat.completions.create({ model, messages: hello, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content === "a") break;
  await gone;
});

test("hostile bodies: wrong type, too large, broken, another route", async (t) => {
  const { url } = await serve(t, { pieces: ["no"] });
  const post = (path: string, body: string, type = "application/json") =>
    fetch(url + path, { method: "POST", body, headers: { "content-type": type } });
  assert.equal((await post("/v1/chat/completions", "{}", "text/plain")).status, 415);
  assert.equal((await post("/v1/chat/completions", "{")).status, 400);
  assert.equal((await post("/v1/chat/completions", '{"model":"a","model":"b"}')).status, 400);
  assert.equal((await post("/v1/messages", "[".repeat(100))).status, 400);
  assert.equal((await post("/v1/nothing", "{}")).status, 404);
  assert.equal((await fetch(`${url}/health`)).status, 200);

  // The limit answers while the body is still being sent: fetch would report a broken pipe instead.
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  const head =
    "POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1100000\r\n\r\n";
  socket.write(head + " ".repeat(1_050_000));
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 413 .*core\.json-too-large/s);
  socket.destroy();
});
