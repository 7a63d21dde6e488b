/**
 * The bytes of a member: in place where they are stored, decompressed into memory where they are not. Lengths are
 * bounded by what the archive says, and what the stream says differently is a problem.
 *
 * @module
 */

import { crc32, constants, inflateRawSync, zstdDecompressSync } from "node:zlib";

import type { ScanContext } from "../../format.ts";
import { MAX_READ } from "../../reader.ts";
import { bytesSource, type Source } from "../../source.ts";
import type { ZipMember } from "./archive.ts";
import { ZIP_RULES, type ZipProblem } from "./rules.ts";

export interface OpenedMember {
  /** None where its bytes cannot be read. */
  readonly source?: Source;
  readonly problems: readonly ZipProblem[];
}

const STORED = 0;
const DEFLATED = 8;
const ZSTD = 93;

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
  if (source === undefined || source.size > MAX_CRC || source.size === 0) return withSource(source, problems);
  if (checksum(source) === member.crc) return withSource(source, problems);
  const rule = member.crc === 0 ? ZIP_RULES.noCrc : ZIP_RULES.crc;
  return withSource(source, [...problems, { rule, offset: member.local, detail: member.name }]);
}

const CHUNK = 64 * 1024;

function unpack(member: ZipMember, spend: ScanContext["spend"]): OpenedMember {
  const { method, packed, size, name, local } = member;
  if (method === STORED) return { source: packed, problems: [] };
  if (method !== DEFLATED && method !== ZSTD) {
    return { problems: [{ rule: ZIP_RULES.method, offset: local, detail: `${name}: method ${method}` }] };
  }
  if (!spend("bytes", size)) return { problems: [] };
  if (size > MAX_UNPACKED || packed.size > MAX_UNPACKED) {
    const detail = `${name}: ${size} bytes, limit ${MAX_UNPACKED}`;
    return { problems: [{ rule: ZIP_RULES.large, offset: local, detail }] };
  }
  const bytes = packed.read(0, packed.size);
  try {
    const { buffer, used } =
      method === DEFLATED ? inflate(bytes, size) : { buffer: unzstd(bytes, size), used: bytes.length };
    const problems: ZipProblem[] = [];
    if (buffer.length !== size) problems.push(lie(member, `it says ${size} bytes and holds ${buffer.length}`));
    if (used !== bytes.length) problems.push(lie(member, `${bytes.length - used} bytes behind its end`));
    return { source: bytesSource(buffer), problems };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      return { problems: [lie(member, `it holds more than the ${size} bytes that it says`)] };
    }
    return { problems: [{ rule: ZIP_RULES.broken, offset: local, detail: `${name}: its stream is damaged` }] };
  }
}

/** Most bytes that are decompressed at once: they are held in memory, with what they came from. */
const MAX_UNPACKED = MAX_READ;

function lie({ name, local }: ZipMember, what: string): ZipProblem {
  return { rule: ZIP_RULES.disagree, offset: local, detail: `${name}: ${what}` };
}

function inflate(bytes: Uint8Array, size: number): { readonly buffer: Uint8Array; readonly used: number } {
  // With `info` the engine comes too, which knows how much of the input it took.
  const result = inflateRawSync(bytes, { maxOutputLength: size + 1, info: true }) as unknown as {
    readonly buffer: Uint8Array;
    readonly engine: { readonly bytesWritten: number };
  };
  return { buffer: result.buffer, used: result.engine.bytesWritten };
}

function unzstd(bytes: Uint8Array, size: number): Uint8Array {
  return zstdDecompressSync(bytes, {
    maxOutputLength: size + 1,
    params: { [constants.ZSTD_d_windowLogMax]: 27 },
  });
}

function checksum(source: Source): number {
  let sum = 0;
  for (let at = 0; at < source.size; at += CHUNK) sum = crc32(source.read(at, CHUNK), sum);
  return sum;
}

function withSource(source: Source | undefined, problems: readonly ZipProblem[]): OpenedMember {
  return source === undefined ? { problems } : { source, problems };
}
