/**
 * Token counts of the OpenAI API.
 *
 * @module
 */

import type { Usage } from "../operation.ts";
import { count } from "../read.ts";
import { isObject } from "../walk.ts";

/** `usage` of an answer or a chunk. Embeddings have no completion. */
export function openaiUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const inputTokens = count(value["prompt_tokens"]);
  if (inputTokens === undefined) return undefined;
  const details = value["prompt_tokens_details"];
  const cached = isObject(details) ? count(details["cached_tokens"]) : undefined;
  const usage = { inputTokens, outputTokens: count(value["completion_tokens"]) ?? 0 };
  return cached === undefined ? usage : { ...usage, cacheReadTokens: cached };
}
