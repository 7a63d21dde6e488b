/**
 * Dense storage of HDF5: links and attributes of objects that have many of them lie in a fractal heap, and a B-tree of
 * their names says where in it.
 *
 * Source: HDF5 File Format Specification 3.0, III.A.2 (version 2 B-tree), III.G (fractal heap).
 *
 * @module
 */

import type { ByteReader } from "../reader.ts";
import { bytesSource, type Source } from "../source.ts";
import { Hdf5Invalid, isMagic, readerAt, sized, type Hdf5File } from "./hdf5-header.ts";

/**
 * Where in a record what matters lies, by the type of the tree: the heap's identifier in those of the names of links (5)
 * and attributes (8); address, length and number in those of objects that are too large for the heap (1).
 */
function recordOf(file: Hdf5File, type: number): { readonly before: number; readonly id: number } | undefined {
  if (type === 1) return { before: 0, id: file.offsetSize + 2 * file.lengthSize };
  if (type === 5) return { before: 4, id: 7 };
  return type === 8 ? { before: 0, id: 8 } : undefined;
}

/** Most nodes of one tree. */
const MAX_NODES = 100_000;

/** What the records of the tree at `tree` refer to in the heap at `heap`: bodies of messages. @throws Hdf5Invalid, Truncated */
export function* denseObjects(file: Hdf5File, heap: bigint, tree: bigint): Generator<Source, void, undefined> {
  const opened = openHeap(file, heap);
  for (const id of treeRecords(file, tree)) yield bytesSource(heapObject(file, opened, id));
}

interface Heap {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly width: number;
  readonly startSize: number;
  readonly maxDirect: number;
  /** The tree of the objects that are too large for the heap. */
  readonly huge: bigint;
  readonly root: bigint;
  /** Rows of the root where it is an indirect block; 0 where it is a direct one. */
  readonly rows: number;
}

function openHeap(file: Hdf5File, address: bigint): Heap {
  const reader = readerAt(file, address);
  if (reader === undefined || !isMagic(reader, "FRHP") || reader.u8() !== 0)
    throw new Hdf5Invalid("a heap that is none");
  reader.skip(2);
  const filters = reader.u16();
  if (filters !== 0) throw new Hdf5Invalid("a heap that is compressed");
  reader.skip(1);
  const maxObject = reader.u32();
  reader.skip(file.lengthSize);
  const huge = sized(reader, file.offsetSize);
  reader.skip(9 * file.lengthSize + file.offsetSize);
  const width = reader.u16();
  const startSize = Number(sized(reader, file.lengthSize));
  const maxDirect = Number(sized(reader, file.lengthSize));
  const offsetBytes = Math.ceil(reader.u16() / 8);
  reader.skip(2);
  const root = sized(reader, file.offsetSize);
  const rows = reader.u16();
  if (width < 1 || width > 1024 || startSize < 1 || maxDirect < startSize || offsetBytes > 8 || rows > 64) {
    throw new Hdf5Invalid("a heap of sizes that none has");
  }
  const lengthBytes = Math.min(bytesOf(maxDirect), bytesOf(maxObject));
  return { offsetBytes, lengthBytes, width, startSize, maxDirect, huge, root, rows };
}

/** Bytes that a number up to `limit` takes. */
function bytesOf(limit: number): number {
  return Math.floor(Math.log2(Math.max(limit, 1)) / 8) + 1;
}

/** The object of an identifier: in a block of the heap, or in the identifier itself (III.G). */
function heapObject(file: Hdf5File, heap: Heap, id: Uint8Array): Uint8Array {
  const kind = ((id[0] ?? 0) >> 4) & 3;
  if (kind === 2) return id.slice(1, 2 + ((id[0] ?? 0) & 0x0f));
  if (kind === 1) return hugeObject(file, heap, littleEndian(id.subarray(1)));
  if (kind !== 0) throw new Hdf5Invalid("an object of an unknown kind");
  const offset = littleEndian(id.subarray(1, 1 + heap.offsetBytes));
  const length = littleEndian(id.subarray(1 + heap.offsetBytes, 1 + heap.offsetBytes + heap.lengthBytes));
  const reader = placeInHeap(file, heap, heap.root, heap.rows, offset);
  return reader.bytes(length);
}

function hugeObject(file: Hdf5File, heap: Heap, wanted: number): Uint8Array {
  for (const record of treeRecords(file, heap.huge)) {
    const number = littleEndian(record.subarray(file.offsetSize + file.lengthSize));
    if (number !== wanted) continue;
    const reader = readerAt(file, BigInt(littleEndian(record.subarray(0, file.offsetSize))));
    const length = littleEndian(record.subarray(file.offsetSize, file.offsetSize + file.lengthSize));
    if (reader !== undefined) return reader.bytes(length);
  }
  throw new Hdf5Invalid("an object that its heap does not have");
}

/** Descends from the block at `address` to the direct block that holds `offset`. */
function placeInHeap(file: Hdf5File, heap: Heap, address: bigint, rows: number, offset: number): ByteReader {
  const reader = readerAt(file, address);
  if (reader === undefined) throw new Hdf5Invalid("a block without an address");
  if (rows === 0) {
    if (!isMagic(reader, "FHDB")) throw new Hdf5Invalid("a block of a heap that is none");
    reader.skip(offset - 4 < 0 ? reader.end : offset - 4);
    return reader;
  }
  if (!isMagic(reader, "FHIB")) throw new Hdf5Invalid("a block of a heap that is none");
  reader.skip(1 + file.offsetSize + heap.offsetBytes);
  let start = 0;
  for (let row = 0; row < rows; row++) {
    const size = row === 0 ? heap.startSize : heap.startSize * 2 ** (row - 1);
    const span = size * heap.width;
    if (offset >= start + span) {
      start += span;
      continue;
    }
    const column = Math.floor((offset - start) / size);
    reader.skip((row * heap.width + column) * file.offsetSize);
    const child = sized(reader, file.offsetSize);
    const within = offset - start - column * size;
    // Every level is smaller than the one above, so that this ends.
    const inner = size <= heap.maxDirect ? 0 : Math.floor(Math.log2(size / (heap.startSize * heap.width))) + 1;
    if (inner >= rows && inner > 0) throw new Hdf5Invalid("a heap that does not become smaller");
    return placeInHeap(file, heap, child, inner, within);
  }
  throw new Hdf5Invalid("an object outside its heap");
}

/** What matters in the records of a tree, in the order of its nodes. */
function* treeRecords(file: Hdf5File, address: bigint): Generator<Uint8Array, void, undefined> {
  const header = readerAt(file, address);
  if (header === undefined || !isMagic(header, "BTHD") || header.u8() !== 0)
    throw new Hdf5Invalid("a tree that is none");
  const record = recordOf(file, header.u8());
  const [nodeSize, recordSize, depth] = [header.u32(), header.u16(), header.u16()];
  header.skip(2);
  if (record === undefined || recordSize < record.before + record.id || depth > 16) {
    throw new Hdf5Invalid("a tree of records that are not known");
  }
  const widths = pointerWidths(file, nodeSize, recordSize, depth);
  const open = [{ address: sized(header, file.offsetSize), records: header.u16(), depth }];
  for (let nodes = 0, node = open.pop(); node !== undefined; node = open.pop()) {
    if (++nodes > MAX_NODES) throw new Hdf5Invalid(`a tree of more than ${MAX_NODES} nodes`);
    const reader = readerAt(file, node.address);
    if (reader === undefined) continue;
    if (!isMagic(reader, node.depth === 0 ? "BTLF" : "BTIN")) throw new Hdf5Invalid("a node of a tree that is none");
    reader.skip(2);
    for (let index = 0; index < node.records; index++) {
      reader.skip(record.before);
      yield reader.bytes(record.id);
      reader.skip(recordSize - record.before - record.id);
    }
    if (node.depth === 0) continue;
    const { count, total } = widths[node.depth] ?? { count: 0, total: 0 };
    for (let index = 0; index <= node.records; index++) {
      const child = sized(reader, file.offsetSize);
      const records = littleEndian(reader.bytes(count));
      reader.skip(total);
      open.push({ address: child, records, depth: node.depth - 1 });
    }
  }
}

/** Bytes of the counts in the pointers of nodes at each depth: what the most records below would take (III.A.2). */
function pointerWidths(
  file: Hdf5File,
  nodeSize: number,
  recordSize: number,
  depth: number,
): readonly { readonly count: number; readonly total: number }[] {
  const widths = [{ count: 0, total: 0 }];
  let most = Math.floor((nodeSize - 10) / recordSize);
  let below = most;
  for (let level = 1; level <= depth; level++) {
    const count = bytesOf(most);
    const total = level === 1 ? 0 : bytesOf(below);
    widths.push({ count, total });
    const pointer = file.offsetSize + count + total;
    most = Math.floor((nodeSize - 10 - pointer) / (recordSize + pointer));
    below = (most + 1) * below + most;
  }
  return widths;
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduce((value, byte, index) => value + byte * 256 ** index, 0);
}
