/**
 * Token counts of the Anthropic API.
 *
 * @module
 */

import type { Usage } from "../operation.ts";
import { count } from "../read.ts";
import { isObject } from "../walk.ts";

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
