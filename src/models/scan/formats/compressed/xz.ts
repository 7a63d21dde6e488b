/**
 * xz: streams of blocks of LZMA2, each with a check, and an index behind them. Streams that follow one another are one,
 * those in the old form `.lzma` among them, as Python's `lzma` reads them. Filters other than LZMA2 are not opened.
 *
 * Contract: every check sum, size and count that the format repeats is compared; nothing is allocated by a size that it
 * declares.
 *
 * Source: the .xz file format 1.2.1; Lib/lzma.py of CPython 3.14.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

import { isLzmaAlone, readLzma2, readLzmaAlone } from "./lzma.ts";
import { damaged, type Output, unsupported } from "./output.ts";

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const HEADER = 12;

/** Section 5.3: what stands before LZMA2, or in its place. */
const FILTERS: Readonly<Record<number, string>> = {
  3: "delta",
  4: "BCJ of x86",
  5: "BCJ of PowerPC",
  6: "BCJ of IA-64",
  7: "BCJ of ARM",
  8: "BCJ of ARM Thumb",
  9: "BCJ of SPARC",
  10: "BCJ of ARM64",
  11: "BCJ of RISC-V",
};
const LZMA2 = 0x21;

/** Section 2.1.1.2: bytes of a check, by its kind. */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64] as const;

/**
 * Writes what the streams at the start of `bytes` hold, xz and `.lzma`, to `out`. @returns the bytes of them
 * @throws StreamError where they are damaged, hold too much or use what is not opened
 */
export function readXz(bytes: Uint8Array, out: Output): number {
  let at = 0;
  for (let end = 0; ; at = end) {
    if (isXz(bytes, at)) end = stream(bytes, at, out);
    else if (at === 0 || isLzmaAlone(bytes, at)) end = readLzmaAlone(bytes, at, out);
    else return at;
    // Section 2.2: zeros may stand between streams, in fours.
    let next = end;
    while (bytes[next] === 0) next++;
    if ((next - end) % 4 === 0 && isXz(bytes, next)) end = next;
  }
}

/** Whether a stream of xz begins at `at`. */
export function isXz(bytes: Uint8Array, at: number): boolean {
  return MAGIC.every((byte, index) => bytes[at + index] === byte);
}

/** What the index repeats: how many blocks there are, and their bytes in all. */
interface Sizes {
  blocks: number;
  unpadded: number;
  unpacked: number;
}

function stream(bytes: Uint8Array, start: number, out: Output): number {
  const flags = uint16(bytes, start + 6);
  if (uint32(bytes, start + 8) !== crc32(part(bytes, start + 6, 2))) damaged("check sum of the header");
  if ((flags & 0xf0ff) !== 0) unsupported("flags of a later version");
  const check = flags >>> 8;
  const sizes: Sizes = { blocks: 0, unpadded: 0, unpacked: 0 };
  let at = start + HEADER;
  while (byteAt(bytes, at) !== 0) at = block(bytes, at, check, out, sizes);
  const end = index(bytes, at, sizes);
  footer(bytes, end, end - at, flags);
  return end + HEADER;
}

/** Section 3. */
function block(bytes: Uint8Array, start: number, check: number, out: Output, sizes: Sizes): number {
  const { packed, unpacked, dictionary, end } = blockHeader(bytes, start);
  const from = out.length;
  let at = readLzma2(bytes, end, dictionary, out);
  if (packed !== undefined && packed !== at - end) damaged("packed length of a block");
  if (unpacked !== undefined && unpacked !== out.length - from) damaged("length of a block");
  const unpadded = at - start;
  for (; (at - start) % 4 !== 0; at++) if (byteAt(bytes, at) !== 0) damaged("padding of a block");
  const length = CHECK_BYTES[check] ?? 0;
  const sum = part(bytes, at, length);
  const expected = checkOf(check, out.written(from));
  if (!expected.equals(sum)) damaged("check sum of a block");
  sizes.blocks++;
  sizes.unpadded += unpadded + length;
  sizes.unpacked += out.length - from;
  return at + length;
}

/** Section 3.1. */
function blockHeader(
  bytes: Uint8Array,
  start: number,
): {
  readonly packed: number | undefined;
  readonly unpacked: number | undefined;
  readonly dictionary: number;
  readonly end: number;
} {
  const end = start + (byteAt(bytes, start) + 1) * 4;
  const header = part(bytes, start, end - start - 4);
  if (uint32(bytes, end - 4) !== crc32(header)) damaged("check sum of a block's header");
  const flags = byteAt(header, 1);
  if ((flags & 0x3c) !== 0) unsupported("flags of a later version");
  const numbers = new Numbers(header, 2);
  const packed = (flags & 0x40) === 0 ? undefined : numbers.next();
  const unpacked = (flags & 0x80) === 0 ? undefined : numbers.next();
  for (let left = flags & 3; left >= 0; left--) {
    const filter = numbers.next();
    if (filter !== LZMA2) unsupported(`filter ${FILTERS[filter] ?? filter}`);
    if (left > 0) damaged("LZMA2 before another filter");
  }
  if (numbers.next() !== 1) damaged("properties of LZMA2");
  const size = byteAt(header, numbers.at++);
  for (; numbers.at < header.length; numbers.at++) if (header[numbers.at] !== 0) unsupported("a longer header");
  return { packed, unpacked, dictionary: dictionarySize(size), end };
}

/** Section 5.3.1: 2 or 3 times a power of two. */
function dictionarySize(bits: number): number {
  if (bits > 40) damaged("size of a dictionary");
  return bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >>> 1) + 11);
}

/** Section 4. @returns where it ends */
function index(bytes: Uint8Array, start: number, sizes: Sizes): number {
  const numbers = new Numbers(bytes, start + 1);
  const blocks = numbers.next();
  if (blocks !== sizes.blocks) damaged("number of blocks");
  let unpadded = 0;
  let unpacked = 0;
  for (let left = blocks; left > 0; left--) {
    unpadded += numbers.next();
    unpacked += numbers.next();
  }
  if (unpadded !== sizes.unpadded || unpacked !== sizes.unpacked) damaged("lengths in the index");
  let at = numbers.at;
  for (; (at - start) % 4 !== 0; at++) if (byteAt(bytes, at) !== 0) damaged("padding of the index");
  if (uint32(bytes, at) !== crc32(part(bytes, start, at - start))) damaged("check sum of the index");
  return at + 4;
}

/** Section 2.1.2. */
function footer(bytes: Uint8Array, at: number, indexLength: number, flags: number): void {
  if (uint32(bytes, at) !== crc32(part(bytes, at + 4, 6))) damaged("check sum of the footer");
  if ((uint32(bytes, at + 4) + 1) * 4 !== indexLength) damaged("length of the index");
  if (uint16(bytes, at + 8) !== flags) damaged("flags of the footer");
  if (byteAt(bytes, at + 10) !== 0x59 || byteAt(bytes, at + 11) !== 0x5a) damaged("end of the footer");
}

/** Section 1.2: numbers of seven bits a byte, the lowest first, at most nine bytes. */
class Numbers {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  next(): number {
    let value = 0;
    for (let place = 0; place < 9; place++) {
      const byte = byteAt(this.#bytes, this.at++);
      value += (byte & 0x7f) * 2 ** (7 * place);
      if (byte < 0x80) {
        if (byte === 0 && place > 0) damaged("a number that is longer than it need be");
        return value;
      }
    }
    return damaged("a number of too many bytes");
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? damaged("cut short");
}

function part(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (at + length > bytes.length) damaged("cut short");
  return bytes.subarray(at, at + length);
}

function uint16(bytes: Uint8Array, at: number): number {
  return byteAt(bytes, at) + byteAt(bytes, at + 1) * 0x100;
}

function uint32(bytes: Uint8Array, at: number): number {
  return uint16(bytes, at) + uint16(bytes, at + 2) * 0x1_0000;
}

/** The check as it stands in the file. */
function checkOf(check: number, data: Uint8Array): Buffer {
  const sum = Buffer.alloc(CHECK_BYTES[check] ?? 0);
  if (check === 1) sum.writeUInt32LE(crc32(data));
  else if (check === 4) crc64(data, sum);
  else if (check === 10) return createHash("sha256").update(data).digest();
  else if (check !== 0) unsupported(`check ${check}`);
  return sum;
}

/** CRC-64 of ECMA-182, its halves apart: the low one, then the high one, for each byte. */
const CRC64_TABLE = Uint32Array.from({ length: 512 }, (_, place) => {
  let [low, high] = [place >>> 1, 0];
  for (let bit = 0; bit < 8; bit++) {
    const odd = (low & 1) === 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (odd) [low, high] = [low ^ 0xd787_0f42, high ^ 0xc96c_5795];
  }
  return place % 2 === 0 ? low : high;
});

function crc64(data: Uint8Array, sum: Buffer): void {
  let low = -1;
  let high = -1;
  for (const byte of data) {
    const place = ((low ^ byte) & 0xff) * 2;
    low = ((low >>> 8) | (high << 24)) ^ (CRC64_TABLE[place] as number);
    high = (high >>> 8) ^ (CRC64_TABLE[place + 1] as number);
  }
  sum.writeInt32LE(~low, 0);
  sum.writeInt32LE(~high, 4);
}
