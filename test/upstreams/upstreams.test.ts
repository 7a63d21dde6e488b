/** The test servers themselves: what they are taken for by the official clients, and by a plain one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { startFakeUpstream, type FakeScript, type FakeUpstream } from "./fake.ts";
import { misbehaviours, startHostileUpstream, type MisbehaviourName } from "./hostile.ts";

async function withFake(script: FakeScript, use: (upstream: FakeUpstream) => Promise<void>): Promise<void> {
  const upstream = await startFakeUpstream(script);
  try {
    await use(upstream);
  } finally {
    await upstream.close();
  }
}

const openai = ({ url }: { url: string }): OpenAI => new OpenAI({ baseURL: url, apiKey: "sk-test", maxRetries: 0 });
const anthropic = ({ url }: { url: string }): Anthropic =>
  new Anthropic({ baseURL: url.replace(/\/v1$/, ""), apiKey: "sk-test", maxRetries: 0 });
const hello = [{ role: "user", content: "hello" }] as const;
const tool = { name: "weather", arguments: ['{"city":', '"Oslo"}'] };

describe("the fake upstream", () => {
  it("is an OpenAI API to the OpenAI client", () =>
    withFake({ tool, models: ["a", "b"] }, async (upstream) => {
      const client = openai(upstream);
      const whole = await client.chat.completions.create({ model: "m", messages: [...hello] });
      assert.equal(whole.choices[0]?.message.content, "Hello from afar.");
      const streamed = client.chat.completions.stream({
        model: "m",
        messages: [...hello],
        stream_options: { include_usage: true },
      });
      const final = await streamed.finalChatCompletion();
      assert.equal(final.choices[0]?.message.content, "Hello from afar.");
      const call = final.choices[0]?.message.tool_calls?.[0];
      assert.deepEqual(call?.type === "function" ? JSON.parse(call.function.arguments) : undefined, { city: "Oslo" });
      assert.equal(final.usage?.total_tokens, 18);
      const embedded = await client.embeddings.create({ model: "e", input: ["a", "b"] });
      assert.deepEqual(
        embedded.data.map(({ embedding }) => embedding),
        [
          [0.25, -0.5, 0.125],
          [0.25, -0.5, 0.125],
        ],
      );
      assert.deepEqual(
        (await client.models.list()).data.map(({ id }) => id),
        ["a", "b"],
      );
      assert.equal(upstream.requests.length, 4);
      assert.equal(upstream.requests[0]?.headers.authorization, "Bearer sk-test");
      assert.deepEqual(upstream.requests[0]?.json?.["messages"], hello);
    }));

  it("is an Anthropic API to the Anthropic client", () =>
    withFake({ tool }, async (upstream) => {
      const request = { model: "m", max_tokens: 5, messages: [...hello] };
      const whole = await anthropic(upstream).messages.create(request);
      assert.deepEqual(
        whole.content.map((block) => block.type),
        ["text", "tool_use"],
      );
      const final = await anthropic(upstream).messages.stream(request).finalMessage();
      assert.equal(final.content[0]?.type === "text" ? final.content[0].text : undefined, "Hello from afar.");
      assert.deepEqual(final.content[1]?.type === "tool_use" ? final.content[1].input : undefined, { city: "Oslo" });
      assert.equal(final.usage.output_tokens, 7);
    }));

  it("notices when its client goes away", () =>
    withFake({ delayMs: 5, repeat: 10_000 }, async (upstream) => {
      const left = upstream.disconnected();
      const stream = await openai(upstream).chat.completions.create({ model: "m", messages: [...hello], stream: true });
      for await (const _ of stream) break;
      const request = await left;
      assert.ok((request.disconnectedAt ?? 0) >= request.at);
      assert.ok(request.events < 30_000);
    }));

  it("leaves an answer to the script", () =>
    withFake(
      {
        answer: (request, response) => {
          if (!request.path.endsWith("/embeddings")) return false;
          response.writeHead(418).end();
          return true;
        },
      },
      async (upstream) => {
        assert.equal((await fetch(`${upstream.url}/embeddings`, { method: "POST", body: "{}" })).status, 418);
        assert.equal((await fetch(`${upstream.url}/models`)).status, 200);
        assert.equal((await fetch(`${upstream.url}/nowhere`)).status, 404);
      },
    ));
});

/** What a plain client makes of each: the status and the start of the body, or that it failed or got no end. */
const seen: Readonly<Record<MisbehaviourName, RegExp>> = {
  refused: /^failed$/,
  "slow-headers": /^silent$/,
  stall: /^200 .*role.*silent$/s,
  "stall-body": /^200 \{"id":silent$/,
  garbage: /^failed$/,
  html: /^200 <html>/,
  "html-as-json": /^200 <html>/,
  "invalid-json": /^200 \{"id"/,
  "other-json": /^200 \{"hello"/,
  "other-lists": /^200 \{"choices":\[1/,
  "empty-body": /^200 $/,
  "invalid-utf8": /^200 data: \uFFFD\uFFFD/,
  "short-body": /^200 \{"id":failed$/,
  "truncated-chunks": /^200 .*role.*failed$/s,
  "truncated-stream": /^200 (?!.*DONE).*from/s,
  oversized: /^200 \{.*x{1000}/,
  "infinite-stream": /^200 (?:[^]*?afar){100}/,
  "infinite-event": /^200 data: x{1000}/,
  "infinite-comments": /^200 : still here/,
  "error-in-stream": /^200 .*Incorrect API key provided: sk-test/s,
  "error-status": /^500 .*Incorrect API key provided: sk-test/,
  gzip: /^200 \{"id"/,
  "huge-headers": /^failed$/,
  redirect: /^307 $/,
  "early-hints": /^200 \{"id"/,
  "two-lengths": /^failed$/,
  "reset-early": /^failed$/,
  "reset-late": /^200 .*role.*failed$/s,
};

describe("a hostile upstream", () => {
  for (const name of ["refused", ...Object.keys(misbehaviours)] as MisbehaviourName[]) {
    it(`does what its name says: ${name}`, async () => {
      const upstream = await startHostileUpstream(name, { bytes: 200_000 });
      try {
        assert.match(
          await look(`${upstream.url}/chat/completions`, seen[name].source.includes("silent") ? 700 : 20_000),
          seen[name],
        );
      } finally {
        await upstream.close();
      }
    });
  }

  it("quotes the key in Anthropic's form too, with the status that is asked for", async () => {
    const upstream = await startHostileUpstream("error-status", { status: 529 });
    const got = await fetch(`${upstream.url}/messages`, {
      method: "POST",
      headers: { "x-api-key": "sk-a" },
      body: "{}",
    });
    assert.equal(got.status, 529);
    assert.match(await got.text(), /"overloaded_error","message":"Incorrect API key provided: sk-a"/);
    await upstream.close();
  });
});

/** One request, until the answer ends, fails, or nothing more came for long enough. */
async function look(url: string, patience: number): Promise<string> {
  const silence = AbortSignal.timeout(patience);
  let text = "";
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: { authorization: "Bearer sk-test" },
      body: '{"stream":true}',
      signal: silence,
    });
    text = `${response.status} `;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    return text;
  } catch {
    return `${text}${silence.aborted ? "silent" : "failed"}`;
  }
}
