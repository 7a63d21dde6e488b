/**
 * How large a model is: its parameters, and of which types. Weights that lie in a folder twice, in two formats or two
 * precisions, are counted once.
 *
 * @module
 */

import type { Tensor, WeightsFile } from "./tensor.ts";

export interface ModelSize {
  /** Numbers in all tensors of one format, each name once. */
  readonly parameters: number;
  /** Parameters of each type, the largest share first. */
  readonly dtypes: readonly (readonly [string, number])[];
  readonly format: WeightsFile["format"];
  /** The files that were counted. */
  readonly paths: readonly string[];
}

/** The format that says most of its tensors comes first. */
const ORDER: readonly WeightsFile["format"][] = ["safetensors", "pytorch", "gguf", "onnx", "keras"];

/** The files of the format that is counted, and the tensors in them, each name once. */
export function mainTensors(weights: readonly WeightsFile[]): {
  readonly files: readonly WeightsFile[];
  readonly tensors: readonly Tensor[];
} {
  const format = ORDER.find((one) => weights.some((file) => file.format === one && file.tensors.length > 0));
  const files = weights.filter((file) => file.format === format && file.tensors.length > 0);
  const byName = new Map<string, Tensor>();
  for (const { path, tensors } of files) {
    for (const tensor of tensors) {
      // Parts of one model, such as a text encoder and a decoder in folders of their own, share names and not places.
      const key = `${path.slice(0, path.lastIndexOf("/") + 1)}\0${tensor.name}`;
      if (!byName.has(key)) byName.set(key, tensor);
    }
  }
  return { files, tensors: [...byName.values()] };
}

export function sizeOf(weights: readonly WeightsFile[]): ModelSize | undefined {
  const { files, tensors } = mainTensors(weights);
  const [first] = files;
  if (first === undefined) return undefined;
  const dtypes = new Map<string, number>();
  let parameters = 0;
  for (const { dtype, elements } of tensors) {
    parameters += elements;
    dtypes.set(dtype, (dtypes.get(dtype) ?? 0) + elements);
  }
  const shares = [...dtypes].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return { parameters, dtypes: shares, format: first.format, paths: files.map(({ path }) => path) };
}
