/**
 * The decoder of LZMA: LZ77 with a range coder and adaptive probabilities. The window is the output itself, so that no
 * dictionary is allocated.
 *
 * Contract: reads only what its input holds; writes to `Output`, which keeps the limits; a stream that breaks the format
 * is given up where it does.
 *
 * Source: LZMA specification of the LZMA SDK 9.20 (lzma-specification.txt); liblzma 5.4 (lzma_decoder.c), whose limit is
 * kept: lc + lp at most 4.
 *
 * @module
 */

import { damaged, type Output, StreamError, unsupported } from "./output.ts";

/** Most bytes of a dictionary that is declared: what liblzma writes at most. More is no honest file. */
const MAX_DICTIONARY = 1.5 * 2 ** 30;
/** A smaller one counts as one of this many bytes. */
export const MIN_DICTIONARY = 4_096;
/** Steps of a state that is made anew: many small chunks cost more than what they put out. */
const STATE_STEPS = 1_000;

// Where the probabilities of each kind begin, in one array.
const IS_MATCH = 0;
const IS_REP = IS_MATCH + 12 * 16;
const IS_REP_0 = IS_REP + 12;
const IS_REP_1 = IS_REP_0 + 12;
const IS_REP_2 = IS_REP_1 + 12;
const IS_REP_0_LONG = IS_REP_2 + 12;
const SLOT = IS_REP_0_LONG + 12 * 16;
const SPECIAL = SLOT + 4 * 64;
const ALIGN = SPECIAL + 128;
const LENGTH = ALIGN + 16;
// Of a length: two choices, then the low, middle and high trees.
const LENGTH_LOW = 2;
const LENGTH_MIDDLE = LENGTH_LOW + 16 * 8;
const LENGTH_HIGH = LENGTH_MIDDLE + 16 * 8;
const REP_LENGTH = LENGTH + LENGTH_HIGH + 256;
const LITERAL = REP_LENGTH + LENGTH_HIGH + 256;

/** The state of a decoder, which LZMA2 carries from chunk to chunk. All methods throw `StreamError` by name. */
export class LzmaDecoder {
  readonly #bytes: Uint8Array;
  readonly #out: Output;
  #at = 0;
  #limit = 0;
  #range = 0;
  #code = 0;
  #probabilities = new Uint16Array(LITERAL);
  #lc = 0;
  #literalMask = 0;
  #positionMask = 0;
  #state = 0;
  #rep0 = 0;
  #rep1 = 0;
  #rep2 = 0;
  #rep3 = 0;
  /** Where the window begins in the output, and how far back it reaches. */
  #from = 0;
  #window = 0;

  constructor(bytes: Uint8Array, out: Output) {
    this.#bytes = bytes;
    this.#out = out;
  }

  resetDictionary(size: number): void {
    if (size > MAX_DICTIONARY) {
      throw new StreamError("large", `a dictionary of ${size} bytes, limit ${MAX_DICTIONARY}`);
    }
    this.#window = Math.max(size, MIN_DICTIONARY);
    this.#from = this.#out.length;
  }

  /** One byte: (pb * 5 + lp) * 9 + lc. The state is to be reset after it. */
  setProperties(byte: number): void {
    if (byte >= 225) damaged("properties");
    const lc = byte % 9;
    const lp = Math.floor(byte / 9) % 5;
    if (lc + lp > 4) unsupported(`lc ${lc} and lp ${lp}`);
    this.#lc = lc;
    this.#literalMask = (1 << lp) - 1;
    this.#positionMask = (1 << Math.floor(byte / 45)) - 1;
    const size = LITERAL + (0x300 << (lc + lp));
    if (this.#probabilities.length !== size) this.#probabilities = new Uint16Array(size);
  }

  resetState(): void {
    this.#out.work(STATE_STEPS);
    this.#probabilities.fill(1_024);
    this.#state = 0;
    this.#rep0 = 0;
    this.#rep1 = 0;
    this.#rep2 = 0;
    this.#rep3 = 0;
  }

  /** Begins to read at `at`, up to `limit`. */
  startRange(at: number, limit: number): void {
    this.#at = at;
    this.#limit = limit;
    if (this.#next() !== 0) damaged("start of the range coder");
    this.#range = 0xffff_ffff;
    this.#code = 0;
    for (let byte = 0; byte < 4; byte++) this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  /** Where the input of the range coder ends. */
  end(): number {
    this.#normalise();
    if (this.#code !== 0) damaged("end of the range coder");
    return this.#at;
  }

  /** As `end`, after all bytes of a known length: an end marker may follow them. */
  endOrMarker(): number {
    this.#normalise();
    if (this.#code !== 0 && !this.#symbol(this.#out.length, true)) damaged("longer than it says");
    return this.end();
  }

  /** Writes until the output is `target` bytes long, or the end marker comes where it may. @returns whether it came */
  decode(target: number, marker: boolean): boolean {
    while (this.#out.length < target) if (this.#symbol(target, marker)) return true;
    return false;
  }

  /** A literal or a match. @returns whether it was the end marker */
  #symbol(target: number, marker: boolean): boolean {
    const position = (this.#out.length - this.#from) & this.#positionMask;
    const place = (this.#state << 4) + position;
    if (this.#bit(IS_MATCH + place) === 0) {
      this.#literal();
      return false;
    }
    let length = 1;
    if (this.#bit(IS_REP + this.#state) === 0) {
      this.#rep3 = this.#rep2;
      this.#rep2 = this.#rep1;
      this.#rep1 = this.#rep0;
      length = this.#length(LENGTH, position);
      this.#state = this.#state < 7 ? 7 : 10;
      this.#rep0 = this.#distance(length);
      if (this.#rep0 === 0xffff_ffff) return marker || damaged("an end marker");
    } else if (this.#repeatedDistance(place)) {
      length = this.#length(REP_LENGTH, position);
      this.#state = this.#state < 7 ? 8 : 11;
    } else this.#state = this.#state < 7 ? 9 : 11;
    this.#copy(length, target);
    return false;
  }

  /** Chooses one of the last four distances. @returns whether a length follows; a single byte otherwise */
  #repeatedDistance(place: number): boolean {
    if (this.#bit(IS_REP_0 + this.#state) === 0) return this.#bit(IS_REP_0_LONG + place) === 1;
    let distance = this.#rep1;
    if (this.#bit(IS_REP_1 + this.#state) === 1) {
      distance = this.#rep2;
      if (this.#bit(IS_REP_2 + this.#state) === 1) {
        distance = this.#rep3;
        this.#rep3 = this.#rep2;
      }
      this.#rep2 = this.#rep1;
    }
    this.#rep1 = this.#rep0;
    this.#rep0 = distance;
    return true;
  }

  #copy(length: number, target: number): void {
    const out = this.#out;
    const written = out.length - this.#from;
    if (this.#rep0 >= written || this.#rep0 >= this.#window) damaged("a distance before the window");
    const count = Math.min(length, target - out.length);
    out.repeat(this.#rep0 + 1, count);
    if (count < length) damaged("longer than it says");
  }

  #literal(): void {
    const out = this.#out;
    out.reserve(1);
    const at = out.length - this.#from;
    const previous = at > 0 ? (out.bytes[out.length - 1] as number) : 0;
    const context = ((at & this.#literalMask) << this.#lc) + (previous >> (8 - this.#lc));
    const base = LITERAL + 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7) {
      // After a match the byte that would have gone on with it is a guess, bit by bit, until it is wrong.
      if (this.#rep0 >= at) damaged("a distance before the window");
      let guess = out.bytes[out.length - this.#rep0 - 1] as number;
      while (symbol < 0x100) {
        const expected = (guess >> 7) & 1;
        guess <<= 1;
        const bit = this.#bit(base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(base + symbol);
    out.bytes[out.length++] = symbol & 0xff;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #length(base: number, position: number): number {
    if (this.#bit(base) === 0) return 2 + this.#tree(base + LENGTH_LOW + (position << 3), 3);
    if (this.#bit(base + 1) === 0) return 10 + this.#tree(base + LENGTH_MIDDLE + (position << 3), 3);
    return 18 + this.#tree(base + LENGTH_HIGH, 8);
  }

  /** One less than the distance; all bits set is the end marker. */
  #distance(length: number): number {
    const slot = this.#tree(SLOT + (Math.min(length - 2, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const high = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return high + this.#reversed(SPECIAL + high - slot, bits);
    return high + this.#direct(bits - 4) * 16 + this.#reversed(ALIGN, 4);
  }

  #tree(base: number, bits: number): number {
    let symbol = 1;
    for (let bit = 0; bit < bits; bit++) symbol = (symbol << 1) | this.#bit(base + symbol);
    return symbol - (1 << bits);
  }

  /** A tree whose lowest bit comes first. */
  #reversed(base: number, bits: number): number {
    let node = 1;
    let symbol = 0;
    for (let bit = 0; bit < bits; bit++) {
      const value = this.#bit(base + node);
      node = (node << 1) | value;
      symbol |= value << bit;
    }
    return symbol;
  }

  /** Bits that are as likely 0 as 1. */
  #direct(bits: number): number {
    let value = 0;
    for (let bit = 0; bit < bits; bit++) {
      this.#normalise();
      this.#range >>>= 1;
      const set = this.#code >= this.#range;
      if (set) this.#code -= this.#range;
      value = value * 2 + (set ? 1 : 0);
    }
    return value;
  }

  #bit(index: number): 0 | 1 {
    this.#normalise();
    const probability = this.#probabilities[index] as number;
    const bound = (this.#range >>> 11) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      this.#probabilities[index] = probability + ((2_048 - probability) >> 5);
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    this.#probabilities[index] = probability - (probability >> 5);
    return 1;
  }

  #normalise(): void {
    if (this.#range >= 0x100_0000) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#next()) >>> 0;
  }

  #next(): number {
    if (this.#at >= this.#limit) damaged("cut short");
    return this.#bytes[this.#at++] as number;
  }
}
