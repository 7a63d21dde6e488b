/**
 * Reads the header of a safetensors file: 8 bytes of length, then JSON with each tensor's type, shape and place. The
 * rules are those of the format's own reader: at most 100,000,000 bytes of header, names once, metadata of strings, and
 * tensors that cover the rest of the file without holes or overlaps.
 *
 * Source: safetensors, `README.md` (format) and `safetensors/src/tensor.rs` (`Metadata::validate`).
 *
 * @module
 */

import { parseJson } from "../../../core/index.ts";
import { isRecord } from "../../scan/formats/json-value.ts";
import { printable } from "../../scan/printable.ts";
import { ByteReader } from "../../scan/reader.ts";
import type { Source } from "../../scan/source.ts";
import { bomError } from "../errors.ts";
import { bytesOf, elementsOf, type Tensor, type WeightsFile } from "../tensor.ts";

const MAX_HEADER_BYTES = 100_000_000;
const MAX_DEPTH = 8;

/** Whether a source may be safetensors: a length that fits, and a brace where the header begins. */
export function isSafetensors(source: Source): boolean {
  if (source.size < 10) return false;
  const bytes = source.read(0, 9);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  return length <= BigInt(source.size - 8) && bytes[8] === 0x7b;
}

/** @throws `models.metadata-invalid`, `models.metadata-limit`, `Truncated`, and the errors of `parseJson` */
export function readSafetensors(source: Source, path: string): WeightsFile {
  const reader = new ByteReader(source);
  const length = reader.length64();
  if (length > MAX_HEADER_BYTES) {
    throw bomError("models.metadata-limit", { detail: `a header of ${length} bytes, at most ${MAX_HEADER_BYTES}` });
  }
  const header = parseJson(reader.bytes(length), { maxBytes: MAX_HEADER_BYTES, maxDepth: MAX_DEPTH });
  if (!isRecord(header)) throw bomError("models.metadata-invalid", { detail: "the header is not an object" });

  const start = 8 + length;
  const metadata = new Map<string, string>();
  const tensors: Tensor[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") readMetadata(value, metadata);
    else tensors.push(readTensor(name, value, path, start));
  }
  checkPlaces(tensors, start, source.size);
  return { path, format: "safetensors", tensors, metadata, inputs: [], outputs: [], unread: [] };
}

function readMetadata(value: unknown, into: Map<string, string>): void {
  if (!isRecord(value)) throw bomError("models.metadata-invalid", { detail: "__metadata__ is not an object" });
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw bomError("models.metadata-invalid", { detail: `__metadata__ ${printable(name)} is not a string` });
    }
    into.set(name, text);
  }
}

function readTensor(name: string, value: unknown, path: string, start: number): Tensor {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  if (typeof dtype !== "string" || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw bomError("models.metadata-invalid", { detail: `the entry of ${printable(name)} is not one of a tensor` });
  }
  const elements = elementsOf(shape, name);
  const [from, to] = offsets as [number, number];
  const wanted = bytesOf(dtype, elements);
  if (wanted === undefined) {
    throw bomError("models.metadata-invalid", { detail: `${printable(name)} has the type ${printable(dtype)}` });
  }
  if (to - from !== wanted) {
    throw bomError("models.metadata-invalid", {
      detail: `${printable(name)} takes ${to - from} bytes instead of ${wanted}`,
    });
  }
  return { name, dtype, shape, elements, data: { path, offset: start + from, length: wanted } };
}

/** In the order of their places each tensor begins where the one before it ends, and the last ends with the file. */
function checkPlaces(tensors: readonly Tensor[], start: number, size: number): void {
  const placed = tensors.toSorted((a, b) => (a.data?.offset ?? 0) - (b.data?.offset ?? 0) || a.elements - b.elements);
  let at = start;
  for (const { name, data } of placed) {
    if (data?.offset !== at) {
      throw bomError("models.metadata-invalid", {
        detail: `${printable(name)} does not begin where the one before it ends`,
      });
    }
    at += data.length;
  }
  if (at !== size) throw bomError("models.metadata-invalid", { detail: `tensors end at byte ${at} of ${size}` });
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}
