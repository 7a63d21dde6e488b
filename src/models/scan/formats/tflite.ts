/**
 * TensorFlow Lite (LiteRT): a FlatBuffer of operators and tensors. Custom operators are native code that the application
 * must bring; Flex operators are TensorFlow's, of which some touch files. The rest are numbers that an interpreter
 * believes: indices, sizes, places in the file.
 *
 * Source: tensorflow/compiler/mlir/lite/schema/schema.fbs.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import {
  FlatBufferInvalid,
  flatInts,
  flatNumber,
  flatTables,
  flatText,
  flatVector,
  rootTable,
  type FlatTable,
} from "./flatbuffer.ts";
import { BRINGS_CODE, RUNS_CODE, SUPPLY_CHAIN } from "./references.ts";
import { operatorEffect } from "./tensorflow-operators.ts";

const REMEDY = "do not load it: get it again from its publisher, and compare the digest";

const RULES = {
  invalid: {
    id: "tflite.invalid",
    severity: "high",
    verdict: "suspicious",
    why: "an offset in it leads nowhere, which readers that do not verify it first follow",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  index: {
    id: "tflite.index",
    severity: "high",
    verdict: "suspicious",
    why: "it refers to a tensor, buffer or operator that it does not have, which makes interpreters read elsewhere",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN, "CVE-2022-23558", "CVE-2020-15212"],
  },
  size: {
    id: "tflite.tensor-size",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor's buffer is shorter than its shape says, so that interpreters read past it",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  buffer: {
    id: "tflite.buffer-past-end",
    severity: "high",
    verdict: "suspicious",
    why: "a buffer is said to lie past the end of the file: it was cut short, or makes interpreters read elsewhere",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  custom: {
    id: "tflite.custom-operator",
    severity: "medium",
    verdict: "suspicious",
    why: "it needs an operator of somebody's own: native code that the application must bring",
    remedy: "use it only with an operator that you built, and only if you expected one",
    references: [...BRINGS_CODE],
  },
  flex: {
    id: "tflite.flex-operator",
    severity: "critical",
    verdict: "malicious",
    why: "it has an operator of TensorFlow that touches files, calls Python or talks to other machines",
    remedy: "do not use it: ask its author for a graph that only computes",
    references: [...RUNS_CODE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Custom operators that LiteRT, MediaPipe and the Coral toolchain bring themselves. */
const KNOWN_CUSTOM: ReadonlySet<string> = new Set(
  (
    "TFLite_Detection_PostProcess edgetpu-custom-op MaxPoolingWithArgmax2D MaxUnpooling2D Convolution2DTransposeBias " +
    "Landmarks2TransformMatrix TransformTensorBilinear TransformLandmarks AudioSpectrogram Mfcc NumericVerify RFFT2D " +
    "RandomUniform RandomStandardNormal Multinomial Roll AvgPool3D MaxPool3D Conv3D HashTable HashTableFind " +
    "HashTableImport HashTableSize odml.update_kv_cache odml.update_external_kv_cache odml.scaled_dot_product_attention"
  ).split(" "),
);

/** Fields of the schema's tables, by their index. */
const MODEL = { operators: 1, subgraphs: 2, buffers: 4 } as const;
const CODE = { shortCode: 0, custom: 1, code: 3 } as const;
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2, operators: 3 } as const;
const TENSOR = { shape: 0, type: 1, buffer: 2, name: 3, sparsity: 6 } as const;
const OPERATOR = { code: 0, inputs: 1, outputs: 2 } as const;
const BUFFER = { data: 0, offset: 1, size: 2 } as const;

const CUSTOM = 32;

/** Bits of one element by TensorType. Strings (5), resources (13) and variants (14) have no size. */
const BITS: Readonly<Record<number, number>> = {
  0: 32,
  1: 16,
  2: 32,
  3: 8,
  4: 64,
  6: 8,
  7: 16,
  8: 64,
  9: 8,
  10: 64,
  11: 128,
  12: 64,
  15: 32,
  16: 16,
  17: 4,
  18: 16,
};

/** Elements of a vector of indices that are looked at: an operator has a handful. */
const MAX_INDICES = 65_536;

export const tflite: Format = {
  id: "tflite",
  rules: Object.values(RULES),
  sniff: isTflite,
  scan: (source, context) => {
    try {
      scanModel(source, context);
    } catch (error) {
      if (!(error instanceof FlatBufferInvalid)) throw error;
      context.report(RULES.invalid, { detail: error.message });
    }
  },
};

/** Whether `source` is a model of TensorFlow Lite, by its mark. */
export function isTflite(source: Source): boolean {
  return String.fromCharCode(...source.read(4, 4)) === "TFL3";
}

function scanModel(source: Source, context: ScanContext): void {
  const model = rootTable(source);
  const codes = scanCodes(model, context);
  const buffers: number[] = [];
  for (const buffer of flatTables(model, MODEL.buffers)) {
    if (!context.spend("steps", 1)) return;
    buffers.push(bufferSize(buffer, buffers.length, context));
  }
  for (const subgraph of flatTables(model, MODEL.subgraphs)) scanSubgraph(subgraph, codes, buffers, context);
}

/** Judges the operators' names, and returns how many there are. */
function scanCodes(model: FlatTable, context: ScanContext): number {
  let count = 0;
  for (const code of flatTables(model, MODEL.operators)) {
    if (!context.spend("steps", 1)) return count;
    count++;
    const number = Math.max(flatNumber(code, CODE.shortCode, "i8"), flatNumber(code, CODE.code, "i32"));
    const name = flatText(code, CODE.custom);
    if (number !== CUSTOM && name === "") continue;
    if (name.startsWith("Flex")) {
      // TensorFlow's operators themselves are part of the runtime that runs them.
      if (operatorEffect(name.slice(4)) !== undefined) context.report(RULES.flex, { detail: name });
    } else if (number === CUSTOM && !KNOWN_CUSTOM.has(name)) context.report(RULES.custom, { detail: name });
  }
  return count;
}

/** Bytes of a buffer, which lie in the FlatBuffer or, in files over 2 GB, behind it. */
function bufferSize(buffer: FlatTable, index: number, context: ScanContext): number {
  const inline = flatVector(buffer, BUFFER.data, 1).length;
  const offset = flatNumber(buffer, BUFFER.offset, "u64");
  const size = flatNumber(buffer, BUFFER.size, "u64");
  // Converters write 1 for «elsewhere, not yet known».
  if (offset <= 1) return inline;
  if (offset + size > buffer.source.size) {
    context.report(RULES.buffer, { detail: `buffer ${index}: ${size} bytes at ${offset}` });
  }
  return size;
}

function scanSubgraph(subgraph: FlatTable, codes: number, buffers: readonly number[], context: ScanContext): void {
  let tensors = 0;
  for (const tensor of flatTables(subgraph, SUBGRAPH.tensors)) {
    if (!context.spend("steps", 1)) return;
    tensors++;
    checkTensor(tensor, buffers, context);
  }
  checkIndices(subgraph, SUBGRAPH.inputs, tensors, "input", context);
  checkIndices(subgraph, SUBGRAPH.outputs, tensors, "output", context);
  for (const operator of flatTables(subgraph, SUBGRAPH.operators)) {
    if (!context.spend("steps", 1)) return;
    const code = flatNumber(operator, OPERATOR.code, "u32");
    if (code >= codes) context.report(RULES.index, { detail: `operator ${code} of ${codes}` });
    checkIndices(operator, OPERATOR.inputs, tensors, "input of an operator", context);
    checkIndices(operator, OPERATOR.outputs, tensors, "output of an operator", context);
  }
}

/** Indices of tensors; -1 stands for one that is left out. */
function checkIndices(table: FlatTable, field: number, tensors: number, what: string, context: ScanContext): void {
  for (const index of flatInts(table, field, MAX_INDICES)) {
    if (index < -1 || index >= tensors)
      context.report(RULES.index, { detail: `${what}: tensor ${index} of ${tensors}` });
  }
}

function checkTensor(tensor: FlatTable, buffers: readonly number[], context: ScanContext): void {
  const buffer = flatNumber(tensor, TENSOR.buffer, "u32");
  const name = flatText(tensor, TENSOR.name, 256);
  const have = buffers[buffer];
  if (have === undefined) {
    context.report(RULES.index, { detail: `${name}: buffer ${buffer} of ${buffers.length}` });
    return;
  }
  // Buffer 0 and empty ones are of tensors that are computed. A sparse tensor holds fewer elements than its shape.
  if (buffer === 0 || have === 0 || flatVector(tensor, TENSOR.sparsity, 0).length > 0) return;
  const shape = flatInts(tensor, TENSOR.shape, 64);
  const type = flatNumber(tensor, TENSOR.type, "i8");
  const bytes = Math.ceil((shape.reduce((product, size) => product * Math.max(size, 0), 1) * (BITS[type] ?? 0)) / 8);
  if (have < bytes) context.report(RULES.size, { detail: `${name}[${shape.join(",")}] in ${have} bytes` });
}
