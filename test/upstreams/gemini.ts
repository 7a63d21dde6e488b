/**
 * Answers of the fake upstream in the form of the Gemini API (API reference: `GenerateContentResponse`). Written by hand,
 * with fixed ids.
 *
 * @module
 */

import type { FakeTool } from "./answers.ts";

const USAGE = { promptTokenCount: 11, candidatesTokenCount: 5, thoughtsTokenCount: 2, totalTokenCount: 18 };

/** A part of an answer's content. */
export type FakePart = Readonly<Record<string, unknown>>;

const envelope = (model: string, parts: readonly FakePart[], finishReason?: string): unknown => ({
  candidates: [
    { content: { parts, role: "model" }, ...(finishReason === undefined ? {} : { finishReason }), index: 0 },
  ],
  usageMetadata: USAGE,
  modelVersion: model,
  responseId: "gemini_fake",
});

/** A whole answer. */
export function geminiAnswer(model: string, text: string, tool: FakeTool | undefined): unknown {
  return envelope(model, [{ text }, ...calls(tool)], "STOP");
}

/** The events of a streamed answer: one for each piece, then one that ends it. */
export function* geminiEvents(
  model: string,
  pieces: readonly FakePart[],
  tool: FakeTool | undefined,
): Generator<string> {
  const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
  for (const piece of pieces) yield data(envelope(model, [piece]));
  yield data(envelope(model, [...calls(tool), { text: "" }], "STOP"));
}

function calls(tool: FakeTool | undefined): readonly FakePart[] {
  if (tool === undefined) return [];
  return [{ functionCall: { name: tool.name, args: JSON.parse(tool.arguments.join("")) as unknown } }];
}
