/**
 * A cursor over a source for parsers of binary formats: bounded, little or big endian, over a window of the source, so
 * that a file of gigabytes costs the window's memory.
 *
 * Reading past the end throws {@link Truncated}; so does skipping past it. Nothing is ever read or made up beyond it.
 *
 * @module
 */

import type { Source } from "./source.ts";

/** Bytes that the window holds: few at first, since many readers read little, and four times as many with each next one. */
const FIRST_WINDOW = 4 * 1024;
const WINDOW = 256 * 1024;

/** Most bytes that one call hands out: a length of the file must not decide how much memory is taken. */
export const MAX_READ = 128 * 1024 * 1024;

/** The source ended where more was promised. */
export class Truncated extends Error {
  override readonly name = "Truncated";
}

/** A length that is over {@link MAX_READ}. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

export class ByteReader {
  readonly source: Source;
  readonly end: number;
  /** Where the next byte is read. */
  position: number;
  #window: Uint8Array = new Uint8Array(0);
  #from = 0;

  constructor(source: Source, position = 0) {
    this.source = source;
    this.position = position;
    this.end = source.size;
  }

  get left(): number {
    return Math.max(0, this.end - this.position);
  }

  /** The next byte, or -1 at the end. */
  peek(): number {
    return this.position < this.end ? this.#byteAt(this.position) : -1;
  }

  u8(): number {
    if (this.position >= this.end) throw truncated(this.position);
    return this.#byteAt(this.position++);
  }

  u16(bigEndian = false): number {
    const [a, b] = [this.u8(), this.u8()];
    return bigEndian ? a * 0x100 + b : b * 0x100 + a;
  }

  u32(bigEndian = false): number {
    const [a, b] = [this.u16(bigEndian), this.u16(bigEndian)];
    return bigEndian ? a * 0x1_0000 + b : b * 0x1_0000 + a;
  }

  i32(bigEndian = false): number {
    return this.u32(bigEndian) | 0;
  }

  u64(bigEndian = false): bigint {
    const [a, b] = [BigInt(this.u32(bigEndian)), BigInt(this.u32(bigEndian))];
    return bigEndian ? (a << 32n) | b : (b << 32n) | a;
  }

  /** An unsigned 64-bit length or offset, as a number. What is past 2^53 is past the end of any file. @throws Truncated */
  length64(bigEndian = false): number {
    const value = this.u64(bigEndian);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw truncated(this.position);
    return Number(value);
  }

  /** The next `length` bytes, as a copy. @throws Truncated, TooLong */
  bytes(length: number): Uint8Array {
    if (!(length >= 0) || length > this.left) throw truncated(this.position);
    if (length > MAX_READ) throw new TooLong(`${length} bytes in one piece, more than ${MAX_READ}`);
    const from = this.position;
    this.position += length;
    if (from >= this.#from && from + length <= this.#from + this.#window.length) {
      return this.#window.slice(from - this.#from, from - this.#from + length);
    }
    return new Uint8Array(this.source.read(from, length));
  }

  skip(length: number): void {
    if (!(length >= 0) || length > this.left) throw truncated(this.position);
    this.position += length;
  }

  /**
   * The bytes up to the next `\n`, which is left out, or undefined where the source ends before it. Of a line that is
   * longer than `max` bytes only the first `max` are kept; the cursor stands behind all of it.
   */
  line(max: number): Uint8Array | undefined {
    const from = this.position;
    for (let at = from; at < this.end; at = this.#from + this.#window.length) {
      if (!this.#covers(at)) this.#load(at);
      const found = this.#window.indexOf(0x0a, at - this.#from);
      if (found < 0) continue;
      const length = this.#from + found - from;
      this.position = from;
      const kept = this.bytes(Math.min(length, max));
      this.position = from + length + 1;
      return kept;
    }
    return undefined;
  }

  #byteAt(at: number): number {
    if (!this.#covers(at)) this.#load(at);
    return this.#window[at - this.#from] as number;
  }

  #covers(at: number): boolean {
    return at >= this.#from && at < this.#from + this.#window.length;
  }

  /** A copy: what the source hands out holds only until its next read. */
  #load(at: number): void {
    const size = Math.min(WINDOW, Math.max(FIRST_WINDOW, 4 * this.#window.length));
    this.#window = new Uint8Array(this.source.read(at, Math.min(size, this.end - at)));
    this.#from = at;
    if (this.#window.length === 0) throw truncated(at);
  }
}

function truncated(at: number): Truncated {
  return new Truncated(`the bytes end at ${at}, where more was promised`);
}
