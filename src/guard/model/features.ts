/**
 * What the cheap stage sees of a text: which hashed n-grams are in it. The training (`training/guard`) makes the same
 * features in Python, and `test/vectors/guard-features` holds both to one list; a change here needs new weights.
 *
 *     NFKC, lower case, runs of white space (ECMAScript's \s) as one space, trimmed, the first 2,048 code points
 *     -> tokens: runs of [\p{L}\p{N}_], and every other character but the space alone
 *     -> "w:" token, "b:" token " " next token, and for word tokens "c:" each 3, 4 and 5 code points of " " token " "
 *     -> FNV-1a (32 bits) of each one's UTF-8 bytes, its lowest 18 bits; a set, not a bag
 *
 * No n-gram is ever built as a string: the hash runs along the code points, and a longer n-gram takes the hash of the
 * shorter one further.
 *
 * @module
 */

import { codePointAt } from "../../core/index.ts";

/** Numbers that a feature's hash is cut to. */
export const BUCKETS = 1 << 18;

/** Code points that are read of one text. */
const MAX_CODE_POINTS = 2048;

export interface Features {
  /** The distinct buckets, in no order. Good until the next call: the memory is used again. */
  readonly buckets: Int32Array;
  /** False when the text goes on behind {@link MAX_CODE_POINTS}: what is there was not read. */
  readonly whole: boolean;
}

/** The features of `text`. */
export function readFeatures(text: string): Features {
  const whole = takeCodePoints(normalise(text));
  begin();
  let start = 0;
  /** FNV state behind `"b:" previous " "`, or undefined before the first token. */
  let pair: number | undefined;
  while (start < length) {
    if (codes[start] === SPACE) {
      start++;
      continue;
    }
    const isWord = wordCharacter(codes[start] as number);
    let end = start + 1;
    if (isWord) while (end < length && wordCharacter(codes[end] as number)) end++;
    pair = addToken(start, end, pair);
    if (isWord) addCharacters(start, end);
    start = end;
  }
  return { buckets: found.subarray(0, count), whole };
}

/** The text as the features are defined on. Lone surrogates have no UTF-8 and become U+FFFD. */
function normalise(text: string): string {
  if (SIMPLE.test(text)) return text.toLowerCase().replace(SPACES, " ").trim();
  return text.toWellFormed().normalize("NFKC").toLowerCase().replace(SPACES, " ").replace(OUTER_SPACE, "");
}

/** ASCII: NFKC changes nothing. */
// oxlint-disable-next-line no-control-regex -- all of ASCII
const SIMPLE = /^[\x00-\x7f]*$/;
const SPACES = /\s+/g;
const OUTER_SPACE = /^ | $/g;
const SPACE = 0x20;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const SEED_WORD = seed("w:");
const SEED_PAIR = seed("b:");
/** `"c:"` and, for the grams at a token's start, the space that it is padded with. */
const SEED_CHARACTERS = seed("c:");
const SEED_CHARACTERS_START = seed("c: ");

/** The code points of the text at hand. */
const codes = new Int32Array(MAX_CODE_POINTS);
let length = 0;
/** Buckets of the text at hand. At most three of characters and two of words begin at a code point. */
const found = new Int32Array(MAX_CODE_POINTS * 6);
let count = 0;
/** When a bucket was last seen: a set that is emptied by counting on. */
const seen = new Uint32Array(BUCKETS);
let epoch = 0;

function begin(): void {
  count = 0;
  if (epoch === 0xffffffff) {
    seen.fill(0);
    epoch = 0;
  }
  epoch++;
}

function add(hash: number): void {
  const bucket = hash & (BUCKETS - 1);
  if (seen[bucket] === epoch) return;
  seen[bucket] = epoch;
  found[count++] = bucket;
}

/** Reads at most {@link MAX_CODE_POINTS}. @returns whether that was all */
function takeCodePoints(text: string): boolean {
  length = 0;
  let at = 0;
  while (at < text.length && length < MAX_CODE_POINTS) {
    const code = codePointAt(text, at) as number;
    codes[length++] = code;
    at += code > 0xffff ? 2 : 1;
  }
  return at >= text.length;
}

/** Adds the token's own feature, and the one with the token before. @returns the state for the pair with the next */
function addToken(start: number, end: number, pair: number | undefined): number {
  let word = SEED_WORD;
  let first = SEED_PAIR;
  let second = pair ?? 0;
  for (let at = start; at < end; at++) {
    const code = codes[at] as number;
    word = step(word, code);
    first = step(first, code);
    second = step(second, code);
  }
  add(word);
  if (pair !== undefined) add(second);
  return step(first, SPACE);
}

/** Adds the 3-, 4- and 5-grams of the token with a space on both sides. */
function addCharacters(start: number, end: number): void {
  for (let from = start - 1; from < end - 1; from++) {
    let hash = from < start ? SEED_CHARACTERS_START : step(SEED_CHARACTERS, codes[from] as number);
    for (let size = 2; size <= 5; size++) {
      const at = from + size - 1;
      if (at > end) break;
      hash = step(hash, at === end ? SPACE : (codes[at] as number));
      if (size > 2) add(hash);
    }
  }
}

/** FNV-1a over the UTF-8 bytes of one code point. */
function step(hash: number, code: number): number {
  if (code < 0x80) return Math.imul(hash ^ code, FNV_PRIME);
  if (code < 0x800) {
    const lead = Math.imul(hash ^ (0xc0 | (code >> 6)), FNV_PRIME);
    return Math.imul(lead ^ (0x80 | (code & 63)), FNV_PRIME);
  }
  let bytes: number;
  if (code < 0x10000) {
    bytes = Math.imul(hash ^ (0xe0 | (code >> 12)), FNV_PRIME);
  } else {
    bytes = Math.imul(hash ^ (0xf0 | (code >> 18)), FNV_PRIME);
    bytes = Math.imul(bytes ^ (0x80 | ((code >> 12) & 63)), FNV_PRIME);
  }
  bytes = Math.imul(bytes ^ (0x80 | ((code >> 6) & 63)), FNV_PRIME);
  return Math.imul(bytes ^ (0x80 | (code & 63)), FNV_PRIME);
}

function seed(prefix: string): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < prefix.length; at++) hash = Math.imul(hash ^ prefix.charCodeAt(at), FNV_PRIME);
  return hash;
}

/** Per code unit of the basic plane, 0 not looked up yet, 1 no word character, 2 one. */
const kinds = new Uint8Array(0x10000);
const WORD = /^[\p{L}\p{N}_]$/u;

function wordCharacter(code: number): boolean {
  if (code > 0xffff) return WORD.test(String.fromCodePoint(code));
  if (kinds[code] === 0) kinds[code] = WORD.test(String.fromCharCode(code)) ? 2 : 1;
  return kinds[code] === 2;
}
