/**
 * What comes out of a compressed stream: one array that grows with what is written, never with what a header says. It
 * is the window of the LZ formats as well, so that a dictionary costs no memory of its own.
 *
 * @module
 */

import type { Budget } from "../../format.ts";

/**
 * Why a stream was not read to its end: `damaged`; `large`, more than is held in memory; `unsupported`, a kind of it that
 * is not opened here; `budget`, a limit of the whole file, which is reported already.
 */
export type StreamFailure = "damaged" | "large" | "unsupported" | "budget";

/** A stream that was given up. What came out before stands in the output. */
export class StreamError extends Error {
  readonly failure: StreamFailure;

  constructor(failure: StreamFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

/** @throws StreamError always: the stream breaks its format */
export function damaged(what: string): never {
  throw new StreamError("damaged", what);
}

/** @throws StreamError always: the stream is of a kind that is not opened */
export function unsupported(what: string): never {
  throw new StreamError("unsupported", what);
}

/**
 * Reads what stands at the start of `bytes` and writes what it holds to `out`. @returns the bytes of the input that it took
 * @throws StreamError where it is given up
 */
export type StreamReader = (bytes: Uint8Array, out: Output) => number;

/** Bytes that are taken from the budget at once. */
const STEP = 4_096;

export class Output {
  /** Room for more than is written: valid until the next `reserve`. */
  bytes: Uint8Array = new Uint8Array(STEP);
  /** Bytes written. Who writes to `bytes` counts it up. */
  length = 0;
  /** Most bytes that are written. */
  readonly most: number;
  readonly #spend: (what: Budget, amount: number) => boolean;
  #paid = 0;

  /** At most `most` bytes, which are taken from the budget as they are written. */
  constructor(most: number, spend: (what: Budget, amount: number) => boolean) {
    this.most = most;
    this.#spend = spend;
  }

  /** Makes room for `count` bytes behind those written. @throws StreamError `large` or `budget` */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.#paid) this.#pay(needed);
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#paid, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Takes steps for work that writes nothing. @throws StreamError `budget` */
  work(steps: number): void {
    if (!this.#spend("steps", steps)) throw new StreamError("budget", "limit of steps");
  }

  /** Writes `from`. */
  append(from: Uint8Array): void {
    this.reserve(from.length);
    this.bytes.set(from, this.length);
    this.length += from.length;
  }

  /** Bytes that may still be written. */
  get room(): number {
    return this.most - this.length;
  }

  /** Writes `from`, which nobody may change from then on: without a copy, where it is the first. */
  adopt(from: Uint8Array): void {
    if (this.length > 0) {
      this.append(from);
      return;
    }
    this.#pay(from.length);
    this.bytes = from;
    this.length = from.length;
  }

  /** Writes `count` bytes again that stand `distance` before the end, those included that it writes itself. */
  repeat(distance: number, count: number): void {
    this.reserve(count);
    const { bytes, length } = this;
    if (distance >= count && count > 32) bytes.copyWithin(length, length - distance, length - distance + count);
    else for (let at = length; at < length + count; at++) bytes[at] = bytes[at - distance] as number;
    this.length += count;
  }

  /** What was written from `from` on. */
  written(from = 0): Uint8Array {
    return this.bytes.subarray(from, this.length);
  }

  /** Takes what is not yet paid of `needed` bytes from the budget. */
  #pay(needed: number): void {
    if (needed > this.most) throw new StreamError("large", `limit ${this.most} bytes`);
    const step = Math.min(Math.ceil((needed - this.#paid) / STEP) * STEP, this.most - this.#paid);
    if (step > 0 && !this.#spend("bytes", step)) throw new StreamError("budget", "limit of bytes");
    this.#paid += Math.max(0, step);
  }
}

/** What became of a stream: what came out, all of it or what came before it was given up. */
export type StreamRead =
  | {
      readonly bytes: Uint8Array;
      /** Bytes of the input that it took. */
      readonly used: number;
      readonly error: undefined;
    }
  | { readonly bytes: Uint8Array; readonly used: undefined; readonly error: StreamError };

/** Reads the stream at the start of `input`, at most `most` bytes of it, which are taken from the budget. */
export function readStream(
  reader: StreamReader,
  input: Uint8Array,
  most: number,
  spend: (what: Budget, amount: number) => boolean,
): StreamRead {
  const out = new Output(most, spend);
  try {
    const used = reader(input, out);
    return { bytes: out.written(), used, error: undefined };
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { bytes: out.written(), used: undefined, error };
  }
}
