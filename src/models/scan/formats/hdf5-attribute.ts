/**
 * Attributes of HDF5 objects: their names, and what they say where that is one text. Also the global heap, where texts of
 * any length lie.
 *
 * Source: HDF5 File Format Specification 3.0, III.E, IV.A.2.d, IV.A.2.m.
 *
 * @module
 */

import { ByteReader } from "../reader.ts";
import type { Source } from "../source.ts";
import { Hdf5Invalid, isMagic, readerAt, sized, type Hdf5File } from "./hdf5-header.ts";

export interface Hdf5Attribute {
  readonly name: string;
  /** The text, where the value is one text. Undefined for numbers and arrays. */
  readonly text?: string;
  /** The type is kept elsewhere in the file, so that the value is not read. */
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
  const type = reader.bytes(Math.min(pad(typeSize), reader.left));
  reader.skip(Math.min(pad(spaceSize), reader.left));
  // A shared type is a reference to an object; what follows cannot be read without it.
  if (version > 1 && (flags & 1) !== 0) return { name, unread: true };
  const text = readValue(file, reader, type);
  return { name, unread: false, ...(text === undefined ? {} : { text }) };
}

/** The object `index` of the global heap at `address`. @throws Hdf5Invalid, Truncated */
export function globalHeapObject(file: Hdf5File, address: bigint, index: number): Uint8Array {
  const reader = readerAt(file, address);
  if (reader === undefined || !isMagic(reader, "GCOL")) throw new Hdf5Invalid("a heap that is none");
  const start = reader.position - 4;
  reader.skip(4);
  const size = Number(sized(reader, file.lengthSize));
  while (reader.position + 8 + file.lengthSize <= Math.min(start + size, reader.end)) {
    const found = reader.u16();
    reader.skip(6);
    const length = Number(sized(reader, file.lengthSize));
    if (found === index) {
      if (length > MAX_VALUE) throw new Hdf5Invalid(`a text of ${length} bytes, more than ${MAX_VALUE}`);
      return reader.bytes(length);
    }
    if (found === 0) break;
    reader.skip(Math.min(Math.ceil(length / 8) * 8, reader.left));
  }
  throw new Hdf5Invalid(`an object ${index} that its heap does not have`);
}

/** One string, of a fixed (class 3) or any length (class 9, which refers to the heap). */
function readValue(file: Hdf5File, reader: ByteReader, type: Uint8Array): string | undefined {
  const kind = (type[0] ?? 0) & 0x0f;
  const size = new DataView(type.buffer, type.byteOffset, type.byteLength).getUint32(4, true);
  if (kind === 3 && reader.left >= size) return cString(reader.bytes(size));
  const ofStrings = kind === 9 && ((type[1] ?? 0) & 0x0f) === 1;
  if (!ofStrings || reader.left < 8 + file.offsetSize) return undefined;
  const length = reader.u32();
  const address = sized(reader, file.offsetSize);
  const index = reader.u32();
  if (length === 0) return "";
  return utf8.decode(globalHeapObject(file, address, index).subarray(0, length));
}

/** A text up to its NUL. */
export function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}
