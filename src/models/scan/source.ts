/**
 * The bytes that a reader of a format reads: a file, a member of an archive, a stretch of either. Reading is synchronous,
 * since each file has a worker thread of its own that may wait for the disk, and is killed when its time is up.
 *
 * @module
 */

/** Bytes that can be read anywhere. */
export interface Source {
  /** Bytes. */
  readonly size: number;
  /**
   * The bytes from `offset`: `length` of them, or as many as there are before the end. The array is valid until the next
   * call; copy what is kept. @throws RangeError for a negative offset or length
   */
  read(offset: number, length: number): Uint8Array;
}

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array): Source {
  return {
    size: bytes.length,
    read: (offset, length) => {
      checkRange(offset, length);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** The stretch of `source` from `offset`, `length` bytes long. What reaches past the end is left out. */
export function sliceSource(source: Source, offset: number, length: number): Source {
  checkRange(offset, length);
  const from = Math.min(offset, source.size);
  const size = Math.min(length, source.size - from);
  return {
    size,
    read: (at, wanted) => {
      checkRange(at, wanted);
      return source.read(from + Math.min(at, size), Math.min(wanted, Math.max(0, size - at)));
    },
  };
}

/** Bytes that are read at once to look for the end of zeros. */
const STEP = 1024 * 1024;

/** How many zeros `source` begins with: all of its bytes, where it is padding. */
export function leadingZeros(source: Source): number {
  for (let at = 0; at < source.size; at += STEP) {
    const other = source.read(at, STEP).findIndex((byte) => byte !== 0);
    if (other >= 0) return at + other;
  }
  return source.size;
}

function checkRange(offset: number, length: number): void {
  if (!(offset >= 0) || !(length >= 0)) throw new RangeError(`no such range: ${length} bytes at ${offset}`);
}
