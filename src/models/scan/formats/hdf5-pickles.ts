/**
 * Pickles in HDF5: what PyTables, and pandas through it, unpickles when a file is read. They are scanned as what they are.
 *
 * - an attribute that is one string and ends with a dot, which is how every pickle ends
 * - an array of objects: each lies in the global heap, whatever the chunks that refer to it are compressed with
 *
 * Source: PyTables 3.11, `attributeset.py` (`__getattr__`) and `atom.py` (`ObjectAtom`).
 *
 * @module
 */

import type { ScanContext } from "../format.ts";
import { bytesSource, sliceSource, type Source } from "../source.ts";
import { heapObjects } from "./hdf5-attribute.ts";
import type { Hdf5File } from "./hdf5-header.ts";
import { pickleFormat } from "./pickle/pickle.ts";

const DOT = 0x2e;

/** Scans the value of an attribute, where it is a pickle. */
export function scanAttribute(value: Uint8Array, where: string, context: ScanContext): void {
  const size = value.findLastIndex((byte) => byte !== 0) + 1;
  if (value[size - 1] === DOT) scanPickle(bytesSource(value.subarray(0, size)), where, context);
}

/** Whether an attribute says that its array is of objects. */
export function isOfObjects(name: string, text: string | undefined): boolean {
  return name === "PSEUDOATOM" && text === "object";
}

const CHUNK = 1024 * 1024;
/** Bytes that are searched for one step of the budget. */
const SEARCHED_PER_STEP = 1024;

/** Scans what the global heaps of a file hold. Which of it belongs to an array of objects, its chunks alone would say. */
export function scanHeaps(file: Hdf5File, context: ScanContext): void {
  const { source } = file;
  for (let at = 0; at < source.size; at += CHUNK) {
    if (!context.spend("steps", CHUNK / SEARCHED_PER_STEP)) return;
    // Heaps that begin at the end of a chunk are found in it.
    const bytes = Buffer.from(source.read(at, CHUNK + 3));
    for (let found = bytes.indexOf("GCOL"); found >= 0; found = bytes.indexOf("GCOL", found + 1)) {
      for (const { index, start, size } of heapObjects(file, at + found)) {
        if (!context.spend("steps", 1)) return;
        scanPickle(sliceSource(source, start, size), `object ${index} of the heap at ${at + found}`, context);
      }
    }
  }
}

function scanPickle(source: Source, name: string, context: ScanContext): void {
  if (pickleFormat.sniff(source, name)) context.member(name, source);
}
