/**
 * FlatBuffers, bounded: tables, vectors and texts of an untrusted buffer. Every offset is checked before it is followed, as
 * the library's own verifier does; unlike it, one broken table does not end the reading of the others.
 *
 * Source: flatbuffers.dev/internals.
 *
 * @module
 */

import { ByteReader } from "../reader.ts";
import type { Source } from "../source.ts";

/** An offset that leads nowhere. */
export class FlatBufferInvalid extends Error {
  override readonly name = "FlatBufferInvalid";
}

export interface FlatTable {
  readonly source: Source;
  readonly at: number;
  /** Where each field lies, from the start of the table; 0 for a field that is left out. */
  readonly fields: readonly number[];
}

/** Fields of a table: schemas of models have fewer than 30. */
const MAX_FIELDS = 256;

/** The root table. @throws FlatBufferInvalid */
export function rootTable(source: Source): FlatTable {
  return tableAt(source, u32(source, 0));
}

/** Where field `index` lies in the buffer, or undefined where it is left out. */
function place({ at, fields }: FlatTable, index: number): number | undefined {
  const field = fields[index] ?? 0;
  return field === 0 ? undefined : at + field;
}

/** A number of 1, 4 or 8 bytes, or what stands for it where it is left out. 8 bytes are rounded past 2^53. */
export function flatNumber(table: FlatTable, index: number, type: "i8" | "i32" | "u32" | "u64", otherwise = 0): number {
  const at = place(table, index);
  if (at === undefined) return otherwise;
  const view = inside(table.source, at, type === "i8" ? 1 : type === "u64" ? 8 : 4);
  if (type === "i8") return view.getInt8(0);
  if (type === "u64") return Number(view.getBigUint64(0, true));
  return type === "i32" ? view.getInt32(0, true) : view.getUint32(0, true);
}

export interface FlatVector {
  /** Where the first element lies. */
  readonly at: number;
  readonly length: number;
}

/** A vector of elements of `width` bytes. Left out, it is empty. @throws FlatBufferInvalid past the end */
export function flatVector(table: FlatTable, index: number, width: number): FlatVector {
  const at = place(table, index);
  if (at === undefined) return { at: 0, length: 0 };
  const start = at + u32(table.source, at);
  const length = u32(table.source, start);
  if (start + 4 + length * width > table.source.size) throw invalid(start);
  return { at: start + 4, length };
}

/** The tables of a vector, one by one. @throws FlatBufferInvalid at the first that is none */
export function* flatTables(table: FlatTable, index: number): Generator<FlatTable, void, undefined> {
  const { at, length } = flatVector(table, index, 4);
  for (let element = 0; element < length; element++) {
    const slot = at + 4 * element;
    yield tableAt(table.source, slot + u32(table.source, slot));
  }
}

/** The numbers of a vector of 32 bits, at most `most` of them. */
export function flatInts(table: FlatTable, index: number, most: number): readonly number[] {
  const { at, length } = flatVector(table, index, 4);
  if (length === 0) return [];
  const reader = new ByteReader(table.source, at);
  return Array.from({ length: Math.min(length, most) }, () => reader.i32());
}

/** A text, cut after `most` bytes. Left out, it is empty. */
export function flatText(table: FlatTable, index: number, most = 4096): string {
  const { at, length } = flatVector(table, index, 1);
  return new TextDecoder("utf-8").decode(table.source.read(at, Math.min(length, most)));
}

/** The table at `at`. @throws FlatBufferInvalid */
function tableAt(source: Source, at: number): FlatTable {
  const vtable = at - i32(source, at);
  const bytes = inside(source, vtable, 4);
  const size = bytes.getUint16(0, true);
  const tableSize = bytes.getUint16(2, true);
  if (size < 4 || size % 2 !== 0 || (size - 4) / 2 > MAX_FIELDS) throw invalid(vtable);
  inside(source, at, tableSize);
  const slots = inside(source, vtable, size);
  const fields: number[] = [];
  for (let slot = 4; slot < size; slot += 2) {
    const field = slots.getUint16(slot, true);
    if (field >= tableSize && field !== 0) throw invalid(vtable + slot);
    fields.push(field);
  }
  return { source, at, fields };
}

function u32(source: Source, at: number): number {
  return inside(source, at, 4).getUint32(0, true);
}

function i32(source: Source, at: number): number {
  return inside(source, at, 4).getInt32(0, true);
}

/** A copy of `length` bytes at `at`, all of which must be there. */
function inside(source: Source, at: number, length: number): DataView {
  if (!(at >= 0) || at + length > source.size) throw invalid(at);
  const bytes = Uint8Array.from(source.read(at, length));
  return new DataView(bytes.buffer);
}

function invalid(at: number): FlatBufferInvalid {
  return new FlatBufferInvalid(`an offset that leads nowhere, at ${at}`);
}
