/**
 * Leet: words spelled with digits and signs, `1gn0r3 4ll pr3v10u5`. A text is only read so where words come of it;
 * then all that mixes letters with digits is.
 *
 * @module
 */

import { STEP, type Paced } from "../pace.ts";
import { openRewriter, type Made } from "./rewrite.ts";
import { isWord } from "./words.ts";

/** The text in letters; `undefined` where no words come of it. */
export function* unleeted(text: string): Paced<Made | undefined> {
  const out = openRewriter(text);
  let next = STEP;
  let won = 0;
  let near = false;
  for (const { 0: token, index } of text.matchAll(/[A-Za-z0-9@$!|+()<>{}[\]]{1,64}/g)) {
    if (index > next) {
      next = index + STEP;
      yield;
    }
    const core = coreOf(token);
    const spelled = token.slice(core.start, core.end);
    const signs = countSigns(spelled);
    const mixed = signs > 0 && signs < spelled.length;
    if (!mixed && !(near && signs > 0 && spelled.length < 4)) {
      if (signs === 0 && spelled.length > 2) near = false;
      continue;
    }
    const read = readLeet(spelled, mixed);
    if (read === undefined) continue;
    if (read.known) {
      near = true;
      if (mixed) won += spelled.length;
    }
    for (let at = 0; at < spelled.length; at++) {
      const letter = read.letters.charAt(at);
      if (letter !== spelled.charAt(at)) out.replace(index + core.start + at, index + core.start + at + 1, letter);
    }
  }
  return won >= FEWEST_WON ? out.finish() : undefined;
}

/** Characters of words that came of it: one of five, or two short ones. */
const FEWEST_WON = 5;

/** Signs that also end a sentence or close a bracket are none at the ends of a word. */
function coreOf(token: string): { readonly start: number; readonly end: number } {
  let start = 0;
  let end = token.length;
  while (start < end && /[()<>{}[\]]/.test(token.charAt(start))) start++;
  while (end > start && /[()<>{}[\]!+]/.test(token.charAt(end - 1))) end--;
  return { start, end };
}

/** What each sign stands for; the second reading is tried where no word comes of the first. */
const FIRST: Readonly<Record<string, string>> = {
  __proto__: null as never,
  0: "o",
  1: "i",
  2: "z",
  3: "e",
  4: "a",
  5: "s",
  6: "g",
  7: "t",
  8: "b",
  9: "g",
  "@": "a",
  $: "s",
  "!": "i",
  "|": "i",
  "+": "t",
  "(": "c",
  "<": "c",
};
const SECOND: Readonly<Record<string, string>> = {
  __proto__: null as never,
  1: "l",
  "|": "l",
  "!": "l",
  6: "b",
  9: "q",
};

function countSigns(token: string): number {
  let signs = 0;
  for (let at = 0; at < token.length; at++) if (FIRST[token.charAt(at)] !== undefined) signs++;
  return signs;
}

interface Read {
  readonly letters: string;
  readonly known: boolean;
}

function readLeet(token: string, mixed: boolean): Read | undefined {
  const lower = token.toLowerCase();
  const first = lower.replace(/[^a-z]/g, (sign) => FIRST[sign] ?? sign);
  if (isSpelled(first)) return { letters: first, known: true };
  const second = lower.replace(/[^a-z]/g, (sign) => SECOND[sign] ?? FIRST[sign] ?? sign);
  if (isSpelled(second)) return { letters: second, known: true };
  // Each stroke may be the one or the other.
  const strokes = lower.match(/[1|!]/g)?.length ?? 0;
  if (strokes > 1 && strokes <= 4) {
    for (let choice = 1; choice < (1 << strokes) - 1; choice++) {
      let stroke = 0;
      const letters = lower.replace(/[^a-z]/g, (sign) => {
        const other = /[1|!]/.test(sign) && ((choice >> stroke++) & 1) === 1;
        return (other ? SECOND[sign] : FIRST[sign]) ?? sign;
      });
      if (isSpelled(letters)) return { letters, known: true };
    }
  }
  // Letters that end in a number are a name and its number; numbers alone stay numbers.
  return mixed && !/^[a-z]{1,40}[0-9]{1,8}$/.test(lower) && !/^[0-9]{1,8}[a-z]{1,3}$/.test(lower)
    ? { letters: first, known: false }
    : undefined;
}

function isSpelled(letters: string): boolean {
  return isWord(letters) || SHORT.has(letters);
}

/** Words of one and two letters, which count beside others only. */
const SHORT: ReadonlySet<string> = new Set(
  "a i of to in is it on at as be by or an my me we he if do go no so up us".split(" "),
);
