/**
 * GGUF, versions 1 to 3, in either byte order: the metadata of a model for llama.cpp, and its tensors. It runs nothing by
 * itself; what hurts is a length or count that its reader believes, a tensor that lies past the end of the file, a token
 * that is not what its type says, and the chat template in it, which is a program.
 *
 * The metadata is walked value by value and never kept; tensors are not read.
 *
 * Source: github.com/ggml-org/ggml/blob/master/docs/gguf.md, llama.cpp ggml/src/gguf.cpp.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { ByteReader, TooLong, Truncated } from "../reader.ts";
import type { Source } from "../source.ts";
import { checkTensors, GGUF_TENSOR_RULES } from "./gguf-tensors.ts";
import { GgufEnd, ggufScalar, ggufString, type GgufFile } from "./gguf-value.ts";
import { JINJA_RULES, judgeTemplate } from "./jinja.ts";
import { SUPPLY_CHAIN } from "./references.ts";

const REMEDY = "do not load it: get it again from its publisher, and compare the digest";

const RULES = {
  length: {
    id: "gguf.length",
    severity: "high",
    verdict: "suspicious",
    why: "it promises more than the file holds: loaders that believe it read or write past their memory",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN, "CVE-2024-23496", "CVE-2024-21825", "CVE-2024-21836"],
  },
  version: {
    id: "gguf.version",
    severity: "medium",
    verdict: "inconclusive",
    why: "it is of a version that is not known, so that nothing is known of it",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  duplicate: {
    id: "gguf.duplicate-key",
    severity: "high",
    verdict: "suspicious",
    why: "it gives a value twice, and readers disagree on which of the two counts",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  type: {
    id: "gguf.type",
    severity: "high",
    verdict: "suspicious",
    why: "a value is of a type that it may not have, which readers that do not check take for another",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  byteToken: {
    id: "gguf.byte-token",
    severity: "high",
    verdict: "suspicious",
    why: "a token of a byte does not spell one, which makes loaders write outside their table",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN],
  },
  longToken: {
    id: "gguf.long-token",
    severity: "high",
    verdict: "suspicious",
    why: "a token is longer than any word, which overflows the lengths of careless tokenizers",
    remedy: REMEDY,
    references: [...SUPPLY_CHAIN, "CVE-2025-49847"],
  },
  tokenId: {
    id: "gguf.token-id",
    severity: "low",
    verdict: "note",
    why: "a special token's number is not in its vocabulary; loaders ignore it or fail",
    remedy: "ask its publisher for a corrected file",
    references: [...SUPPLY_CHAIN],
  },
  template: {
    id: "gguf.template-too-long",
    severity: "medium",
    verdict: "inconclusive",
    why: "its chat template is too long to be one, and is not read",
    remedy: "replace the chat template by the one that the model's publisher documents",
    references: [...SUPPLY_CHAIN, "CVE-2024-34359"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Bytes of a chat template. The longest that are shared have some 30 KB. */
const MAX_TEMPLATE = 4 * 1024 * 1024;

/** Bytes of a token. */
const MAX_TOKEN = 64 * 1024;

const BYTE_TOKEN_TYPE = 6;

const STRING = 8;
const ARRAY = 9;

export const gguf: Format = {
  id: "gguf",
  rules: [...Object.values(RULES), ...GGUF_TENSOR_RULES, ...JINJA_RULES],
  sniff: (source) => {
    const head = source.read(0, 4);
    return head.length === 4 && String.fromCharCode(...head) === "GGUF";
  },
  scan: (source, context) => {
    try {
      scanFile(source, context);
    } catch (error) {
      if (!(error instanceof GgufEnd || error instanceof Truncated || error instanceof TooLong)) throw error;
      context.report(RULES.length, { detail: error.message });
    }
  },
};

/** What of the vocabulary is compared once all of it is known. */
interface Vocabulary {
  tokens?: number;
  /** Tokens that look like one of a byte but do not spell it: index and text. */
  readonly odd: Map<number, string>;
  types?: { readonly at: number; readonly type: number; readonly count: number };
  readonly special: Map<string, number>;
}

function scanFile(source: Source, context: ScanContext): void {
  const reader = new ByteReader(source, 4);
  const stored = reader.u32();
  // A file of the other byte order has its version in the upper half (gguf.md, "endianness").
  const bigEndian = stored !== 0 && (stored & 0xffff) === 0;
  const version = bigEndian ? stored >>> 24 : stored;
  if (version < 1 || version > 3) {
    context.report(RULES.version, { offset: 4, detail: `version ${version}` });
    return;
  }
  const file: GgufFile = { reader, version, bigEndian };
  const tensors = count(file, "tensors");
  const values = count(file, "values");
  // A tensor takes 24 bytes at the least, a value 13: more than fit are a lie, whatever follows.
  if (tensors * 24 + values * 13 > source.size) {
    throw new GgufEnd(`${tensors} tensors and ${values} values in a file of ${source.size} bytes`);
  }
  const vocabulary: Vocabulary = { odd: new Map(), special: new Map() };
  const alignment = readValues(file, values, vocabulary, context);
  if (alignment === undefined) return;
  checkVocabulary(file, vocabulary, context);
  checkTensors(file, tensors, alignment, context);
}

function count({ reader, version, bigEndian }: GgufFile, what: string): number {
  const value = version === 1 ? BigInt(reader.u32(bigEndian)) : reader.u64(bigEndian);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new GgufEnd(`${value} ${what}`);
  return Number(value);
}

/** Walks the metadata and returns the alignment of the tensors, or undefined where it cannot go on. */
function readValues(file: GgufFile, values: number, vocabulary: Vocabulary, context: ScanContext): number | undefined {
  const { reader, bigEndian } = file;
  const keys = new Set<string>();
  let alignment = 32;
  for (let index = 0; index < values; index++) {
    if (!context.spend("steps", 1)) return undefined;
    const at = reader.position;
    // llama.cpp compares keys up to a NUL.
    const [key = ""] = (ggufString(file, MAX_TOKEN) ?? "").split("\0", 1);
    if (keys.has(key)) context.report(RULES.duplicate, { offset: at, detail: key });
    keys.add(key);
    const type = reader.u32(bigEndian);
    if (type === STRING) {
      readString(file, key, context);
    } else if (type === ARRAY) {
      if (!readArray(file, key, vocabulary, context)) return undefined;
    } else {
      const value = ggufScalar(file, type);
      if (value === undefined) {
        context.report(RULES.type, { offset: at, detail: `${key} is of type ${type}` });
        return undefined;
      }
      if (key === "general.alignment") alignment = value;
      if (/^tokenizer\.ggml\.[a-z0-9_]+_token_id$/.test(key)) vocabulary.special.set(key, value);
    }
  }
  return alignment;
}

function readString(file: GgufFile, key: string, context: ScanContext): void {
  const at = file.reader.position;
  const isTemplate = isTemplateKey(key);
  const text = ggufString(file, isTemplate ? MAX_TEMPLATE : 0);
  if (!isTemplate) return;
  if (text === undefined) context.report(RULES.template, { offset: at, detail: key });
  else judgeTemplate(text, context);
}

/** `tokenizer.chat_template`, and what other writers call theirs. */
function isTemplateKey(key: string): boolean {
  return key.includes("chat_template");
}

/** Walks an array. False where it cannot go on. */
function readArray(file: GgufFile, key: string, vocabulary: Vocabulary, context: ScanContext): boolean {
  const { reader, bigEndian } = file;
  const at = reader.position;
  const type = reader.u32(bigEndian);
  const length = count(file, `elements in ${key}`);
  const start = reader.position;
  if (type === STRING) {
    const isTokens = key === "tokenizer.ggml.tokens";
    const isTemplate = isTemplateKey(key);
    if (isTokens) vocabulary.tokens = length;
    for (let index = 0; index < length; index++) {
      if (!context.spend("steps", 1)) return false;
      if (isTemplate) {
        readString(file, key, context);
        continue;
      }
      const from = reader.position;
      const token = ggufString(file, isTokens ? MAX_TOKEN : 0);
      if (!isTokens) continue;
      if (token === undefined) context.report(RULES.longToken, { offset: from, detail: `token ${index}` });
      else if (token.startsWith("<0x") && !/^<0x[0-9A-Fa-f]{2}>$/.test(token) && vocabulary.odd.size < 1000) {
        vocabulary.odd.set(index, token);
      }
    }
    return true;
  }
  const size = type === ARRAY ? undefined : ggufScalarSize(type);
  if (size === undefined) {
    context.report(RULES.type, { offset: at, detail: `${key} is an array of type ${type}` });
    return false;
  }
  if (key === "tokenizer.ggml.token_type") vocabulary.types = { at: start, type, count: length };
  reader.skip(length * size);
  return true;
}

function ggufScalarSize(type: number): number | undefined {
  return SCALAR_SIZES[type];
}

const SCALAR_SIZES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];

function checkVocabulary(file: GgufFile, { tokens, odd, types, special }: Vocabulary, context: ScanContext): void {
  if (tokens === undefined) return;
  for (const [key, id] of special) {
    if (!(id >= 0 && id < tokens)) context.report(RULES.tokenId, { detail: `${key} ${id} of ${tokens}` });
  }
  if (types === undefined) return;
  const size = ggufScalarSize(types.type) ?? 1;
  for (const [index, token] of odd) {
    if (index >= types.count) continue;
    const reader = new ByteReader(file.reader.source, types.at + index * size);
    if (ggufScalar({ ...file, reader }, types.type) === BYTE_TOKEN_TYPE) {
      context.report(RULES.byteToken, { detail: `token ${index}, ${token}` });
    }
  }
}
