/** The official clients, unmodified but for their base URL and key, through a whole gateway. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import { APICallError, generateText, jsonSchema, streamText, tool as aiTool, type LanguageModel } from "ai";
import OpenAI from "openai";

import { startHarness, type Harness } from "./harness.ts";

/** A key in the form that the gateway masks in answers and blocks in requests, made up for this test. */
const SECRET = ["AKIA", "QYLPMN5HHHFPZAM2"].join("");
const MASKED = "[masked:secrets.aws-access-key-id]";
const PNG = Buffer.from("\x89PNG\r\n\x1a\n0000", "latin1").toString("base64");

let harness: Harness;
let guarded: Harness;
/** What the upstream of `guarded` says. */
const said = ["The key is ", SECRET.slice(0, 9), SECRET.slice(9), ", keep it."];
const tool = { name: "weather", arguments: ['{"city":"', `Oslo ${SECRET.slice(0, 5)}`, `${SECRET.slice(5)}"}`] };

before(async () => {
  harness = await startHarness({ script: { tool: { name: "weather", arguments: ['{"city":', '"Oslo"}'] } } });
  guarded = await startHarness({ script: { text: said, tool }, config: { media: { images: "refuse" } } });
});

after(async () => {
  await harness.close();
  await guarded.close();
});

const openai = ({ url, key }: Harness): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const anthropic = ({ url, key }: Harness): Anthropic => new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const gemini = ({ url, key }: Harness): GoogleGenAI =>
  new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, retryOptions: { attempts: 1 } } });

describe("the OpenAI client, with the Responses API", () => {
  it("gets an answer, whole and streamed, with a tool call", async () => {
    const client = openai(harness);
    const whole = await client.responses.create({ model: "m", input: "hi", instructions: "be kind" });
    assert.equal(whole.output_text, "Hello from afar.");
    assert.equal(whole.usage?.total_tokens, 18);
    const events: string[] = [];
    const stream = client.responses.stream({ model: "m", input: "hi" });
    stream.on("response.output_text.delta", ({ delta }) => events.push(delta));
    const final = await stream.finalResponse();
    assert.deepEqual(events, ["Hello", " from", " afar."]);
    assert.equal(final.output_text, "Hello from afar.");
    const call = final.output.find((item) => item.type === "function_call");
    assert.deepEqual([call?.name, call?.arguments], ["weather", '{"city":"Oslo"}']);
    assert.equal(harness.upstream.requests.at(-1)?.path, "/v1/responses");
  });

  it("gets what is masked the same in the deltas, the snapshot and the final response", async () => {
    const client = openai(guarded);
    const text = `The key is ${MASKED}, keep it.`;
    let spelt = "";
    const stream = client.responses.stream({ model: "m", input: "hi" });
    stream.on("response.output_text.delta", ({ delta }) => {
      spelt += delta;
    });
    const final = await stream.finalResponse();
    assert.equal(spelt, text);
    assert.equal(final.output_text, text);
    const call = final.output.find((item) => item.type === "function_call");
    assert.deepEqual(JSON.parse(call?.arguments ?? ""), { city: `Oslo ${MASKED}` });
    const whole = await client.responses.create({ model: "m", input: "hi" });
    assert.equal(whole.output_text, text);
  });

  it("raises what is refused as its own errors", async () => {
    const client = openai(guarded);
    const refusals: readonly (readonly [object, number, string])[] = [
      [{ input: `my key ${SECRET}` }, 403, "gateway.blocked"],
      [{ input: "hi", background: true }, 400, "gateway.request-unsupported"],
      [
        { input: [{ role: "user", content: [{ type: "input_image", image_url: `data:image/png;base64,${PNG}` }] }] },
        403,
        "gateway.media-refused",
      ],
    ];
    for (const [fields, status, code] of refusals) {
      await assert.rejects(client.responses.create({ model: "m", ...fields } as never), (error) => {
        assert.ok(error instanceof OpenAI.APIError);
        assert.deepEqual([error.status, error.code], [status, code]);
        return true;
      });
    }
    for (const ask of [
      () => client.responses.retrieve("resp_1"),
      () => client.responses.cancel("resp_1"),
      () => client.responses.inputItems.list("resp_1"),
      () => client.files.list(),
    ]) {
      await assert.rejects(async () => await ask(), OpenAI.NotFoundError);
    }
  });
});

describe("the AI SDK of Vercel, with the Responses API", () => {
  const model = ({ url, key }: Harness): LanguageModel =>
    createOpenAI({ baseURL: `${url}/v1`, apiKey: key }).responses("m");
  const tools = {
    weather: aiTool({
      inputSchema: jsonSchema<{ city: string }>({ type: "object", properties: { city: {} } }),
      execute: () => "mild",
    }),
  };
  const asking = { prompt: "hi", tools, maxRetries: 0 } as const;

  it("gets an answer, whole and streamed, with a tool call", async () => {
    const whole = await generateText({ model: model(harness), ...asking });
    assert.equal(whole.text, "Hello from afar.");
    assert.deepEqual(
      whole.toolCalls.map(({ toolName, input }) => [toolName, input]),
      [["weather", { city: "Oslo" }]],
    );
    const streamed = streamText({ model: model(harness), ...asking });
    const deltas: string[] = [];
    for await (const delta of streamed.textStream) deltas.push(delta);
    assert.equal(deltas.join(""), "Hello from afar.");
    assert.deepEqual((await streamed.toolCalls)[0]?.input, { city: "Oslo" });
    assert.equal((await streamed.totalUsage).totalTokens, 18);
    assert.equal(harness.upstream.requests.at(-1)?.path, "/v1/responses");
  });

  it("gets what is masked, whole and streamed, in tool calls too", async () => {
    const text = `The key is ${MASKED}, keep it.`;
    assert.equal((await generateText({ model: model(guarded), ...asking })).text, text);
    const streamed = streamText({ model: model(guarded), ...asking });
    assert.equal(await streamed.text, text);
    assert.deepEqual((await streamed.toolCalls)[0]?.input, { city: `Oslo ${MASKED}` });
  });

  it("raises what is refused, before an answer and within a stream, as its own errors", async () => {
    const refused = { model: model(guarded), prompt: `my key ${SECRET}`, maxRetries: 0 };
    await assert.rejects(generateText(refused), (error) => {
      assert.ok(APICallError.isInstance(error), String(error));
      assert.equal(error.statusCode, 403);
      assert.match(error.responseBody ?? "", /gateway\.blocked/);
      return true;
    });
    const blocking = await startHarness({
      script: { text: said },
      config: { guards: { secrets: { response: "block" } } },
    });
    try {
      const errors: unknown[] = [];
      const onError = ({ error }: { error: unknown }): void => void errors.push(error);
      const { fullStream } = streamText({ model: model(blocking), prompt: "hi", maxRetries: 0, onError });
      let text = "";
      for await (const part of fullStream) if (part.type === "text-delta") text += part.text;
      assert.ok(!text.includes(SECRET.slice(0, 9)), text);
      assert.match(JSON.stringify(errors), /gateway\.answer-blocked/);
    } finally {
      await blocking.close();
    }
  });
});

describe("the OpenAI client, where an answer is blocked in mid-stream", () => {
  it("raises an API error, from the stream and from its helper", async () => {
    const blocking = await startHarness({
      script: { text: said },
      config: { guards: { secrets: { request: "block", response: "block" } } },
    });
    try {
      const client = openai(blocking);
      const isBlocked = (error: unknown): boolean => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.equal(error.code, "gateway.answer-blocked");
        return true;
      };
      await assert.rejects(client.responses.stream({ model: "m", input: "hi" }).finalResponse(), isBlocked);
      await assert.rejects(async () => {
        const stream = await client.responses.create({ model: "m", input: "hi", stream: true });
        for await (const event of stream) assert.ok(!JSON.stringify(event).includes(SECRET.slice(0, 9)));
      }, isBlocked);
      await assert.rejects(
        async () => {
          const stream = await gemini(blocking).models.generateContentStream({ model: "m", contents: "hi" });
          for await (const chunk of stream) assert.ok(!(chunk.text ?? "").includes(SECRET.slice(0, 9)));
        },
        (error) =>
          error instanceof ApiError && error.status === 403 && error.message.includes("gateway.answer-blocked"),
      );
    } finally {
      await blocking.close();
    }
  });
});

describe("the Anthropic client", () => {
  it("counts tokens, of what is judged as for an answer", async () => {
    const messages = [{ role: "user", content: "hi" }] as const;
    const counted = await anthropic(harness).messages.countTokens({ model: "m", messages: [...messages] });
    assert.equal(counted.input_tokens, 11);
    const asked = guarded.upstream.requests.length;
    await assert.rejects(
      anthropic(guarded).messages.countTokens({ model: "m", messages: [{ role: "user", content: SECRET }] }),
      Anthropic.PermissionDeniedError,
    );
    assert.equal(guarded.upstream.requests.length, asked);
  });
});

describe("the Google GenAI client", () => {
  it("gets an answer, whole and streamed, with a function call", async () => {
    const { models } = gemini(harness);
    const whole = await models.generateContent({
      model: "m",
      contents: "hi",
      config: { systemInstruction: "be kind" },
    });
    assert.equal(whole.candidates?.[0]?.content?.parts?.[0]?.text, "Hello from afar.");
    assert.deepEqual(whole.functionCalls?.[0]?.args, { city: "Oslo" });
    assert.equal(whole.usageMetadata?.totalTokenCount, 18);
    let text = "";
    for await (const chunk of await models.generateContentStream({ model: "m", contents: "hi" })) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) text += part.text ?? "";
    }
    assert.equal(text, "Hello from afar.");
    const seen = harness.upstream.requests.at(-1);
    // The client asks for another version than the upstream's URL says.
    assert.equal(seen?.path, "/v1beta/models/m:streamGenerateContent?alt=sse");
    assert.equal(JSON.stringify(seen?.headers).includes(harness.key), false);
  });

  it("embeds and counts", async () => {
    const { models } = gemini(harness);
    const { embeddings } = await models.embedContent({ model: "m", contents: ["a", "b"] });
    assert.deepEqual(
      embeddings?.map(({ values }) => values),
      [
        [0.25, -0.5, 0.125],
        [0.25, -0.5, 0.125],
      ],
    );
    assert.equal((await models.countTokens({ model: "m", contents: "hi" })).totalTokens, 11);
  });

  it("gets what is masked, whole and streamed", async () => {
    const { models } = gemini(guarded);
    const expected = `The key is ${MASKED}, keep it.`;
    const whole = await models.generateContent({ model: "m", contents: "hi" });
    assert.equal(whole.candidates?.[0]?.content?.parts?.[0]?.text, expected);
    assert.deepEqual(whole.functionCalls?.[0]?.args, { city: `Oslo ${MASKED}` });
    let text = "";
    for await (const chunk of await models.generateContentStream({ model: "m", contents: "hi" })) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) text += part.text ?? "";
    }
    assert.equal(text, expected);
  });

  it("raises what is refused as its own error", async () => {
    const { models } = gemini(guarded);
    for (const [contents, code] of [
      [`my key ${SECRET}`, "gateway.blocked"],
      [[{ inlineData: { mimeType: "image/png", data: PNG } }], "gateway.media-refused"],
    ] as const) {
      await assert.rejects(models.generateContent({ model: "m", contents: contents as never }), (error) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, 403);
        const { error: told } = JSON.parse(error.message) as {
          error: { status: string; details: { reason: string }[] };
        };
        assert.deepEqual([told.status, told.details[0]?.reason], ["PERMISSION_DENIED", code]);
        return true;
      });
    }
    const wrong = new GoogleGenAI({ apiKey: "hf_wrong", httpOptions: { baseUrl: guarded.url } });
    await assert.rejects(
      wrong.models.generateContent({ model: "m", contents: "hi" }),
      (error) => error instanceof ApiError && error.status === 401,
    );
  });
});

describe("a request to the Gemini API", () => {
  const body = { contents: [{ parts: [{ text: "hi" }] }] };

  it("carries its key in a header, never in its URL", async () => {
    const answer = await harness.post(`/v1beta/models/m:generateContent?key=${harness.key}`, body);
    assert.equal(answer.status, 400);
    assert.match(answer.text, /gateway\.key-in-url/);
    assert.ok(!harness.logged.join("\n").includes(harness.key));
    const asSse = await harness.post(`/v1beta/models/m:streamGenerateContent?alt=sse&key=${harness.key}`, body);
    assert.match(asSse.text, /gateway\.key-in-url/);
  });

  it("streams as events only, and names its model in a plain way", async () => {
    const list = await harness.post("/v1beta/models/m:streamGenerateContent", body);
    assert.match(list.text, /gateway\.query-unknown/);
    for (const path of [
      "/v1beta/models/m:predict",
      "/v1beta/models/m",
      "/v1beta/models/:generateContent",
      "/v1beta/models/..:generateContent",
      "/v1beta/models/a/b:generateContent",
      "/v1beta/models/m%2Fother:generateContent",
      "/v1beta/tunedModels/m:generateContent",
      `/v1beta/models/${"m".repeat(600)}:generateContent`,
    ]) {
      const answer = await harness.post(path, body);
      assert.equal(answer.status, 404, path);
      assert.match(answer.text, /"status":"NOT_FOUND"/);
    }
  });

  it("leaves a receipt that names its route and model", async () => {
    const answer = await harness.post("/v1beta/models/gemini-2.5-x:generateContent", body);
    assert.equal(answer.status, 200);
    const receipt = await harness.receipt(answer.headers.get("x-request-id"));
    assert.deepEqual([receipt.route, receipt.model, receipt.tokens.output], ["gemini.generate", "gemini-2.5-x", 7]);
  });
});
