/**
 * The gazetteer: what is known of a capitalised word. One look-up in one table, whatever the word.
 *
 * Words are looked up in small letters and without accents; `data/` has the lists, which are read with the first word
 * that is looked up.
 *
 * @module
 */

import { AMBIGUOUS_WORDS } from "../data/ambiguous-words.ts";
import { COMMON_WORDS } from "../data/common-words.ts";
import { FAMOUS_PLACES } from "../data/famous-places.ts";
import { FIRST_NAMES } from "../data/first-names.ts";
import { FREQUENT_FAMILY_NAMES } from "../data/frequent-family-names.ts";
import { FREQUENT_GIVEN_NAMES } from "../data/frequent-given-names.ts";
import { LAST_NAMES } from "../data/last-names.ts";
import { PLACES } from "../data/places.ts";
import { GROUPS, ORGANISATIONS, PLACE_WORDS, STOP_WORDS } from "./words.ts";

/** What a word is, as bits: it may be several things. */
export const Word = {
  first: 1,
  last: 2,
  place: 4,
  /** A place's name of several words begins with it. */
  placeStart: 8,
  /** An English word: no name by itself. */
  common: 16,
  /** A word that is hardly ever a name: the, January, Monday, Hello. */
  stop: 32,
  /** A nationality, religion or political group. */
  group: 64,
  organisation: 128,
  /** A given name that many people have: one even where a word or a small town is spelled the same. */
  given: 256,
  /** A country, a state or a large city. */
  famous: 512,
  /** A family name that many people have. */
  family: 1024,
} as const;

let words: Map<string, number> | undefined;
let phrases: Set<string> | undefined;

/** What is known of a word, as bits of {@link Word}; 0 for nothing. */
export function lookUp(word: string): number {
  words ??= load();
  return words.get(fold(word)) ?? 0;
}

/** Whether the folded words, joined by `_`, are the name of a place. */
export function isPlacePhrase(folded: string): boolean {
  words ??= load();
  return phrases?.has(folded) === true;
}

const SPELLINGS: Readonly<Record<string, string>> = {
  ß: "ss",
  ø: "o",
  ł: "l",
  đ: "d",
  æ: "ae",
  œ: "oe",
  ı: "i",
  "’": "'",
};

/** Small letters without accents: how the lists are written (training/pii/gazetteer.py). */
export function fold(word: string): string {
  const lower = word.toLowerCase();
  // oxlint-disable-next-line no-control-regex
  if (/^[\x00-\x7F]*$/.test(lower)) return lower;
  return lower
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[ßøłđæœı’]/g, (letter) => SPELLINGS[letter] ?? letter);
}

function load(): Map<string, number> {
  const table = new Map<string, number>();
  phrases = new Set<string>();
  const add = (list: string, bit: number): void => {
    for (const line of list.split("\n")) {
      for (const word of line.split(" ")) if (word !== "") table.set(word, (table.get(word) ?? 0) | bit);
    }
  };
  add(FIRST_NAMES, Word.first);
  add(LAST_NAMES, Word.last);
  for (const place of `${PLACES} ${PLACE_WORDS}`.split(/\s+/)) {
    const [head = ""] = place.split("_");
    if (place === head) add(place, Word.place);
    else {
      phrases.add(place);
      add(head, Word.placeStart);
    }
  }
  add(FREQUENT_GIVEN_NAMES, Word.given);
  add(FREQUENT_FAMILY_NAMES, Word.family);
  add(FAMOUS_PLACES, Word.famous);
  add(AMBIGUOUS_WORDS, Word.common);
  add(COMMON_WORDS, Word.common);
  add(GROUPS, Word.group);
  add(ORGANISATIONS, Word.organisation);
  add(STOP_WORDS, Word.stop | Word.common);
  return table;
}

/** Places of the table of {@link mayBeKnown}, a power of two. */
const KNOWN_SIZE = 1 << 18;
let known: Uint8Array | undefined;

/**
 * Whether the word in small letters between two offsets may be one that {@link isKnownSmall} says yes to: a table by some of
 * its letters, which says no to nearly all others without making a string of the word.
 */
export function mayBeKnown(text: string, start: number, end: number): boolean {
  known ??= knownWords();
  return known[placeOf(text, start, end)] === 1;
}

function knownWords(): Uint8Array {
  words ??= load();
  const table = new Uint8Array(KNOWN_SIZE);
  for (const [word, bits] of words) if (isKnownSmall(bits)) table[placeOf(word, 0, word.length)] = 1;
  return table;
}

/** By the first three letters, the last two and the length. */
function placeOf(text: string, start: number, end: number): number {
  let hash = end - start;
  hash = Math.imul(hash, 31) + text.charCodeAt(start);
  hash = Math.imul(hash, 31) + text.charCodeAt(start + 1);
  hash = Math.imul(hash, 31) + text.charCodeAt(Math.min(start + 2, end - 1));
  hash = Math.imul(hash, 31) + text.charCodeAt(Math.max(start, end - 2));
  hash = Math.imul(hash, 31) + text.charCodeAt(end - 1);
  return (hash ^ (hash >>> 15)) & (KNOWN_SIZE - 1);
}

/** Whether a word with such bits is looked for in small letters too. */
export function isKnownSmall(bits: number): boolean {
  if ((bits & (Word.common | Word.stop)) !== 0) return false;
  return (bits & (Word.given | Word.group | Word.famous)) !== 0;
}
