/**
 * Token counts of the Gemini API.
 *
 * @module
 */

import type { Usage } from "../operation.ts";
import { count } from "../read.ts";
import { list, number, word, type Shape } from "../shape.ts";
import { isObject } from "../walk.ts";
import { both } from "./request.ts";

/** Tokens of each kind of content: the details of a usage. */
export const byModality: Shape = list(
  both({
    modality: word("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"),
    tokenCount: number,
  }),
);

/** The fields of a usage (API reference: `UsageMetadata`). */
export const usageFields: Shape = both({
  promptTokenCount: number,
  promptTokensDetails: byModality,
  // What embeddings call them.
  promptTokenDetails: byModality,
  cachedContentTokenCount: number,
  cacheTokensDetails: byModality,
  candidatesTokenCount: number,
  candidatesTokensDetails: byModality,
  thoughtsTokenCount: number,
  toolUsePromptTokenCount: number,
  toolUsePromptTokensDetails: byModality,
  totalTokenCount: number,
  initialPromptTokenCount: number,
  serviceTier: word("unspecified", "flex", "standard", "priority"),
  trafficType: word(
    "TRAFFIC_TYPE_UNSPECIFIED",
    "ON_DEMAND",
    "ON_DEMAND_PRIORITY",
    "ON_DEMAND_FLEX",
    "ON_DEMAND_OFFPEAK",
    "PROVISIONED_THROUGHPUT",
  ),
});

/**
 * `usageMetadata` of an answer or an event. Input is all input, results of tools as well; output is all output, thoughts
 * as well.
 */
export function geminiUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const prompt = count(value["promptTokenCount"]);
  if (prompt === undefined) return undefined;
  const of = (name: string): number => count(value[name]) ?? 0;
  const cached = count(value["cachedContentTokenCount"]);
  return {
    ...(cached === undefined ? {} : { cacheReadTokens: cached }),
    inputTokens: prompt + of("toolUsePromptTokenCount"),
    outputTokens: of("candidatesTokenCount") + of("thoughtsTokenCount"),
  };
}
