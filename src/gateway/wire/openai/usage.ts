/**
 * Token counts of the OpenAI API.
 *
 * @module
 */

import type { Usage } from "../operation.ts";
import { count } from "../read.ts";
import { number, record, type Shape } from "../shape.ts";
import { isObject } from "../walk.ts";

/** The fields of a usage (API reference: «The chat completion object», «The embedding object»). */
export const usageFields: Shape = record({
  prompt_tokens: number,
  completion_tokens: number,
  total_tokens: number,
  prompt_tokens_details: record({
    audio_tokens: number,
    cache_write_tokens: number,
    cached_tokens: number,
    image_tokens: number,
    text_tokens: number,
  }),
  completion_tokens_details: record({
    accepted_prediction_tokens: number,
    audio_tokens: number,
    reasoning_tokens: number,
    rejected_prediction_tokens: number,
    text_tokens: number,
  }),
});

/** `usage` of an answer or a chunk. Embeddings have no completion. */
export function openaiUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const inputTokens = count(value["prompt_tokens"]);
  if (inputTokens === undefined) return undefined;
  const outputTokens = count(value["completion_tokens"]) ?? 0;
  return { inputTokens, outputTokens, ...cacheOf(value["prompt_tokens_details"]) };
}

/** What the details of the input say of the upstream's cache. */
export function cacheOf(details: unknown): Pick<Usage, "cacheReadTokens" | "cacheWriteTokens"> {
  if (!isObject(details)) return {};
  const read = count(details["cached_tokens"]);
  const written = count(details["cache_write_tokens"]);
  return {
    ...(read === undefined ? {} : { cacheReadTokens: read }),
    ...(written === undefined ? {} : { cacheWriteTokens: written }),
  };
}
