/**
 * Where the directory of a zip archive is, and what it says: the end record, its zip64 form, the central headers.
 *
 * Readers find the directory in two ways: zipfile counts its size back from the end record, miniz goes to the offset
 * that the end record names. Where these are two places that both hold a directory, both are read.
 *
 * Source: PKWARE APPNOTE.TXT 6.3.10; section numbers below are its.
 *
 * @module
 */

import { crc32 } from "node:zlib";

import { ByteReader } from "../../reader.ts";
import type { Source } from "../../source.ts";
import { ZIP_RULES, type ZipProblem } from "./rules.ts";

/** A member, as its central header describes it (4.3.12). */
export interface ZipEntry {
  /** Decoded as UTF-8, or byte for byte where it is not UTF-8. For people, and to tell members by. */
  readonly name: string;
  readonly rawName: Uint8Array;
  /** The name that its Unicode Path field has, which readers that know the field take instead. */
  readonly unicodeName?: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  /** Bytes in the archive, and unpacked. */
  readonly compressed: number;
  readonly size: number;
  /** Where its local header begins, in the file. */
  readonly local: number;
  /** Unix mode, or 0. */
  readonly mode: number;
}

export interface ZipDirectory {
  readonly entries: readonly ZipEntry[];
  /** The first byte of the directory, and the first one behind the whole archive. */
  readonly start: number;
  readonly end: number;
  /** Where the comment of the archive begins, which ends with it. */
  readonly comment: number;
  /** Bytes before the archive: offsets count from there. */
  readonly prefix: number;
  readonly problems: readonly ZipProblem[];
}

export const SIGNATURE = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50 } as const;
const LOCATOR64 = 0x07064b50;
const END_BYTES = 22;
const LOCATOR64_BYTES = 20;
const END64_BYTES = 56;
/** The end record, and the longest comment behind it. */
const MAX_END = END_BYTES + 0xffff;

interface EndRecord {
  readonly at: number;
  readonly commentEnd: number;
  /** Where the end records begin: that of zip64, where there is one. */
  readonly first: number;
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

/** The directories of an archive, the one that most readers take first; none where there is no end record. */
export function readDirectories(source: Source): readonly ZipDirectory[] {
  return endRecords(source).flatMap(({ record, problems }) => directoriesOf(source, record, problems));
}

/** Whether an end record stands where it should, with a directory. */
export function hasDirectory(source: Source): boolean {
  return endRecords(source).some(
    ({ record }) =>
      (record.size === 0 && record.commentEnd === source.size) ||
      signatureAt(source, record.first - record.size) === SIGNATURE.central ||
      signatureAt(source, record.offset) === SIGNATURE.central,
  );
}

interface FoundEnd {
  readonly record: EndRecord;
  readonly problems: readonly ZipProblem[];
}

/** The last end record, and one before it whose comment the last one is. */
function endRecords(source: Source): readonly FoundEnd[] {
  const from = Math.max(0, source.size - MAX_END);
  const tail = new Uint8Array(source.read(from, MAX_END));
  const found: number[] = [];
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail[at] !== 0x50 || tail[at + 1] !== 0x4b || tail[at + 2] !== 5 || tail[at + 3] !== 6) continue;
    const comment = (tail[at + 20] as number) + 0x100 * (tail[at + 21] as number);
    const exact = at + END_BYTES + comment === tail.length;
    if (found.length === 0 || exact) found.push(from + at);
  }
  return found.map((at, index) => {
    const { record, problems } = endRecord(source, at);
    if (index === 0) return { record, problems };
    const detail = "an end record in the comment of another";
    return { record, problems: [...problems, { rule: ZIP_RULES.disagree, offset: at, detail }] };
  });
}

function endRecord(source: Source, at: number): FoundEnd {
  const reader = new ByteReader(source, at + 4);
  const problems: ZipProblem[] = [];
  const disks = [reader.u16(), reader.u16()];
  if (disks.some((disk) => disk !== 0 && disk !== 0xffff)) {
    problems.push({ rule: ZIP_RULES.broken, offset: at, detail: "one of several disks" });
  }
  reader.skip(2);
  const own = { count: reader.u16(), size: reader.u32(), offset: reader.u32() };
  const commentEnd = Math.min(source.size, at + END_BYTES + reader.u16());
  const found64 = end64(source, at, problems);
  if (found64 === undefined) return { record: { at, commentEnd, first: at, ...own }, problems };
  const { first, ...wide } = found64;
  // 4.4.1.4: what does not fit is all ones; what does fit says the same as the wide record.
  const differs =
    (own.count !== 0xffff && own.count !== wide.count) ||
    (own.size !== 0xffff_ffff && own.size !== wide.size) ||
    (own.offset !== 0xffff_ffff && own.offset !== wide.offset);
  if (differs) problems.push({ rule: ZIP_RULES.disagree, offset: at, detail: "the end record and that of zip64" });
  return { record: { at, commentEnd, first, ...wide }, problems };
}

/** The zip64 end record: by the locator's offset (miniz), and right before the locator (zipfile). */
function end64(
  source: Source,
  end: number,
  problems: ZipProblem[],
): { first: number; count: number; size: number; offset: number } | undefined {
  const locator = end - LOCATOR64_BYTES;
  if (locator < 0 || signatureAt(source, locator) !== LOCATOR64) return undefined;
  const named = new ByteReader(source, locator + 8).length64();
  const before = locator - END64_BYTES;
  const at = signatureAt(source, before) === SIGNATURE.end64 ? before : named;
  if (at !== named) {
    // An archive behind other bytes: its offsets count from its own beginning.
    const detail = "the place of the zip64 end record";
    if (signatureAt(source, named) === SIGNATURE.end64) problems.push({ rule: ZIP_RULES.disagree, offset: at, detail });
  }
  if (signatureAt(source, at) !== SIGNATURE.end64) {
    problems.push({ rule: ZIP_RULES.broken, offset: locator, detail: "no zip64 end record where the locator points" });
    return undefined;
  }
  const reader = new ByteReader(source, at + 32);
  return { first: at, count: reader.length64(), size: reader.length64(), offset: reader.length64() };
}

function directoriesOf(source: Source, record: EndRecord, problems: readonly ZipProblem[]): readonly ZipDirectory[] {
  const counted = record.first - record.size;
  const own = [...problems];
  if (counted === record.offset) return [readDirectory(source, record, counted, 0, own)];
  const atNamed = signatureAt(source, record.offset) === SIGNATURE.central;
  const atCounted = counted >= 0 && signatureAt(source, counted) === SIGNATURE.central;
  if (atNamed && atCounted) {
    own.push({ rule: ZIP_RULES.disagree, offset: record.at, detail: "two directories, by offset and by size" });
    return [
      readDirectory(source, record, counted, counted - record.offset, own),
      readDirectory(source, record, record.offset, 0, []),
    ];
  }
  if (atNamed) {
    own.push({ rule: ZIP_RULES.disagree, offset: record.at, detail: "the size of the directory" });
    return [readDirectory(source, record, record.offset, 0, own)];
  }
  if (counted < 0) {
    own.push({ rule: ZIP_RULES.broken, offset: record.at, detail: "a directory longer than the file" });
    const comment = record.at + END_BYTES;
    return [{ entries: [], start: record.first, end: record.commentEnd, comment, prefix: 0, problems: own }];
  }
  return [readDirectory(source, record, counted, counted - record.offset, own)];
}

function readDirectory(
  source: Source,
  record: EndRecord,
  start: number,
  prefix: number,
  problems: ZipProblem[],
): ZipDirectory {
  const entries: ZipEntry[] = [];
  const reader = new ByteReader(source, start);
  while (reader.position + 4 <= record.first && signatureAt(source, reader.position) === SIGNATURE.central) {
    try {
      entries.push(readEntry(reader, prefix));
    } catch {
      problems.push({ rule: ZIP_RULES.broken, offset: reader.position, detail: "a header that is cut short" });
      break;
    }
  }
  const counted = record.count;
  const fits = counted === entries.length || (counted < 0x1_0000 && counted === entries.length % 0x1_0000);
  if (!fits) {
    const detail = `${entries.length} members, where the end record counts ${counted}`;
    problems.push({ rule: ZIP_RULES.disagree, offset: record.at, detail });
  } else if (reader.position !== Math.min(record.first, start + record.size)) {
    problems.push({ rule: ZIP_RULES.disagree, offset: reader.position, detail: "the size of the directory" });
  }
  return { entries, start, end: record.commentEnd, comment: record.at + END_BYTES, prefix, problems };
}

function readEntry(reader: ByteReader, prefix: number): ZipEntry {
  reader.skip(8);
  const flags = reader.u16();
  const method = reader.u16();
  reader.skip(4);
  const crc = reader.u32();
  const sizes = { compressed: reader.u32(), size: reader.u32() };
  const [nameLength, extraLength, commentLength] = [reader.u16(), reader.u16(), reader.u16()];
  reader.skip(4);
  const external = reader.u32();
  const offset = reader.u32();
  const rawName = reader.bytes(nameLength);
  const extra = reader.bytes(extraLength);
  reader.skip(commentLength);
  const wide = widened(extra, [sizes.size, sizes.compressed, offset]);
  const unicodeName = unicodePath(extra, rawName);
  return {
    name: decodeName(rawName),
    rawName,
    ...(unicodeName === undefined ? {} : { unicodeName }),
    flags,
    method,
    crc,
    size: wide[0] as number,
    compressed: wide[1] as number,
    local: (wide[2] as number) + prefix,
    mode: external >>> 16,
  };
}

/**
 * The values, with those that are all ones replaced from the zip64 extra field (4.5.3), in its order.
 *
 * @throws Truncated where the field is too short for them
 */
export function widened(extra: Uint8Array, values: readonly number[]): readonly number[] {
  const field = extraField(extra, 0x0001);
  if (field === undefined) return values;
  const reader = new ByteReader({ size: field.length, read: (at, length) => field.subarray(at, at + length) });
  return values.map((value) => (value === 0xffff_ffff ? reader.length64() : value));
}

/** The name of the Unicode Path field (4.6.9), which counts where it has the checksum of the name in the header. */
function unicodePath(extra: Uint8Array, rawName: Uint8Array): string | undefined {
  const field = extraField(extra, 0x7075);
  if (field === undefined || field.length < 5 || field[0] !== 1) return undefined;
  const sum = new DataView(field.buffer, field.byteOffset + 1, 4).getUint32(0, true);
  return sum === crc32(rawName) ? decodeName(field.subarray(5)) : undefined;
}

function extraField(extra: Uint8Array, wanted: number): Uint8Array | undefined {
  for (let at = 0; at + 4 <= extra.length;) {
    const id = (extra[at] as number) + 0x100 * (extra[at + 1] as number);
    const length = (extra[at + 2] as number) + 0x100 * (extra[at + 3] as number);
    if (id === wanted) return extra.subarray(at + 4, at + 4 + length);
    at += 4 + length;
  }
  return undefined;
}

/** The little-endian 32 bits at `at`, or -1 where there are none. */
export function signatureAt(source: Source, at: number): number {
  if (at < 0 || at + 4 > source.size) return -1;
  return new DataView(new Uint8Array(source.read(at, 4)).buffer).getUint32(0, true);
}

function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString("latin1");
  }
}
