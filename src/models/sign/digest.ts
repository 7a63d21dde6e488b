/**
 * The digest of a stretch of a file: the work that the hashing threads do. Synchronous, since it runs where nobody waits
 * but the thread itself.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { createBlake3 } from "./blake3.ts";
import type { SignErrorCode } from "./errors.ts";
import type { FileIdentity } from "./walk.ts";

/** The names of the OMS algorithm registry. */
export const HASH_TYPES = ["sha256", "blake2b", "blake3"] as const;

export type HashType = (typeof HASH_TYPES)[number];

/** One stretch to hash. */
export interface Stretch {
  readonly name: string;
  readonly path: string;
  readonly identity: FileIdentity;
  readonly from: number;
  /** The end, exclusive. */
  readonly to: number;
}

export type Digested = { readonly digest: string } | { readonly fault: DigestFault };

/** Why there is no digest, in a form that crosses threads. */
interface DigestFault {
  readonly code: SignErrorCode;
  readonly detail: string;
}

/**
 * Bytes read at once. Large enough that calls cost nothing, small enough that what was copied from the page cache is
 * still in the core's own cache when it is hashed.
 */
const CHUNK_BYTES = 256 * 1024;

const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);

/**
 * Hashes one stretch.
 *
 * The file is opened without following a link, and must be the very file that was listed, in size and time of change,
 * before the first byte is read and after the last: bytes of two versions never make one digest.
 *
 * @param read told of each chunk of bytes that was hashed
 */
export function digestStretch(stretch: Stretch, hashType: HashType, read: (bytes: number) => void): Digested {
  const { name, path, identity, from, to } = stretch;
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    if (!isSame(file, identity)) return changed(name);
    const hash = startHash(hashType);
    for (let at = from; at < to;) {
      const count = readSync(file, buffer, 0, Math.min(CHUNK_BYTES, to - at), at);
      if (count === 0) return changed(name);
      hash.update(count === CHUNK_BYTES ? buffer : buffer.subarray(0, count));
      at += count;
      read(count);
    }
    if (!isSame(file, identity)) return changed(name);
    return { digest: hash.digest() };
  } catch (error) {
    return { fault: { code: "models.file-unreadable", detail: `${name}: ${reasonOf(error)}` } };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A hash under way. */
function startHash(hashType: HashType): { update(bytes: Uint8Array): unknown; digest(): string } {
  if (hashType === "blake3") return createBlake3();
  const hash = createHash(hashType === "blake2b" ? "blake2b512" : hashType);
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest("hex") };
}

function isSame(file: number, identity: FileIdentity): boolean {
  const stats = fstatSync(file, { bigint: true });
  return (
    stats.dev === identity.device &&
    stats.ino === identity.inode &&
    stats.size === identity.size &&
    stats.mtimeNs === identity.modifiedNs
  );
}

function changed(name: string): Digested {
  return { fault: { code: "models.file-changed", detail: name } };
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error));
}
