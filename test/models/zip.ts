/**
 * A small writer of zip archives, with every field of every header under the hand of a test.
 *
 * @module
 */

import { crc32, deflateRawSync } from "node:zlib";

export interface ZipFields {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  readonly flags?: number;
  /** In both headers, or in one. */
  readonly crc?: number;
  readonly size?: number;
  readonly localName?: string;
  readonly localFlags?: number;
  readonly localMethod?: number;
  /** Extra fields of the central header. */
  readonly extra?: Uint8Array;
  /** Unix mode. */
  readonly mode?: number;
  /** Sizes and checksum behind the data. */
  readonly descriptor?: boolean;
  /** The directory does not name it. */
  readonly hidden?: boolean;
}

export interface ZipParts {
  readonly prefix?: Uint8Array;
  readonly between?: Uint8Array;
  readonly suffix?: Uint8Array;
  readonly comment?: Uint8Array;
  /** Members that the end record counts. */
  readonly count?: number;
}

/** An archive of `members`; offsets count from behind the prefix, as zipfile writes them. */
export function zipOf(members: readonly ZipFields[], parts: ZipParts = {}): Uint8Array {
  const out: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let at = 0;
  for (const member of members) {
    const { data, deflate = false, flags = 0, mode = 0, descriptor = false, extra = empty } = member;
    const packed = deflate ? deflateRawSync(data) : data;
    const sums = { crc: member.crc ?? crc32(data), packed: packed.length, size: member.size ?? data.length };
    const bits = flags | (descriptor ? 8 : 0);
    const method = deflate ? 8 : 0;
    const local = header(member.localName ?? member.name, member.localFlags ?? bits, member.localMethod ?? method, {
      ...(descriptor ? { crc: 0, packed: 0, size: 0 } : sums),
    });
    const behind = descriptor
      ? Buffer.concat([u32(0x08074b50), u32(sums.crc), u32(sums.packed), u32(sums.size)])
      : empty;
    out.push(u32(0x04034b50), u16(20), local, packed, behind);
    if (member.hidden !== true) {
      const name = Buffer.from(member.name);
      const tail = Buffer.concat([u16(0), u16(0), u16(0), u32(mode * 0x1_0000), u32(at), name, extra]);
      central.push(
        u32(0x02014b50),
        u16(0x314),
        u16(20),
        header("", bits, method, sums, name.length, extra.length),
        tail,
      );
    }
    out.push(parts.between ?? empty);
    at = length(out);
  }
  const directory = Buffer.concat(central);
  const count = parts.count ?? members.filter(({ hidden }) => hidden !== true).length;
  const comment = parts.comment ?? empty;
  const end = Buffer.concat([u32(0x06054b50), u32(0), u16(count), u16(count), u32(directory.length), u32(at)]);
  return Buffer.concat([
    parts.prefix ?? empty,
    ...out,
    directory,
    end,
    u16(comment.length),
    comment,
    parts.suffix ?? empty,
  ]);
}

const empty = new Uint8Array(0);

/** From the flags to the name: both headers have these fields, one with its lengths elsewhere. */
function header(
  name: string,
  flags: number,
  method: number,
  { crc, packed, size }: { readonly crc: number; readonly packed: number; readonly size: number },
  nameLength = Buffer.byteLength(name),
  extraLength = 0,
): Uint8Array {
  const fields = [u16(flags), u16(method), u32(0), u32(crc), u32(packed), u32(size), u16(nameLength), u16(extraLength)];
  return Buffer.concat([...fields, Buffer.from(name)]);
}

function length(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function u16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value & 0xffff);
  return bytes;
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
