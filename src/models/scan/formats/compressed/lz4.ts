/**
 * LZ4 frames: blocks that are stored or packed, each by itself or with the 64 KiB before it. Frames that follow one
 * another are one, skippable ones between them left out. Frames that need a dictionary are not opened.
 *
 * Contract: reads only what its input holds; nothing is allocated by a size that it declares; all check sums are compared.
 *
 * Source: LZ4 Frame Format Description 1.6.4, LZ4 Block Format Description (lz4/doc), xxHash XXH32 (xxhash_spec.md).
 *
 * @module
 */

import { bytesSource } from "../../source.ts";
import { damaged, type Output, unsupported } from "./output.ts";
import { frameAt } from "./skippable.ts";

export const LZ4_MAGIC = 0x184d_2204;
/** How far back a match reaches, at most. */
const WINDOW = 65_535;

/**
 * Writes what the frames at the start of `bytes` hold to `out`. @returns the bytes of them
 * @throws StreamError where they are damaged, hold too much or need a dictionary
 */
export function readLz4(bytes: Uint8Array, out: Output): number {
  const source = bytesSource(bytes);
  const input = new Input(bytes);
  for (;;) {
    const at = frameAt(source, input.at, LZ4_MAGIC);
    if (at === undefined) return input.at > 0 ? input.at : damaged("no header");
    input.at = at;
    frame(input, out);
  }
}

/** The bytes, and how far they are read. */
class Input {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytes[this.at++] ?? damaged("cut short");
  }

  uint32(): number {
    const { at } = this;
    this.at += 4;
    return this.at > this.bytes.length ? damaged("cut short") : readUint32(this.bytes, at);
  }
}

interface Descriptor {
  readonly independent: boolean;
  readonly blockSums: boolean;
  readonly contentSum: boolean;
  readonly length: bigint | undefined;
  readonly blockSize: number;
}

function frame(input: Input, out: Output): void {
  input.at += 4;
  const { independent, blockSums, contentSum, length, blockSize } = descriptor(input);
  const start = out.length;
  for (let size = input.uint32(); size !== 0; size = input.uint32()) {
    const from = input.at;
    const packed = size < 0x8000_0000;
    const end = from + (size & 0x7fff_ffff);
    if ((size & 0x7fff_ffff) > blockSize) damaged("length of a block");
    const present = Math.min(end, input.bytes.length);
    if (packed) readBlock(input.bytes, from, present, independent ? out.length : start, blockSize, out);
    else out.append(input.bytes.subarray(from, present));
    if (present < end) damaged("cut short");
    input.at = end;
    if (blockSums && input.uint32() !== xxh32(input.bytes.subarray(from, end))) damaged("check sum of a block");
  }
  if (length !== undefined && length !== BigInt(out.length - start)) damaged("length of the content");
  if (contentSum && input.uint32() !== xxh32(out.written(start))) damaged("check sum of the content");
}

function descriptor(input: Input): Descriptor {
  const from = input.at;
  const flags = input.byte();
  const sizes = input.byte();
  if (flags >>> 6 !== 1) unsupported(`version ${flags >>> 6}`);
  if ((flags & 2) !== 0 || (sizes & 0x8f) !== 0) unsupported("flags of a later version");
  const code = sizes >>> 4;
  if (code < 4) damaged("size of blocks");
  const length = (flags & 8) === 0 ? undefined : BigInt(input.uint32()) + (BigInt(input.uint32()) << 32n);
  if ((flags & 1) !== 0) unsupported("a dictionary");
  const sum = xxh32(input.bytes.subarray(from, input.at));
  if (input.byte() !== ((sum >>> 8) & 0xff)) damaged("check sum of the header");
  return {
    independent: (flags & 0x20) !== 0,
    blockSums: (flags & 0x10) !== 0,
    contentSum: (flags & 4) !== 0,
    length,
    // 64 KiB, 256 KiB, 1 MiB, 4 MiB.
    blockSize: 2 ** (8 + 2 * code),
  };
}

/** Sequences of literals and a match; the last has literals only. `window` is where matches may reach to. */
function readBlock(
  bytes: Uint8Array,
  start: number,
  end: number,
  window: number,
  blockSize: number,
  out: Output,
): void {
  const most = out.length + blockSize;
  let at = start;
  const next = (): number => (at < end ? (bytes[at++] as number) : damaged("cut short"));
  /** A length in four bits, which goes on in bytes where all of them are set. */
  const lengthOf = (bits: number): number => {
    let length = bits;
    if (bits === 15) for (let byte = 255; byte === 255; length += byte) byte = next();
    return length;
  };
  for (;;) {
    const token = next();
    const literals = lengthOf(token >>> 4);
    if (out.length + literals > most) damaged("longer than a block");
    out.append(bytes.subarray(at, Math.min(at + literals, end)));
    at += literals;
    if (at > end) damaged("cut short");
    if (at === end) return;
    const distance = next() + next() * 0x100;
    const length = lengthOf(token & 15) + 4;
    if (distance === 0 || distance > Math.min(WINDOW, out.length - window)) damaged("a distance before the window");
    if (out.length + length > most) damaged("longer than a block");
    out.repeat(distance, length);
  }
}

const PRIME_1 = 0x9e37_79b1;
const PRIME_2 = 0x85eb_ca77;
const PRIME_3 = 0xc2b2_ae3d;
const PRIME_4 = 0x27d4_eb2f;
const PRIME_5 = 0x1656_67b1;

/** XXH32 with the seed 0. */
function xxh32(data: Uint8Array): number {
  let at = 0;
  let sum = PRIME_5;
  if (data.length >= 16) {
    let [one, two, three, four] = [PRIME_1 + PRIME_2, PRIME_2, 0, -PRIME_1];
    for (; at + 16 <= data.length; at += 16) {
      one = round(one, readUint32(data, at));
      two = round(two, readUint32(data, at + 4));
      three = round(three, readUint32(data, at + 8));
      four = round(four, readUint32(data, at + 12));
    }
    sum = rotate(one, 1) + rotate(two, 7) + rotate(three, 12) + rotate(four, 18);
  }
  sum = (sum + data.length) | 0;
  for (; at + 4 <= data.length; at += 4) {
    sum = Math.imul(rotate(sum + Math.imul(readUint32(data, at), PRIME_3), 17), PRIME_4);
  }
  for (; at < data.length; at++) {
    sum = Math.imul(rotate(sum + Math.imul(data[at] as number, PRIME_5), 11), PRIME_1);
  }
  sum = Math.imul(sum ^ (sum >>> 15), PRIME_2);
  sum = Math.imul(sum ^ (sum >>> 13), PRIME_3);
  return (sum ^ (sum >>> 16)) >>> 0;
}

function round(state: number, value: number): number {
  return Math.imul(rotate(state + Math.imul(value, PRIME_2), 13), PRIME_1);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function readUint32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return (low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0;
}
