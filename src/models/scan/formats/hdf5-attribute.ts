/**
 * Attributes of HDF5 objects: their names, and what they say where that is one text. Also the global heap, where texts of
 * any length lie.
 *
 * Source: HDF5 File Format Specification 3.0, III.E, IV.A.2.d, IV.A.2.m.
 *
 * @module
 */

import { ByteReader } from "../reader.ts";
import { bytesSource, sliceSource, type Source } from "../source.ts";
import { Hdf5Invalid, isMagic, readerAt, sharedType, sized, type Hdf5File } from "./hdf5-header.ts";

export interface Hdf5Attribute {
  readonly name: string;
  /** The bytes of the value, where it is a string. Undefined for numbers, and for arrays of texts of any length. */
  readonly value?: Uint8Array;
  /** The type is kept where it is not looked for, so that the value is not read. */
  readonly unread: boolean;
}

/** Bytes of a text that are read. */
const MAX_VALUE = 64 * 1024 * 1024;

const utf8 = new TextDecoder("utf-8");

/** Reads an attribute message. @throws Hdf5Invalid, Truncated */
export function readAttribute(file: Hdf5File, data: Source): Hdf5Attribute {
  const reader = new ByteReader(data);
  const version = reader.u8();
  if (version < 1 || version > 3) throw new Hdf5Invalid(`an attribute of version ${version}`);
  const flags = reader.u8();
  const [nameSize, typeSize, spaceSize] = [reader.u16(), reader.u16(), reader.u16()];
  if (version === 3) reader.skip(1);
  const pad = (size: number): number => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const name = cString(reader.bytes(Math.min(pad(nameSize), reader.left)));
  const kept = bytesSource(reader.bytes(Math.min(pad(typeSize), reader.left)));
  reader.skip(Math.min(pad(spaceSize), reader.left));
  const type = version > 1 && (flags & 1) !== 0 ? sharedType(file, kept) : kept;
  if (type === undefined) return { name, unread: true };
  const value = readValue(file, reader, type.read(0, type.size));
  return { name, unread: false, ...(value === undefined ? {} : { value }) };
}

/** The object `index` of the global heap at `address`. @throws Hdf5Invalid, Truncated */
export function globalHeapObject(file: Hdf5File, address: bigint, index: number): Uint8Array {
  const reader = readerAt(file, address);
  if (reader === undefined || !isMagic(reader, "GCOL")) throw new Hdf5Invalid("a heap that is none");
  for (const object of heapObjects(file, reader.position - 4)) {
    if (object.index !== index) continue;
    if (object.size > MAX_VALUE) throw new Hdf5Invalid(`a text of ${object.size} bytes, more than ${MAX_VALUE}`);
    return new ByteReader(file.source, object.start).bytes(object.size);
  }
  throw new Hdf5Invalid(`an object ${index} that its heap does not have`);
}

/** Where the objects of a global heap lie in the file: that of the mark at `at`. */
export function* heapObjects(
  file: Hdf5File,
  at: number,
): Generator<{ readonly index: number; readonly start: number; readonly size: number }, void, undefined> {
  const headSize = 8 + file.lengthSize;
  const head = new ByteReader(sliceSource(file.source, at, headSize));
  if (head.left < headSize) return;
  // Behind the mark: a version, and three bytes that are reserved.
  head.skip(8);
  const reader = new ByteReader(sliceSource(file.source, at, Number(sized(head, file.lengthSize))), headSize);
  while (reader.left >= headSize) {
    const index = reader.u16();
    reader.skip(6);
    const size = Number(sized(reader, file.lengthSize));
    // Object 0 is the room that is left.
    if (index === 0) return;
    yield { index, start: at + reader.position, size };
    reader.skip(Math.min(Math.ceil(size / 8) * 8, reader.left));
  }
}

/** One string, of a fixed (class 3) or any length (class 9, which refers to the heap). */
function readValue(file: Hdf5File, reader: ByteReader, type: Uint8Array): Uint8Array | undefined {
  const kind = (type[0] ?? 0) & 0x0f;
  const size = new DataView(type.buffer, type.byteOffset, type.byteLength).getUint32(4, true);
  if (kind === 3 && reader.left >= size) return reader.bytes(size);
  const ofStrings = kind === 9 && ((type[1] ?? 0) & 0x0f) === 1;
  if (!ofStrings || reader.left < 8 + file.offsetSize) return undefined;
  const length = reader.u32();
  const address = sized(reader, file.offsetSize);
  const index = reader.u32();
  return length === 0 ? new Uint8Array() : globalHeapObject(file, address, index).subarray(0, length);
}

/** A text up to its NUL. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
