/**
 * Compressed streams: joblib and dill write their pickles so, and archives of tar are packed so. They are unpacked within
 * the budget by the readers of `compressed/`. What none of them reads is named, and the file is inconclusive.
 *
 * Source: joblib/compressor.py for its older `ZF` files; the magic numbers of file(1).
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { bytesSource, sliceSource, type Source } from "../source.ts";
import { isBzip2, readBzip2 } from "./compressed/bz2.ts";
import { isGzip, isZlib, readGzip, readZlib } from "./compressed/deflate.ts";
import { LZ4_MAGIC, readLz4 } from "./compressed/lz4.ts";
import { isLzmaAlone } from "./compressed/lzma.ts";
import { readStream, type StreamFailure, type StreamReader } from "./compressed/output.ts";
import { frameAt } from "./compressed/skippable.ts";
import { isXz, readXz } from "./compressed/xz.ts";
import { readZstd, ZSTD_MAGIC } from "./compressed/zstd.ts";
import { findHidden, paySearch } from "./pickle/hidden.ts";
import { PICKLE_RULES } from "./pickle/rules.ts";
import { MIN_PICKLE } from "./pickle/values.ts";
import { latin1 } from "./text.ts";

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
    severity: "medium",
    verdict: "suspicious",
    why: "bytes stand behind the compressed stream, which one reader refuses, another leaves out and a third takes for more of it",
    remedy: "get it again from its source; where it stays so, unpack it and pack it anew before it is scanned",
    references: ["AML.T0010.003"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Most bytes that come out of one stream: they are held in memory. */
const MAX_OUT = 512 * 1024 * 1024;
/** Most bytes that go in: as well. */
const MAX_IN = 256 * 1024 * 1024;

const READERS = {
  gzip: readGzip,
  zlib: readZlib,
  zstd: readZstd,
  bz2: readBzip2,
  xz: readXz,
  lzma: readXz,
  lz4: readLz4,
} as const satisfies Readonly<Record<string, StreamReader>>;

type Read = keyof typeof READERS;

/** Streams and archives that are named alone, by what stands at a place of them. */
const NAMED: readonly (readonly [name: string, at: number, magic: string, kind: "stream" | "archive"])[] = [
  ["7z", 0, "7z\u00bc\u00af'\u001c", "archive"],
  ["rar", 0, "Rar!\u001a\u0007", "archive"],
  ["cab", 0, "MSCF\0\0\0\0", "archive"],
  ["ar", 0, "!<arch>\n", "archive"],
  ["cpio", 0, "070701", "archive"],
  ["cpio", 0, "070702", "archive"],
  ["cpio", 0, "070707", "archive"],
  ["squashfs", 0, "hsqs", "archive"],
  ["ace", 7, "**ACE**", "archive"],
  ["lha", 2, "-lh0-", "archive"],
  ["lha", 2, "-lh5-", "archive"],
  ["lha", 2, "-lh7-", "archive"],
  ["iso", 32_769, "CD001", "archive"],
  ["lzip", 0, "LZIP\u0001", "stream"],
  ["lzop", 0, "\u0089LZO\0\r\n\u001a\n", "stream"],
  ["compress", 0, "\u001f\u009d\u0090", "stream"],
  ["snappy", 0, "\u00ff\u0006\0\0sNaPpY", "stream"],
  ["legacy lz4", 0, "\u0002!L\u0018", "stream"],
];

export const compressedFormat: Format = {
  id: "compressed",
  rules: Object.values(COMPRESSED_RULES),
  sniff: (source) => kindOf(source) !== undefined || namedOf(source) !== undefined,
  scan: (source, context) => {
    const found = kindOf(source);
    if (found !== undefined) {
      read(found.kind, sliceSource(source, found.from, source.size), context);
      return;
    }
    const named = namedOf(source);
    if (named !== undefined) notOpened(named, source, context);
  },
};

/** Bytes that are looked at to tell the kind of a stream. */
const LOOKED_AT = 4_096;

/** The kind of the stream, and where it begins: `ZF`, "0x" and the length in hexadecimal digits stand before one of zlib. */
function kindOf(source: Source): { readonly kind: Read; readonly from: number } | undefined {
  const start = new Uint8Array(source.read(0, LOOKED_AT));
  const kind = ((): Read | undefined => {
    if (isGzip(start, 0)) return "gzip";
    if (isXz(start, 0)) return "xz";
    if (isBzip2(start)) return "bz2";
    if (frameAt(source, 0, ZSTD_MAGIC) !== undefined) return "zstd";
    if (frameAt(source, 0, LZ4_MAGIC) !== undefined) return "lz4";
    if (isZlib(start, MIN_PICKLE)) return "zlib";
    return isLzmaAlone(start, 0) ? "lzma" : undefined;
  })();
  if (kind !== undefined) return { kind, from: 0 };
  const older = /^ZF0x[0-9a-fA-F]{1,17}\s*/.exec(latin1(start.subarray(0, 64)))?.[0];
  return older === undefined ? undefined : { kind: "zlib", from: older.length };
}

function namedOf(source: Source): (typeof NAMED)[number] | undefined {
  return NAMED.find(([, at, magic]) => latin1(source.read(at, magic.length)) === magic);
}

/** What came out, and what stands behind the stream. */
function members(kind: Read, buffer: Uint8Array, bytes: Uint8Array, used: number, context: ScanContext): void {
  const behind = new Uint8Array(bytes.subarray(used));
  context.member(`(${kind})`, bytesSource(buffer));
  if (behind.every((byte) => byte === 0)) return;
  context.report(COMPRESSED_RULES.behind, { offset: used, detail: `${behind.length} bytes` });
  context.member(`bytes at ${used}`, bytesSource(behind));
}

/** What comes out before a failure is scanned: a loader of streams has run it by then. */
function read(kind: Read, source: Source, context: ScanContext): void {
  if (source.size > MAX_IN) {
    context.report(COMPRESSED_RULES.large, { detail: `${source.size} bytes of ${kind}, limit ${MAX_IN}` });
    return;
  }
  const bytes = source.read(0, source.size);
  const { bytes: unpacked, used, error } = readStream(READERS[kind], bytes, MAX_OUT, context.spend);
  if (error === undefined) {
    members(kind, unpacked, bytes, used, context);
    return;
  }
  gaveUp(kind, error.failure, error.message, source, context);
  if (unpacked.length > 0) context.member(`(${kind})`, bytesSource(unpacked));
}

function gaveUp(kind: Read, failure: StreamFailure, why: string, source: Source, context: ScanContext): void {
  // A budget is reported by whoever keeps it.
  if (failure === "budget") return;
  if (failure === "large") context.report(COMPRESSED_RULES.large, { detail: why });
  else {
    const rule = failure === "damaged" ? COMPRESSED_RULES.broken : COMPRESSED_RULES.unread;
    context.report(rule, { detail: `${kind}: ${why}` });
    search(source, context);
  }
}

/** Bytes of an archive that are searched, where members may be stored as they are. */
const SEARCHED = 256 * 1024 * 1024;

/** Named, not opened. */
function notOpened([name, , , kind]: (typeof NAMED)[number], source: Source, context: ScanContext): void {
  context.report(kind === "archive" ? COMPRESSED_RULES.container : COMPRESSED_RULES.unread, { detail: name });
  search(source, context);
}

/** Members that are only stored stand in the bytes in clear: those are looked for. */
function search(source: Source, context: ScanContext): void {
  const searched = sliceSource(source, 0, SEARCHED);
  if (!paySearch(searched.size, context)) return;
  for (const { at, pickle, name } of findHidden(searched, 1, context)) {
    if (pickle) context.member(`bytes at ${at}`, sliceSource(source, at, source.size));
    else context.report(PICKLE_RULES.hidden, { offset: at, detail: name ?? "" });
  }
}
