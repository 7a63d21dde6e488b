/**
 * The index of a corpus: which n-grams of words stand in it, in a file (`.hfi`) that any text can be looked up in, and
 * from which none can be read back.
 *
 *     "HFINDEX1" | uint32 length of the header, little-endian | header, canonical JSON | filter | SHA-256 of all before
 *
 * The header names everything that the look-up depends on, and the probability that an n-gram which is not in the corpus
 * passes. The same corpus and parameters give the same bytes.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { canonicalJson, parseJson } from "../../../core/index.ts";
import { leakError } from "./errors.ts";
import { filterBytes, openFilter, type Filter } from "./filter.ts";
import { WORDS } from "./words.ts";

/** What an index was made from, and how. */
interface IndexHeader {
  /** The definition of words: `words/1`. */
  readonly words: string;
  /** Words of an n-gram. */
  readonly ngram: number;
  readonly blocks: number;
  readonly probes: number;
  /** Probability that an n-gram passes that is not in the corpus: counted in the finished filter. */
  readonly falsePositive: number;
  readonly documents: number;
  /** N-grams of the corpus, repeated ones included. */
  readonly ngrams: number;
}

/** An index in memory. */
export interface CorpusIndex extends IndexHeader {
  readonly filter: Filter;
}

const MAGIC = "HFINDEX1";
const DIGEST_BYTES = 32;
const MAX_HEADER = 4096;
/** Bounds of what a header may say. */
export const NGRAM_BOUNDS = { least: 4, most: 64 } as const;

/** The parts of an index's file, in order. */
export function encodeIndex(index: CorpusIndex): readonly Uint8Array[] {
  const { filter, words, ngram, blocks, probes, falsePositive, documents, ngrams } = index;
  const header = Buffer.from(canonicalJson({ words, ngram, blocks, probes, falsePositive, documents, ngrams }), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const parts = [Buffer.from(MAGIC, "latin1"), length, header, filter.bytes];
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  return [...parts, digest.digest()];
}

/** Reads an index. Keeps `bytes`, without a copy. @throws `guard.index-invalid` */
export function decodeIndex(bytes: Uint8Array): CorpusIndex {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < MAGIC.length + 4 + DIGEST_BYTES || view.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw invalid("it does not begin as one");
  }
  const content = view.subarray(0, -DIGEST_BYTES);
  if (!createHash("sha256").update(content).digest().equals(view.subarray(-DIGEST_BYTES))) {
    throw invalid("its digest does not fit");
  }
  const start = MAGIC.length + 4;
  const length = view.readUInt32LE(MAGIC.length);
  if (length > MAX_HEADER || start + length > content.length) throw invalid("its header is too long");
  const header = readHeader(content.subarray(start, start + length));
  const filter = content.subarray(start + length);
  if (filter.length !== filterBytes(header)) throw invalid("its filter has another size than its header says");
  return { ...header, filter: openFilter(header, filter) };
}

function readHeader(bytes: Uint8Array): IndexHeader {
  let value: unknown;
  try {
    value = parseJson(bytes, { maxBytes: MAX_HEADER, maxDepth: 2 });
  } catch {
    throw invalid("its header is not JSON");
  }
  const header = value as Partial<IndexHeader> | null;
  const { ngram, blocks, probes, falsePositive, documents, ngrams } = header ?? {};
  if (header?.words !== WORDS) throw invalid(`it has another definition of words than ${WORDS}`);
  if (
    !isCount(ngram, NGRAM_BOUNDS.least, NGRAM_BOUNDS.most) ||
    !isCount(blocks, 1, 2 ** 32) ||
    !isCount(probes, 1, 64) ||
    !isCount(documents, 0, Number.MAX_SAFE_INTEGER) ||
    !isCount(ngrams, 0, Number.MAX_SAFE_INTEGER) ||
    typeof falsePositive !== "number" ||
    !(falsePositive >= 0 && falsePositive <= 1)
  ) {
    throw invalid("its header has a field that is missing or out of bounds");
  }
  return { words: WORDS, ngram, blocks, probes, falsePositive, documents, ngrams };
}

function isCount(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function invalid(detail: string): Error {
  return leakError("guard.index-invalid", { detail });
}
