/**
 * The digest of a stretch of a file: the work that the hashing threads do.
 *
 * @module
 */

import { createHash, hash as hashAtOnce } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, read as readCallback, readSync } from "node:fs";
import { promisify } from "node:util";
import { createBlake3 } from "./blake3.ts";
import type { FileIdentity } from "./walk.ts";

/** The names of the OMS algorithm registry. */
export const HASH_TYPES = ["sha256", "blake2b", "blake3"] as const;

export type HashType = (typeof HASH_TYPES)[number];

/** One stretch to hash. */
export interface FileStretch {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly from: number;
  /** The end, exclusive. */
  readonly to: number;
}

/** The digest in hex, or why there is none, in a form that crosses threads. */
export type Digested =
  | { readonly digest: string }
  | { readonly code: "models.file-changed" }
  | { readonly code: "models.file-unreadable"; readonly reason: string };

export interface DigestOptions {
  /** Told of bytes that were hashed. */
  readonly read?: (bytes: number) => void;
  /**
   * Whether a core is free to read the next bytes while these are hashed: bytes that come from another core's cache are
   * hashed as fast as this core can. Where every core hashes, it would only cost.
   */
  readonly ahead?: boolean;
}

/**
 * Bytes read at once. Large enough that calls cost nothing, small enough that what was copied from the page cache is
 * still in the core's own cache when it is hashed.
 */
const CHUNK_BYTES = 256 * 1024;
/** Bytes read ahead: more, since each time costs two turns between threads. */
const AHEAD_BYTES = 1024 * 1024;

const NAMES: Readonly<Record<Exclude<HashType, "blake3">, string>> = { sha256: "sha256", blake2b: "blake2b512" };

const CHANGED: Digested = { code: "models.file-changed" };

const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
const readLater = promisify(readCallback);

/**
 * Hashes one stretch.
 *
 * The file is opened without following a link, and must be the very file that was listed, in size and time of change,
 * after the last byte is read, and where it is read in several pieces before the first: bytes of two versions never make
 * one digest.
 */
export async function digestStretch(
  stretch: FileStretch,
  hashType: HashType,
  { read, ahead = false }: DigestOptions = {},
): Promise<Digested> {
  const { path, identity, from, to } = stretch;
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    if (to - from <= CHUNK_BYTES && hashType !== "blake3") {
      const count = readSync(file, buffer, 0, to - from, from);
      if (count < to - from || !isSame(file, identity)) return CHANGED;
      read?.(count);
      return { digest: hashAtOnce(NAMES[hashType], buffer.subarray(0, count), "hex") };
    }
    if (!isSame(file, identity)) return CHANGED;
    const hash = startHash(hashType);
    const update = (bytes: Uint8Array): void => {
      hash.update(bytes);
      read?.(bytes.length);
    };
    const whole =
      ahead && to - from > AHEAD_BYTES ? await readAhead(file, stretch, update) : readInTurn(file, stretch, update);
    if (!whole || !isSame(file, identity)) return CHANGED;
    return { digest: hash.digest() };
  } catch (error) {
    return { code: "models.file-unreadable", reason: reasonOf(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** @returns false where the file ends before `to` */
function readInTurn(file: number, { from, to }: FileStretch, update: (bytes: Uint8Array) => void): boolean {
  for (let at = from; at < to;) {
    const count = readSync(file, buffer, 0, Math.min(CHUNK_BYTES, to - at), at);
    if (count === 0) return false;
    update(buffer.subarray(0, count));
    at += count;
  }
  return true;
}

/** The same, and the next piece is read by a thread of libuv meanwhile. */
async function readAhead(
  file: number,
  { from, to }: FileStretch,
  update: (bytes: Uint8Array) => void,
): Promise<boolean> {
  let [now, next] = [Buffer.allocUnsafeSlow(AHEAD_BYTES), Buffer.allocUnsafeSlow(AHEAD_BYTES)];
  const start = (into: Buffer, at: number): Promise<{ readonly bytesRead: number }> =>
    readLater(file, into, 0, Math.min(AHEAD_BYTES, to - at), at);
  let reading = start(now, from);
  for (let at = from; at < to;) {
    const { bytesRead } = await reading;
    if (bytesRead === 0) return false;
    at += bytesRead;
    if (at < to) reading = start(next, at);
    update(now.subarray(0, bytesRead));
    [now, next] = [next, now];
  }
  return true;
}

/** A hash under way. */
function startHash(hashType: HashType): { update(bytes: Uint8Array): unknown; digest(): string } {
  if (hashType === "blake3") return createBlake3();
  const hash = createHash(NAMES[hashType]);
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest("hex") };
}

function isSame(file: number, identity: FileIdentity): boolean {
  const stats = fstatSync(file, { bigint: true });
  return (
    isEqual(stats.dev, identity.device) &&
    isEqual(stats.ino, identity.inode) &&
    isEqual(stats.size, identity.size) &&
    isEqual(stats.mtimeNs, identity.modifiedNs)
  );
}

/** Modulo 2^64, as numbers come from another thread. */
function isEqual(one: bigint, other: bigint): boolean {
  return BigInt.asIntN(64, one) === BigInt.asIntN(64, other);
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error));
}
