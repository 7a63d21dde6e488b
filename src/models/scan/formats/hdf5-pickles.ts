/**
 * Pickles in HDF5: what PyTables, and pandas through it, and hickle unpickle when a file is read. They are scanned as what
 * they are.
 *
 * - an attribute that is one string and ends with a dot, which is how every pickle ends (PyTables)
 * - an array of objects: each lies in the global heap, whatever the chunks that refer to it are compressed with (PyTables)
 * - a data set of bytes (hickle, and who keeps `pickle.dumps` in one)
 *
 * Sources: PyTables 3.11, `attributeset.py` (`__getattr__`) and `atom.py` (`ObjectAtom`); hickle 5.0, `lookup.py`
 * (`load_pickled_data`, `_type_table`).
 *
 * @module
 */

import type { ScanContext } from "../format.ts";
import { ByteReader } from "../reader.ts";
import { bytesSource, sliceSource, type Source } from "../source.ts";
import { heapObjects } from "./hdf5-attribute.ts";
import { Message, readerAt, sized, type Hdf5File, type Hdf5Message } from "./hdf5-header.ts";
import { pickleFormat } from "./pickle/pickle.ts";

/** What in a file its reader unpickles: objects in heaps, or any bytes. */
export type Unpickled = "bytes" | "objects";

const DOT = 0x2e;

/** Scans the value of an attribute, where it is a pickle. */
export function scanAttribute(value: Uint8Array, where: string, context: ScanContext): void {
  const size = value.findLastIndex((byte) => byte !== 0) + 1;
  if (value[size - 1] === DOT) scanPickle(bytesSource(value.subarray(0, size)), where, context);
}

/** What an attribute says that a reader unpickles: an array of objects its elements, a file of hickle bytes anywhere. */
export function unpickledBy(name: string, text: string): Unpickled | undefined {
  if (name === "PSEUDOATOM" && text === "object") return "objects";
  return name === "HICKLE_VERSION" ? "bytes" : undefined;
}

/**
 * Scans the data of an object, where that is bytes in one piece.
 *
 * @param type of its elements: a datatype message
 * @returns false where it is bytes in chunks, which are not read
 */
export function scanData(
  file: Hdf5File,
  messages: readonly Hdf5Message[],
  type: Source,
  where: string,
  context: ScanContext,
): boolean {
  const layout = messages.find(({ type: kind }) => kind === Message.layout)?.data;
  if (layout === undefined || !isOfBytes(type)) return true;
  const data = dataOf(file, layout);
  if (data === "chunks") return false;
  if (data !== undefined) scanPickle(data, `data of ${where}`, context);
  return true;
}

/** Numbers (class 0) and bits (4) of one byte, strings (3) and what is opaque (5) of any length (IV.A.2.d). */
function isOfBytes(type: Source): boolean {
  const reader = new ByteReader(type);
  const kind = reader.u8() & 0x0f;
  reader.skip(3);
  return kind === 3 || kind === 5 || ((kind === 0 || kind === 4) && reader.u32() === 1);
}

/** Where data lies: in its header, in one piece, or in chunks (IV.A.2.i). Undefined where there is none yet, or elsewhere. */
function dataOf(file: Hdf5File, layout: Source): Source | "chunks" | undefined {
  const reader = new ByteReader(layout);
  const version = reader.u8();
  const rank = version < 3 ? reader.u8() : 0;
  const kind = reader.u8();
  if (version < 3) reader.skip(5);
  if (kind === 2) return "chunks";
  if (kind > 2) return undefined;
  const place = kind === 1 ? readerAt(file, sized(reader, file.offsetSize)) : undefined;
  // The older versions say how many elements there are, of a size that stands elsewhere: what is behind is read as well.
  if (version < 3) reader.skip(4 * rank);
  if (kind === 0) {
    const inHeader = version < 3 ? reader.u32() : reader.u16();
    return sliceSource(layout, reader.position, inHeader);
  }
  if (place === undefined) return undefined;
  const size = version < 3 ? file.source.size : Number(sized(reader, file.lengthSize));
  return sliceSource(file.source, place.position, size);
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
