/**
 * Which reader a file of the model gets, by its content first and its name where formats have no mark of their own; and,
 * of weights in other formats, that they are not read.
 *
 * @module
 */

import { isZip } from "../../scan/formats/zip/archive.ts";
import type { Source } from "../../scan/source.ts";
import type { WeightsFile } from "../tensor.ts";
import { isGguf, readGguf } from "./gguf.ts";
import { readOnnx } from "./onnx.ts";
import { isSafetensors, readSafetensors } from "./safetensors.ts";
import { isTorch, readTorch } from "./torch.ts";
import { isKeras, readKeras } from "./keras.ts";
import type { Fact } from "../fact.ts";

export interface ReadWeights {
  readonly weights: WeightsFile;
  readonly facts: readonly Fact[];
}

/** Formats of weights whose insides are not read here: what their files end with, and what they are. */
const UNREAD: readonly (readonly [RegExp, string])[] = [
  [/\.(?:h5|hdf5)$/i, "HDF5"],
  [/\.tflite$/i, "TensorFlow Lite"],
  [/\.pb$/i, "TensorFlow"],
  [/(?:^|\/)variables\.(?:data|index)[^/]*$/i, "TensorFlow"],
  [/\.(?:mlmodel|mlpackage)$/i, "Core ML"],
  [/\.msgpack$/i, "Flax"],
  [/\.npz?$/i, "NumPy"],
  [/\.(?:pkl|pickle|joblib|dill)$/i, "pickle"],
  [/\.(?:engine|plan|trt)$/i, "TensorRT"],
  [/\.(?:pdparams|pdiparams)$/i, "Paddle"],
  [/\.(?:pt|pth|ckpt|bin)$/i, "not PyTorch's zip form"],
  [/\.(?:skops|onnx_data|ort|xml|nemo|mar|llamafile|ggml)$/i, "a format without a reader"],
];

/** Weights smaller than this are not told as unread by their name alone: `.bin` and `.xml` are many things. */
const MIN_UNREAD_BYTES = 1024;

/**
 * Reads the weights of a file, where it holds some in a known format.
 *
 * @throws `models.metadata-invalid`, `models.metadata-limit`, and what the readers throw on bytes that end early
 */
export function readWeights(source: Source, path: string): ReadWeights | undefined {
  if (isGguf(source)) return { weights: readGguf(source, path), facts: [] };
  if (path.toLowerCase().endsWith(".safetensors") || isSafetensors(source)) {
    return { weights: readSafetensors(source, path), facts: [] };
  }
  if (path.toLowerCase().endsWith(".onnx")) return { weights: readOnnx(source, path), facts: [] };
  if (!isZip(source)) return undefined;
  if (isTorch(source)) return { weights: readTorch(source, path), facts: [] };
  return isKeras(source) ? readKeras(source, path) : undefined;
}

/** In which format weights lie that were not read; `undefined` for what is no weights by its name. */
export function unreadFormat(path: string, size: number): string | undefined {
  if (size < MIN_UNREAD_BYTES) return undefined;
  return UNREAD.find(([pattern]) => pattern.test(path))?.[1];
}
