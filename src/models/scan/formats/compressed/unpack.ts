/**
 * What node:zlib unpacks, brought into the output: whole, or, where the stream is damaged, up to the damage. node:zlib itself
 * gives nothing of a damaged stream, while a loader that reads piece by piece has had all that stands before.
 *
 * @module
 */

import { damaged, type Output, StreamError } from "./output.ts";

/** Unpacks at most `most` bytes of `bytes`, the `whole` stream or the beginning of one. Throws where that is damaged. */
export type Unpack = (
  bytes: Uint8Array,
  most: number,
  whole: boolean,
) => {
  readonly buffer: Uint8Array;
  readonly engine: {
    /** Bytes of the input that were taken. */
    readonly bytesWritten: number;
  };
};

/** Bytes within which the place of the damage is found, and from which the search begins. */
const EXACT = 64;
const FIRST = 4_096;

/**
 * Writes what the stream at the start of `bytes` holds to `out`. @returns the bytes of it
 * @throws StreamError where it is damaged or holds too much; what comes before that was written
 */
export function unpackInto(unpack: Unpack, bytes: Uint8Array, out: Output): number {
  try {
    const { buffer, engine } = unpack(bytes, out.room + 1, true);
    out.adopt(buffer);
    return engine.bytesWritten;
  } catch (error) {
    if (error instanceof StreamError) throw error;
    const isLarge = tooLarge(error);
    out.adopt(beginning(unpack, bytes, out));
    if (isLarge) throw new StreamError("large", `limit ${out.most} bytes`);
    return damaged((error as NodeJS.ErrnoException).code === "Z_BUF_ERROR" ? "cut short" : "its blocks");
  }
}

/** What the longest beginning of `bytes` unpacks to that is not damaged and not too large. */
function beginning(unpack: Unpack, bytes: Uint8Array, out: Output): Uint8Array {
  let best: Uint8Array = new Uint8Array(0);
  const opens = (length: number): boolean => {
    try {
      const { buffer } = unpack(bytes.subarray(0, length), out.room, false);
      // Each try costs what it unpacks, so that many of them end.
      out.work(buffer.length);
      best = buffer;
      return true;
    } catch (error) {
      if (error instanceof StreamError) throw error;
      return false;
    }
  };
  let good = 0;
  let bad = Math.min(FIRST, bytes.length + 1);
  while (bad <= bytes.length && opens(bad)) [good, bad] = [bad, Math.min(bad * 2, bytes.length + 1)];
  if (bad > bytes.length && opens(bytes.length)) return best;
  while (bad - good > EXACT) {
    const middle = Math.floor((good + bad) / 2);
    if (opens(middle)) good = middle;
    else bad = middle;
  }
  for (let length = good + 1; length < bad && opens(length);) length++;
  return best;
}

function tooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}
