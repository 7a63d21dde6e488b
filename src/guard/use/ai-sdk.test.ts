import assert from "node:assert/strict";
import { test } from "node:test";

import { generateText, jsonSchema, streamText, tool, wrapLanguageModel } from "ai";
import { convertArrayToReadableStream, MockLanguageModelV4 } from "ai/test";

import type { Verdict } from "../../core/index.ts";
import type { Detector } from "../detector.ts";
import { secretsDetector } from "../detectors/secrets/secrets.ts";
import { createGuard, type Guard } from "../guard.ts";
import type { GuardAction } from "../policy.ts";
import { guardMiddleware } from "./ai-sdk.ts";
import { isGuardBlocked } from "./blocked.ts";
import type { UseOptions } from "./exchange.ts";

const AWS = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");
const MASKED = "[masked:secrets.aws-access-key-id]";

type GenerateResult = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>;
type Part = Awaited<ReturnType<MockLanguageModelV4["doStream"]>>["stream"] extends ReadableStream<infer P> ? P : never;

function guardWith(request: GuardAction, response: GuardAction, detector: Detector = secretsDetector): Guard {
  return createGuard({
    detectors: [detector],
    settings: { [detector.id]: { request, response, onError: "block" } },
  });
}

const usage: GenerateResult["usage"] = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};
const stop = { unified: "stop", raw: "stop" } as const;

function answering(content: GenerateResult["content"]): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    doGenerate: { content, finishReason: stop, usage, warnings: [], response: { body: { raw: AWS } } },
  });
}

function streaming(parts: readonly Part[]): MockLanguageModelV4 {
  const all: Part[] = [{ type: "stream-start", warnings: [] }, ...parts, { type: "finish", finishReason: stop, usage }];
  return new MockLanguageModelV4({ doStream: { stream: convertArrayToReadableStream(all) } });
}

function guarded(model: MockLanguageModelV4, guard: Guard, options?: UseOptions): ReturnType<typeof wrapLanguageModel> {
  return wrapLanguageModel({ model, middleware: guardMiddleware(guard, options) });
}

const store = tool({
  description: "stores a key",
  inputSchema: jsonSchema<{ key: string }>({ type: "object", properties: { key: { type: "string" } } }),
  execute: () => "stored",
});

/** A text in deltas of one character. */
function deltas(type: "text" | "reasoning" | "tool-input", id: string, text: string): Part[] {
  return Array.from(text, (delta): Part => ({ type: `${type}-delta`, id, delta }));
}

test("what the model sees is masked, in messages and in tool results", async () => {
  const model = answering([{ type: "text", text: "fine" }]);
  await generateText({
    model: guarded(model, guardWith("mask", "mask")),
    system: "be kind",
    messages: [
      { role: "user", content: [{ type: "text", text: `my key is ${AWS}` }] },
      {
        role: "assistant",
        content: [{ type: "tool-call", toolCallId: "1", toolName: "store", input: { key: AWS, type: AWS } }],
      },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            toolCallId: "1",
            toolName: "store",
            output: { type: "json", value: { id: AWS, [AWS]: [`again ${AWS}`] } },
          },
        ],
      },
      {
        role: "user",
        content: [{ type: "file", mediaType: "text/plain", data: new TextEncoder().encode(`file with ${AWS}`) }],
      },
    ],
  });
  const [call] = model.doGenerateCalls;
  const sent = JSON.stringify(call?.prompt, (_, value: unknown) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  );
  assert.ok(!sent.includes(AWS), sent);
  assert.equal(sent.split(MASKED).length - 1, 7);
  assert.match(sent, /file with \[masked/);
});

test("origins are told apart: what a tool says, what the user says, what the system says", async () => {
  const seen: string[] = [];
  const spy: Detector = {
    id: "spy",
    version: "1",
    directions: ["request", "response"],
    longestMatch: 1,
    cost: "cheap",
    detect: (text, { origin, direction, instructions }) => {
      seen.push(`${direction} ${origin} ${text}${instructions === undefined ? "" : ` (${instructions.join()})`}`);
      return [];
    },
  };
  const model = answering([
    { type: "text", text: "answer" },
    { type: "tool-call", toolCallId: "2", toolName: "store", input: '{"a":1}' },
  ]);
  await generateText({
    model: guarded(model, guardWith("flag", "flag", spy)),
    tools: { store },
    system: "be kind",
    messages: [
      { role: "user", content: "question" },
      {
        role: "assistant",
        content: [{ type: "tool-call", toolCallId: "1", toolName: "store", input: { q: "asked" } }],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: "1", toolName: "store", output: { type: "text", value: "found" } },
        ],
      },
    ],
  });
  for (const expected of [
    "request system be kind",
    "request user question",
    "request assistant asked",
    "request tool found",
    "request metadata stores a key",
    "response assistant answer (be kind)",
    'response assistant {"a":1} (be kind)',
  ]) {
    assert.ok(seen.includes(expected), `${expected} is not in ${seen.join("; ")}`);
  }
});

test("a blocked call never reaches the model and carries the verdict", async () => {
  const model = answering([{ type: "text", text: "fine" }]);
  const verdicts: Verdict[] = [];
  const call = generateText({
    model: guarded(model, guardWith("block", "mask"), { onVerdict: (verdict) => verdicts.push(verdict) }),
    prompt: `my key is ${AWS}`,
  });
  await assert.rejects(call, (error) => {
    assert.ok(isGuardBlocked(error));
    assert.equal(error.verdict.findings[0]?.location.pointer, "/prompt/0/content/0/text");
    return true;
  });
  assert.equal(model.doGenerateCalls.length, 0);
  assert.equal(verdicts[0]?.action, "block");
});

test("what the application sees is masked, and the raw answer goes with it", async () => {
  const model = answering([
    { type: "reasoning", text: `they want ${AWS}` },
    { type: "text", text: `it is ${AWS}` },
    { type: "tool-call", toolCallId: "1", toolName: "store", input: `{"key":"${AWS}"}` },
  ]);
  const result = await generateText({
    model: guarded(model, guardWith("mask", "mask")),
    tools: { store },
    prompt: "hi",
  });
  assert.equal(result.text, `it is ${MASKED}`);
  assert.equal(result.reasoningText, `they want ${MASKED}`);
  assert.deepEqual(result.toolCalls[0]?.input, { key: MASKED });
  assert.ok(!JSON.stringify(result.response).includes(AWS));
  await assert.rejects(
    generateText({ model: guarded(model, guardWith("mask", "block")), tools: { store }, prompt: "hi" }),
    isGuardBlocked,
  );
});

test("a stream cut at every character is masked, each block and tool call by itself", async () => {
  const input = `{"key":"${AWS}"}`;
  const model = streaming([
    { type: "reasoning-start", id: "r" },
    ...deltas("reasoning", "r", `they want ${AWS}.`),
    { type: "reasoning-end", id: "r" },
    { type: "text-start", id: "a" },
    { type: "text-start", id: "b" },
    // Two blocks at once: neither's text completes the other's key.
    ...deltas("text", "a", `A is ${AWS}`).flatMap((part, index): Part[] => [
      part,
      ...(index < 20 ? [{ type: "text-delta" as const, id: "b", delta: index === 3 ? "AKIA" : "." }] : []),
    ]),
    { type: "text-end", id: "a" },
    { type: "text-end", id: "b" },
    { type: "tool-input-start", id: "1", toolName: "store" },
    ...deltas("tool-input", "1", input),
    { type: "tool-input-end", id: "1" },
    { type: "raw", rawValue: { secret: AWS } },
    { type: "tool-call", toolCallId: "1", toolName: "store", input },
  ]);
  const result = streamText({
    model: guarded(model, guardWith("mask", "mask")),
    tools: { store },
    prompt: "hi",
    includeRawChunks: true,
  });
  const texts = new Map<string, string>();
  for await (const part of result.fullStream) {
    assert.ok(!JSON.stringify(part).includes(AWS), JSON.stringify(part));
    assert.notEqual(part.type, "raw");
    const { id, text = "", delta = "" } = part as { id?: string; text?: string; delta?: string };
    if (part.type.endsWith("-delta")) texts.set(id ?? "", (texts.get(id ?? "") ?? "") + text + delta);
  }
  assert.equal(texts.get("r"), `they want ${MASKED}.`);
  assert.equal(texts.get("a"), `A is ${MASKED}`);
  assert.equal(texts.get("b"), "...AKIA................");
  assert.equal(texts.get("1"), `{"key":"${MASKED}"}`);
  assert.deepEqual((await result.toolCalls)[0]?.input, { key: MASKED });
});

test("a stream that the guard blocks fails there", async () => {
  const model = streaming([
    { type: "text-start", id: "a" },
    ...deltas("text", "a", `it is ${AWS}, and more`),
    { type: "text-end", id: "a" },
  ]);
  const result = streamText({ model: guarded(model, guardWith("mask", "block")), prompt: "hi", onError: () => {} });
  let text = "";
  await assert.rejects(async () => {
    for await (const part of result.textStream) text += part;
  }, isGuardBlocked);
  assert.equal(text, "it is ");
});
