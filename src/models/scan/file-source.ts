/**
 * A file as a source: read where it is asked for, through a block that is kept, so that a file of gigabytes costs what is
 * read of it.
 *
 * @module
 */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import type { Source } from "./source.ts";

/** What one small read brings along. */
const BLOCK = 64 * 1024;

/** Most bytes of one read: a length of the file must not decide how much memory is taken. */
const MAX_BYTES = 512 * 1024 * 1024;

export interface FileSource extends Source {
  readonly close: () => void;
}

/**
 * Opens a regular file. What another program writes to it meanwhile is read as it is then; past its first size nothing is
 * read.
 *
 * @throws the system's error where it cannot be opened, and RangeError for what is no regular file
 */
export function openFileSource(path: string): FileSource {
  const descriptor = openSync(path, "r");
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new RangeError("not a regular file");
  }
  const { size } = stat;
  let block: Uint8Array = new Uint8Array(0);
  let from = 0;

  const fill = (target: Uint8Array, offset: number): Uint8Array => {
    let length = 0;
    while (length < target.length) {
      const read = readSync(descriptor, target, length, target.length - length, offset + length);
      if (read === 0) break;
      length += read;
    }
    return target.subarray(0, length);
  };

  return {
    size,
    close: () => closeSync(descriptor),
    read: (offset, wanted) => {
      if (!(offset >= 0) || !(wanted >= 0)) throw new RangeError(`no such range: ${wanted} bytes at ${offset}`);
      const length = Math.max(0, Math.min(wanted, size - offset));
      if (length > MAX_BYTES) throw new RangeError(`${length} bytes in one read, more than ${MAX_BYTES}`);
      if (length === 0) return new Uint8Array(0);
      if (length > BLOCK) return fill(new Uint8Array(length), offset);
      if (offset < from || offset + length > from + block.length) {
        from = offset;
        block = fill(new Uint8Array(Math.min(BLOCK, size - offset)), offset);
      }
      return block.subarray(offset - from, offset - from + length);
    },
  };
}
