/**
 * Streams for tests: events as a model API sends them, a guard that looks for one word, and what a client makes of what
 * comes out.
 *
 * @module
 */

import { createGuard, type Detector, type Guard, type GuardAction } from "../../src/guard/index.ts";
import { createSseDecoder, encodeEvent } from "../../src/gateway/sse/index.ts";
import { operations, type ResponseStream } from "../../src/gateway/wire/index.ts";

export const SECRET = "CANARY";
export const MASK = "[masked:canary.word]";

/** Finds one word, over a window, so that it always holds back. */
export const canaryDetector: Detector = {
  id: "canary",
  version: "1",
  directions: ["request", "response"],
  longestMatch: SECRET.length,
  cost: "cheap",
  detect: (text, { pointer }) =>
    [...text.matchAll(/CANARY/g)].map(({ index }) => ({
      rule: "canary.word",
      severity: "high",
      location: { pointer, start: index, end: index + SECRET.length },
      message: "the word was said",
      remedy: "do not say it",
      references: [],
    })),
};

/** The same, as a promise. */
export const slowDetector: Detector = {
  ...canaryDetector,
  detect: async (text, context) => {
    await Promise.resolve();
    return await canaryDetector.detect(text, context);
  },
};

export function guardThat(action: GuardAction, detector = canaryDetector): Guard {
  return createGuard({
    detectors: [detector],
    settings: { canary: { request: action, response: action, onError: "block" } },
  });
}

export interface Seen {
  text: string;
  blocked: boolean;
  stream: ResponseStream;
  pointers: string[];
}

/** Runs a stream whole. Throws what it throws. */
export async function run(id: string, guard: Guard, chunks: readonly Uint8Array[]): Promise<Seen> {
  const operation = operations.find((one) => one.id === id);
  const pointers: string[] = [];
  const stream = operation?.responseStream?.({
    openChannel(origin, pointer) {
      pointers.push(pointer);
      return guard.stream("response", origin, pointer);
    },
  }) as ResponseStream;
  const decoder = new TextDecoder();
  let text = "";
  for (const chunk of chunks) {
    const { bytes, blocked, ended } = await stream.push(chunk);
    text += typeof bytes === "string" ? bytes : decoder.decode(bytes);
    if (ended) return { text, blocked, stream, pointers };
  }
  const { bytes, blocked } = await stream.end();
  text += typeof bytes === "string" ? bytes : decoder.decode(bytes);
  return { text, blocked, stream, pointers };
}

export const utf8 = new TextEncoder();
export const sse = (value: unknown, type?: string): string => encodeEvent({ type, data: JSON.stringify(value) });
export const named = (value: { type: string }): string => sse(value, value.type);

export function cut(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = utf8.encode(text);
  const at = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].toSorted(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

export function split(text: string, places: readonly number[]): string[] {
  const at = [...new Set([0, ...places.map((place) => place % (text.length + 1)), text.length])].toSorted(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, index) => text.slice(at[index], end));
}

/** What the parts of an answer are, put together as a client does. */
export function assemble(text: string): Record<string, string> {
  const parts: Record<string, string> = {};
  const add = (name: string, piece: unknown): void => {
    if (typeof piece === "string") parts[name] = (parts[name] ?? "") + piece;
  };
  for (const { data } of createSseDecoder().push(utf8.encode(text)).events) {
    if (data === undefined || data === "[DONE]") continue;
    const event = JSON.parse(data) as Record<string, never> & { choices?: Choice[]; index?: number; delta?: Delta };
    for (const { index, delta } of event.choices ?? []) {
      for (const field of ["content", "refusal", "reasoning_content", "novel"]) add(`${index}.${field}`, delta[field]);
      for (const call of delta.tool_calls ?? []) {
        add(`${index}.${call.index}.name`, call.function?.name);
        add(`${index}.${call.index}.arguments`, call.function?.arguments);
      }
    }
    const block = (event as { content_block?: { text?: string } }).content_block;
    add(`${event.index}.text`, block?.text);
    for (const field of ["text", "thinking", "partial_json"]) add(`${event.index}.${field}`, event.delta?.[field]);
  }
  return parts;
}

export type Delta = Record<string, unknown> & {
  tool_calls?: { index: number; function?: { name?: string; arguments?: string } }[];
};
export interface Choice {
  index: number;
  delta: Delta;
}

export const chunk = (index: number, delta: unknown, rest: object = {}): string =>
  sse({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index, delta, finish_reason: null, ...rest }],
  });
export const finish = (index: number, reason = "stop"): string => chunk(index, {}, { finish_reason: reason });
export const DONE = "data: [DONE]\n\n";

export const chat = (pieces: readonly string[]): string =>
  [
    chunk(0, { role: "assistant", content: "" }),
    ...pieces.map((content) => chunk(0, { content })),
    finish(0),
    DONE,
  ].join("");
export const call = (pieces: readonly string[]): string =>
  [
    chunk(0, { tool_calls: [{ index: 0, id: "i", type: "function", function: { name: "f", arguments: "" } }] }),
    ...pieces.map((piece) => chunk(0, { tool_calls: [{ index: 0, function: { arguments: piece } }] })),
    finish(0, "tool_calls"),
    DONE,
  ].join("");
export const message = (deltas: readonly unknown[], block: unknown = { type: "text", text: "" }): string =>
  [
    {
      type: "message_start",
      message: {
        id: "i",
        type: "message",
        role: "assistant",
        model: "m",
        content: [],
        usage: { input_tokens: 3, output_tokens: 1 },
      },
    },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "ping" },
    ...deltas.map((delta) => ({ type: "content_block_delta", index: 0, delta })),
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ]
    .map(named)
    .join("");
export const messageText = (pieces: readonly string[]): string =>
  message(pieces.map((text) => ({ type: "text_delta", text })));
