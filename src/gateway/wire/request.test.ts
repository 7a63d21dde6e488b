import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { operations, type Operation } from "./index.ts";

function operation(id: string): Operation {
  const found = operations.find((one) => one.id === id);
  assert.ok(found);
  return found;
}

const chat = operation("openai.chat");
const embed = operation("openai.embeddings");
const responses = operation("openai.responses");
const messages = operation("anthropic.messages");

const say = (message: unknown, rest: object = {}): unknown => ({ model: "m", messages: [message], ...rest });

function textAt(pointer: string, parsed: ReturnType<Operation["parseRequest"]>): string | undefined {
  return parsed.spans.find((span) => span.pointer === pointer)?.text;
}

describe("the operations", () => {
  it("are routes, each with its own path", () => {
    assert.deepEqual(
      operations.map(({ id, method, path, upstreamPath }) => [id, method, path, upstreamPath]),
      [
        ["openai.chat", "POST", "/v1/chat/completions", "/chat/completions"],
        ["openai.responses", "POST", "/v1/responses", "/responses"],
        ["openai.embeddings", "POST", "/v1/embeddings", "/embeddings"],
        ["openai.models", "GET", "/v1/models", "/models"],
        ["anthropic.messages", "POST", "/v1/messages", "/messages"],
        ["anthropic.count-tokens", "POST", "/v1/messages/count_tokens", "/messages/count_tokens"],
        ...[
          ["gemini.generate", "generateContent"],
          ["gemini.stream", "streamGenerateContent"],
          ["gemini.embed", "embedContent"],
          ["gemini.embed-batch", "batchEmbedContents"],
          ["gemini.count-tokens", "countTokens"],
        ].map(([id, verb]) => [id, "POST", `/v1beta/models/{model}:${verb}`, `/models/{model}:${verb}`]),
      ],
    );
  });

  it("read what a gateway decides by", () => {
    const parsed = chat.parseRequest(
      say({ role: "user", content: "hi" }, { stream: true, max_completion_tokens: 7, max_tokens: 9 }),
    );
    assert.deepEqual([parsed.model, parsed.stream, parsed.messages, parsed.maxTokens], ["m", true, 1, 7]);
    assert.equal(
      parsed.inputChars,
      parsed.spans.reduce((sum, { text }) => sum + text.length, 0),
    );
    assert.equal(messages.parseRequest(say({ role: "user", content: "hi" }, { max_tokens: 9 })).maxTokens, 9);
    const counted = operation("anthropic.count-tokens").parseRequest(
      say({ role: "user", content: "hi" }, { stream: true }),
    );
    assert.deepEqual(
      [counted.stream, counted.messages, counted.maxTokens, counted.spans.length > 1],
      [false, 1, undefined, true],
    );
    assert.equal(embed.parseRequest({ model: "m", input: ["a", "b"] }).messages, 2);
    assert.equal(embed.parseRequest({ model: "m", input: "a" }).messages, 1);
    assert.deepEqual(operation("openai.models").parseRequest(undefined).spans, []);
  });
});

describe("a request of a wrong type", () => {
  const cases: readonly (readonly [Operation, unknown, string])[] = [
    [chat, [], "the body: expected an object"],
    [chat, "x", "the body: expected an object"],
    [chat, null, "the body: expected an object"],
    [chat, {}, "/model: expected to be there"],
    [chat, { model: 1, messages: [] }, "/model: expected a string"],
    [chat, { model: "m" }, "/messages: expected to be there"],
    [chat, { model: "m", messages: {} }, "/messages: expected a list"],
    [chat, { model: "m", messages: ["x"] }, "/messages/0: expected an object"],
    [chat, { model: "m", messages: [null] }, "/messages/0: expected something else than null"],
    [chat, say({ content: "x" }), "/messages/0/role: expected to be there"],
    [chat, say({ role: 1, content: "x" }), "/messages/0/role: expected a string"],
    [chat, say({ role: "user", content: 5 }), "/messages/0/content: expected a string or a list"],
    [chat, say({ role: "user", content: [5] }), "/messages/0/content/0: expected a string or an object"],
    [
      chat,
      say({ role: "user", content: [{ type: "text", text: {} }] }),
      "/messages/0/content/0/text: expected a string",
    ],
    [chat, say({ role: "user" }, { stream: "yes" }), "/stream: expected a boolean"],
    [chat, say({ role: "user" }, { max_tokens: "5" }), "/max_tokens: expected a number"],
    [
      chat,
      say({ role: "assistant", tool_calls: [{ function: { arguments: {} } }] }),
      "/messages/0/tool_calls/0/function/arguments: expected a string",
    ],
    [embed, { model: "m" }, "/input: expected to be there"],
    [embed, { model: "m", input: 5 }, "/input: expected a string or a list"],
    [embed, { model: "m", input: [["a"]] }, "/input/0: expected a string or a list"],
    [messages, say({ role: "user" }), "/messages/0/content: expected to be there"],
    [
      messages,
      { ...(say({ role: "user", content: "x" }) as object), system: 5 },
      "/system: expected a string or a list",
    ],
  ];
  for (const [route, body, detail] of cases) {
    it(`is refused: ${route.id}, ${detail}`, () => {
      assert.throws(
        () => route.parseRequest(body),
        (error) => isHoldfastError(error, "gateway.request-invalid") && error.detail === detail,
      );
    });
  }

  it("is told without quoting a name that the caller chose", () => {
    assert.throws(
      () =>
        chat.parseRequest(
          say({ role: "user" }, { tools: [{ function: { parameters: { properties: { hunter2: 5 } } } }] }),
        ),
      (error) => isHoldfastError(error, "gateway.request-invalid") && !error.message.includes("hunter2"),
    );
  });

  it("is not what null makes it: fields that are null are not given", () => {
    const parsed = chat.parseRequest(
      say({ role: "assistant", content: null, name: null }, { stream: null, tools: null, stop: null }),
    );
    assert.equal(parsed.stream, false);
  });
});

describe("the texts of a request", () => {
  it("have the origin of who wrote them", () => {
    const { spans } = chat.parseRequest({
      model: "m",
      messages: [
        { role: "system", content: "a" },
        { role: "developer", content: "b" },
        { role: "user", content: [{ type: "text", text: "c" }] },
        { role: "assistant", content: "d" },
        { role: "tool", content: "e", novel: "f" },
        { role: "narrator", content: "g" },
      ],
      tools: [
        { type: "function", function: { name: "h", parameters: { properties: { city: { description: "i" } } } } },
      ],
      prediction: { type: "content", content: "j" },
      user: "k",
    });
    assert.deepEqual(
      spans.map(({ text, origin }) => `${text} ${origin}`),
      [
        "m metadata",
        "a system",
        "b system",
        "c user",
        "d assistant",
        "e tool",
        "f metadata",
        "novel tool",
        "narrator user",
        "g user",
        "h tool",
        "i tool",
        "city tool",
        "j assistant",
        "k metadata",
      ],
    );
    const anthropic = messages.parseRequest({
      model: "m",
      system: "a",
      messages: [
        {
          role: "user",
          content: [
            { type: "document", source: { type: "text", data: "b" } },
            {
              type: "tool_result",
              tool_use_id: "",
              content: [
                { type: "text", text: "c" },
                { type: "search_result", title: "d" },
              ],
            },
          ],
        },
      ],
    });
    assert.deepEqual(
      anthropic.spans.map(({ text, origin }) => `${text} ${origin}`),
      ["m metadata", "a system", "b document", "c tool", "d document"],
    );
  });

  it("never stand under a name that the caller chose", () => {
    const parsed = chat.parseRequest(
      say({ role: "user", content: "x" }, { metadata: { hunter2: { swordfish: ["deep"] } } }),
    );
    assert.equal(textAt("/metadata/#0/#0/0", parsed), "deep");
    assert.equal(textAt("/metadata/#names", parsed), "hunter2");
    assert.ok(parsed.spans.every(({ pointer }) => !/hunter2|swordfish/.test(pointer)));
  });

  it("include names that an object inherits from nobody", () => {
    const body = JSON.parse('{"model":"m","messages":[],"__proto__":{"toString":"x"},"constructor":"y"}') as unknown;
    const parsed = chat.parseRequest(body);
    assert.equal(textAt("/#2/#0", parsed), "x");
    assert.equal(textAt("/#3", parsed), "y");
    assert.equal(textAt("/#names", parsed), "__proto__\nconstructor");
  });
});

describe("the arguments of a tool call", () => {
  const at = "/messages/0/tool_calls/0/function/arguments";
  const read = (json: string): ReturnType<Operation["parseRequest"]> =>
    chat.parseRequest(
      say({ role: "assistant", tool_calls: [{ id: "i", type: "function", function: { name: "f", arguments: json } }] }),
    );

  it("are read as they are", () => {
    const parsed = read('{"a":"b"}');
    assert.equal(textAt(at, parsed), '{"a":"b"}');
    assert.equal(parsed.spans.filter(({ pointer }) => pointer.startsWith(at)).length, 1);
  });

  it("are read unescaped as well where they hold an escape, names too", () => {
    const parsed = read('{"\\u0041":["\\u0041KIA"]}');
    assert.equal(textAt(`${at}/#0/0`, parsed), "AKIA");
    assert.equal(textAt(`${at}/#names`, parsed), "A");
  });

  it("are read unescaped as text where they are not JSON", () => {
    for (const json of [
      '{"a":"\\u0041KIA',
      '{"a":1,"a":"\\u0041KIA"}',
      "\\u0041KIA\\x",
      `${"[".repeat(99)}"\\u0041KIA"`,
    ]) {
      assert.match(textAt(`${at}/#decoded`, read(json)) ?? "", /AKIA/);
    }
  });
});

describe("what is not text", () => {
  const image = "A".repeat(8_000);

  it("is reported with its size: base64 of images, audio and files", () => {
    const parsed = chat.parseRequest(
      say({
        role: "user",
        content: [
          { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } },
          { type: "input_audio", input_audio: { data: image, format: "wav" } },
        ],
      }),
    );
    assert.deepEqual(
      parsed.unscanned.map(({ pointer, size, kind }) => [pointer, size, kind]),
      [
        ["/messages/0/content/0/image_url/url", 8_000, "base64"],
        ["/messages/0/content/1/input_audio/data", 8_000, "base64"],
      ],
    );
    assert.equal(textAt("/messages/0/content/0/image_url/url/#head", parsed), "data:image/png;base64,");
    assert.ok(parsed.inputChars < 100);
  });

  it("is read as text as well when it is short, and only as text when it is not base64", () => {
    const short = chat.parseRequest(
      say({ role: "user", content: [{ type: "input_audio", input_audio: { data: "QUtJQQ==" } }] }),
    );
    assert.equal(short.unscanned.length, 1);
    assert.equal(textAt("/messages/0/content/0/input_audio/data", short), "QUtJQQ==");
    const words = chat.parseRequest(
      say({ role: "user", content: [{ type: "input_audio", input_audio: { data: `${image}. words` } }] }),
    );
    assert.equal(words.unscanned.length, 0);
    assert.equal(textAt("/messages/0/content/0/input_audio/data", words)?.length, 8_007);
  });

  it("is token ids in an embedding", () => {
    assert.deepEqual(
      embed
        .parseRequest({ model: "m", input: [[1, 2], "x", [3]] })
        .unscanned.map(({ pointer, size, kind }) => [pointer, size, kind]),
      [
        ["/input/0", 2, "token-ids"],
        ["/input/2", 1, "token-ids"],
      ],
    );
    assert.equal(embed.parseRequest({ model: "m", input: [1, 2, 3] }).messages, 1);
  });
});

describe("a whole answer", () => {
  it("is read with its usage and its model", () => {
    const answer = chat.parseResponse({ model: "m", choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } });
    assert.deepEqual([answer.model, answer.usage], ["m", { inputTokens: 3, outputTokens: 4 }]);
    const usage = { input_tokens: 3, cache_read_input_tokens: 2, cache_creation_input_tokens: 1, output_tokens: 4 };
    assert.deepEqual(messages.parseResponse({ content: [], usage }).usage, {
      inputTokens: 6,
      outputTokens: 4,
      cacheReadTokens: 2,
      cacheWriteTokens: 1,
    });
    assert.equal(embed.parseResponse({ data: [], usage: { prompt_tokens: -1 } }).usage, undefined);
    const details = { cached_tokens: 2, cache_write_tokens: 1 };
    const cached = { inputTokens: 6, outputTokens: 4, cacheReadTokens: 2, cacheWriteTokens: 1 };
    const counts = { prompt_tokens: 6, completion_tokens: 4, prompt_tokens_details: details };
    assert.deepEqual(chat.parseResponse({ choices: [], usage: counts }).usage, cached);
    const ofResponse = { input_tokens: 6, output_tokens: 4, input_tokens_details: details };
    assert.deepEqual(responses.parseResponse({ output: [], usage: ofResponse }).usage, cached);
  });

  it("is read although a field has another type than the reference says", () => {
    const { spans } = chat.parseResponse({ choices: [{ message: { content: { odd: "secret" } } }] });
    assert.deepEqual(
      spans.map(({ text }) => text),
      ["secret", "odd"],
    );
  });

  it("is read in its log probabilities: the tokens in a row, and the alternatives of each rank", () => {
    const entry = (token: string, other: string): object => ({
      token,
      logprob: -1,
      bytes: null,
      top_logprobs: [{ token: other, logprob: -2, bytes: null }],
    });
    const logprobs = { content: [entry("AK", "a"), entry("IA", "b")], refusal: null };
    const { spans } = chat.parseResponse({ choices: [{ index: 0, logprobs }] });
    assert.deepEqual(
      spans.map(({ pointer, text }) => [pointer, text]),
      [
        ["/choices/0/logprobs/content", "AKIA"],
        ["/choices/0/logprobs/content/#rank0", "ab"],
      ],
    );
  });

  it("is read in its log probabilities where texts stand for bytes", () => {
    const bytes = [104, "secret", { name: "hidden" }, ["deep"]];
    const logprobs = { content: [{ token: "h", logprob: -1, bytes }] };
    const { spans } = chat.parseResponse({ choices: [{ index: 0, logprobs }] });
    const text = spans.map((span) => span.text).join("\n");
    for (const part of ["secret", "name", "hidden", "deep"]) assert.ok(text.includes(part), part);
  });

  for (const value of [null, [], "x", {}, { choices: {} }, { error: { message: "x" } }]) {
    it(`is refused when it is none: ${JSON.stringify(value)}`, () => {
      for (const route of [chat, embed, messages, operation("openai.models")]) {
        assert.throws(
          () => route.parseResponse(value),
          (error) => isHoldfastError(error, "gateway.upstream-invalid"),
        );
      }
    });
  }
});
