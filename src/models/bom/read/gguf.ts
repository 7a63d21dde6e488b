/**
 * Reads the head of a GGUF file, versions 2 and 3, little-endian: names and values of its metadata, and the table of its
 * tensors. Long arrays, such as a tokenizer's words, are walked over and kept as their count.
 *
 * Source: ggml, `docs/gguf.md`, and the block sizes of `ggml/src/ggml.c` (`type_traits`).
 *
 * @module
 */

import { decodeUtf8 } from "../../../core/index.ts";
import { printable } from "../../scan/printable.ts";
import { ByteReader } from "../../scan/reader.ts";
import type { Source } from "../../scan/source.ts";
import { bomError } from "../errors.ts";
import { bytesOf, elementsOf, type Tensor, type WeightsFile } from "../tensor.ts";

const MAX_PAIRS = 100_000;
const MAX_TENSORS = 1_000_000;
const MAX_NAME_BYTES = 65_535;
const MAX_TEXT_BYTES = 16 * 1024 * 1024;
/** What all walking over arrays may cost: a tokenizer has some 10^5 words. */
const MAX_ELEMENTS = 50_000_000;
/** Arrays up to this length are kept as text. */
const MAX_SHOWN = 16;
/** ggml knows four; the format allows more only by its own revision. */
const MAX_DIMENSIONS = 4;
const MAX_ARRAY_DEPTH = 4;

/** The metadata's scalar types by their number: their bytes, and how they are read. 8 is a string, 9 an array. */
const SCALARS: ReadonlyMap<number, readonly [number, (view: DataView) => number | bigint | boolean]> = new Map([
  [0, [1, (view: DataView) => view.getUint8(0)]],
  [1, [1, (view: DataView) => view.getInt8(0)]],
  [2, [2, (view: DataView) => view.getUint16(0, true)]],
  [3, [2, (view: DataView) => view.getInt16(0, true)]],
  [4, [4, (view: DataView) => view.getUint32(0, true)]],
  [5, [4, (view: DataView) => view.getInt32(0, true)]],
  [6, [4, (view: DataView) => view.getFloat32(0, true)]],
  [7, [1, (view: DataView) => view.getUint8(0) !== 0]],
  [10, [8, (view: DataView) => view.getBigUint64(0, true)]],
  [11, [8, (view: DataView) => view.getBigInt64(0, true)]],
  [12, [8, (view: DataView) => view.getFloat64(0, true)]],
]);
const STRING = 8;
const ARRAY = 9;

/** Types of tensors by their number: the name, and for blocks of quantised numbers how many in how many bytes. */
const TYPES: ReadonlyMap<number, readonly [string, number?, number?]> = new Map([
  [0, ["F32"]],
  [1, ["F16"]],
  [2, ["Q4_0", 32, 18]],
  [3, ["Q4_1", 32, 20]],
  [6, ["Q5_0", 32, 22]],
  [7, ["Q5_1", 32, 24]],
  [8, ["Q8_0", 32, 34]],
  [9, ["Q8_1", 32, 36]],
  [10, ["Q2_K", 256, 84]],
  [11, ["Q3_K", 256, 110]],
  [12, ["Q4_K", 256, 144]],
  [13, ["Q5_K", 256, 176]],
  [14, ["Q6_K", 256, 210]],
  [15, ["Q8_K", 256, 292]],
  [16, ["IQ2_XXS", 256, 66]],
  [17, ["IQ2_XS", 256, 74]],
  [18, ["IQ3_XXS", 256, 98]],
  [19, ["IQ1_S", 256, 50]],
  [20, ["IQ4_NL", 32, 18]],
  [21, ["IQ3_S", 256, 110]],
  [22, ["IQ2_S", 256, 82]],
  [23, ["IQ4_XS", 256, 136]],
  [24, ["I8"]],
  [25, ["I16"]],
  [26, ["I32"]],
  [27, ["I64"]],
  [28, ["F64"]],
  [29, ["IQ1_M", 256, 56]],
  [30, ["BF16"]],
  [34, ["TQ1_0", 256, 54]],
  [35, ["TQ2_0", 256, 66]],
  [39, ["MXFP4", 32, 17]],
]);

export function isGguf(source: Source): boolean {
  return Buffer.from(source.read(0, 4)).toString("latin1") === "GGUF";
}

/** @throws `models.metadata-invalid`, `models.metadata-limit`, `core.utf8-invalid`, `Truncated`, `TooLong` */
export function readGguf(source: Source, path: string): WeightsFile {
  const reader = new ByteReader(source, 4);
  const version = reader.u32();
  if (version !== 2 && version !== 3) {
    const why = version === 2 ** 25 + 2 ** 24 || version === 2 ** 25 ? "big-endian" : `version ${version}`;
    throw bomError("models.metadata-invalid", { detail: `GGUF ${why}, readable are versions 2 and 3, little-endian` });
  }
  const tensorCount = limited(reader.length64(), MAX_TENSORS, "tensors");
  const pairCount = limited(reader.length64(), MAX_PAIRS, "entries of metadata");

  const metadata = new Map<string, string>();
  const budget = { elements: MAX_ELEMENTS };
  for (let index = 0; index < pairCount; index++) {
    const name = readText(reader, MAX_NAME_BYTES);
    if (metadata.has(name)) throw bomError("models.metadata-invalid", { detail: `${printable(name)} is there twice` });
    metadata.set(name, readValue(reader, reader.u32(), budget, 0));
  }

  const table: Placed[] = [];
  for (let index = 0; index < tensorCount; index++) table.push(readTensor(reader));
  const start = align(reader.position, alignmentOf(metadata));
  const tensors = table.map((entry) => place(entry, path, start, source.size));
  return { path, format: "gguf", tensors, metadata, inputs: [], outputs: [], unread: [] };
}

interface Placed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: number;
  readonly offset: number;
}

function readTensor(reader: ByteReader): Placed {
  const name = readText(reader, MAX_NAME_BYTES);
  const dimensions = limited(reader.u32(), MAX_DIMENSIONS, `dimensions of ${printable(name)}`);
  const shape: number[] = [];
  for (let index = 0; index < dimensions; index++) shape.push(reader.length64());
  // GGUF writes the fastest dimension first.
  return { name, shape: shape.toReversed(), type: reader.u32(), offset: reader.length64() };
}

function place({ name, shape, type, offset }: Placed, path: string, start: number, size: number): Tensor {
  const elements = elementsOf(shape, name);
  const [dtype, block, blockBytes] = TYPES.get(type) ?? [`GGML_TYPE_${type}`];
  const length =
    block === undefined || blockBytes === undefined ? bytesOf(dtype, elements) : (elements / block) * blockBytes;
  // A type that is newer than this table: it is named, and its bytes are not claimed to be known.
  if (length === undefined) return { name, dtype, shape, elements };
  if (!Number.isSafeInteger(length) || start + offset + length > size) {
    throw bomError("models.metadata-invalid", { detail: `${printable(name)} does not lie within the file` });
  }
  return { name, dtype, shape, elements, data: { path, offset: start + offset, length } };
}

/** The value as text: scalars as they print, short arrays in brackets, long ones as their count. */
function readValue(reader: ByteReader, type: number, budget: { elements: number }, depth: number): string {
  if (type === STRING) return readText(reader, MAX_TEXT_BYTES);
  const scalar = SCALARS.get(type);
  if (scalar !== undefined) {
    const bytes = reader.bytes(scalar[0]);
    return String(scalar[1](new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  }
  if (type !== ARRAY) throw bomError("models.metadata-invalid", { detail: `a value of the type ${type}` });
  if (depth >= MAX_ARRAY_DEPTH) {
    throw bomError("models.metadata-limit", { detail: `arrays in arrays, at most ${MAX_ARRAY_DEPTH} deep` });
  }

  const inner = reader.u32();
  const count = reader.length64();
  budget.elements -= count;
  if (budget.elements < 0) {
    throw bomError("models.metadata-limit", { detail: `at most ${MAX_ELEMENTS} elements in arrays` });
  }
  const width = SCALARS.get(inner)?.[0];
  if (width !== undefined && count > MAX_SHOWN) {
    reader.skip(count * width);
  } else {
    const values: string[] = [];
    for (let index = 0; index < count; index++) {
      if (inner === STRING && count > MAX_SHOWN)
        reader.skip(limited(reader.length64(), MAX_TEXT_BYTES, "bytes of a text"));
      else values.push(readValue(reader, inner, budget, depth + 1));
      if (count > MAX_SHOWN) values.length = 0;
    }
    if (count <= MAX_SHOWN) return `[${values.join(", ")}]`;
  }
  return `${count} values`;
}

function readText(reader: ByteReader, most: number): string {
  return decodeUtf8(reader.bytes(limited(reader.length64(), most, "bytes of a text")));
}

function alignmentOf(metadata: ReadonlyMap<string, string>): number {
  const text = metadata.get("general.alignment") ?? "32";
  const alignment = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (alignment > 0 && alignment % 8 === 0) return alignment;
  throw bomError("models.metadata-invalid", { detail: "general.alignment is not a multiple of 8" });
}

function align(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}

function limited(count: number, most: number, what: string): number {
  if (count <= most) return count;
  throw bomError("models.metadata-limit", { detail: `${count} ${what}, at most ${most}` });
}
