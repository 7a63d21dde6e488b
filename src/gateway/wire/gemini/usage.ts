/**
 * Token counts of the Gemini API.
 *
 * @module
 */

import type { Usage } from "../operation.ts";
import { count } from "../read.ts";
import { isObject } from "../walk.ts";

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
