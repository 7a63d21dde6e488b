/**
 * bzip2: streams of blocks, each sorted by Burrows and Wheeler's transform, moved to front and coded by Huffman. Streams
 * that follow one another are one, as Python's `bz2` reads them. Blocks of the old randomised form are not opened.
 *
 * Contract: memory for one block of 900 kB and for what comes out; ends with its input; every check sum is checked.
 *
 * Source: libbz2 1.0.8 (decompress.c, huffman.c, the format has no other specification); Lib/bz2.py of CPython 3.14.
 *
 * @module
 */

import { damaged, type Output, unsupported } from "./output.ts";

const BLOCK = 0x314159265359;
const END = 0x177245385090;
const MAX_SELECTORS = 18_002;
const MAX_CODE = 20;
/** Symbols that one table codes, before the next selector. */
const GROUP = 50;
/** Steps of a block's tables: many small blocks cost more than what they put out. */
const BLOCK_STEPS = 1_000;

/** Whether bzip2 begins `start`: the level, and the mark of a block or of the end. */
export function isBzip2(start: Uint8Array): boolean {
  if (start.length < 10 || !isStream(start, 0)) return false;
  const mark = Buffer.from(start.buffer, start.byteOffset + 4, 6).readUIntBE(0, 6);
  return mark === BLOCK || mark === END;
}

/**
 * Writes what the streams at the start of `bytes` hold to `out`. @returns the bytes of them
 * @throws StreamError where they are damaged, hold too much or have a randomised block
 */
export function readBzip2(bytes: Uint8Array, out: Output): number {
  const block: Block = { entries: new Uint32Array(4_096), most: 0 };
  let at = 0;
  do at = stream(bytes, at, out, block);
  while (isStream(bytes, at));
  return at;
}

/** The block that is read. */
interface Block {
  /** A byte each; once sorted, the place of the next above it. Grows with what is read. */
  entries: Uint32Array;
  /** Most entries, as the header says: 900,000 at most. */
  most: number;
}

function isStream(bytes: Uint8Array, at: number): boolean {
  const level = bytes[at + 3] ?? 0;
  return bytes[at] === 0x42 && bytes[at + 1] === 0x5a && bytes[at + 2] === 0x68 && level >= 0x31 && level <= 0x39;
}

function stream(bytes: Uint8Array, start: number, out: Output, block: Block): number {
  if (!isStream(bytes, start)) damaged("no header");
  block.most = ((bytes[start + 3] as number) - 0x30) * 100_000;
  const bits = new Bits(bytes, start + 4);
  let combined = 0;
  for (;;) {
    const mark = bits.take(24) * 0x100_0000 + bits.take(24);
    const sum = bits.take(16) * 0x1_0000 + bits.take(16);
    if (mark === END) {
      if (sum !== combined) damaged("check sum of the stream");
      return bits.end();
    }
    if (mark !== BLOCK) damaged("no block");
    const from = out.length;
    readBlock(bits, block, out);
    if (checkSum(out.written(from)) !== sum) damaged("check sum of a block");
    combined = (((combined << 1) | (combined >>> 31)) ^ sum) >>> 0;
  }
}

/** Bits, the highest of a byte first. */
class Bits {
  readonly #bytes: Uint8Array;
  #at: number;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The next `count` bits, at most 24. */
  take(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#bytes.length) damaged("cut short");
      this.#held = ((this.#held << 8) | (this.#bytes[this.#at++] as number)) & 0x7fff_ffff;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#held >>> this.#count) & ((1 << count) - 1);
  }

  /** Where the next whole byte stands. */
  end(): number {
    return this.#at - (this.#count >>> 3);
  }
}

function readBlock(bits: Bits, block: Block, out: Output): void {
  out.work(BLOCK_STEPS);
  if (bits.take(1) === 1) unsupported("a randomised block");
  const origin = bits.take(24);
  const used = usedBytes(bits);
  const tables = bits.take(3);
  if (tables < 2 || tables > 6) damaged("number of tables");
  const selectors = readSelectors(bits, tables);
  const codes = Array.from({ length: tables }, () => readCode(bits, used.length + 2));
  const { length, counts } = moveToFront(bits, used, selectors, codes, block);
  if (origin >= length) damaged("origin of a block");
  unsort(block.entries, length, counts);
  runs(block.entries, length, origin, out);
}

/** The bytes that the block holds, ascending. */
function usedBytes(bits: Bits): Uint8Array {
  const ranges = bits.take(16);
  const used: number[] = [];
  for (let range = 0; range < 16; range++) {
    if ((ranges & (0x8000 >>> range)) === 0) continue;
    const set = bits.take(16);
    for (let byte = 0; byte < 16; byte++) if ((set & (0x8000 >>> byte)) !== 0) used.push(range * 16 + byte);
  }
  if (used.length === 0) damaged("a block of no bytes");
  return Uint8Array.from(used);
}

/** The table of each group. More of them than a block can need are read and left, as libbz2 does. */
function readSelectors(bits: Bits, tables: number): Uint8Array {
  const count = bits.take(15);
  if (count === 0) damaged("no selectors");
  const order = Array.from({ length: tables }, (_, table) => table);
  const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS));
  for (let index = 0; index < count; index++) {
    let place = 0;
    while (bits.take(1) === 1) if (++place >= tables) damaged("a selector");
    if (index >= MAX_SELECTORS) continue;
    const [table = 0] = order.splice(place, 1);
    order.unshift(table);
    selectors[index] = table;
  }
  return selectors;
}

/** A canonical code: for each length the largest code, and what to take from one for its place among the symbols. */
interface Code {
  readonly limits: Int32Array;
  readonly bases: Int32Array;
  readonly symbols: Uint16Array;
}

function readCode(bits: Bits, size: number): Code {
  const lengths = new Uint8Array(size);
  let length = bits.take(5);
  for (let symbol = 0; symbol < size; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE) damaged("length of a code");
      if (bits.take(1) === 0) break;
      length += bits.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const limits = new Int32Array(MAX_CODE + 1).fill(-1);
  const bases = new Int32Array(MAX_CODE + 1);
  const symbols = new Uint16Array(size);
  let code = 0;
  let place = 0;
  for (let wanted = 1; wanted <= MAX_CODE; wanted++) {
    bases[wanted] = code - place;
    for (let symbol = 0; symbol < size; symbol++) {
      if (lengths[symbol] !== wanted) continue;
      symbols[place++] = symbol;
      code++;
    }
    limits[wanted] = code - 1;
    code *= 2;
  }
  return { limits, bases, symbols };
}

/** Reads the symbols of a block, undoes the move to front, and counts each byte. */
function moveToFront(
  bits: Bits,
  order: Uint8Array,
  selectors: Uint8Array,
  codes: readonly Code[],
  block: Block,
): { readonly length: number; readonly counts: Uint32Array } {
  const counts = new Uint32Array(256);
  const last = order.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (const selector of selectors) {
    const code = codes[selector] as Code;
    for (let left = GROUP; left > 0; left--) {
      const symbol = nextSymbol(bits, code);
      if (symbol <= 1) {
        // A run of the byte in front, its length in bijective base 2.
        run += weight << symbol;
        weight *= 2;
        if (run > block.most) damaged("a run longer than a block");
        continue;
      }
      if (run > 0) {
        const front = order[0] as number;
        grow(block, length, run);
        block.entries.fill(front, length, length + run);
        counts[front] = (counts[front] as number) + run;
        length += run;
        run = 0;
        weight = 1;
      }
      if (symbol === last) return { length, counts };
      if (length >= block.entries.length || length >= block.most) grow(block, length, 1);
      const byte = order[symbol - 1] as number;
      order.copyWithin(1, 0, symbol - 1);
      order[0] = byte;
      block.entries[length++] = byte;
      counts[byte] = (counts[byte] as number) + 1;
    }
  }
  return damaged("a block without its end");
}

function grow(block: Block, length: number, count: number): void {
  if (length + count > block.most) damaged("longer than a block");
  if (length + count <= block.entries.length) return;
  const entries = new Uint32Array(Math.min(block.most, Math.max(length + count, block.entries.length * 2)));
  entries.set(block.entries.subarray(0, length));
  block.entries = entries;
}

function nextSymbol(bits: Bits, { limits, bases, symbols }: Code): number {
  let code = 0;
  for (let length = 1; length <= MAX_CODE; length++) {
    code = (code << 1) | bits.take(1);
    if (code <= (limits[length] as number)) {
      return symbols[code - (bases[length] as number)] ?? damaged("a code");
    }
  }
  return damaged("a code");
}

/** The inverse of the transform: above each byte, the place of the one that follows it. */
function unsort(room: Uint32Array, length: number, counts: Uint32Array): void {
  const places = new Uint32Array(256);
  for (let byte = 1; byte < 256; byte++) places[byte] = (places[byte - 1] as number) + (counts[byte - 1] as number);
  for (let at = 0; at < length; at++) {
    const byte = (room[at] as number) & 0xff;
    const place = places[byte] as number;
    places[byte] = place + 1;
    room[place] = ((room[place] as number) & 0xff) | (at << 8);
  }
}

/** Walks the block and undoes its first step: four equal bytes are followed by how many more there are. */
function runs(room: Uint32Array, length: number, origin: number, out: Output): void {
  let entry = (room[origin] as number) >>> 8;
  let previous = -1;
  let run = 0;
  for (let left = length; left > 0; left--) {
    const pair = room[entry] as number;
    const byte = pair & 0xff;
    entry = pair >>> 8;
    if (run === 4) {
      out.reserve(byte);
      out.bytes.fill(previous, out.length, out.length + byte);
      out.length += byte;
      run = 0;
      continue;
    }
    run = run > 0 && byte === previous ? run + 1 : 1;
    previous = byte;
    out.reserve(1);
    out.bytes[out.length++] = byte;
  }
  if (run === 4) damaged("a run without its length");
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte << 24;
  for (let bit = 0; bit < 8; bit++) sum = sum < 0 ? (sum << 1) ^ 0x04c1_1db7 : sum << 1;
  return sum >>> 0;
});

/** CRC-32 of bzip2: the polynomial of zlib's, the highest bit first. */
function checkSum(bytes: Uint8Array): number {
  let sum = -1;
  for (const byte of bytes) sum = (sum << 8) ^ (CRC_TABLE[(sum >>> 24) ^ byte] as number);
  return ~sum >>> 0;
}
