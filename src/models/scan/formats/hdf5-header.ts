/**
 * The object headers of HDF5: versions 1 and 2, with their continuations, as a flat list of messages.
 *
 * Source: HDF5 File Format Specification 3.0, IV.A.
 *
 * @module
 */

import { ByteReader } from "../reader.ts";
import { bytesSource, type Source } from "../source.ts";

/** What a superblock says about all numbers of a file. */
export interface Hdf5File {
  readonly source: Source;
  /** Where addresses count from. */
  readonly base: number;
  readonly offsetSize: number;
  readonly lengthSize: number;
}

/** Messages that matter here. */
export const Message = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** A bit of a message's flags: what follows is a reference to a message that is kept elsewhere. */
export const SHARED = 0x02;

export interface Hdf5Message {
  readonly type: number;
  readonly flags: number;
  readonly data: Source;
}

/** A header that is none, or that refers to itself. */
export class Hdf5Invalid extends Error {
  override readonly name = "Hdf5Invalid";
}

/** A reader at `address`. Undefined for the address that means «none». @throws Hdf5Invalid past the end */
export function readerAt({ source, base, offsetSize }: Hdf5File, address: bigint): ByteReader | undefined {
  if (address === (1n << BigInt(8 * offsetSize)) - 1n) return undefined;
  const at = address + BigInt(base);
  if (at >= BigInt(source.size)) throw new Hdf5Invalid(`an address of ${address}, past the end`);
  return new ByteReader(source, Number(at));
}

/** The next address or length of `size` bytes: 2, 4 or 8. */
export function sized(reader: ByteReader, size: number): bigint {
  if (size === 8) return reader.u64();
  return BigInt(size === 4 ? reader.u32() : reader.u16());
}

/** Whether the bytes at the reader's place are `text`, which is then behind it. */
export function isMagic(reader: ByteReader, text: string): boolean {
  for (const character of text) if (reader.u8() !== character.charCodeAt(0)) return false;
  return true;
}

/** Most messages of one object: dense storage takes over long before. */
const MAX_MESSAGES = 65_536;

/** The messages of the object at `address`, in their order. @throws Hdf5Invalid, Truncated */
export function readHeader(file: Hdf5File, address: bigint): readonly Hdf5Message[] {
  const reader = readerAt(file, address);
  if (reader === undefined) throw new Hdf5Invalid("an object without an address");
  const messages: Hdf5Message[] = [];
  const seen = new Set<number>();
  const open: { readonly reader: ByteReader; readonly end: number }[] = [];
  const version2 = reader.peek() === 0x4f;
  const first = version2 ? openVersion2(reader) : { ...openVersion1(reader), ordered: false };
  open.push(first);
  for (let block = open.pop(); block !== undefined; block = open.pop()) {
    if (seen.has(block.reader.position)) throw new Hdf5Invalid("a header that continues in itself");
    seen.add(block.reader.position);
    const before = messages.length;
    readBlock(block.reader, block.end, version2, first.ordered, messages);
    for (const { type, data } of messages.slice(before)) {
      if (type === Message.continuation) open.push(...continued(file, data, version2));
    }
    if (messages.length > MAX_MESSAGES) throw new Hdf5Invalid(`more than ${MAX_MESSAGES} messages in one object`);
  }
  return messages;
}

/** The type of a data set's elements, which it has itself or shares. @throws Hdf5Invalid, Truncated */
export function datatypeOf(file: Hdf5File, messages: readonly Hdf5Message[]): Source | undefined {
  const message = messages.find(({ type }) => type === Message.datatype);
  if (message === undefined) return undefined;
  return (message.flags & SHARED) === 0 ? message.data : sharedType(file, message.data);
}

/**
 * A type that an object of its own keeps, which a reference leads to (IV.A.2, «Shared Message»). Undefined where it is kept
 * in another way. @throws Hdf5Invalid, Truncated
 */
export function sharedType(file: Hdf5File, reference: Source): Source | undefined {
  const reader = new ByteReader(reference);
  const version = reader.u8();
  // Of version 3, a reference of kind 1 leads into a heap of messages.
  if (version < 1 || version > 3 || (reader.u8() !== 2 && version === 3)) return undefined;
  if (version === 1) reader.skip(6);
  const messages = readHeader(file, sized(reader, file.offsetSize));
  return messages.find(({ type, flags }) => type === Message.datatype && (flags & SHARED) === 0)?.data;
}

function openVersion1(reader: ByteReader): { readonly reader: ByteReader; readonly end: number } {
  if (reader.u8() !== 1) throw new Hdf5Invalid(`no object at ${reader.position - 1}`);
  reader.skip(7);
  const size = reader.u32();
  reader.skip(4);
  return { reader, end: reader.position + size };
}

function openVersion2(reader: ByteReader): {
  readonly reader: ByteReader;
  readonly end: number;
  readonly ordered: boolean;
} {
  if (!isMagic(reader, "OHDR") || reader.u8() !== 2) throw new Hdf5Invalid(`no object at ${reader.position}`);
  const flags = reader.u8();
  if ((flags & 0x20) !== 0) reader.skip(16);
  if ((flags & 0x10) !== 0) reader.skip(4);
  let size = 0;
  for (let index = 0; index < 1 << (flags & 3); index++) size += reader.u8() * 256 ** index;
  return { reader, end: reader.position + size, ordered: (flags & 0x04) !== 0 };
}

function readBlock(reader: ByteReader, end: number, version2: boolean, ordered: boolean, into: Hdf5Message[]): void {
  const head = version2 ? (ordered ? 6 : 4) : 8;
  if (end > reader.end) throw new Hdf5Invalid("a header that reaches past the end");
  while (reader.position + head <= end) {
    const type = version2 ? reader.u8() : reader.u16();
    const size = reader.u16();
    const flags = reader.u8();
    reader.skip(version2 ? (ordered ? 2 : 0) : 3);
    if (reader.position + size > end) throw new Hdf5Invalid("a message that reaches past its header");
    into.push({ type, flags, data: bytesSource(reader.bytes(size)) });
    if (into.length > MAX_MESSAGES) return;
  }
}

function continued(
  file: Hdf5File,
  data: Source,
  version2: boolean,
): readonly { readonly reader: ByteReader; readonly end: number }[] {
  const reader = new ByteReader(data);
  const block = readerAt(file, sized(reader, file.offsetSize));
  if (block === undefined) return [];
  const end = block.position + sizedLengthOf(reader, file);
  if (version2) {
    if (!isMagic(block, "OCHK")) throw new Hdf5Invalid("a continuation that is none");
    // A checksum of four bytes ends the block.
    return [{ reader: block, end: end - 4 }];
  }
  return [{ reader: block, end }];
}

/** A length that stands in a message counts against the file, not against the message. */
function sizedLengthOf(reader: ByteReader, file: Hdf5File): number {
  const value = sized(reader, file.lengthSize);
  if (value > BigInt(file.source.size)) throw new Hdf5Invalid(`a length of ${value}, more than the file has`);
  return Number(value);
}
