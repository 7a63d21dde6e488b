/**
 * Token counts of the Responses API.
 *
 * @module
 */

import type { Usage } from "../../operation.ts";
import { count } from "../../read.ts";
import { isObject } from "../../walk.ts";

/** `usage` of a response. Cached tokens and those of reasoning are in it already. */
export function responsesUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const inputTokens = count(value["input_tokens"]);
  const outputTokens = count(value["output_tokens"]);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const details = value["input_tokens_details"];
  const cached = isObject(details) ? count(details["cached_tokens"]) : undefined;
  return cached === undefined ? { inputTokens, outputTokens } : { inputTokens, outputTokens, cacheReadTokens: cached };
}
