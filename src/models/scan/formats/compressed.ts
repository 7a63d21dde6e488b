/**
 * Compressed streams: joblib and dill write their pickles so, and archives of tar are packed so. What node:zlib reads is
 * decompressed within the budget; bzip2, xz, lzma and LZ4 are read here, in `compressed/`. What neither reads is named, and the
 * file is inconclusive.
 *
 * Source: RFC 1950 (zlib), RFC 1952 (gzip), RFC 8878 (zstd); joblib/compressor.py for its older `ZF` files.
 *
 * @module
 */

import { constants, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { bytesSource, sliceSource, type Source } from "../source.ts";
import { readBzip2 } from "./compressed/bz2.ts";
import { readLz4 } from "./compressed/lz4.ts";
import { isLzmaAlone } from "./compressed/lzma.ts";
import { Output, StreamError, type StreamFailure } from "./compressed/output.ts";
import { readXz } from "./compressed/xz.ts";
import { findHidden } from "./pickle/hidden.ts";
import { PICKLE_RULES } from "./pickle/rules.ts";

const COMPRESSED_RULES = {
  unread: {
    id: "compressed.not-opened",
    severity: "medium",
    verdict: "inconclusive",
    why: "it is compressed in a way that is not opened here, so that what is inside is not known",
    remedy: "unpack it, and scan what is inside before it is used",
    references: ["AML.T0010.003"],
  },
  container: {
    id: "compressed.container",
    severity: "high",
    verdict: "suspicious",
    why: "it is an archive that no loader of models opens by itself; packed so, payloads have passed scanners",
    remedy: "unpack it in a place of its own, and scan what is inside before it is used",
    references: ["AML.T0010.003"],
  },
  large: {
    id: "compressed.too-large",
    severity: "medium",
    verdict: "inconclusive",
    why: "it holds more than is decompressed at once",
    remedy: "unpack it, and scan what is inside before it is used",
    references: ["AML.T0010.003", "AML.T0029"],
  },
  broken: {
    id: "compressed.broken",
    severity: "medium",
    verdict: "inconclusive",
    why: "its compressed stream is damaged or cut short",
    remedy: "get it again from its source",
    references: ["AML.T0010.003"],
  },
  behind: {
    id: "compressed.bytes-behind",
    severity: "low",
    verdict: "note",
    why: "bytes stand behind the compressed stream; they were scanned as a file of their own",
    remedy: "nothing, where its tool writes them so",
    references: [],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Most bytes that come out of one stream: they are held in memory. */
const MAX_OUT = 512 * 1024 * 1024;
/** Most bytes that go in: as well. */
const MAX_IN = 256 * 1024 * 1024;

type Kind = "gzip" | "zlib" | "zstd" | "bz2" | "xz" | "lzma" | "lz4" | "7z" | "rar" | "ZF";

const MAGICS: readonly (readonly [Kind, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bz2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["lzma", [0x5d]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
  ["7z", [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ["rar", [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07]],
  ["ZF", [0x5a, 0x46, 0x30, 0x78]],
];

export const compressedFormat: Format = {
  id: "compressed",
  rules: Object.values(COMPRESSED_RULES),
  sniff: (source) => kindOf(source) !== undefined,
  scan: (source, context) => {
    const kind = kindOf(source);
    if (kind === "gzip" || kind === "zlib" || kind === "zstd") open(kind, source, context);
    // ZF, "0x", the length in 19 characters of hexadecimal digits; then zlib.
    else if (kind === "ZF") open("zlib", sliceSource(source, zfHeader(source), source.size), context);
    else if (kind !== undefined && kind in READERS) read(kind as ReadHere, source, context);
    else if (kind !== undefined) notOpened(kind, source, context);
  },
};

type ReadHere = "bz2" | "xz" | "lzma" | "lz4";

/** The readers of this folder: each writes to the output, and says how much of the input it took. */
const READERS: Readonly<Record<ReadHere, (bytes: Uint8Array, out: Output) => number>> = {
  bz2: readBzip2,
  xz: readXz,
  lzma: readXz,
  lz4: readLz4,
};

function kindOf(source: Source): Kind | undefined {
  const start = new Uint8Array(source.read(0, 16));
  const found = MAGICS.find(([, magic]) => magic.every((byte, index) => start[index] === byte));
  if (found !== undefined && (found[0] !== "bz2" || isBzip2(start)) && (found[0] !== "lzma" || isLzmaAlone(start, 0))) {
    return found[0];
  }
  return isZlib(start) && inflates(source) ? "zlib" : undefined;
}

/** The level, and the mark of a block or of the end. */
function isBzip2(start: Uint8Array): boolean {
  const mark = Buffer.from(start.subarray(4, 10)).toString("hex");
  const level = start[3] ?? 0;
  return level >= 0x31 && level <= 0x39 && (mark === "314159265359" || mark === "177245385090");
}

/** RFC 1950 section 2.2: deflate, a window of at most 32 KiB, a check that fits, no dictionary. */
function isZlib([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && first >>> 4 <= 7 && (first * 0x100 + second) % 31 === 0 && (second & 0x20) === 0;
}

/** Two bytes are no mark: some of it must come out. */
function inflates(source: Source): boolean {
  try {
    inflateSync(new Uint8Array(source.read(0, 4_096)), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: 1 << 20,
    });
    return true;
  } catch (error) {
    return isTooLarge(error);
  }
}

function zfHeader(source: Source): number {
  const start = Buffer.from(new Uint8Array(source.read(0, 64))).toString("latin1");
  return /^ZF0x[0-9a-fA-F]{1,17}\s*/.exec(start)?.[0].length ?? 4;
}

function open(kind: "gzip" | "zlib" | "zstd", source: Source, context: ScanContext): void {
  if (source.size > MAX_IN) {
    context.report(COMPRESSED_RULES.large, { detail: `${source.size} bytes of ${kind}, limit ${MAX_IN}` });
    return;
  }
  const bytes = source.read(0, source.size);
  let unpacked: { readonly buffer: Uint8Array; readonly used: number };
  try {
    unpacked = decompress(kind, bytes);
  } catch (error) {
    const rule = isTooLarge(error) ? COMPRESSED_RULES.large : COMPRESSED_RULES.broken;
    context.report(rule, { detail: isTooLarge(error) ? `limit ${MAX_OUT} bytes` : kind });
    if (rule === COMPRESSED_RULES.broken) partial(kind, source, context);
    return;
  }
  const { buffer, used } = unpacked;
  if (!context.spend("bytes", buffer.length)) return;
  members(kind, buffer, bytes, used, context);
}

/** What came out, and what stands behind the stream. */
function members(kind: Kind, buffer: Uint8Array, bytes: Uint8Array, used: number, context: ScanContext): void {
  const behind = bytes.length > used ? new Uint8Array(bytes.subarray(used)) : undefined;
  context.member(`(${kind})`, bytesSource(buffer));
  if (behind === undefined || behind.every((byte) => byte === 0)) return;
  context.report(COMPRESSED_RULES.behind, { offset: used, detail: `${behind.length} bytes` });
  context.member(`bytes at ${used}`, bytesSource(behind));
}

/** Reads with a reader of this folder. What comes out before a failure is scanned: a loader of streams has run it by then. */
function read(kind: ReadHere, source: Source, context: ScanContext): void {
  if (source.size > MAX_IN) {
    context.report(COMPRESSED_RULES.large, { detail: `${source.size} bytes of ${kind}, limit ${MAX_IN}` });
    return;
  }
  const bytes = source.read(0, source.size);
  const out = new Output(MAX_OUT, context.spend);
  try {
    const used = READERS[kind](bytes, out);
    members(kind, out.written(), bytes, used, context);
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    gaveUp(kind, error.failure, error.message, source, context);
    if (out.length > 0) context.member(`(${kind})`, bytesSource(out.written()));
  }
}

function gaveUp(kind: ReadHere, failure: StreamFailure, why: string, source: Source, context: ScanContext): void {
  // A budget is reported by whoever keeps it.
  if (failure === "budget") return;
  if (failure === "large") context.report(COMPRESSED_RULES.large, { detail: why });
  else {
    const rule = failure === "damaged" ? COMPRESSED_RULES.broken : COMPRESSED_RULES.unread;
    context.report(rule, { detail: `${kind}: ${why}` });
    search(source, context);
  }
}

/** What comes out before the damage: a loader of streams has run it by then. */
function partial(kind: "gzip" | "zlib" | "zstd", source: Source, context: ScanContext): void {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_OUT };
  const bytes = source.read(0, source.size);
  try {
    if (kind === "zstd") return;
    const buffer = kind === "gzip" ? gunzipSync(bytes, options) : inflateSync(bytes, options);
    if (context.spend("bytes", buffer.length)) context.member(`(${kind})`, bytesSource(buffer));
  } catch {
    // Damaged from the start: said already.
  }
}

interface WithInfo {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function decompress(
  kind: "gzip" | "zlib" | "zstd",
  bytes: Uint8Array,
): { readonly buffer: Uint8Array; readonly used: number } {
  if (kind === "zstd") {
    const params = { [constants.ZSTD_d_windowLogMax]: 27 };
    return { buffer: zstdDecompressSync(bytes, { maxOutputLength: MAX_OUT, params }), used: bytes.length };
  }
  const options = { maxOutputLength: MAX_OUT, info: true };
  // With `info` the engine comes too, which knows how much of the input it took.
  const result = (kind === "gzip" ? gunzipSync(bytes, options) : inflateSync(bytes, options)) as unknown as WithInfo;
  return { buffer: result.buffer, used: result.engine.bytesWritten };
}

function isTooLarge(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
}

/** Bytes of an archive that are searched, where members may be stored as they are. */
const SEARCHED = 256 * 1024 * 1024;

/** Named, not opened. */
function notOpened(kind: Kind, source: Source, context: ScanContext): void {
  const container = kind === "7z" || kind === "rar";
  context.report(container ? COMPRESSED_RULES.container : COMPRESSED_RULES.unread, { detail: kind });
  search(source, context);
}

/** Members that are only stored stand in the bytes in clear: those are looked for. */
function search(source: Source, context: ScanContext): void {
  const searched = sliceSource(source, 0, SEARCHED);
  if (!context.spend("steps", Math.ceil(searched.size / 16))) return;
  for (const { at, pickle, name } of findHidden(searched, 1)) {
    if (pickle) context.member(`bytes at ${at}`, sliceSource(source, at, source.size));
    else context.report(PICKLE_RULES.hidden, { offset: at, detail: name ?? "" });
  }
}
