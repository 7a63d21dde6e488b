/**
 * What an answer says of a model's outputs. Every output of floats is read as scores along its last dimension; one with a
 * single number to a row is a number, of which there is no label, and is rounded. Shapes stay as they are, so that a
 * client which takes the highest score needs no change.
 *
 * @module
 */

import { roundTo } from "../theft/rounding.ts";
import type { RawTensor } from "./protocol.ts";

export type Disclosure = "full" | "rounded" | "top" | "label";

/** @param decimals of what is rounded */
export function disclose(output: RawTensor, disclosure: Disclosure, decimals: number): RawTensor {
  const { data, shape } = output;
  if (disclosure === "full" || !(data instanceof Float32Array || data instanceof Float64Array)) return output;
  const columns = shape.at(-1) ?? 1;
  const isScores = columns > 1 && (disclosure === "top" || disclosure === "label");
  const said = Float64Array.from(data, (x) => roundTo(x, decimals));
  if (!isScores) return { ...output, data: said };
  for (let row = 0; row < data.length; row += columns) {
    const top = row + highest(data.subarray(row, row + columns));
    const score = disclosure === "label" ? 1 : (said[top] as number);
    said.fill(0, row, row + columns);
    said[top] = score;
  }
  return { ...output, data: said };
}

/** Of each row, the class that the model answered with, in so far as its first output tells one. */
export function labelsOf(outputs: readonly RawTensor[], rows: number): readonly number[] {
  const scores = outputs.find(
    ({ data, shape }) => !isTexts(data) && typeof data[0] === "number" && (shape.at(-1) ?? 1) > 1,
  );
  const from = scores ?? outputs.find(({ data }) => !isTexts(data));
  if (from === undefined || isTexts(from.data)) return [];
  const size = from.data.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    const values = Array.from((from.data as Float32Array).subarray(row * size, (row + 1) * size), Number);
    return scores === undefined ? Math.round(values[0] ?? 0) : highest(values);
  });
}

/** Numbers and texts as JSON has them; what is not finite becomes null there. */
export function plain(data: RawTensor["data"], type: string): readonly (number | string | boolean)[] {
  if (isTexts(data)) return data;
  const numbers = Array.from(data as Float32Array, Number);
  return type === "bool" ? numbers.map((one) => one !== 0) : numbers;
}

function isTexts(data: RawTensor["data"]): data is readonly string[] {
  return Array.isArray(data);
}

function highest(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] as number) > (values[best] as number)) best = index;
  }
  return best;
}
