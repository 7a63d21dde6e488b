/**
 * The bytes of a member: in place where they are stored, decompressed into memory where they are not. Lengths are
 * bounded by what the archive says, and what the stream says differently is a problem.
 *
 * @module
 */

import { crc32 } from "node:zlib";

import type { ScanContext } from "../../format.ts";
import { MAX_READ } from "../../reader.ts";
import { bytesSource, type Source } from "../../source.ts";
import { readBzip2 } from "../compressed/bz2.ts";
import { readDeflate } from "../compressed/deflate.ts";
import { readZipLzma } from "../compressed/lzma.ts";
import { readStream, type StreamReader } from "../compressed/output.ts";
import { readXz } from "../compressed/xz.ts";
import { readZstd } from "../compressed/zstd.ts";
import type { ZipMember } from "./archive.ts";
import { ZIP_RULES, type ZipProblem } from "./rules.ts";

export interface OpenedMember {
  /** None where its bytes cannot be read. */
  readonly source?: Source;
  readonly problems: readonly ZipProblem[];
}

const STORED = 0;

/** Methods of compression (4.4.5) and their readers; 20 is what zstd was called first. */
const READERS: ReadonlyMap<number, StreamReader> = new Map([
  [8, readDeflate],
  [12, readBzip2],
  [14, readZipLzma],
  [20, readZstd],
  [93, readZstd],
  [95, readXz],
]);

/** Most bytes of which a checksum is made: more is tensors, which a signature covers. */
const MAX_CRC = 4 * 1024 * 1024;

/**
 * Opens a member. Where decompressing it is over the budget, the limit has been reported, and there is no source.
 *
 * A member that says it is encrypted is read as if it were not: loaders that ignore the flag do so too. Where the bytes
 * then have the member's checksum, they were never encrypted.
 */
export function openMember(member: ZipMember, spend: ScanContext["spend"]): OpenedMember {
  const encrypted = (member.flags & 0x2041) !== 0 || member.method === 99;
  const { source, problems } = unpack(member, spend);
  if (encrypted) {
    if (source !== undefined && source.size <= MAX_READ && checksum(source) === member.crc && member.crc !== 0) {
      const detail = `${member.name}: flags 0x${member.flags.toString(16)}`;
      return { source, problems: [{ rule: ZIP_RULES.falseEncryption, offset: member.local, detail }] };
    }
    return { problems: [{ rule: ZIP_RULES.encrypted, offset: member.local, detail: member.name }] };
  }
  // Of what was not read whole the sum says nothing.
  const isWhole = problems.length === 0 && source !== undefined && source.size <= MAX_CRC && source.size > 0;
  if (!isWhole) return withSource(source, problems);
  if (checksum(source) === member.crc) return withSource(source, problems);
  const rule = member.crc === 0 ? ZIP_RULES.noCrc : ZIP_RULES.crc;
  return withSource(source, [...problems, { rule, offset: member.local, detail: member.name }]);
}

const CHUNK = 64 * 1024;

function unpack(member: ZipMember, spend: ScanContext["spend"]): OpenedMember {
  const { method, packed, size, name, local } = member;
  if (method === STORED) return { source: packed, problems: [] };
  const reader = READERS.get(method);
  if (reader === undefined) {
    return { problems: [{ rule: ZIP_RULES.method, offset: local, detail: `${name}: method ${method}` }] };
  }
  if (size > MAX_UNPACKED || packed.size > MAX_UNPACKED) {
    const detail = `${name}: ${size} bytes, limit ${MAX_UNPACKED}`;
    return { problems: [{ rule: ZIP_RULES.large, offset: local, detail }] };
  }
  const bytes = packed.read(0, packed.size);
  const { bytes: unpacked, used, error } = readStream(reader, bytes, size, spend);
  const problems: ZipProblem[] = [];
  if (error === undefined) {
    if (unpacked.length !== size) problems.push(lie(member, `it says ${size} bytes and holds ${unpacked.length}`));
    if (used !== bytes.length) problems.push(lie(member, `${bytes.length - used} bytes behind its end`));
  } else if (error.failure === "budget") {
    // A budget is reported by whoever keeps it.
    return { problems: [] };
  } else if (error.failure === "large") {
    problems.push(lie(member, `it holds more than the ${size} bytes that it says`));
  } else {
    const rule = error.failure === "damaged" ? ZIP_RULES.broken : ZIP_RULES.method;
    problems.push({ rule, offset: local, detail: `${name}: ${error.message}` });
  }
  // What comes out before the damage: a loader of streams has run it by then.
  return unpacked.length === 0 && size > 0 ? { problems } : { source: bytesSource(unpacked), problems };
}

/** Most bytes that are decompressed at once: they are held in memory, with what they came from. */
const MAX_UNPACKED = 4 * MAX_READ;

function lie({ name, local }: ZipMember, what: string): ZipProblem {
  return { rule: ZIP_RULES.disagree, offset: local, detail: `${name}: ${what}` };
}

function checksum(source: Source): number {
  let sum = 0;
  for (let at = 0; at < source.size; at += CHUNK) sum = crc32(source.read(at, CHUNK), sum);
  return sum;
}

function withSource(source: Source | undefined, problems: readonly ZipProblem[]): OpenedMember {
  return source === undefined ? { problems } : { source, problems };
}
