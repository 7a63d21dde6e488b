/**
 * Encrypts or decrypts a stretch of a file's chunks, from one open file to another, each chunk at its own place. Chunks
 * do not depend on each other, so that threads work on stretches side by side, and a stretch is all the memory it takes.
 *
 * Synchronous: it runs in threads of its own (`segment-thread.ts`), or for small files where it is called. It loads next
 * to nothing, so that its errors are data.
 *
 * @module
 */

import type { KeyObject } from "node:crypto";
import { readSync, writevSync } from "node:fs";
import {
  CHUNK_BYTES,
  chunkCount,
  openChunk,
  releaseChunk,
  sealChunk,
  SEALED_CHUNK_BYTES,
  sealedBytes,
} from "./age/chunk.ts";

/** What is done to all chunks of one file. File descriptors belong to the process, and so to all of its threads. */
export interface Passage {
  readonly direction: "seal" | "unseal";
  readonly key: KeyObject;
  /** Bytes of the content. */
  readonly size: number;
  readonly from: number;
  /** Where in `from` the first chunk is. */
  readonly fromOffset: number;
  readonly to: number;
  readonly toOffset: number;
}

/** Why a segment could not be done: a chunk that is not what was sealed, or a file that became shorter meanwhile. */
export type SegmentFault =
  | { readonly code: "seal.payload-invalid"; readonly chunk: number }
  | { readonly code: "seal.source-changed" };

/** Does one segment. @returns bytes of the content done, or the fault, and then nothing of the segment is written */
type DoSegment = (segment: number) => number | SegmentFault;

/** What threads share: numbers in an array, at these places. */
export const Shared = {
  /** Number of the segment that is taken next. */
  next: 0,
  /** Bytes of the content done. */
  done: 1,
  /** Not 0: take no more. */
  stop: 2,
} as const;

/** What a thread is started with. */
export interface ThreadData {
  readonly passage: Passage;
  /** As {@link Shared} says. */
  readonly shared: BigInt64Array<SharedArrayBuffer>;
}

/** How a thread ended: with a fault, an error of the system, or well. */
export interface Ending {
  readonly fault?: SegmentFault;
  readonly system?: string;
}

/** Chunks of a segment: 1 MiB. Larger ones were no faster, and each thread holds one twice. */
const SEGMENT_CHUNKS = 16;

/** Segments of a content of so many bytes. */
export function segmentCount(size: number): number {
  return Math.ceil(chunkCount(size) / SEGMENT_CHUNKS);
}

/** What does the segments of a passage, one after another, in memory that it keeps. */
export function segmentWork({ direction, key, size, from, fromOffset, to, toOffset }: Passage): DoSegment {
  const seals = direction === "seal";
  const [unitIn, unitOut] = seals ? [CHUNK_BYTES, SEALED_CHUNK_BYTES] : [SEALED_CHUNK_BYTES, CHUNK_BYTES];
  const totalIn = seals ? size : sealedBytes(size);
  const chunks = chunkCount(size);
  const buffer = Buffer.allocUnsafeSlow(Math.min(SEGMENT_CHUNKS, chunks) * unitIn);

  return (segment) => {
    const first = segment * SEGMENT_CHUNKS;
    const end = Math.min(chunks, first + SEGMENT_CHUNKS);
    const held = buffer.subarray(0, Math.min(end * unitIn, totalIn) - first * unitIn);
    const read = readFully(from, held, fromOffset + first * unitIn);
    if (read < held.length) return seals ? { code: "seal.source-changed" } : invalid(first + Math.floor(read / unitIn));

    const out: Uint8Array[] = [];
    for (let index = first; index < end; index++) {
      const chunk = held.subarray((index - first) * unitIn, (index - first + 1) * unitIn);
      const last = index === chunks - 1;
      if (seals) {
        out.push(...sealChunk(key, index, last, chunk));
      } else {
        const plain = openChunk(key, index, last, chunk);
        if (plain === undefined) return invalid(index);
        out.push(plain);
      }
    }
    writeFully(to, out, toOffset + first * unitOut);
    for (const part of out) releaseChunk(part);
    return Math.min(end * CHUNK_BYTES, size) - first * CHUNK_BYTES;
  };
}

function invalid(chunk: number): SegmentFault {
  return { code: "seal.payload-invalid", chunk };
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
