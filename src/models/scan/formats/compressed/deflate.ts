/**
 * gzip and zlib: deflate, which node:zlib reads, in the two frames that files have it in. Members of gzip that follow one
 * another are one, with zeros between them, as Python's `gzip` reads them.
 *
 * Contract: every check sum is compared; of a stream that is damaged, what comes out before the damage stands in the output.
 *
 * Source: RFC 1950 (zlib), RFC 1951 (deflate), RFC 1952 (gzip); Lib/gzip.py of CPython 3.14.
 *
 * @module
 */

import { constants, crc32, inflateRawSync } from "node:zlib";

import { damaged, type Output, unsupported } from "./output.ts";
import { unpackInto, type Unpack } from "./unpack.ts";

/** Bits of the second byte of zlib, and of the flags of gzip (RFC 1950 section 2.2, RFC 1952 section 2.3.1). */
const PRESET_DICTIONARY = 0x20;
const HEADER_SUM = 0x02;
const EXTRA = 0x04;
const NAME = 0x08;
const COMMENT = 0x10;
const RESERVED = 0xe0;
/** More than a byte of deflate unpacks to: 1,032 at most. */
const MOST_RATIO = 1_100;

/** Whether a member of gzip begins at `at`. */
export function isGzip(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 0x08;
}

/** Whether zlib begins `start`. Its header is no mark: at least `least` bytes must come out. No sum is compared. */
export function isZlib(start: Uint8Array, least: number): boolean {
  if (!hasZlibHeader(start) || needsDictionary(start)) return false;
  try {
    return DEFLATE(start.subarray(2), start.length * MOST_RATIO, false).buffer.length >= least;
  } catch {
    return false;
  }
}

/**
 * Writes what the members at the start of `bytes` hold to `out`. @returns the bytes of them
 * @throws StreamError where they are damaged or hold too much
 */
export function readGzip(bytes: Uint8Array, out: Output): number {
  for (let at = 0; ;) {
    const from = out.length;
    const end = blocks(bytes, headerEnd(bytes, at), out);
    if (fourBytes(bytes, end).readUInt32LE() !== crc32(out.written(from))) damaged("check sum of the content");
    if (fourBytes(bytes, end + 4).readUInt32LE() !== (out.length - from) >>> 0) damaged("length of the content");
    let next = end + 8;
    while (bytes[next] === 0) next++;
    if (!isGzip(bytes, next)) return end + 8;
    at = next;
  }
}

/**
 * Writes what the stream at the start of `bytes` holds to `out`. @returns the bytes of it
 * @throws StreamError where it is damaged or holds too much, or needs a dictionary
 */
export function readZlib(bytes: Uint8Array, out: Output): number {
  if (!hasZlibHeader(bytes)) damaged("no header");
  if (needsDictionary(bytes)) unsupported("a dictionary");
  const end = blocks(bytes, 2, out);
  if (fourBytes(bytes, end).readUInt32BE() !== adler32(out.written())) damaged("check sum of the content");
  return end + 4;
}

/**
 * Writes what the blocks at the start of `bytes` hold, which have no frame, to `out`. @returns the bytes of them
 * @throws StreamError where they are damaged or hold too much
 */
export function readDeflate(bytes: Uint8Array, out: Output): number {
  return unpackInto(DEFLATE, bytes, out);
}

/** RFC 1952 section 2.3. */
function headerEnd(bytes: Uint8Array, start: number): number {
  if (!isGzip(bytes, start)) damaged("no header");
  const flags = bytes[start + 3] ?? 0;
  if ((flags & RESERVED) !== 0) unsupported("flags of a later version");
  let at = start + 10;
  if ((flags & EXTRA) !== 0) at += 2 + (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 0x100;
  for (const text of [NAME, COMMENT]) {
    if ((flags & text) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) damaged("cut short");
    at = end + 1;
  }
  if ((flags & HEADER_SUM) !== 0) at += 2;
  if (at >= bytes.length) damaged("cut short");
  return at;
}

/** RFC 1950 section 2.2: deflate, a window of at most 32 KiB, a check that fits. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && first >>> 4 <= 7 && (first * 0x100 + second) % 31 === 0;
}

function needsDictionary([, second = 0]: Uint8Array): boolean {
  return (second & PRESET_DICTIONARY) !== 0;
}

/** @returns where they end */
function blocks(bytes: Uint8Array, start: number, out: Output): number {
  return start + readDeflate(bytes.subarray(start), out);
}

const DEFLATE: Unpack = (bytes, most, whole) => {
  const finishFlush = whole ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  // With `info` the engine comes too, which knows how much of the input it took.
  return inflateRawSync(bytes, { maxOutputLength: most, finishFlush, info: true }) as unknown as ReturnType<Unpack>;
};

function fourBytes(bytes: Uint8Array, at: number): Buffer {
  if (at + 4 > bytes.length) damaged("cut short");
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, 4);
}

/** RFC 1950 section 8.2. Sums of so many bytes fit before the remainder is taken. */
function adler32(data: Uint8Array): number {
  let [low, high] = [1, 0];
  for (let from = 0; from < data.length; from += 5_552) {
    const to = Math.min(from + 5_552, data.length);
    for (let at = from; at < to; at++) {
      low += data[at] as number;
      high += low;
    }
    low %= 65_521;
    high %= 65_521;
  }
  return high * 0x1_0000 + low;
}
