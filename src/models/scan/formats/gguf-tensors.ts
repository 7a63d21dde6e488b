/**
 * The tensors of a GGUF file: names, shapes, types and places, checked against the file and against each other.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { GgufEnd, ggufString, type GgufFile } from "./gguf-value.ts";
import { SUPPLY_CHAIN } from "./references.ts";

const REMEDY = "do not load it: get it again from its publisher, and compare the digest";

const RULES = {
  pastEnd: {
    id: "gguf.tensor-past-end",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor reaches past the end of the file: it was cut short, or makes loaders hand out memory that is not its own",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN, "CVE-2026-7482"],
  },
  overlap: {
    id: "gguf.tensor-overlap",
    severity: "high",
    verdict: "suspicious",
    why: "two tensors share bytes, which no writer makes",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  alignment: {
    id: "gguf.alignment",
    severity: "high",
    verdict: "suspicious",
    why: "its tensors are not aligned as the format demands, so that readers disagree on where they lie",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  shape: {
    id: "gguf.tensor-shape",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor has a shape that no tensor has, whose size overflows in readers that do not check",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN, "CVE-2024-23605"],
  },
  type: {
    id: "gguf.tensor-type",
    severity: "low",
    verdict: "inconclusive",
    why: "a tensor is of a type that is not known, so that its size cannot be checked",
    remedy: "scan it with a newer version",
    references: [...SUPPLY_CHAIN],
  },
  duplicate: {
    id: "gguf.duplicate-tensor",
    severity: "high",
    verdict: "suspicious",
    why: "it has two tensors of one name, and readers disagree on which of the two counts",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  hole: {
    id: "gguf.hole",
    severity: "info",
    verdict: "note",
    why: "it has bytes that belong to no tensor",
    remedy: "compare it with the publisher's file",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const GGUF_TENSOR_RULES: readonly ScanRule[] = Object.values(RULES);

/** Elements and bytes of one block of each type (ggml.h, GGML_TYPE_*; ggml-common.h). */
const BLOCKS: ReadonlyMap<number, readonly [elements: number, bytes: number]> = new Map([
  [0, [1, 4]],
  [1, [1, 2]],
  [2, [32, 18]],
  [3, [32, 20]],
  [6, [32, 22]],
  [7, [32, 24]],
  [8, [32, 34]],
  [9, [32, 36]],
  [10, [256, 84]],
  [11, [256, 110]],
  [12, [256, 144]],
  [13, [256, 176]],
  [14, [256, 210]],
  [15, [256, 292]],
  [16, [256, 66]],
  [17, [256, 74]],
  [18, [256, 98]],
  [19, [256, 50]],
  [20, [32, 18]],
  [21, [256, 110]],
  [22, [256, 82]],
  [23, [256, 136]],
  [24, [1, 1]],
  [25, [1, 2]],
  [26, [1, 4]],
  [27, [1, 8]],
  [28, [1, 8]],
  [29, [256, 56]],
  [30, [1, 2]],
  [34, [256, 54]],
  [35, [256, 66]],
  [39, [32, 17]],
  [40, [64, 36]],
  [41, [128, 18]],
]);

/** Bytes of a name (GGML_MAX_NAME); dimensions (GGML_MAX_DIMS). */
const MAX_NAME = 64;
const MAX_DIMENSIONS = 4;

interface Tensor {
  readonly name: string;
  /** From the start of the data. */
  readonly begin: number;
  readonly end: number;
}

/** Reads the descriptions of `count` tensors at the reader's place, and checks where the tensors lie. */
export function checkTensors(file: GgufFile, count: number, alignment: number, context: ScanContext): void {
  const { reader } = file;
  const tensors: Tensor[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    if (!context.spend("steps", 1)) return;
    const at = reader.position;
    const tensor = readTensor(file, context);
    if (tensor === undefined) return;
    if (names.has(tensor.name)) context.report(RULES.duplicate, { offset: at, detail: tensor.name });
    names.add(tensor.name);
    if (!Number.isNaN(tensor.end)) tensors.push(tensor);
  }
  if (!Number.isInteger(alignment) || alignment < 1 || (alignment & (alignment - 1)) !== 0) {
    context.report(RULES.alignment, { detail: `an alignment of ${alignment}` });
    return;
  }
  checkPlaces(tensors, Math.ceil(reader.position / alignment) * alignment, reader.end, alignment, context);
}

/** `end` is NaN where the type is not known. Undefined where reading cannot go on. */
function readTensor(file: GgufFile, context: ScanContext): Tensor | undefined {
  const { reader, version, bigEndian } = file;
  const at = reader.position;
  const name = ggufString(file, MAX_NAME) ?? "";
  const dimensions = reader.u32(bigEndian);
  if (dimensions > MAX_DIMENSIONS) {
    context.report(RULES.shape, { offset: at, detail: `${name} has ${dimensions} dimensions` });
    return undefined;
  }
  let elements = 1n;
  let first = 1n;
  for (let dimension = 0; dimension < dimensions; dimension++) {
    const size = version === 1 ? BigInt(reader.u32(bigEndian)) : reader.u64(bigEndian);
    if (dimension === 0) first = size;
    elements *= size;
  }
  const type = reader.u32(bigEndian);
  const offset = reader.u64(bigEndian);
  const [perBlock, bytes] = BLOCKS.get(type) ?? [0, 0];
  if (perBlock === 0) {
    context.report(RULES.type, { offset: at, detail: `${name} is of type ${type}` });
    return { name, begin: 0, end: Number.NaN };
  }
  if (elements > BigInt(Number.MAX_SAFE_INTEGER) || first % BigInt(perBlock) !== 0n) {
    context.report(RULES.shape, { offset: at, detail: `${name}: ${elements} elements of type ${type}` });
    return { name, begin: 0, end: Number.NaN };
  }
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new GgufEnd(`${name} lies at ${offset}`);
  const begin = Number(offset);
  return { name, begin, end: begin + (Number(elements) / perBlock) * bytes };
}

function checkPlaces(
  tensors: readonly Tensor[],
  start: number,
  size: number,
  alignment: number,
  context: ScanContext,
): void {
  let at = 0;
  for (const { name, begin, end } of tensors.toSorted((one, other) => one.begin - other.begin || one.end - other.end)) {
    if (begin % alignment !== 0) context.report(RULES.alignment, { detail: `${name} at ${begin}` });
    if (start + end > size) {
      context.report(RULES.pastEnd, { offset: start + begin, detail: `${name} ends at ${start + end} of ${size}` });
    }
    if (begin < at) context.report(RULES.overlap, { offset: start + begin, detail: name });
    if (begin - at >= alignment) context.report(RULES.hole, { offset: start + at, detail: `${begin - at} bytes` });
    at = Math.max(at, end);
  }
  const rest = size - start - at;
  if (rest >= alignment) context.report(RULES.hole, { offset: start + at, detail: `${rest} bytes at the end` });
}
