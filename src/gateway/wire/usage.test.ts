import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { operations } from "./index.ts";

const byModality = [{ modality: "TEXT", tokenCount: 3 }];
const counts = {
  cache_creation: { ephemeral_1h_input_tokens: 1, ephemeral_5m_input_tokens: 2 },
  cache_creation_input_tokens: 3,
  cache_read_input_tokens: 0,
  input_tokens: 3,
  output_tokens: 4,
};
const gemini = {
  promptTokenCount: 3,
  promptTokensDetails: byModality,
  cachedContentTokenCount: 1,
  cacheTokensDetails: byModality,
  candidatesTokenCount: 4,
  candidatesTokensDetails: byModality,
  thoughtsTokenCount: 1,
  toolUsePromptTokenCount: 1,
  toolUsePromptTokensDetails: byModality,
  totalTokenCount: 9,
  serviceTier: "standard",
  trafficType: "ON_DEMAND",
};

/** An answer of each operation with all that its API reference has in a usage: nothing of it is text. */
const ANSWERS: Readonly<Record<string, (usage: object) => object>> = {
  "openai.chat": (more) => ({
    choices: [],
    usage: {
      prompt_tokens: 3,
      completion_tokens: 4,
      total_tokens: 7,
      prompt_tokens_details: {
        audio_tokens: 0,
        cached_tokens: 1,
        cache_write_tokens: 0,
        image_tokens: 0,
        text_tokens: 3,
      },
      completion_tokens_details: {
        accepted_prediction_tokens: 0,
        audio_tokens: 0,
        reasoning_tokens: 1,
        rejected_prediction_tokens: 0,
        text_tokens: 3,
      },
      ...more,
    },
  }),
  "openai.embeddings": (more) => ({ data: [], usage: { prompt_tokens: 3, total_tokens: 3, ...more } }),
  "openai.responses": (more) => ({
    output: [],
    usage: {
      input_tokens: 3,
      input_tokens_details: {
        cached_tokens: 1,
        cache_write_tokens: 1,
        cache_write_tokens_details: { ttl_12h_tokens: 0, ttl_30m_tokens: 1 },
      },
      output_tokens: 4,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 7,
      ...more,
    },
  }),
  "anthropic.messages": (more) => ({
    content: [],
    usage: {
      ...counts,
      output_tokens_details: { thinking_tokens: 1 },
      server_tool_use: { web_fetch_requests: 0, web_search_requests: 1 },
      service_tier: "standard",
      speed: "fast",
      iterations: [{ ...counts, type: "message" }],
      ...more,
    },
  }),
  "gemini.generate": (more) => ({ candidates: [], usageMetadata: { ...gemini, ...more } }),
  "gemini.embed": (more) => ({
    embedding: {},
    usageMetadata: { promptTokenCount: 3, promptTokenDetails: byModality, ...more },
  }),
};

describe("the usage of an answer", () => {
  for (const [id, answer] of Object.entries(ANSWERS)) {
    const operation = operations.find((one) => one.id === id);
    const texts = (usage: object): readonly string[] =>
      operation?.parseResponse(answer(usage)).spans.map(({ text }) => text) ?? [];

    it(`has no text in what ${id} documents`, () => {
      assert.deepEqual(texts({}), []);
    });

    it(`is read for what ${id} does not know, and for a text in a number's place`, () => {
      assert.deepEqual(texts({ novel_tokens: 3 }), ["novel_tokens"]);
      assert.deepEqual(texts({ novel: "said" }).toSorted(), ["novel", "said"]);
      const [number] = Object.keys((Object.values(answer({})).at(-1) ?? {}) as object).filter((name) =>
        /(?:tokens|Count)$/.test(name),
      );
      assert.deepEqual(texts({ [number as string]: "said" }), ["said"]);
    });
  }
});
