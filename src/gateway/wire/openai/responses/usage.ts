/**
 * Token counts of the Responses API.
 *
 * @module
 */

import type { Usage } from "../../operation.ts";
import { count } from "../../read.ts";
import { number, record, type Shape } from "../../shape.ts";
import { isObject } from "../../walk.ts";
import { cacheOf } from "../usage.ts";

/** The fields of a usage (API reference: «The response object»). */
export const usageFields: Shape = record({
  input_tokens: number,
  input_tokens_details: record({
    cache_write_tokens: number,
    cache_write_tokens_details: record({ ttl_12h_tokens: number, ttl_30m_tokens: number }),
    cached_tokens: number,
  }),
  output_tokens: number,
  output_tokens_details: record({ reasoning_tokens: number }),
  total_tokens: number,
});

/** `usage` of a response. Cached tokens and those of reasoning are in it already. */
export function responsesUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const inputTokens = count(value["input_tokens"]);
  const outputTokens = count(value["output_tokens"]);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return { inputTokens, outputTokens, ...cacheOf(value["input_tokens_details"]) };
}
