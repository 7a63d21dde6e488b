/**
 * A file of the model as a source, and the certainty that it is the file that was listed and hashed: another file, a link
 * or a changed one in its place is refused.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

import type { Source } from "../scan/source.ts";
import { signError } from "../sign/errors.ts";
import type { ModelFile } from "../sign/walk.ts";

/**
 * Opens `file`, hands its bytes to `use`, and closes it.
 *
 * @throws `models.file-unreadable`, `models.file-changed`, and what `use` throws
 */
export function withFile<Result>(file: ModelFile, use: (source: Source) => Result): Result {
  let handle: number;
  try {
    // A link or a pipe in the file's place must neither be followed nor waited for.
    handle = openSync(file.path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw signError("models.file-unreadable", { detail: file.name, cause });
  }
  try {
    checkIdentity(handle, file);
    const result = use({ size: file.size, read: (offset, length) => readAt(handle, file, offset, length) });
    checkIdentity(handle, file);
    return result;
  } finally {
    closeSync(handle);
  }
}

function readAt(handle: number, file: ModelFile, offset: number, length: number): Uint8Array {
  if (!(offset >= 0) || !(length >= 0)) throw new RangeError(`no such range: ${length} bytes at ${offset}`);
  const wanted = Math.max(0, Math.min(length, file.size - offset));
  const bytes = new Uint8Array(wanted);
  let read = 0;
  while (read < wanted) {
    const got = readSync(handle, bytes, read, wanted - read, offset + read);
    if (got === 0) throw signError("models.file-changed", { detail: file.name });
    read += got;
  }
  return bytes;
}

function checkIdentity(handle: number, { name, identity }: ModelFile): void {
  const stats = fstatSync(handle, { bigint: true });
  const same =
    stats.isFile() &&
    stats.dev === identity.device &&
    stats.ino === identity.inode &&
    stats.size === identity.size &&
    stats.mtimeNs === identity.modifiedNs;
  if (!same) throw signError("models.file-changed", { detail: name });
}
