/**
 * Values of a GGUF file, each bounded by the file itself.
 *
 * @module
 */

import type { ByteReader } from "../reader.ts";

export interface GgufFile {
  readonly reader: ByteReader;
  /** 1 to 3. In version 1, lengths and counts have 32 bits. */
  readonly version: number;
  readonly bigEndian: boolean;
}

/** The file promises what cannot be in it. */
export class GgufEnd extends Error {
  override readonly name = "GgufEnd";
}

const lenient = new TextDecoder("utf-8");

/** Reads a string. One of more than `max` bytes is skipped and gives undefined. @throws GgufEnd past the end */
export function ggufString({ reader, version, bigEndian }: GgufFile, max: number): string | undefined {
  const at = reader.position;
  const length = version === 1 ? BigInt(reader.u32(bigEndian)) : reader.u64(bigEndian);
  if (length > BigInt(reader.left)) throw new GgufEnd(`a string of ${length} bytes at ${at}`);
  if (length <= BigInt(max)) return lenient.decode(reader.bytes(Number(length)));
  reader.skip(Number(length));
  return undefined;
}

/** Reads a number or a boolean of the given type. Undefined for a type that is none. 64-bit values are rounded. */
export function ggufScalar({ reader, bigEndian }: GgufFile, type: number): number | undefined {
  switch (type) {
    case 0:
    case 7:
      return reader.u8();
    case 1:
      return (reader.u8() << 24) >> 24;
    case 2:
      return reader.u16(bigEndian);
    case 3:
      return (reader.u16(bigEndian) << 16) >> 16;
    case 4:
      return reader.u32(bigEndian);
    case 5:
      return reader.i32(bigEndian);
    case 6:
      reader.skip(4);
      return Number.NaN;
    case 10:
      return Number(reader.u64(bigEndian));
    case 11:
      return Number(BigInt.asIntN(64, reader.u64(bigEndian)));
    case 12:
      reader.skip(8);
      return Number.NaN;
    default:
      return undefined;
  }
}
