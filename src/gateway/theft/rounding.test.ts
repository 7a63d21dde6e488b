import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { checkRoundable, roundTo, roundVectors } from "./rounding.ts";

const base64 = (numbers: readonly number[]): string =>
  Buffer.from(Float32Array.from(numbers).buffer).toString("base64");
const floats = (text: string): number[] => {
  const bytes = Buffer.from(text, "base64");
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
};

describe("rounding", () => {
  it("is at most half of the last decimal away, and has no negative zero", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: 0, max: 9 }), (x, decimals) => {
        const rounded = roundTo(x, decimals);
        assert.ok(Math.abs(rounded - x) <= 0.5 * 10 ** -decimals + 1e-9);
        assert.ok(!Object.is(rounded, -0));
        assert.equal(roundTo(-x, decimals), rounded === 0 ? 0 : -rounded);
      }),
    );
  });

  it("leaves what has no decimals", () => {
    for (const x of [1e300, -1e300, Infinity, Number.MAX_SAFE_INTEGER]) assert.equal(roundTo(x, 3), x);
  });

  it("reaches every vector of OpenAI and Gemini, in base64 and nested too", () => {
    const openai = {
      data: [{ embedding: [0.12345, -0.00001] }, { embedding: base64([0.12345]) }, { embedding: [[0.567]] }],
    };
    roundVectors(openai, 2);
    assert.deepEqual(openai.data[0], { embedding: [0.12, 0] });
    assert.deepEqual(
      floats(openai.data[1]?.embedding as unknown as string).map((x) => x.toFixed(6)),
      ["0.120000"],
    );
    assert.deepEqual(openai.data[2], { embedding: [[0.57]] });
    const gemini = { embedding: { values: [0.987] }, embeddings: [{ values: [0.111] }] };
    roundVectors(gemini, 1);
    assert.deepEqual(gemini, { embedding: { values: [1] }, embeddings: [{ values: [0.1] }] });
  });

  it("lets nothing through that it cannot round", () => {
    const invalid = (error: unknown) => isHoldfastError(error, "gateway.upstream-invalid");
    for (const embedding of ["!!!!", "AAA=", "AAAAAAA=", base64([1]).replace("=", ""), { int8: [1] }, true, null]) {
      assert.throws(() => roundVectors({ data: [{ embedding }] }, 2), invalid, JSON.stringify(embedding));
    }
    const capped = (error: unknown) => isHoldfastError(error, "gateway.extraction-capped");
    assert.throws(() => checkRoundable({ output_dtype: "int8" }), capped);
    assert.doesNotThrow(() => checkRoundable({ output_dtype: "float" }));
    assert.doesNotThrow(() => checkRoundable({}));
  });
});
