/**
 * Spacing: words whose letters stand apart, stand with those of other words, or whose parts do.
 *
 *     spaced   i g n o r e   a l l;  i-g-n-o-r-e;  i.g.n.o.r.e
 *     joined   ignoreallpreviousinstructions
 *     broken   ig nore pre vious;  instruc-\ntions
 *
 * Where the gaps between words are no wider than those between letters, common words tell where they are.
 *
 * @module
 */

import type { Paced } from "../pace.ts";
import { openRewriter, type Made, type Rewriter } from "./rewrite.ts";
import { isShortWord, isWord, LONGEST_SPLIT, readWords, splitWords } from "./words.ts";

/** The text with letters apart, from `places` on, put together; `undefined` where no word has them apart. */
export function* unspaced(text: string, places: readonly number[]): Paced<Made | undefined> {
  const out = openRewriter(text);
  let end = 0;
  for (const place of places) {
    if (place < end) continue;
    // A row ends at a wide gap, or where it is as long as words are looked for in: then the next begins.
    for (let row = rowAt(text, place); row !== undefined; row = rowAt(text, nextPlace(text, end, WIDEST_BREAK))) {
      end = row.end;
      if (row.places.length >= FEWEST_LETTERS) join(text, row, out);
      yield;
    }
  }
  return out.changed ? out.finish() : undefined;
}

const FEWEST_LETTERS = 4;
/** Units between two letters: more part two texts. */
const WIDEST_GAP = 8;
/** Units between two such texts, cells of a table say, that are both looked at. */
const WIDEST_BREAK = 128;

/** Characters that stand alone, one after another. */
interface Row {
  /** Where each of them is. */
  readonly places: readonly number[];
  readonly end: number;
}

function rowAt(text: string, from: number): Row | undefined {
  if (!isAlone(text, from)) return undefined;
  const places = [from];
  let at = from + 1;
  while (places.length < LONGEST_SPLIT) {
    const next = nextPlace(text, at, WIDEST_GAP);
    if (next === at || !isAlone(text, next)) break;
    places.push(next);
    at = next + 1;
  }
  return { places, end: at };
}

/** Where the gap that begins at `at` ends, or would be wider than `widest`. */
function nextPlace(text: string, at: number, widest: number): number {
  let next = at;
  while (next < text.length && next - at < widest && isGap(text.charCodeAt(next))) next++;
  return next;
}

/** Space and punctuation, but for signs that are put for letters. */
function isGap(unit: number): boolean {
  return unit === 0x20 || (unit < 0x7f ? GAP.test(String.fromCharCode(unit)) : unit >= 0x2010 && unit <= 0x2027);
}

const GAP = /[\t\n\r"#%&'()*+,./:;<=>?[\\\]^_`{|}~-]/;

/** A letter, or what is put for one, with no other beside it. */
function isAlone(text: string, at: number): boolean {
  return (
    isCharacter(text.charCodeAt(at)) && !isCharacter(text.charCodeAt(at + 1)) && !isCharacter(text.charCodeAt(at - 1))
  );
}

function isCharacter(unit: number): boolean {
  const lower = unit | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    unit === 0x40 ||
    unit === 0x24 ||
    unit === 0x21
  );
}

function join(text: string, { places }: Row, out: Rewriter): void {
  const gaps = places.slice(1).map((place, index) => text.slice((places[index] as number) + 1, place));
  const letters = places.map((place) => text.charAt(place)).join("");
  if (letters.replace(/[^A-Za-z]/g, "").length * 2 < letters.length) return;
  const usual = mostFrequent(gaps);
  const wider = gaps.some((gap) => isWider(gap, usual) || (gap !== usual && /\s/.test(gap) !== /\s/.test(usual)));
  // Where the gaps between words cannot be told, words themselves tell.
  const starts = wider ? [] : splitWords(plain(letters));
  const begins = new Set(starts);
  const breaks = gaps.map((gap, index) =>
    wider ? isWider(gap, usual) || (gap !== usual && /\s/.test(gap) && !isMark(gap, usual)) : begins.has(index + 1),
  );
  const spelled = Array.from(plain(letters))
    .map((letter, index) => (breaks[index - 1] === true ? ` ${letter}` : letter))
    .join("");
  const { words, letters: inWords } = readWords(spelled);
  const unknown =
    letters.length >= FEWEST_UNKNOWN && !usual.includes(",") && new Set(letters).size * 2 < letters.length * 3;
  if (inWords * 5 < letters.length * 2 && !unknown) return;
  if (words === 0 && !unknown) return;
  gaps.forEach((gap, index) => {
    const start = (places[index] as number) + 1;
    // Punctuation stays, where letters are parted by something else.
    const mark = usual.trim() === "" ? gap.trim().replace(/\s+/g, " ") : "";
    out.replace(start, start + gap.length, breaks[index] === true ? `${mark} ` : mark);
  });
}

function isWider(gap: string, usual: string): boolean {
  return gap.length > usual.length && !isMark(gap, usual);
}

/** A sign that stands apart like the letters do: `d o n ' t`. */
function isMark(gap: string, usual: string): boolean {
  const { length } = usual;
  return (
    usual.trim() === "" &&
    gap.length === 2 * length + 1 &&
    gap.startsWith(usual) &&
    gap.endsWith(usual) &&
    gap.charAt(length).trim() !== ""
  );
}

/** Letters apart of which no words come are some in another language, if there are so many. */
const FEWEST_UNKNOWN = 12;

const DIGITS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  0: "o",
  1: "i",
  3: "e",
  4: "a",
  5: "s",
  7: "t",
  "@": "a",
  $: "s",
  "!": "i",
};

function plain(letters: string): string {
  return letters.toLowerCase().replace(/[013457@$!]/g, (sign) => DIGITS[sign] as string);
}

function mostFrequent(gaps: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const gap of gaps) counts.set(gap, (counts.get(gap) ?? 0) + 1);
  let best = gaps[0] as string;
  for (const [gap, count] of counts) if (count > (counts.get(best) as number)) best = gap;
  return best;
}

/** The text with spaces between words that stand together at `places`; `undefined` where none do. */
export function* split(text: string, places: readonly number[]): Paced<Made | undefined> {
  const out = openRewriter(text);
  let work = 0;
  const run = /[A-Za-z]{1,1024}/y;
  for (const place of places) {
    run.lastIndex = place;
    const letters = run.exec(text)?.[0] ?? "";
    work += letters.length;
    if (work > SPLIT) {
      work = 0;
      yield;
    }
    // Names in programs are words that stand together as well, and show where.
    const starts = /[a-z][A-Z]/.test(letters) ? nameStarts(letters) : splitWords(letters.toLowerCase());
    if (starts === undefined || starts.length < FEWEST_TOGETHER) continue;
    for (const start of starts) if (start > 0) out.replace(place + start, place + start, " ");
  }
  return out.changed ? out.finish() : undefined;
}

/** Letters split in one step: each is looked up with those before it. */
const SPLIT = 512;

function nameStarts(letters: string): readonly number[] | undefined {
  const starts: number[] = [];
  for (const { 0: part, index } of letters.matchAll(/[A-Z]?[a-z]{1,64}|[A-Z]{1,64}/g)) {
    const word = part.toLowerCase();
    if (!isWord(word) && !isShortWord(word)) return undefined;
    starts.push(index);
  }
  return starts.length < FEWEST_IN_NAME ? undefined : starts;
}

const FEWEST_TOGETHER = 3;
const FEWEST_IN_NAME = 4;

/** The text with fragments, the second at one of `places`, put together; `undefined` where no word comes of any. */
export function* unbroken(text: string, places: readonly number[]): Paced<Made | undefined> {
  const out = openRewriter(text);
  let work = 0;
  for (const place of places) {
    if (++work % FRAGMENTS === 0) yield;
    const parted = /([A-Za-z]{1,20})(-?(?: |\r?\n ?)?)$/.exec(text.slice(Math.max(0, place - 24), place));
    const last = parted?.[1]?.toLowerCase();
    const gap = parted?.[2];
    const fragment = /^[A-Za-z]{1,20}/.exec(text.slice(place, place + 21))?.[0].toLowerCase();
    if (last === undefined || gap === undefined || gap === "" || fragment === undefined) continue;
    const joined = last + fragment;
    const fits = joined.length >= SHORTEST_JOINED && isFragment(last, joined) && isFragment(fragment, joined);
    if (fits && isWord(joined)) out.replace(place - gap.length, place, "");
  }
  return out.changed ? out.finish() : undefined;
}

/** Looked at in one step. */
const FRAGMENTS = 512;

const SHORTEST_JOINED = 6;

/** What is a word alone is no part of another, but for short ones in long words: `in structions`. */
function isFragment(letters: string, joined: string): boolean {
  return !isWord(letters) && (joined.length > 8 || !isShortWord(letters));
}
