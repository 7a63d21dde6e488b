import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { disclose, labelsOf, plain } from "./outputs.ts";
import type { RawTensor } from "./protocol.ts";

const scores = (data: readonly number[], shape: readonly number[]): RawTensor => ({
  name: "scores",
  type: "float32",
  shape,
  data: Float32Array.from(data),
});
const numbers = ({ data }: RawTensor): readonly unknown[] => Array.from(data as Float64Array);

describe("what an answer says of a model's outputs", () => {
  const output = scores([0.123, 0.877, 0.501, 0.499], [2, 2]);

  it("is all, rounded, the highest score, or the label alone", () => {
    assert.equal(disclose(output, "full", 1), output);
    assert.deepEqual(numbers(disclose(output, "rounded", 1)), [0.1, 0.9, 0.5, 0.5]);
    assert.deepEqual(numbers(disclose(output, "top", 1)), [0, 0.9, 0.5, 0]);
    assert.deepEqual(numbers(disclose(output, "label", 1)), [0, 1, 1, 0]);
  });

  it("is rounded where one number has no label", () => {
    for (const shape of [[2, 1], [2]]) {
      const columns = shape.at(-1);
      const said = disclose(scores([0.123, 0.877], shape), "label", 1);
      assert.deepEqual(numbers(said), columns === 1 ? [0.1, 0.9] : [0, 1]);
    }
  });

  it("leaves texts and whole numbers, and takes their label", () => {
    const whole: RawTensor = { name: "label", type: "int64", shape: [2], data: BigInt64Array.of(4n, -1n) };
    const words: RawTensor = { name: "word", type: "string", shape: [2], data: ["a", "b"] };
    assert.equal(disclose(whole, "label", 0), whole);
    assert.equal(disclose(words, "label", 0), words);
    assert.deepEqual(labelsOf([words, whole], 2), [4, -1]);
    assert.deepEqual(labelsOf([whole, output], 2), [1, 0]);
    assert.deepEqual(labelsOf([words], 2), []);
    assert.deepEqual(plain(whole.data, "int64"), [4, -1]);
    assert.deepEqual(plain(Uint8Array.of(1, 0), "bool"), [true, false]);
  });

  it("never shows more than the highest, and keeps it the highest", () => {
    const row = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(row, fc.integer({ min: 0, max: 6 }), (data, decimals) => {
        const one = scores(data, [1, data.length]);
        const [label] = labelsOf([one], 1);
        for (const how of ["top", "label"] as const) {
          const said = numbers(disclose(one, how, decimals));
          assert.ok(said.every((value, index) => value === 0 || index === label));
        }
        assert.deepEqual(labelsOf([disclose(one, "label", decimals)], 1), [label]);
      }),
    );
  });
});
