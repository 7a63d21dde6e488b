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
import { GROUPS, ORGANISATIONS, PLACE_WORDS, STOP_WORDS, TITLES, TOWN_HEAD } from "./words.ts";

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
  /** All of these. */
  any: 2047,
  /** Not of the gazetteer: spelled like a title, or like the first word of a town's name, but for accents. */
  title: 4096,
  townHead: 8192,
} as const;

/** What is known of a word, as bits of {@link Word}; 0 for nothing. */
export function lookUp(word: string): number {
  return lookUpAt(word, 0, word.length);
}

/** The same for the word between two offsets of a text, without making a string of it. */
export function lookUpAt(text: string, start: number, end: number): number {
  return lookUpRole(text, start, end) & Word.any;
}

/** The same with {@link Word.title} and {@link Word.townHead}. */
export function lookUpRole(text: string, start: number, end: number): number {
  table ??= load();
  return findAt(table, text, start, end) & ~PHRASE;
}

/** Reads the lists, if nobody has looked a word up yet. */
export function loadWords(): void {
  table ??= load();
  known ??= knownWords();
}

/** Whether the folded words, joined by `_`, are the name of a place. */
export function isPlacePhrase(folded: string): boolean {
  table ??= load();
  return (findFolded(table, folded) & PHRASE) !== 0;
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

/** Of a place's name of several words. No word has it: they have no `_`. */
const PHRASE = 2048;

/**
 * The words of all lists by their hash, with open addressing: to make a string of each and a Map of them would take longer
 * than anyone may be kept waiting, and ten times the memory.
 */
interface Table {
  /** Where the word of each slot begins in `units`. */
  readonly starts: Uint32Array;
  /** Its length; 0 for an empty slot. */
  readonly lengths: Uint8Array;
  readonly bits: Uint16Array;
  /** The lists. */
  readonly units: Uint16Array;
}

let table: Table | undefined;

/** A power of two, over twice the number of words. */
const SLOTS = 1 << 18;

/** The bits of the word between two offsets. */
function findAt(known: Table, text: string, start: number, end: number): number {
  let hash = 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return findFolded(known, fold(text.slice(start, end)));
    hash = Math.imul(hash ^ (unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit), 0x01000193);
  }
  return probe(known, hash, text, start, end);
}

/** The same for a word as the lists have it. */
function findFolded(known: Table, word: string): number {
  let hash = 0;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return probe(known, hash, word, 0, word.length);
}

function probe(
  { starts, lengths, bits, units }: Table,
  hash: number,
  text: string,
  start: number,
  end: number,
): number {
  for (let slot = slotOf(hash); lengths[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
    if (lengths[slot] !== end - start) continue;
    let place = starts[slot] as number;
    let at = start;
    for (; at < end; at++, place++) {
      const unit = text.charCodeAt(at);
      if ((unit >= 0x41 && unit <= 0x5a ? unit | 0x20 : unit) !== units[place]) break;
    }
    if (at === end) return bits[slot] as number;
  }
  return 0;
}

/** Where the search for a word begins: FNV-1a over its units, the high bits mixed into the low ones. */
function slotOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

/** One pass over the units of all lists. */
function load(): Table {
  const lists: readonly (readonly [string, number])[] = [
    [FIRST_NAMES, Word.first],
    [LAST_NAMES, Word.last],
    [PLACES, Word.place],
    [PLACE_WORDS, Word.place],
    [FREQUENT_GIVEN_NAMES, Word.given],
    [FREQUENT_FAMILY_NAMES, Word.family],
    [FAMOUS_PLACES, Word.famous],
    [AMBIGUOUS_WORDS, Word.common],
    [COMMON_WORDS, Word.common],
    [GROUPS, Word.group],
    [ORGANISATIONS, Word.organisation],
    [STOP_WORDS, Word.stop | Word.common],
    [` ${[...TITLES].map(fold).join(" ")} `, Word.title],
    [` ${[...TOWN_HEAD].map(fold).join(" ")} `, Word.townHead],
  ];
  const all = Buffer.from(lists.map(([list]) => list).join(""), "utf16le");
  const units = new Uint16Array(all.buffer, all.byteOffset, all.length / 2);
  const starts = new Uint32Array(SLOTS);
  const lengths = new Uint8Array(SLOTS);
  const bits = new Uint16Array(SLOTS);
  let at = 0;
  for (const [list, bit] of lists) at = addWords(starts, lengths, bits, units, at, at + list.length, bit);
  return { starts, lengths, bits, units };
}

/** Adds the words of `units` from `from` to `to`; of a place's name of several words also the first. */
function addWords(
  starts: Uint32Array,
  lengths: Uint8Array,
  bits: Uint16Array,
  units: Uint16Array,
  from: number,
  to: number,
  bit: number,
): number {
  let start = from;
  let hash = 0;
  let several = false;
  for (let at = from; at <= to; at++) {
    const unit = at < to ? (units[at] as number) : 0;
    const ends = unit <= 0x20;
    if (ends || (unit === 0x5f && !several)) {
      const length = at - start;
      if (length > 0) {
        let slot = slotOf(hash);
        for (; lengths[slot] !== 0; slot = (slot + 1) & (SLOTS - 1)) {
          if (lengths[slot] !== length) continue;
          let same = 0;
          while (same < length && units[(starts[slot] as number) + same] === units[start + same]) same += 1;
          if (same === length) break;
        }
        starts[slot] = start;
        lengths[slot] = length;
        bits[slot] = (bits[slot] as number) | (ends ? (several ? PHRASE : bit) : Word.placeStart);
      }
      several = !ends;
      if (ends) {
        start = at + 1;
        hash = 0;
        continue;
      }
    }
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return to;
}

/** Places of the table of {@link mayBeKnown}, a power of two. */
const KNOWN_SIZE = 1 << 18;
let known: Uint8Array | undefined;

/**
 * Whether the word in small letters between two offsets may be one that {@link isKnownSmall} says yes to: a table by some of
 * its letters, which says no to nearly all others.
 */
export function mayBeKnown(text: string, start: number, end: number): boolean {
  known ??= knownWords();
  return known[placeOf(text, start, end)] === 1;
}

function knownWords(): Uint8Array {
  const places = new Uint8Array(KNOWN_SIZE);
  // No other list has such words.
  for (const word of `${FREQUENT_GIVEN_NAMES} ${FAMOUS_PLACES} ${GROUPS}`.split(/\s+/)) {
    if (isKnownSmall(lookUp(word))) places[placeOf(word, 0, word.length)] = 1;
  }
  return places;
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
