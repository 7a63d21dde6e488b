/**
 * The fields of the answers of the Gemini API (API reference: `GenerateContentResponse`, `Candidate`,
 * `EmbedContentResponse`, `countTokens`). The events of a stream are answers themselves, whose texts continue those of the
 * event before.
 *
 * @module
 */

import { any, from, list, number, text, word, type EventShape, type Shape } from "../shape.ts";
import { isObject, ownIndex } from "../walk.ts";
import { both, partOf } from "./request.ts";
import { byModality, usageFields } from "./usage.ts";

const finish = word("STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "MALFORMED_FUNCTION_CALL");

const answerOf = (parts: Shape, candidates: (of: Shape) => Shape): Shape =>
  both(
    {
      candidates: candidates(
        from(
          "assistant",
          both({
            index: number,
            content: both({ role: word("model"), parts }),
            finishReason: finish,
            finishMessage: text,
            safetyRatings: any,
            citationMetadata: from("document", any),
            groundingMetadata: from("document", any),
            groundingAttributions: from("document", any),
            urlContextMetadata: from("document", any),
            tokenCount: number,
            avgLogprobs: number,
            logprobsResult: { is: "logprobs" },
          }),
        ),
      ),
      promptFeedback: any,
      usageMetadata: usageFields,
      modelVersion: text,
      responseId: text,
    },
    { required: ["candidates"] },
  );

/** A whole answer. */
export const generateResponse: Shape = answerOf(list(partOf(text)), list);

/**
 * Which text a part of an event continues: the client puts the texts of a candidate together wherever they stand in
 * their events, and its thoughts apart from them.
 */
function textOf(part: unknown, position: number): string | number {
  if (!isObject(part) || typeof part["text"] !== "string") return position;
  return part["thought"] === true ? "thought" : "text";
}

/** A call whose arguments come in pieces has them in fields of its own; what these are is not settled yet. */
const callPiece: Shape = from(
  "assistant",
  both({ id: text, name: text, args: any }, { rest: { is: "any", part: true } }),
);

/** One event of a stream. */
export const generateChunk: Shape = answerOf(
  { is: "list", of: partOf({ is: "text", part: true }, callPiece), token: textOf },
  (of) => ({ is: "list", of, token: ownIndex }),
);

export const generateEvents: readonly EventShape[] = [
  { name: "GenerateContentResponse", shape: generateChunk, event: (value) => value },
];

const vector = both({ values: { is: "numbers", kind: "vector" }, statistics: any });

const vectors: Readonly<Record<string, Shape>> = {
  embedding: vector,
  embeddings: list(vector),
  usageMetadata: usageFields,
  metadata: any,
};

/** One vector. */
export const embedResponse: Shape = both(vectors, { required: ["embedding"] });

/** One for each text. */
export const embedBatchResponse: Shape = both(vectors, { required: ["embeddings"] });

export const countResponse: Shape = both(
  {
    totalTokens: number,
    cachedContentTokenCount: number,
    promptTokensDetails: byModality,
    cacheTokensDetails: byModality,
  },
  { required: ["totalTokens"] },
);
