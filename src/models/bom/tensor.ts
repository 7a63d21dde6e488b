/**
 * Tensors as their files describe them, in one form for all formats: a name, a type in the words of safetensors, a shape
 * with the slowest dimension first, and where the bytes lie. Nothing here is loaded.
 *
 * @module
 */

import { printable } from "../scan/printable.ts";
import { bomError } from "./errors.ts";

export interface Tensor {
  readonly name: string;
  /** `F16`, `BF16`, …; the quantised types of GGUF by their own names: `Q4_K`. */
  readonly dtype: string;
  /** Row-major: the last dimension is the one whose elements lie side by side. Empty: a scalar. */
  readonly shape: readonly number[];
  /** How many numbers it holds: the product of `shape`. */
  readonly elements: number;
  /** Where its bytes lie, little-endian and row-major; `undefined` where the format does not keep them so. */
  readonly data?: TensorData;
}

export interface TensorData {
  /** Path of the file, as in the model's list of files. */
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** One file that holds weights, as its reader saw it. */
export interface WeightsFile {
  readonly path: string;
  readonly format: "safetensors" | "gguf" | "onnx" | "pytorch" | "keras";
  readonly tensors: readonly Tensor[];
  /** Names and values that the file says of itself: foreign text. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** What the reader could not or did not read, in words. */
  readonly unread: readonly string[];
}

/** An input or output of a graph. A dimension without a fixed size is `undefined`. */
export interface Port {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly (number | undefined)[];
}

/** Bits of one number. */
const BITS: ReadonlyMap<string, number> = new Map([
  ["BOOL", 8],
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["U8", 8],
  ["I8", 8],
  ["F8_E5M2", 8],
  ["F8_E4M3", 8],
  ["F8_E8M0", 8],
  ["F8_E4M3FNUZ", 8],
  ["F8_E5M2FNUZ", 8],
  ["I16", 16],
  ["U16", 16],
  ["F16", 16],
  ["BF16", 16],
  ["I32", 32],
  ["U32", 32],
  ["F32", 32],
  ["C64", 64],
  ["F64", 64],
  ["I64", 64],
  ["U64", 64],
  ["C128", 128],
]);

/** How many bytes `elements` numbers of a type take; `undefined` for a type that is not known, or does not fill bytes. */
export function bytesOf(dtype: string, elements: number): number | undefined {
  const bits = BITS.get(dtype);
  if (bits === undefined) return undefined;
  const bytes = bits % 8 === 0 ? elements * (bits / 8) : (elements * bits) / 8;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * The product of a shape.
 *
 * @throws `models.metadata-invalid` for a dimension that is no count, or a product that no file could hold
 */
export function elementsOf(shape: readonly number[], name: string): number {
  let product = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw bomError("models.metadata-invalid", { detail: `a dimension of ${printable(name)} is no count` });
    }
    product *= size;
    if (!Number.isSafeInteger(product)) {
      throw bomError("models.metadata-invalid", {
        detail: `${printable(name)} would hold more numbers than can be counted`,
      });
    }
  }
  return product;
}
