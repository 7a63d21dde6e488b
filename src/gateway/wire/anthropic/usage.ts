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
  const inputTokens =
    uncached === undefined
      ? (earlier?.inputTokens ?? 0)
      : uncached + (count(value["cache_creation_input_tokens"]) ?? 0) + (count(value["cache_read_input_tokens"]) ?? 0);
  const outputTokens = count(value["output_tokens"]) ?? earlier?.outputTokens;
  return outputTokens === undefined ? earlier : { inputTokens, outputTokens };
}
