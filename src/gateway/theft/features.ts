/**
 * What a query looks like to the watch over extraction: a fingerprint that tells one from another, and its features,
 * whose number over time says how much ground was covered. Both are hashes keyed by a secret of this deployment; what was
 * asked cannot be read from them.
 *
 * @module
 */

import { hash } from "node:crypto";

import type { TextSpan } from "../../guard/index.ts";
import type { Hash64 } from "./sketch.ts";

export interface Query {
  readonly fingerprint: Hash64;
  readonly features: readonly Hash64[];
  /** Of numeric inputs: where it lies, for distances. */
  readonly point?: Float32Array;
}

/** Words of a text that are made into features, and characters that are looked at for them. */
const WORDS = 48;
const CHARS = 1_024;
/** Words in a row that are one feature. */
const SHINGLE = 3;
/** Dimensions of a point; what has more is projected. */
const DIMENSIONS = 16;
/** Dimensions of the grid, and cells to each side of it. */
const GRID = 8;
const CELLS = 4;

/** A text: its shingles are the words in a row, three at a time, of what was said last. */
export function textQuery(secret: string, texts: readonly string[], hasFeatures = true): Query {
  const fingerprint = hashOf(secret, texts.length === 1 ? (texts[0] as string) : texts.join("\u0000"));
  if (!hasFeatures) return { fingerprint, features: [] };
  const text = (texts.at(-1) ?? "").slice(-CHARS).toLowerCase();
  const words = findWords(text);
  const seed = fingerprintSeed(secret);
  const features: Hash64[] = [];
  const width = Math.min(SHINGLE, words);
  const last = words < SHINGLE ? 0 : words - SHINGLE;
  for (let first = 0; first <= last; first++) {
    const feature = shingleHash(text, first, first + width, seed);
    if (!includes(features, feature)) features.push(feature);
  }
  return { fingerprint, features };
}

function includes(features: readonly Hash64[], { high, low }: Hash64): boolean {
  for (let index = 0; index < features.length; index++) {
    const one = features[index] as Hash64;
    if (one.low === low && one.high === high) return true;
  }
  return false;
}

const WORD = /[\p{L}\p{N}]+/uy;
const GAP = /[^\p{L}\p{N}]*/uy;
/** Where the words of the text at hand begin and end: it is read to its end before another one is. */
const starts = new Uint16Array(WORDS);
const ends = new Uint16Array(WORDS);

/** Notes where the words of a text are, without making texts of them. Returns how many there are. */
function findWords(text: string): number {
  let words = 0;
  for (let at = 0; words < WORDS; words++) {
    GAP.lastIndex = at;
    GAP.test(text);
    WORD.lastIndex = starts[words] = GAP.lastIndex;
    if (!WORD.test(text)) break;
    at = ends[words] = WORD.lastIndex;
  }
  return words;
}

/** The texts of a request that its author chose: not the system prompt of the app, and not what the model said. */
export function askedTexts(spans: readonly TextSpan[]): readonly string[] {
  const asked: string[] = [];
  for (const { origin, text } of spans) {
    if (origin === "user" || origin === "document" || origin === "tool") asked.push(text);
  }
  return asked;
}

/**
 * A list of numbers, each scaled so that what is ordinary lies between 0 and 1. Its feature is its cell in a grid over its
 * dimensions, or over a projection where it has many.
 */
export function vectorQuery(secret: string, numbers: ArrayLike<number>): Query {
  const values = Float32Array.from(numbers);
  const fingerprint = hashOf(secret, Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  const point = values.length <= DIMENSIONS ? values : project(values, DIMENSIONS);
  const coarse = values.length <= GRID ? values : project(values, GRID);
  const cell = Array.from(coarse, (x) => Math.floor(Math.min(Math.max(x, -1e6), 1e6) * CELLS)).join(",");
  return { fingerprint, features: [quickHash(cell, fingerprintSeed(secret))], point };
}

/**
 * Fewer dimensions, with about the same distances (Johnson and Lindenstrauss; signs as in D. Achlioptas, 2003). The signs
 * follow from the place alone, so that every process projects alike.
 */
function project(values: Float32Array, dimensions: number): Float32Array {
  const to = new Float32Array(dimensions);
  const scale = 1 / Math.sqrt(values.length);
  for (let index = 0; index < values.length; index++) {
    let bits = mix(index + 1);
    for (let at = 0; at < dimensions; at++) {
      to[at] = (to[at] as number) + ((bits & 1) === 0 ? scale : -scale) * (values[index] as number);
      bits >>>= 1;
    }
  }
  return to;
}

function hashOf(secret: string, content: string | Buffer): Hash64 {
  const size = secret.length + (typeof content === "string" ? Buffer.byteLength(content) : content.length);
  const bytes = size <= input.length ? input.subarray(0, size) : Buffer.allocUnsafe(size);
  bytes.write(secret, "latin1");
  if (typeof content === "string") bytes.write(content, secret.length);
  else bytes.set(content, secret.length);
  const digest = hash("sha256", bytes, "buffer");
  return { high: digest.readInt32BE(0), low: digest.readInt32BE(4) };
}

/** One input for all hashes but those of long texts: a hash is made to its end before another is begun. */
const input = Buffer.alloc(16_384);

function fingerprintSeed(secret: string): number {
  return Number.parseInt(secret.slice(0, 8), 16) >>> 0;
}

/** 64 bits in two lanes of multiply and shift: many a request, and worth less to forge than the fingerprint. */
function quickHash(text: string, seed: number): Hash64 {
  return joined(lane(HIGH ^ seed, HIGH_BY, text, 0, text.length), lane(LOW ^ seed, LOW_BY, text, 0, text.length));
}

/** {@link quickHash} of some words of the text at hand, with a space between two. */
function shingleHash(text: string, from: number, to: number, seed: number): Hash64 {
  let high = HIGH ^ seed;
  let low = LOW ^ seed;
  for (let word = from; word < to; word++) {
    if (word > from) {
      high = Math.imul(high ^ SPACE, HIGH_BY);
      low = Math.imul(low ^ SPACE, LOW_BY);
    }
    const start = starts[word] as number;
    const end = ends[word] as number;
    high = lane(high, HIGH_BY, text, start, end);
    low = lane(low, LOW_BY, text, start, end);
  }
  return joined(high, low);
}

const HIGH = 0xdeadbeef;
const LOW = 0x41c6ce57;
const HIGH_BY = 2654435761;
const LOW_BY = 1597334677;
const SPACE = 0x20;

function lane(value: number, by: number, text: string, from: number, to: number): number {
  let bits = value;
  for (let index = from; index < to; index++) bits = Math.imul(bits ^ text.charCodeAt(index), by);
  return bits;
}

function joined(high: number, low: number): Hash64 {
  return { high: mix(high ^ mix(low)), low: mix(low ^ mix(high)) };
}

/** The finaliser of MurmurHash3 (A. Appleby, public domain). */
function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
