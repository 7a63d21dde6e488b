/**
 * Encrypts or decrypts a stretch of a file's chunks, from one open file to another, each chunk at its own place. Chunks
 * do not depend on each other, so that threads work on stretches side by side, and a stretch is all the memory it takes.
 *
 * Synchronous: it runs in threads of its own (`segment-thread.ts`), or for small files where it is called.
 *
 * @module
 */

import { readSync, writevSync } from "node:fs";
import {
  CHUNK_BYTES,
  chunkCount,
  chunkInvalid,
  openChunk,
  sealChunk,
  SEALED_CHUNK_BYTES,
  sealedBytes,
} from "./age/payload.ts";
import { sealError } from "./errors.ts";

/** What is done to all chunks of one file. File descriptors belong to the process, and so to all of its threads. */
export interface Passage {
  readonly direction: "seal" | "unseal";
  readonly key: Uint8Array;
  /** Bytes of the content. */
  readonly size: number;
  readonly from: number;
  /** Where in `from` the first chunk is. */
  readonly fromOffset: number;
  readonly to: number;
  readonly toOffset: number;
}

/** Chunks of a segment: 1 MiB. Larger ones were no faster, and each thread holds one twice. */
const SEGMENT_CHUNKS = 16;

/**
 * What node:crypto returns lies outside of the heap, where it is not counted, and is freed when the heap is collected:
 * without this a thread held some 50 MB of it. Something on the heap for each chunk has it collected every few megabytes.
 */
const ballast: { slots: readonly unknown[] } = { slots: [] };
const BALLAST_SLOTS = 2048;

/** Segments of a content of so many bytes. */
export function segmentCount(size: number): number {
  return Math.ceil(chunkCount(size) / SEGMENT_CHUNKS);
}

/**
 * Does one segment; `buffer` is as large as {@link segmentBuffer} makes it, and free for the next afterwards.
 *
 * @returns bytes of the content done
 * @throws `seal.payload-invalid`, before anything of the segment is written; `seal.source-changed` where the file that is
 *   sealed has become shorter
 */
export function doSegment(passage: Passage, segment: number, buffer: Uint8Array): number {
  const { direction, key, size, from, fromOffset, to, toOffset } = passage;
  const chunks = chunkCount(size);
  const first = segment * SEGMENT_CHUNKS;
  const end = Math.min(chunks, first + SEGMENT_CHUNKS);
  const seals = direction === "seal";
  const [unitIn, unitOut] = seals ? [CHUNK_BYTES, SEALED_CHUNK_BYTES] : [SEALED_CHUNK_BYTES, CHUNK_BYTES];
  const totalIn = seals ? size : sealedBytes(size);

  const length = Math.min(end * unitIn, totalIn) - first * unitIn;
  const held = buffer.subarray(0, length);
  const read = readFully(from, held, fromOffset + first * unitIn);
  if (read < length) throw seals ? sealError("seal.source-changed") : chunkInvalid(first + Math.floor(read / unitIn));

  const out: Uint8Array[] = [];
  for (let index = first; index < end; index++) {
    const chunk = held.subarray((index - first) * unitIn, (index - first + 1) * unitIn);
    const last = index === chunks - 1;
    // oxlint-disable-next-line unicorn/no-new-array -- filling the slots would cost more than encrypting
    ballast.slots = new Array(BALLAST_SLOTS);
    if (seals) out.push(...sealChunk(key, index, last, chunk));
    else out.push(openChunk(key, index, last, chunk));
  }
  writeFully(to, out, toOffset + first * unitOut);
  return Math.min(end * CHUNK_BYTES, size) - first * CHUNK_BYTES;
}

/** Memory for the segments of one thread, of a content of so many bytes. */
export function segmentBuffer(size: number): Uint8Array {
  return Buffer.allocUnsafeSlow(Math.min(SEGMENT_CHUNKS, chunkCount(size)) * SEALED_CHUNK_BYTES);
}

function readFully(file: number, buffer: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const bytes = readSync(file, buffer, filled, buffer.length - filled, position + filled);
    if (bytes === 0) break;
    filled += bytes;
  }
  return filled;
}

/** A disk that fills up may take a part of the bytes without an error: the rest is tried until there is one. */
function writeFully(file: number, parts: readonly Uint8Array[], position: number): void {
  let rest = parts.filter((part) => part.length > 0);
  let at = position;
  while (rest.length > 0) {
    let written = writevSync(file, rest, at);
    at += written;
    rest = rest.flatMap((part) => {
      const done = Math.min(written, part.length);
      written -= done;
      return done === part.length ? [] : [part.subarray(done)];
    });
  }
}
