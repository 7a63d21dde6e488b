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
  return inputTokens === undefined ? undefined : { inputTokens, outputTokens: count(value["completion_tokens"]) ?? 0 };
}
