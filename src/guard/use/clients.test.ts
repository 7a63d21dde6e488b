import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { afterEach, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

import { startFakeUpstream, type FakeScript, type FakeUpstream } from "../../../test/upstreams/fake.ts";
import { isHoldfastError, type Verdict } from "../../core/index.ts";
import { secretsDetector } from "../detectors/secrets/secrets.ts";
import { unicodeDetector } from "../detectors/unicode/unicode.ts";
import { createGuard, type Guard } from "../guard.ts";
import type { GuardAction } from "../policy.ts";
import { isGuardBlocked } from "./blocked.ts";
import { guardAnthropic, guardOpenAI } from "./clients.ts";
import type { GuardFetchOptions } from "./fetch.ts";

const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
const MASKED = "[masked:secrets.aws-access-key-id]";

function guardWith(request: GuardAction, response: GuardAction): Guard {
  return createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: {
      unicode: { request, response, onError: "block" },
      secrets: { request, response, onError: "block" },
    },
  });
}

let upstream: FakeUpstream;
afterEach(() => upstream.close());

async function openai(script: FakeScript, guard: Guard, options: GuardFetchOptions = {}): Promise<OpenAI> {
  upstream = await startFakeUpstream(script);
  return guardOpenAI(new OpenAI({ apiKey: "test", baseURL: upstream.url }), guard, options);
}

async function anthropic(script: FakeScript, guard: Guard): Promise<Anthropic> {
  upstream = await startFakeUpstream(script);
  return guardAnthropic(new Anthropic({ apiKey: "test", baseURL: upstream.url.replace(/\/v1$/, "") }), guard);
}

const ask = (content: string): { model: string; messages: { role: "user"; content: string }[] } => ({
  model: "fake-model",
  messages: [{ role: "user", content }],
});

/** A text cut into its characters. */
const cut = (text: string): readonly string[] => Array.from(text);

test("openai: a blocked request is never sent, and rejects once with the verdict", async () => {
  const client = await openai({}, guardWith("block", "mask"));
  for (const stream of [false, true]) {
    const call = async (): Promise<void> => {
      const answer = await client.chat.completions.create({ ...ask(`my key is ${AWS}`), stream });
      if (Symbol.asyncIterator in answer) for await (const _ of answer) assert.fail("nothing may come");
    };
    await assert.rejects(call(), (error) => {
      assert.ok(isGuardBlocked(error) && isHoldfastError(error, "guard.blocked"));
      assert.deepEqual(
        error.verdict.findings.map(({ rule, location }) => [rule, location.pointer]),
        [["secrets.aws-access-key-id", "/messages/0/content"]],
      );
      assert.equal(error.direction, "request");
      assert.equal(error.status, 403);
      assert.ok(!error.message.includes(AWS) && error.message.includes("secrets.aws-access-key-id"));
      return true;
    });
  }
  assert.equal(upstream.requests.length, 0);
});

test("openai: masked text is what the model sees, and what the application sees", async () => {
  const verdicts: [Verdict["action"], string][] = [];
  const client = await openai({ text: [`so it is ${AWS}`, "."] }, guardWith("mask", "mask"), {
    onVerdict: ({ action }, direction) => verdicts.push([action, direction]),
  });
  const answer = await client.chat.completions.create(ask(`my key is ${AWS}, keep it`));
  assert.deepEqual(upstream.requests[0]?.json?.["messages"], ask(`my key is ${MASKED}, keep it`).messages);
  assert.equal(answer.choices[0]?.message.content, `so it is ${MASKED}.`);
  assert.deepEqual(verdicts, [
    ["mask", "request"],
    ["mask", "response"],
  ]);
});

test("openai: what has nothing in it goes through as it is", async () => {
  const client = await openai({ text: ["Hello", " there"] }, guardWith("mask", "mask"));
  const { data, response } = await client.chat.completions.create(ask("hi")).withResponse();
  assert.equal(data.choices[0]?.message.content, "Hello there");
  assert.equal(response.status, 200);
  const plain = new OpenAI({ apiKey: "test", baseURL: upstream.url });
  await plain.chat.completions.create(ask("hi"));
  assert.equal(upstream.requests[0]?.body, upstream.requests[1]?.body);
  const raw = await client.chat.completions.create(ask("hi")).asResponse();
  assert.match(await raw.text(), /Hello there/);
});

test("openai: a stream cut at every character is masked as the whole is, text and arguments", async () => {
  const client = await openai(
    {
      text: cut(`The key ${AWS} is yours, and gone.`),
      tool: { name: "store", arguments: cut(`{"key":"${AWS}","n":1}`) },
    },
    guardWith("mask", "mask"),
  );
  const stream = await client.chat.completions.create({ ...ask("go on"), stream: true });
  let text = "";
  let args = "";
  const names: string[] = [];
  let finished = 0;
  for await (const { choices } of stream) {
    const [choice] = choices;
    text += choice?.delta.content ?? "";
    for (const call of choice?.delta.tool_calls ?? []) {
      args += call.function?.arguments ?? "";
      if (call.function?.name !== undefined && call.function.name !== "") names.push(call.function.name);
    }
    if (typeof choice?.finish_reason === "string") finished += 1;
    assert.ok(finished === 0 || choice?.delta.content === undefined || choice.delta.content === "");
  }
  assert.equal(text, `The key ${MASKED} is yours, and gone.`);
  assert.equal(args, `{"key":"${MASKED}","n":1}`);
  assert.deepEqual(names, ["store"]);
  assert.equal(finished, 1);
});

test("openai: a stream that the guard blocks ends there with the error", async () => {
  const client = await openai({ text: cut(`The key ${AWS} is yours.`) }, guardWith("mask", "block"));
  const stream = await client.chat.completions.create({ ...ask("go on"), stream: true });
  let text = "";
  await assert.rejects(async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  }, isGuardBlocked);
  assert.equal(text, "The key ");
});

test("openai: helpers that stream and run tools are covered", async () => {
  const client = await openai({ text: cut(`The key ${AWS}.`) }, guardWith("mask", "mask"));
  const runner = client.chat.completions.stream(ask(`mine is ${AWS}`));
  assert.equal(await runner.finalContent(), `The key ${MASKED}.`);
  assert.ok(!upstream.requests[0]?.body.includes(AWS));
});

test("openai: embeddings, with texts in a list", async () => {
  const client = await openai({}, guardWith("mask", "mask"));
  const { data } = await client.embeddings.create({ model: "fake-model", input: ["one", `two ${AWS}`] });
  assert.equal(data.length, 2);
  assert.deepEqual(upstream.requests[0]?.json?.["input"], ["one", `two ${MASKED}`]);
});

test("openai: responses, whole and in events", async () => {
  const item = (text: string): object => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    status: "completed",
    content: [
      {
        type: "output_text",
        text,
        annotations: [],
        logprobs: [{ token: AWS, logprob: 0, bytes: [], top_logprobs: [] }],
      },
    ],
  });
  const response = (text: string, status = "completed"): object => ({
    id: "resp_1",
    object: "response",
    created_at: 1,
    status,
    // The instructions come back with the answer, and are no words of the model.
    instructions: `never tell ${AWS}`,
    model: "fake-model",
    output: status === "completed" ? [item(text)] : [],
    tools: [],
  });
  const said = `it is ${AWS}!`;
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const events = [
    { type: "response.created", response: response("", "in_progress") },
    { type: "response.output_item.added", output_index: 0, item: { ...item(""), content: [] } },
    { type: "response.content_part.added", ...place, part: { type: "output_text", text: "", annotations: [] } },
    ...cut(said).map((delta) => ({
      type: "response.output_text.delta",
      ...place,
      delta,
      logprobs: [{ token: delta, logprob: 0 }],
    })),
    { type: "response.output_text.done", ...place, text: said, logprobs: [] },
    { type: "response.output_item.done", output_index: 0, item: item(said) },
    { type: "response.completed", response: response(said) },
  ];
  const answer = ({ json }: { json: Record<string, unknown> | undefined }, out: ServerResponse): boolean => {
    if (json?.["stream"] !== true) {
      out.setHeader("content-type", "application/json").end(JSON.stringify(response(said)));
      return true;
    }
    out.setHeader("content-type", "text/event-stream");
    events.forEach((event, index) => {
      out.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`);
    });
    out.end();
    return true;
  };
  const client = await openai({ answer }, guardWith("mask", "mask"));
  const request = { model: "fake-model", input: `mine is ${AWS}`, instructions: "be kind" };

  const whole = await client.responses.create(request);
  assert.equal(whole.output_text, `it is ${MASKED}!`);
  assert.ok(!JSON.stringify(whole.output).includes(AWS));
  assert.equal(upstream.requests[0]?.json?.["input"], `mine is ${MASKED}`);

  let text = "";
  let all = "";
  const types: string[] = [];
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    types.push(event.type);
    if (event.type === "response.output_text.delta") text += event.delta;
    all += JSON.stringify(event).replaceAll(`never tell ${AWS}`, "");
  }
  assert.equal(text, `it is ${MASKED}!`);
  assert.ok(!all.includes(AWS), all);
  // Tokens whose text was held back are not told either.
  assert.ok(!all.includes('"token":"K"'));
  assert.equal(types.at(-1), "response.completed");

  const streamed = await client.responses.stream(request).finalResponse();
  assert.equal(streamed.output_text, `it is ${MASKED}!`);
});

test("openai: an upload is refused, or passes where the caller says so", async () => {
  const answer = (_: unknown, out: ServerResponse): boolean => {
    out.setHeader("content-type", "application/json").end('{"text":"hello"}');
    return true;
  };
  const client = await openai({ answer }, guardWith("mask", "mask"));
  const upload = { model: "whisper", file: new File(["x"], "a.mp3") };
  await assert.rejects(client.audio.transcriptions.create(upload), (error) =>
    isHoldfastError(error, "guard.body-unread"),
  );
  assert.equal(upstream.requests.length, 0);
  const lenient = guardOpenAI(new OpenAI({ apiKey: "test", baseURL: upstream.url }), guardWith("mask", "mask"), {
    unread: "pass",
  });
  assert.equal((await lenient.audio.transcriptions.create(upload)).text, "hello");
});

test("openai: errors of the provider stay its own", async () => {
  const answer = (_: unknown, out: ServerResponse): boolean => {
    out.writeHead(400, { "content-type": "application/json" }).end('{"error":{"message":"no such model","code":"x"}}');
    return true;
  };
  const client = await openai({ answer }, guardWith("mask", "mask"));
  await assert.rejects(client.chat.completions.create(ask("hi")), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /no such model/);
    return true;
  });
});

test("anthropic: messages whole, blocked, and in events", async () => {
  const script: FakeScript = {
    text: cut(`The key ${AWS} is yours.`),
    tool: { name: "store", arguments: cut(`{"key":"${AWS}"}`) },
  };
  const client = await anthropic(script, guardWith("mask", "mask"));
  const request = { ...ask(`mine is ${AWS}`), max_tokens: 100, system: "be kind" };
  const whole = await client.messages.create(request);
  const [text, tool] = whole.content;
  assert.equal(text?.type === "text" && text.text, `The key ${MASKED} is yours.`);
  assert.deepEqual(tool?.type === "tool_use" && tool.input, { key: MASKED });
  assert.ok(!upstream.requests[0]?.body.includes(AWS));

  let streamed = "";
  let json = "";
  for await (const event of await client.messages.create({ ...request, stream: true })) {
    if (event.type !== "content_block_delta") continue;
    if (event.delta.type === "text_delta") streamed += event.delta.text;
    if (event.delta.type === "input_json_delta") json += event.delta.partial_json;
  }
  assert.equal(streamed, `The key ${MASKED} is yours.`);
  assert.equal(json, `{"key":"${MASKED}"}`);
  const final = await client.messages.stream(request).finalMessage();
  assert.deepEqual(final.content[1]?.type === "tool_use" && final.content[1].input, { key: MASKED });
});

test("anthropic: what is blocked rejects in both directions", async () => {
  const strict = await anthropic({}, guardWith("block", "block"));
  await assert.rejects(strict.messages.create({ ...ask(`mine is ${AWS}`), max_tokens: 9 }), isGuardBlocked);
  assert.equal(upstream.requests.length, 0);
  await upstream.close();
  const answers = await anthropic({ text: cut(`The key ${AWS}.`) }, guardWith("mask", "block"));
  await assert.rejects(answers.messages.create({ ...ask("hi"), max_tokens: 9 }), isGuardBlocked);
  await assert.rejects(answers.messages.stream({ ...ask("hi"), max_tokens: 9 }).finalMessage(), (error) => {
    // The helper wraps what it did not expect, and keeps it as the cause.
    return isGuardBlocked(error) || isGuardBlocked((error as Error).cause);
  });
});

test("placeholders go out and come back as what they stand for, in the same exchange only", async () => {
  // The model repeats what it was told.
  const text: FakeScript["text"] = ({ json }) => {
    const { messages } = json as { messages: { content: string }[] };
    return cut(`You said: ${messages[0]?.content}!`);
  };
  const tool: FakeScript["tool"] = ({ json }) => {
    const { messages } = json as { messages: { content: string }[] };
    return { name: "store", arguments: cut(JSON.stringify({ said: messages[0]?.content })) };
  };
  const client = await openai({ text, tool }, guardWith("tokenise", "off"));
  const whole = await client.chat.completions.create(ask(`my key is ${AWS}`));
  assert.equal(whole.choices[0]?.message.content, `You said: my key is ${AWS}!`);
  let streamed = "";
  let args = "";
  for await (const chunk of await client.chat.completions.create({ ...ask(`my key is ${AWS}`), stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? "";
    args += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? "";
  }
  assert.equal(streamed, `You said: my key is ${AWS}!`);
  assert.deepEqual(JSON.parse(args), { said: `my key is ${AWS}` });
  for (const { body } of upstream.requests) assert.ok(!body.includes(AWS), body);
  const placeholder = /my key is (\[[^\]]+\])/.exec(upstream.requests[0]?.body ?? "")?.[1] ?? "";
  assert.ok(placeholder !== "", upstream.requests[0]?.body);
  const other = await client.chat.completions.create(ask(`and ${placeholder}?`));
  assert.equal(other.choices[0]?.message.content, `You said: and ${placeholder}?!`);
});
