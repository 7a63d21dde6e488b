/**
 * Words: a text as the sequence of its words, each as 64 bits of hash, so that passages can be compared whatever their
 * case, punctuation, line breaks, list markers and Markdown.
 *
 * A word is a run of letters, digits and their marks (Unicode 16 properties L, N, M), in NFKC and lower case, cut at
 * {@link LONGEST_WORD} units. Scripts that are written without spaces have a word for each character. Invisible
 * characters (Cf) are skipped. `words/1` names this definition in files: it never changes, a new one gets a new name.
 *
 * The hashes are not keyed: whoever wants two words to collide can make it so, and wins nothing but a false finding.
 *
 * @module
 */

import { codePointAt, isHighSurrogate } from "../../../core/index.ts";

/** The name of this definition of words and their hashes. */
export const WORDS = "words/1";

/** UTF-16 units after which a longer word is taken for several. */
export const LONGEST_WORD = 64;

/** Takes a word. `weight`: its letters, where a character of a script without spaces counts as three. */
export type TakeWord = (start: number, end: number, one: number, two: number, weight: number) => void;

export interface WordReader {
  /** Takes the next piece; returns the offset from which on words are not complete. */
  push(piece: string): number;
  end(): void;
}

/** 0: ends a word. Else the unit in lower case. */
const ASCII = new Uint8Array(128);
for (let unit = 0x30; unit <= 0x39; unit++) ASCII[unit] = unit;
for (let unit = 0x61; unit <= 0x7a; unit++) ASCII[unit] = ASCII[unit - 0x20] = unit;

const SEED_ONE = 0x811c9dc5;
const SEED_TWO = 0x9747b28c;
const PRIME_ONE = 0x01000193;
const PRIME_TWO = 0x5bd1e995;
const UNSPACED_WEIGHT = 3;

/** Opens a reader of one text, in pieces cut anywhere. */
export function openWords(take: TakeWord): WordReader {
  /** The text from `base` on: the word that is not complete. */
  let text = "";
  let base = 0;

  const read = (final: boolean): void => {
    const units = text;
    const length = units.length;
    let at = 0;
    while (at < length) {
      const start = at;
      let one = SEED_ONE;
      let two = SEED_TWO;
      const stop = Math.min(length, start + LONGEST_WORD);
      let unit = 0;
      while (at < stop) {
        unit = units.charCodeAt(at);
        const folded = unit < 128 ? (ASCII[unit] as number) : 0;
        if (folded === 0) break;
        one = Math.imul(one ^ folded, PRIME_ONE);
        two = Math.imul(two ^ folded, PRIME_TWO);
        at += 1;
      }
      const complete = at < stop ? unit < 128 : at - start === LONGEST_WORD;
      if (complete) {
        if (at > start) take(base + start, base + at, mix(one), mix(two), at - start);
        else at += 1;
        continue;
      }
      at = readOther(units, start, base, final, take);
      if (at === start) break;
    }
    text = units.slice(at);
    base += at;
  };

  return {
    push: (piece) => {
      text += piece;
      read(false);
      return base;
    },
    end: () => {
      read(true);
    },
  };
}

/** Final mix of MurmurHash3 (public domain, A. Appleby): every bit of the input changes half of the output. */
export function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Reads one word that is not all ASCII, or the break at `start`; returns where to go on, `start` if it is not complete. */
function readOther(text: string, start: number, base: number, final: boolean, take: TakeWord): number {
  let at = start;
  let word = "";
  let single = false;
  while (at < text.length && at - start < LONGEST_WORD) {
    const code = codePointAt(text, at) as number;
    const size = code > 0xffff ? 2 : 1;
    if (size === 1 && at + 1 === text.length && !final && isHighSurrogate(code)) return start;
    const kind = kindOf(code);
    if (kind === Kind.Break || (kind === Kind.Single && word !== "") || (kind === Kind.Letter && single)) {
      return finish(text, start, at, word, single, base, take, size);
    }
    if (kind !== Kind.Ignored) word += text.slice(at, at + size);
    if (kind === Kind.Single) single = true;
    at += size;
  }
  if (at - start < LONGEST_WORD && !final) return start;
  return finish(text, start, at, word, single, base, take, 0);
}

function finish(
  text: string,
  start: number,
  end: number,
  word: string,
  single: boolean,
  base: number,
  take: TakeWord,
  broken: number,
): number {
  if (word === "") return end === start ? start + broken : end;
  const normal = single && isNormal(word) ? word : word.normalize("NFKC").toLowerCase();
  let one = SEED_ONE;
  let two = SEED_TWO;
  for (let at = 0; at < normal.length; at++) {
    const unit = normal.charCodeAt(at);
    one = Math.imul(one ^ unit, PRIME_ONE);
    two = Math.imul(two ^ unit, PRIME_TWO);
  }
  take(base + start, base + end, mix(one), mix(two), single ? UNSPACED_WEIGHT : normal.length);
  return end;
}

/** `Mark`: belongs to what is before it. */
const Kind = { Break: 0, Letter: 1, Single: 2, Ignored: 3, Mark: 4 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];

/** Kinds of 256 code points each, made when the first of them is met. */
const pages = new Map<number, Uint8Array>();

function kindOf(code: number): Kind {
  const number = code >> 8;
  let page = pages.get(number);
  if (page === undefined) {
    page = Uint8Array.from({ length: 256 }, (_, low) => classify(String.fromCodePoint((number << 8) | low)));
    pages.set(number, page);
  }
  return page[code & 255] as Kind;
}

/** One character of the blocks that have neither case nor compatibility forms: Hiragana, Katakana, CJK ideographs. */
function isNormal(word: string): boolean {
  const unit = word.charCodeAt(0);
  if (word.length > 1) return false;
  return (unit >= 0x4e00 && unit <= 0x9fff) || (unit >= 0x3041 && unit <= 0x3096) || (unit >= 0x30a1 && unit <= 0x30fa);
}

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

function classify(character: string): Kind {
  if (/\p{Cf}/u.test(character)) return Kind.Ignored;
  if (/\p{M}/u.test(character)) return Kind.Mark;
  if (!/[\p{L}\p{N}]/u.test(character)) return Kind.Break;
  return UNSPACED.test(character) ? Kind.Single : Kind.Letter;
}
