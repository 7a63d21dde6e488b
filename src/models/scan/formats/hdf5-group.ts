/**
 * The links of HDF5 groups: symbol tables of old files, link messages of new ones. Links to other files are what a scan
 * looks for; links in the file lead on.
 *
 * Source: HDF5 File Format Specification 3.0, III.A (B-tree), III.B (symbol table), III.D (local heap), IV.A.2.g (link).
 *
 * @module
 */

import { ByteReader, Truncated } from "../reader.ts";
import type { Source } from "../source.ts";
import { cString } from "./hdf5-attribute.ts";
import { Hdf5Invalid, isMagic, readerAt, sized, type Hdf5File } from "./hdf5-header.ts";

export type Hdf5Link =
  | { readonly kind: "hard"; readonly name: string; readonly address: bigint }
  | { readonly kind: "soft"; readonly name: string }
  | { readonly kind: "external"; readonly name: string; readonly file: string };

/** Bytes of a name. */
const MAX_NAME = 64 * 1024;

/** Most nodes of one tree. */
const MAX_NODES = 1_000_000;

/** The links of the symbol table that a message refers to. @throws Hdf5Invalid, Truncated */
export function* symbolTable(file: Hdf5File, data: Source): Generator<Hdf5Link, void, undefined> {
  const message = new ByteReader(data);
  const tree = sized(message, file.offsetSize);
  const heap = localHeap(file, sized(message, file.offsetSize));
  const open = [tree];
  const seen = new Set<bigint>();
  for (let address = open.pop(); address !== undefined; address = open.pop()) {
    if (seen.has(address)) throw new Hdf5Invalid("a tree that leads back to itself");
    seen.add(address);
    if (seen.size > MAX_NODES) throw new Hdf5Invalid(`a tree of more than ${MAX_NODES} nodes`);
    const reader = readerAt(file, address);
    if (reader === undefined) continue;
    if (reader.peek() === 0x54) open.push(...treeChildren(file, reader).toReversed());
    else yield* symbols(file, reader, heap);
  }
}

/** A link message. @throws Hdf5Invalid, Truncated */
export function readLink(file: Hdf5File, data: Source): Hdf5Link {
  const reader = new ByteReader(data);
  if (reader.u8() !== 1) throw new Hdf5Invalid("a link of an unknown version");
  const flags = reader.u8();
  const type = (flags & 0x08) === 0 ? 0 : reader.u8();
  if ((flags & 0x04) !== 0) reader.skip(8);
  if ((flags & 0x10) !== 0) reader.skip(1);
  let length = 0;
  for (let index = 0; index < 1 << (flags & 3); index++) length += reader.u8() * 256 ** index;
  const name = cString(reader.bytes(length));
  if (type === 0) return { kind: "hard", name, address: sized(reader, file.offsetSize) };
  if (type === 1) return { kind: "soft", name };
  const value = reader.bytes(reader.u16());
  return { kind: "external", name, file: cString(value.subarray(1)) };
}

/** The name at `offset` of the local heap at `address`: also of the files that hold a data set's bytes. */
export function localHeap(file: Hdf5File, address: bigint): (offset: number) => string {
  const reader = readerAt(file, address);
  if (reader === undefined || !isMagic(reader, "HEAP")) throw new Hdf5Invalid("a heap of names that is none");
  reader.skip(4);
  const size = Number(sized(reader, file.lengthSize));
  sized(reader, file.lengthSize);
  const start = readerAt(file, sized(reader, file.offsetSize))?.position ?? 0;
  return (offset) => {
    if (offset > size || start + offset > file.source.size) throw new Hdf5Invalid("a name outside its heap");
    return cString(Uint8Array.from(file.source.read(start + offset, Math.min(MAX_NAME, size - offset))));
  };
}

function treeChildren(file: Hdf5File, reader: ByteReader): bigint[] {
  if (!isMagic(reader, "TREE") || reader.u8() !== 0) throw new Hdf5Invalid("a tree of groups that is none");
  reader.skip(1);
  const used = reader.u16();
  reader.skip(2 * file.offsetSize);
  const children: bigint[] = [];
  for (let index = 0; index < used; index++) {
    reader.skip(file.lengthSize);
    children.push(sized(reader, file.offsetSize));
  }
  return children;
}

function* symbols(file: Hdf5File, reader: ByteReader, nameAt: (offset: number) => string): Generator<Hdf5Link> {
  if (!isMagic(reader, "SNOD")) throw new Hdf5Invalid("a table of names that is none");
  reader.skip(2);
  const count = reader.u16();
  for (let index = 0; index < count; index++) {
    const offset = sized(reader, file.offsetSize);
    const address = sized(reader, file.offsetSize);
    const cached = reader.u32();
    reader.skip(20);
    if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new Truncated("a name past the end");
    const name = nameAt(Number(offset));
    yield cached === 2 ? { kind: "soft", name } : { kind: "hard", name, address };
  }
}
