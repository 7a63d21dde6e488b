/**
 * Inflate: what gzip and zlib packed, up to a stated number of bytes and no further. The limit is the reason that this
 * is our own: the platform's synchronous functions give all or nothing, and of a bomb, or of a stream cut off, the
 * beginning is what is wanted.
 *
 * Sources: RFC 1950 (zlib), RFC 1951 (deflate), RFC 1952 (gzip). Checksums are not checked: a text whose checksum is
 * wrong is read by a model all the same.
 *
 * @module
 */

import { STEP, type Paced } from "../pace.ts";

export interface Inflated {
  readonly bytes: Uint8Array;
  /** Whether there is more than was unpacked. */
  readonly cut: boolean;
}

/** Whether bytes begin as gzip or zlib do. */
export function isCompressed(bytes: Uint8Array): boolean {
  return headerLength(bytes) > 0;
}

/** Unpacks up to `most` bytes. What is malformed ends the text; what was unpacked until there stays. */
export function* inflate(packed: Uint8Array, most: number): Paced<Inflated> {
  const input = openBits(packed, headerLength(packed));
  const out = openOutput(most);
  for (let last = false; !last && !out.full && !input.ended();) {
    last = input.take(1) === 1;
    const kind = input.take(2);
    if (kind === 3) break;
    const going =
      kind === 0
        ? yield* stored(input, out)
        : yield* compressed(input, out, kind === 1 ? fixedCodes() : ownCodes(input));
    if (!going) break;
    yield;
  }
  return { bytes: out.bytes(), cut: out.full };
}

/** Bytes before the deflated data; 0: there is none. */
function headerLength(bytes: Uint8Array): number {
  const [first = 0, second = 0, method = 0, flags = 0] = bytes;
  if (first === 0x1f && second === 0x8b && method === 8) return gzipHeader(bytes, flags);
  return (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0 && (second & 0x20) === 0 ? 2 : 0;
}

function gzipHeader(bytes: Uint8Array, flags: number): number {
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + (bytes[at + 1] ?? 0) * 256;
  for (const named of [8, 16]) {
    if ((flags & named) === 0) continue;
    while (at < bytes.length && bytes[at] !== 0) at++;
    at++;
  }
  return (flags & 2) === 0 ? at : at + 2;
}

type Bits = ReturnType<typeof openBits>;
type Output = ReturnType<typeof openOutput>;

/** Reads bits, least significant first. Behind the end they are 0, and `ended` says so. */
function openBits(bytes: Uint8Array, from: number) {
  let at = from;
  let held = 0;
  let count = 0;
  const take = (size: number): number => {
    while (count < size) {
      held |= (bytes[at++] ?? 0) << count;
      count += 8;
    }
    const value = held & ((1 << size) - 1);
    held >>>= size;
    count -= size;
    return value;
  };
  return {
    take,
    align: (): void => {
      held = count = 0;
    },
    ended: (): boolean => at > bytes.length,
  };
}

function openOutput(most: number) {
  let bytes = new Uint8Array(Math.min(most, 1024));
  let length = 0;
  let full = false;
  return {
    push: (byte: number): void => {
      if (length === most) {
        full = true;
        return;
      }
      if (length === bytes.length) {
        const grown = new Uint8Array(Math.min(most, length * 2));
        grown.set(bytes);
        bytes = grown;
      }
      bytes[length++] = byte;
    },
    back: (distance: number): number => bytes[length - distance] as number,
    get length() {
      return length;
    },
    get full() {
      return full;
    },
    bytes: (): Uint8Array => bytes.subarray(0, length),
  };
}

function* stored(input: Bits, out: Output): Paced<boolean> {
  input.align();
  const size = input.take(16);
  input.take(16);
  for (let at = 0; at < size && !out.full; at++) {
    const byte = input.take(8);
    if (input.ended()) return false;
    out.push(byte);
    if (at % STEP === STEP - 1) yield;
  }
  return true;
}

/** A canonical Huffman code: how many codes there are of each length, and the symbols in order. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

interface Codes {
  readonly literals: Code;
  readonly distances: Code;
}

function codeOf(lengths: readonly number[]): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  const offsets = new Uint16Array(17);
  for (let length = 1; length < 16; length++)
    offsets[length + 1] = (offsets[length] as number) + (counts[length] as number);
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    const at = offsets[length] as number;
    symbols[at] = symbol;
    offsets[length] = at + 1;
  });
  return { counts, symbols };
}

/** The next symbol; -1: there is none with these bits. */
function symbolOf(input: Bits, { counts, symbols }: Code): number {
  let code = 0;
  let first = 0;
  let index = 0;
  for (let length = 1; length < 16; length++) {
    code |= input.take(1);
    const count = counts[length] as number;
    if (code - count < first) return symbols[index + code - first] ?? -1;
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return -1;
}

const LENGTH_BASES = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASES = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DISTANCE_BITS = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const END = 256;

function* compressed(input: Bits, out: Output, { literals, distances }: Codes): Paced<boolean> {
  for (let next = out.length + STEP; ;) {
    if (out.length > next) {
      next = out.length + STEP;
      yield;
    }
    const symbol = symbolOf(input, literals);
    if (symbol < 0 || input.ended()) return false;
    if (symbol === END) return true;
    if (symbol < END) {
      out.push(symbol);
    } else {
      const base = LENGTH_BASES[symbol - 257];
      if (base === undefined) return false;
      const length = base + input.take(LENGTH_BITS[symbol - 257] as number);
      const far = symbolOf(input, distances);
      const distanceBase = DISTANCE_BASES[far];
      if (distanceBase === undefined) return false;
      const distance = distanceBase + input.take(DISTANCE_BITS[far] as number);
      if (distance > out.length) return false;
      for (let copied = 0; copied < length && !out.full; copied++) out.push(out.back(distance));
    }
    if (out.full) return true;
  }
}

let fixed: Codes | undefined;

function fixedCodes(): Codes {
  fixed ??= {
    literals: codeOf(
      Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
    ),
    distances: codeOf(Array.from({ length: 30 }, () => 5)),
  };
  return fixed;
}

/** The order in which the lengths of the code of the lengths are written. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

function ownCodes(input: Bits): Codes {
  const literals = input.take(5) + 257;
  const distances = input.take(5) + 1;
  const given = input.take(4) + 4;
  const lengthLengths = Array.from({ length: 19 }, () => 0);
  for (const symbol of LENGTH_ORDER.slice(0, given)) lengthLengths[symbol] = input.take(3);
  const lengthCode = codeOf(lengthLengths);
  const lengths: number[] = [];
  while (lengths.length < literals + distances && !input.ended()) {
    const symbol = symbolOf(input, lengthCode);
    if (symbol < 0) break;
    if (symbol < 16) {
      lengths.push(symbol);
      continue;
    }
    const value = symbol === 16 ? (lengths.at(-1) ?? 0) : 0;
    const times = symbol === 16 ? 3 + input.take(2) : symbol === 17 ? 3 + input.take(3) : 11 + input.take(7);
    for (let time = 0; time < times; time++) lengths.push(value);
  }
  return {
    literals: codeOf(lengths.slice(0, literals)),
    distances: codeOf(lengths.slice(literals, literals + distances)),
  };
}
