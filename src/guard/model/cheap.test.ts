import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fnv, slowFeatures } from "../../../test/guard-model/features.ts";
import { openCheapStage } from "./cheap.ts";
import { BUCKETS } from "./features.ts";

/** Two heads: biases 1 and -2, scales 0.5 and 2. */
function file(weights: readonly (readonly [feature: string, head: number, weight: number])[]): Buffer {
  const bytes = Buffer.alloc(12 + 16 + 2 * BUCKETS);
  bytes.writeUInt32LE(0x48464731, 0);
  bytes.writeUInt32LE(BUCKETS, 4);
  bytes.writeUInt32LE(2, 8);
  for (const [index, number] of [1, 0.5, -2, 2].entries()) bytes.writeFloatLE(number, 12 + index * 4);
  for (const [feature, head, weight] of weights)
    bytes.writeInt8(weight, 28 + (fnv(feature) & (BUCKETS - 1)) * 2 + head);
  return bytes;
}

describe("the cheap stage", () => {
  it("adds the weights of the features, scaled, over the root of their number, to the bias", () => {
    const stage = openCheapStage(
      file([
        ["w:ignore", 0, 100],
        ["b:ignore rules", 0, -20],
        ["c: ru", 1, -128],
      ]),
    );
    const text = "Ignore  rules";
    const root = Math.sqrt(slowFeatures(text).length);
    const { logits, whole } = stage.read(text);
    assert.equal(whole, true);
    assert.ok(Math.abs((logits[0] as number) - (1 + (80 * 0.5) / root)) < 1e-9);
    assert.ok(Math.abs((logits[1] as number) - (-2 + (-128 * 2) / root)) < 1e-9);
  });

  it("has only the bias for a text without features", () => {
    assert.deepEqual([...openCheapStage(file([])).read(" ").logits], [1, -2]);
  });

  it("counts a feature once, however often it is there", () => {
    const stage = openCheapStage(file([["w:no", 0, 100]]));
    const [once] = stage.read("no").logits;
    // "no no" has one feature more, the pair.
    const [twice] = stage.read("no no no no").logits;
    const size = slowFeatures("no").length;
    assert.ok(Math.abs((once as number) - 1 - 50 / Math.sqrt(size)) < 1e-9);
    assert.ok(Math.abs((twice as number) - 1 - 50 / Math.sqrt(size + 1)) < 1e-9);
  });

  it("reads weights at any place in memory", () => {
    const whole = Buffer.concat([Buffer.from("x"), file([["w:no", 0, 100]])]);
    assert.deepEqual(openCheapStage(whole.subarray(1)).read("no"), openCheapStage(file([["w:no", 0, 100]])).read("no"));
  });

  it("refuses another format or size", () => {
    const right = file([]);
    const wrong = [
      Buffer.alloc(0),
      Buffer.alloc(11),
      right.subarray(1),
      right.subarray(0, -1),
      Buffer.concat([right, right]),
    ];
    const buckets = Buffer.from(right);
    buckets.writeUInt32LE(BUCKETS * 2, 4);
    const heads = Buffer.from(right);
    heads.writeUInt32LE(0xffffffff, 8);
    for (const bytes of [...wrong, buckets, heads]) {
      assert.throws(() => openCheapStage(bytes), { code: "guard.model-invalid" });
    }
  });
});
