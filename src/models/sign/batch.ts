/**
 * Stretches on their way to a thread: a list of paths and one of numbers. As objects they cost as much to send as a small
 * file costs to hash.
 *
 * @module
 */

import type { Digested, FileStretch } from "./digest.ts";

/** One message to a thread, answered by {@link BatchDone}. */
export interface Batch {
  /** Place of the first stretch among all. */
  readonly first: number;
  readonly paths: readonly string[];
  /** Device, inode, size, time of change, from and to of each, modulo 2^64. */
  readonly numbers: BigInt64Array;
}

export interface BatchDone {
  readonly first: number;
  readonly digests: readonly Digested[];
}

const NUMBERS = 6;

export function packBatch(first: number, stretches: readonly FileStretch[]): Batch {
  const numbers = new BigInt64Array(stretches.length * NUMBERS);
  for (const [index, { identity, from, to }] of stretches.entries()) {
    const { device, inode, size, modifiedNs } = identity;
    numbers.set([device, inode, size, modifiedNs, BigInt(from), BigInt(to)], index * NUMBERS);
  }
  return { first, paths: stretches.map(({ path }) => path), numbers };
}

export function unpackBatch({ paths, numbers }: Batch): FileStretch[] {
  return paths.map((path, index) => {
    const numberAt = (place: number): bigint => numbers[index * NUMBERS + place] as bigint;
    const identity = { device: numberAt(0), inode: numberAt(1), size: numberAt(2), modifiedNs: numberAt(3) };
    return { path, identity, from: Number(numberAt(4)), to: Number(numberAt(5)) };
  });
}
