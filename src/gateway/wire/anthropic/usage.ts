/**
 * Token counts of the Anthropic API.
 *
 * @module
 */

import type { Usage } from "../operation.ts";
import { count } from "../read.ts";
import { any, list, number, record, text, word, type Shape } from "../shape.ts";
import { isObject } from "../walk.ts";

const counts = {
  cache_creation: record({ ephemeral_1h_input_tokens: number, ephemeral_5m_input_tokens: number }),
  cache_creation_input_tokens: number,
  cache_read_input_tokens: number,
  input_tokens: number,
  output_tokens: number,
};

/** The fields of a usage (API reference: «Create a Message», «Streaming Messages»), those of betas among them. */
export const usageFields: Shape = record({
  ...counts,
  output_tokens_details: record({ thinking_tokens: number }),
  server_tool_use: record({ web_fetch_requests: number, web_search_requests: number }),
  inference_geo: text,
  service_tier: word("standard", "priority", "batch"),
  speed: word("standard", "fast"),
  fallback_credit: any,
  iterations: list(
    record({
      ...counts,
      type: word("message", "compaction", "advisor_message", "fallback_message"),
      model: text,
    }),
  ),
});

/**
 * `usage` of a message or of a `message_delta` event, whose counts are cumulative and may leave out what `earlier`
 * said. Input is all input: what was read from the cache and written to it as well.
 */
export function anthropicUsage(value: unknown, earlier: Usage | undefined): Usage | undefined {
  if (!isObject(value)) return earlier;
  const uncached = count(value["input_tokens"]);
  const written = count(value["cache_creation_input_tokens"]) ?? 0;
  const read = count(value["cache_read_input_tokens"]) ?? 0;
  const inputTokens = uncached === undefined ? (earlier?.inputTokens ?? 0) : uncached + written + read;
  const cached =
    uncached === undefined
      ? cacheOf(earlier)
      : written + read === 0
        ? {}
        : { cacheReadTokens: read, cacheWriteTokens: written };
  const outputTokens = count(value["output_tokens"]) ?? earlier?.outputTokens;
  return outputTokens === undefined ? earlier : { inputTokens, outputTokens, ...cached };
}

function cacheOf(usage: Usage | undefined): Pick<Usage, "cacheReadTokens" | "cacheWriteTokens"> {
  if (usage?.cacheReadTokens === undefined) return {};
  return { cacheReadTokens: usage.cacheReadTokens, cacheWriteTokens: usage.cacheWriteTokens ?? 0 };
}
