import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { operations } from "../wire/index.ts";
import { checkCaps } from "./caps.ts";
import { extractionConfig } from "./config.ts";

const operation = (id: string) => operations.find((one) => one.id === id) as (typeof operations)[number];
const CHAT = operation("openai.chat");
const GEMINI = operation("gemini.generate");
const caps = (changes: object = {}) => extractionConfig.parse({ caps: changes }).caps;

/** What is refused of a request, by the field that the refusal names. */
function refused(value: object, changes: object = {}, coarse = false, on = CHAT): string | undefined {
  try {
    checkCaps(on, value, caps(changes), coarse);
    return undefined;
  } catch (error) {
    assert.ok(isHoldfastError(error, coarse ? "gateway.extraction-coarsened" : "gateway.extraction-capped"));
    return error.detail?.split(":")[0];
  }
}

describe("caps on what a request asks of a model's inner numbers", () => {
  it("let through what is within them", () => {
    for (const value of [
      {},
      { logprobs: true, top_logprobs: 5 },
      { logprobs: false, logit_bias: { 50256: -100 } },
      { logprobs: null, logit_bias: {}, n: null },
      {
        logit_bias: [
          [1, -1],
          [2, false],
        ],
      },
      { n: 8 },
      { include: ["message.output_text.logprobs"] },
    ]) {
      assert.equal(refused(value), undefined, JSON.stringify(value));
    }
  });

  it("refuse one more than each of them, by name", () => {
    assert.equal(refused({ logprobs: true, top_logprobs: 6 }), "/top_logprobs");
    assert.equal(refused({ top_logprobs: "20" }), "/top_logprobs");
    assert.equal(refused({ prompt_logprobs: 20 }), "/prompt_logprobs");
    assert.equal(refused({ n_probs: 10 }), "/n_probs");
    assert.equal(refused({ n: 9 }), "/n");
    assert.equal(refused({ n: "2" }), "/n");
    assert.equal(refused({ best_of: 9 }), "/best_of");
    const many = Object.fromEntries(Array.from({ length: 301 }, (_, token) => [token, -1]));
    assert.equal(refused({ logit_bias: many }), "/logit_bias");
  });

  it("refuse bias upwards in every form, unless it is allowed", () => {
    for (const bias of [{ 1: 0.001 }, { 1: "100" }, { 1: null }, [[1, 5]], [[1]], [1], "1", 5, [[1, "x"]]]) {
      assert.equal(refused({ logit_bias: bias }), "/logit_bias", JSON.stringify(bias));
    }
    assert.equal(refused({ allowed_token_ids: [1, 2] }), "/allowed_token_ids");
    assert.equal(refused({ bad_words: ["a"] }), undefined);
    assert.equal(refused({ logit_bias: { 1: 100 } }, { logitBias: "any" }), undefined);
    assert.equal(refused({ logit_bias: { 1: -100 } }, { logitBias: "refuse" }), "/logit_bias");
    assert.equal(refused({ logit_bias: { 1: -1 }, allowed_token_ids: [3] }), "/allowed_token_ids");
  });

  it("never let bias and log probabilities through together, whatever is configured", () => {
    const open = { logitBias: "any", topLogprobs: 20, biasedTokens: 1_000_000 };
    for (const asks of [
      { logprobs: true },
      { top_logprobs: 0 },
      { n_probs: 1 },
      { include: ["message.output_text.logprobs"] },
    ]) {
      assert.equal(refused({ ...asks, logit_bias: { 1: -1 } }, open), "/logit_bias", JSON.stringify(asks));
    }
  });

  it("hold for Gemini, in both spellings of its fields", () => {
    const asks = (config: object) => refused({ generationConfig: config }, {}, false, GEMINI);
    assert.equal(asks({ candidateCount: 9 }), "/generationConfig/candidateCount");
    assert.equal(asks({ candidate_count: 9 }), "/generationConfig/candidate_count");
    assert.equal(asks({ responseLogprobs: true, logprobs: 6 }), "/generationConfig/logprobs");
    assert.equal(asks({ responseLogprobs: true, logprobs: 5 }), undefined);
    assert.equal(
      refused({ generation_config: { response_logprobs: true } }, { logprobs: false }, false, GEMINI),
      "/generation_config/response_logprobs",
    );
  });

  it("can turn log probabilities off altogether", () => {
    for (const value of [
      { logprobs: true },
      { logprobs: 0 },
      { top_logprobs: 1 },
      { include: ["message.output_text.logprobs"] },
    ]) {
      assert.ok(refused(value, { logprobs: false }) !== undefined, JSON.stringify(value));
    }
  });

  it("are tighter for who is answered coarsely", () => {
    for (const value of [{ logprobs: true }, { logit_bias: { 1: -1 } }, { n: 2 }, { n_probs: 1 }]) {
      assert.ok(refused(value, {}, true) !== undefined, JSON.stringify(value));
    }
    assert.equal(refused({ n: 1, temperature: 1 }, {}, true), undefined);
  });
});
