/**
 * A zip archive read twice: by its central directory and by its local headers. What the two say differently, what lies
 * over something else, and what lies outside of all members is reported.
 *
 * Source: PKWARE APPNOTE.TXT 6.3.10; section numbers below are its.
 *
 * @module
 */

import { ByteReader } from "../../reader.ts";
import { leadingZeros, sliceSource, type Source } from "../../source.ts";
import { isTflite } from "../tflite.ts";
import { hasDirectory, readDirectories, SIGNATURE, signatureAt, widened, type ZipEntry } from "./directory.ts";
import { ZIP_RULES, type ZipProblem } from "./rules.ts";

export interface ZipMember {
  readonly name: string;
  /** Bytes unpacked, as the archive says. */
  readonly size: number;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  /** The bytes in the archive, packed. */
  readonly packed: Source;
  /** Where they are, and where the member's local header is. */
  readonly offset: number;
  readonly local: number;
}

export interface ZipArchive {
  /** In the order of the directory, with those that only local headers name behind them. */
  readonly members: readonly ZipMember[];
  readonly problems: readonly ZipProblem[];
  /** What is outside of the members and the directory, and not all zeros; comments too. */
  readonly outside: readonly { readonly offset: number; readonly source: Source }[];
}

const FLAG_DESCRIPTOR = 0x8;
const DESCRIPTOR = 0x08074b50;
const LOCAL_BYTES = 30;
const S_IFLNK = 0xa000;
const S_IFMT = 0xf000;

/** Whether the bytes are a zip archive: by a local header at the start, or an end record at the end. */
export function isZip(source: Source): boolean {
  return signatureAt(source, 0) === SIGNATURE.local || hasDirectory(source);
}

/** Reads the structure of an archive: all headers, no content. */
export function readZip(source: Source): ZipArchive {
  const problems: ZipProblem[] = [];
  const directories = readDirectories(source);
  for (const directory of directories) problems.push(...directory.problems);
  if (directories.length === 0) {
    problems.push({ rule: ZIP_RULES.broken, offset: source.size, detail: "no directory at its end" });
    return withLocalsOnly(source, problems);
  }
  const located: Located[] = [];
  for (const { entries } of directories) {
    checkNames(entries, problems);
    for (const entry of entries) {
      const found = locate(source, entry, problems);
      if (found !== undefined) located.push(found);
    }
  }
  // Two headers of one place are told apart from headers that lie inside of another member.
  const ends = new Map<number, number>();
  for (const { member, end } of located) {
    if (ends.has(member.local)) {
      problems.push({
        rule: ZIP_RULES.overlap,
        offset: member.local,
        detail: `${member.name}: one place, two members`,
      });
    }
    ends.set(member.local, Math.max(end, ends.get(member.local) ?? 0));
  }
  const taken = [...ends, ...directories.map(({ start, end }) => [start, end] as const)];
  const outside: { offset: number; source: Source }[] = directories
    .filter(({ comment, end }) => comment < end)
    .map(({ comment, end }) => ({ offset: comment, source: sliceSource(source, comment, end - comment) }));
  const hidden: ZipMember[] = [];
  let reached = 0;
  for (const [from, to] of [
    ...taken.toSorted((one, other) => one[0] - other[0]),
    [source.size, source.size] as const,
  ]) {
    if (from < reached && to > from) {
      problems.push({ rule: ZIP_RULES.overlap, offset: from, detail: "two members, or a member and the directory" });
    }
    if (from > reached) between(source, reached, from, { problems, outside, hidden });
    reached = Math.max(reached, to);
  }
  return { members: [...located.map(({ member }) => member), ...hidden], problems, outside };
}

interface Located {
  readonly member: ZipMember;
  /** One past its data and data descriptor. */
  readonly end: number;
}

/** Finds the data of `entry` by its local header, and compares the two headers (4.3.7). */
function locate(source: Source, entry: ZipEntry, problems: ZipProblem[]): Located | undefined {
  const local = readLocal(source, entry.local);
  const { name } = entry;
  if (local === undefined) {
    problems.push({ rule: ZIP_RULES.broken, offset: entry.local, detail: `${name}: no local header` });
    return undefined;
  }
  const differs = (what: string): void => {
    problems.push({ rule: ZIP_RULES.disagree, offset: entry.local, detail: `${name}: ${what}` });
  };
  if (Buffer.compare(local.rawName, entry.rawName) !== 0) differs(`its local header calls it ${local.name}`);
  if (local.method !== entry.method) differs("the method of compression");
  // Bit 3 may stand in one alone: some writers clear it when they know the sizes after all.
  if ((local.flags & ENCRYPTION_FLAGS) !== (entry.flags & ENCRYPTION_FLAGS)) differs("the flags of encryption");
  const streamed = (local.flags & FLAG_DESCRIPTOR) !== 0;
  for (const [what, here, there] of [
    ["the checksum", local.crc, entry.crc],
    ["the size", local.size, entry.size],
    ["the packed size", local.compressed, entry.compressed],
  ] as const) {
    if (here !== there && !(streamed && here === 0)) differs(what);
  }
  if (entry.method === 0 && (entry.flags & 1) === 0 && entry.compressed !== entry.size)
    differs("the size of stored bytes");
  if (local.data + entry.compressed > source.size) {
    problems.push({ rule: ZIP_RULES.broken, offset: entry.local, detail: `${name}: it reaches past the end` });
  }
  const packedEnd = Math.min(source.size, local.data + entry.compressed);
  const end = streamed ? descriptorEnd(source, packedEnd, entry, differs) : packedEnd;
  return { member: memberOf(source, entry, local.data), end };
}

/** Bits 0, 6 and 13 (4.4.4). */
const ENCRYPTION_FLAGS = 0x2041;

function memberOf(source: Source, entry: ZipEntry, data: number): ZipMember {
  const { name, size, method, flags, crc, compressed, local } = entry;
  return { name, size, method, flags, crc, packed: sliceSource(source, data, compressed), offset: data, local };
}

interface LocalHeader extends ZipEntry {
  readonly data: number;
}

function readLocal(source: Source, at: number): LocalHeader | undefined {
  if (signatureAt(source, at) !== SIGNATURE.local || at + LOCAL_BYTES > source.size) return undefined;
  try {
    const reader = new ByteReader(sliceSource(source, at, LOCAL_BYTES + 2 * 0xffff));
    reader.skip(6);
    const flags = reader.u16();
    const method = reader.u16();
    reader.skip(4);
    const crc = reader.u32();
    const [compressed, size] = [reader.u32(), reader.u32()];
    const [nameLength, extraLength] = [reader.u16(), reader.u16()];
    const rawName = reader.bytes(nameLength);
    const wide = widened(reader.bytes(extraLength), [size, compressed]);
    const name = Buffer.from(rawName).toString("utf8");
    return {
      name,
      rawName,
      flags,
      method,
      crc,
      local: at,
      mode: 0,
      size: wide[0] as number,
      compressed: wide[1] as number,
      data: at + reader.position,
    };
  } catch {
    return undefined;
  }
}

/** One past the data descriptor (4.3.9): with or without its signature, with sizes of 4 or 8 bytes. */
function descriptorEnd(source: Source, at: number, entry: ZipEntry, differs: (what: string) => void): number {
  const signed = signatureAt(source, at) === DESCRIPTOR ? 4 : 0;
  const bytes = new Uint8Array(source.read(at + signed, 20));
  const view = new DataView(bytes.buffer);
  if (bytes.length >= 12 && view.getUint32(0, true) === entry.crc) {
    if (view.getUint32(4, true) === entry.compressed && view.getUint32(8, true) === entry.size) return at + signed + 12;
    const wide = bytes.length >= 20 ? [view.getBigUint64(4, true), view.getBigUint64(12, true)] : [];
    if (wide[0] === BigInt(entry.compressed) && wide[1] === BigInt(entry.size)) return at + signed + 20;
  }
  // Without a signature there may be none at all: writers that could go back leave the flag.
  if (signed === 0) return at;
  differs("the data descriptor");
  return at + signed + 12;
}

function checkNames(entries: readonly ZipEntry[], problems: ZipProblem[]): void {
  const seen = new Set<string>();
  for (const { name, unicodeName = name, local, mode } of entries) {
    // Beside a name in an older code page the field says the same in UTF-8; of ASCII there is one spelling alone.
    if (unicodeName !== name && isAscii(name) && isAscii(unicodeName)) {
      problems.push({ rule: ZIP_RULES.disagree, offset: local, detail: `${name}: its Unicode path is ${unicodeName}` });
    }
    if (seen.has(name)) problems.push({ rule: ZIP_RULES.twice, offset: local, detail: name });
    seen.add(name);
    for (const path of new Set([name, unicodeName])) {
      if (leadsOut(path)) problems.push({ rule: ZIP_RULES.escape, offset: local, detail: path });
    }
    if ((mode & S_IFMT) === S_IFLNK) problems.push({ rule: ZIP_RULES.link, offset: local, detail: name });
  }
}

function isAscii(name: string): boolean {
  return /^[ -~]*$/.test(name);
}

/** Whether unpacking to this name could write elsewhere: up, absolute, on a drive, or cut short at a NUL. */
export function leadsOut(name: string): boolean {
  return /^[/\\]|^[A-Za-z]:|\0/.test(name) || name.split(/[/\\]/).includes("..");
}

/** What lies between members: padding, bytes that no reader looks at, or members that the directory does not name. */
function between(
  source: Source,
  from: number,
  to: number,
  into: { problems: ZipProblem[]; outside: { offset: number; source: Source }[]; hidden: ZipMember[] },
): void {
  let at = from;
  while (at < to) {
    const next = findLocal(source, at, to);
    addOutside(source, at, next ?? to, into);
    if (next === undefined) return;
    const local = readLocal(source, next);
    if (local === undefined) {
      at = next + 4;
      continue;
    }
    into.problems.push({ rule: ZIP_RULES.disagree, offset: next, detail: `${local.name}: not in the directory` });
    const known = (local.flags & FLAG_DESCRIPTOR) === 0 || local.compressed > 0;
    const compressed = Math.min(known ? local.compressed : to - local.data, Math.max(0, to - local.data));
    into.hidden.push(memberOf(source, { ...local, compressed }, local.data));
    at = Math.max(next + 4, local.data + compressed);
  }
}

function addOutside(
  source: Source,
  from: number,
  to: number,
  { problems, outside }: { problems: ZipProblem[]; outside: { offset: number; source: Source }[] },
): void {
  const stretch = sliceSource(source, from, to - from);
  if (to <= from || leadingZeros(stretch) === stretch.size) return;
  outside.push({ offset: from, source: stretch });
  // Behind a model of TensorFlow Lite its labels and vocabularies stand as an archive (TensorFlow Lite metadata).
  if (from === 0 && isTflite(stretch)) return;
  problems.push({ rule: ZIP_RULES.outside, offset: from, detail: `${to - from} bytes` });
}

const STEP = 1024 * 1024;

/** The next local header signature in a stretch. */
function findLocal(source: Source, from: number, to: number): number | undefined {
  for (let at = from; at < to; at += STEP) {
    const length = Math.min(STEP + 3, to - at);
    const bytes = source.read(at, length);
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("PK\u0003\u0004", 0, "latin1");
    if (found >= 0) return at + found;
  }
  return undefined;
}

/** An archive whose end is missing: what a reader of streams would see. */
function withLocalsOnly(source: Source, problems: ZipProblem[]): ZipArchive {
  const hidden: ZipMember[] = [];
  const outside: { offset: number; source: Source }[] = [];
  between(source, 0, source.size, { problems: [], outside, hidden });
  return { members: hidden, problems, outside };
}
