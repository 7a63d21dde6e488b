/**
 * Leet: words spelled with digits and signs, `1gn0r3 4ll pr3v10u5`. A text is only read so where words come of it;
 * then all that mixes letters with digits is.
 *
 * @module
 */

import type { Paced } from "../pace.ts";
import { openRewriter, type Made, type Rewriter } from "./rewrite.ts";
import { isShortWord, isWord } from "./words.ts";

/** The text in letters, where words mix them with digits (`places`); `undefined` where no words come of it. */
export function* unleeted(text: string, places: readonly number[]): Paced<Made | undefined> {
  const out = openRewriter(text);
  let words = 0;
  let letters = 0;
  let work = 0;
  // Up to where tokens were read: without spaces a text is one stretch of them, whichever place it is entered at.
  let read = 0;
  const token = /[A-Za-z0-9@$!|+]{1,64}|\s/g;
  for (const place of places) {
    if (place < read) continue;
    token.lastIndex = Math.max(place, out.cursor);
    // Digits alone are read as a word behind one: 4nd 50 0n.
    let near = false;
    for (let match = token.exec(text); ; match = token.exec(text)) {
      read = match === null ? text.length : token.lastIndex;
      if (match === null) break;
      const [found] = match;
      if (++work % WORDS === 0) yield;
      if (/^\s/.test(found)) {
        if (near) continue;
        break;
      }
      const spelled = found.slice(0, coreLength(found));
      const signs = countSigns(spelled);
      const mixed = signs > 0 && signs < spelled.length;
      if (!mixed && !(near && signs > 0 && spelled.length < 4)) {
        if (near) break;
        continue;
      }
      const word = readLeet(spelled, mixed);
      if (word === undefined) continue;
      near = word.known;
      if (word.known && mixed && !isNumbered(spelled)) {
        words++;
        letters += spelled.length;
      }
      put(out, match.index, spelled, word.letters);
    }
  }
  return words > 1 || letters >= LONG_WORD ? out.finish() : undefined;
}

/** Words read in one step. */
const WORDS = 512;

function put(out: Rewriter, start: number, spelled: string, letters: string): void {
  if (start < out.cursor) return;
  for (let at = 0; at < spelled.length; at++) {
    const letter = letters.charAt(at);
    if (letter.toLowerCase() !== spelled.charAt(at).toLowerCase()) out.replace(start + at, start + at + 1, letter);
  }
}

/** One word is enough if it has so many letters. */
const LONG_WORD = 6;

/** Signs that also end a sentence are none at the end of a word. */
function coreLength(token: string): number {
  let end = token.length;
  while (end > 0 && /[!+|]/.test(token.charAt(end - 1))) end--;
  return end;
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
  return mixed && !isNumbered(token) ? { letters: first, known: false } : undefined;
}

/** A name and its number, or a number and its unit. */
function isNumbered(token: string): boolean {
  return /^(?:[A-Za-z]{1,64}[0-9]{1,64}|[0-9]{1,64}[A-Za-z]{1,3})$/.test(token);
}

function isSpelled(letters: string): boolean {
  return isWord(letters) || isShortWord(letters);
}
