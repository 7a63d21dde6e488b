/**
 * The cheap stage: one linear model for each head over the features of a text (`features.ts`), all heads in one pass.
 * It settles what is clear; what it is unsure of goes to the transformer.
 *
 *     logit(head) = bias + sum of the weights of the text's buckets / sqrt(number of them)
 *
 * Weights are bytes with a scale for each head: two megabytes for 262,144 buckets and nine heads.
 *
 * @module
 */

import { modelError } from "./errors.ts";
import { BUCKETS, readFeatures } from "./features.ts";

interface CheapLogits {
  /** One logit for each head, in the order of the weights. */
  readonly logits: Float64Array;
  /** False when the text was too long to be read to its end: then the logits settle nothing. */
  readonly whole: boolean;
}

export interface CheapStage {
  readonly heads: number;
  read(text: string): CheapLogits;
}

/** "HFG1", the first bytes of `cheap.bin`. */
const MAGIC = 0x48464731;
const HEADER = 12;

/**
 * Reads `cheap.bin`: little-endian magic, buckets and heads (uint32), then bias and scale (float32) for each head, then
 * the weights (int8) bucket by bucket.
 *
 * @throws `guard.model-invalid`
 */
export function openCheapStage(bytes: Uint8Array): CheapStage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER || view.getUint32(0, true) !== MAGIC) {
    throw modelError("guard.model-invalid", { detail: "cheap.bin has another format" });
  }
  const heads = view.getUint32(8, true);
  const start = HEADER + heads * 8;
  if (view.getUint32(4, true) !== BUCKETS || bytes.length !== start + heads * BUCKETS) {
    throw modelError("guard.model-invalid", { detail: "cheap.bin has another size than its header says" });
  }
  const bias = new Float64Array(heads);
  const scale = new Float64Array(heads);
  for (let head = 0; head < heads; head++) {
    bias[head] = view.getFloat32(HEADER + head * 8, true);
    scale[head] = view.getFloat32(HEADER + head * 8 + 4, true);
  }
  const weights = new Int8Array(bytes.buffer, bytes.byteOffset + start, heads * BUCKETS);
  const sums = new Int32Array(heads);

  return {
    heads,
    read: (text) => {
      const { buckets, whole } = readFeatures(text);
      sums.fill(0);
      for (let at = 0; at < buckets.length; at++) {
        const row = (buckets[at] as number) * heads;
        for (let head = 0; head < heads; head++) sums[head] = (sums[head] as number) + (weights[row + head] as number);
      }
      const norm = buckets.length === 0 ? 0 : 1 / Math.sqrt(buckets.length);
      const logits = bias.map((value, head) => value + (sums[head] as number) * (scale[head] as number) * norm);
      return { logits, whole };
    },
  };
}
