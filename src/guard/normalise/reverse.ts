/**
 * Reverse: text read from its end, or word by word from the end of each.
 *
 *     reversed        snoitcurtsni suoiverp lla erongi
 *     reversed-words  erongi lla suoiverp snoitcurtsni
 *     turned          suoᴉʇɔnɹʇsuᴉ ǝɹouƃᴉ: letters turned by 180 degrees, the text with them
 *
 * Only the lines in which words are read backwards are turned round (`scan.ts` says where).
 *
 * @module
 */

import { STEP, type Paced } from "../pace.ts";
import { TURNED } from "./letters.ts";
import { openRewriter, type Made, type Range } from "./rewrite.ts";
import { isWord, readWords } from "./words.ts";

/** The text with the lines around these parts reversed; `undefined` where no words come of it. */
export function* reversed(text: string, parts: readonly Range[]): Paced<Made | undefined> {
  if (!(yield* readsBetter(text, parts))) return undefined;
  const out = openRewriter(text);
  for (const { start, end } of linesAround(text, parts)) {
    yield* out.reverse(start, end);
    yield;
  }
  return out.finish();
}

/** The text with each word around these parts reversed; `undefined` where no words come of it. */
export function* reversedWords(text: string, parts: readonly Range[]): Paced<Made | undefined> {
  if (!(yield* readsBetter(text, parts))) return undefined;
  const out = openRewriter(text);
  let work = 0;
  for (const { start, end } of linesAround(text, parts)) {
    const word = /[A-Za-z]{2,64}/g;
    word.lastIndex = start;
    for (let match = word.exec(text); match !== null && match.index < end; match = word.exec(text)) {
      yield* out.reverse(match.index, match.index + match[0].length);
      work += match[0].length + 1;
      if (work < STEP) continue;
      work = 0;
      yield;
    }
  }
  return out.finish();
}

/** The text upright again; `undefined` where it was not turned. */
export function* upright(text: string): Paced<Made | undefined> {
  if (!SOME_TURNED.test(text)) return undefined;
  const turned = openRewriter(text);
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    if (at % STEP === STEP - 1) yield;
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    const letter = TURNED.get(code);
    if (letter === undefined) continue;
    turned.replace(at, at + 1, letter);
    count++;
  }
  if (count < FEWEST_TURNED) return undefined;
  const letters = turned.finish();
  // Letters that look the same turned were left: n and u, b and q, d and p.
  const out = openRewriter(letters.text);
  for (let at = 0; at < letters.text.length; at++) {
    if (at % STEP === STEP - 1) yield;
    const other = SWAPPED[letters.text.charAt(at)];
    if (other !== undefined && !TURNED.has(text.charCodeAt(letters.locate(at, at + 1).start)))
      out.replace(at, at + 1, other);
  }
  const swapped = out.finish();
  const back = openRewriter(swapped.text);
  yield* back.reverse(0, swapped.text.length);
  const made = back.finish();
  const { words } = readWords(made.text.slice(0, READ));
  if (words < FEWEST_WORDS || words <= readWords(text.slice(0, READ)).words) return undefined;
  return {
    text: made.text,
    locate: (start, end) => {
      const there = made.locate(start, end);
      const before = swapped.locate(there.start, there.end);
      return letters.locate(before.start, before.end);
    },
  };
}

const FEWEST_TURNED = 4;
/** The commonest of them: no text of four words has none of these. */
const SOME_TURNED = /[\u0250\u0254\u01DD\u0279\u0287\u0131\u1D09]/;
const FEWEST_WORDS = 2;
/** Short words are read backwards by chance. */
const FEWEST_LETTERS = 9;
const SWAPPED: Readonly<Record<string, string>> = {
  __proto__: null as never,
  n: "u",
  u: "n",
  b: "q",
  q: "b",
  d: "p",
  p: "d",
  6: "9",
  9: "6",
  M: "W",
  W: "M",
};

/** The lines that parts lie in, each once; of a line without end, what is near. */
function linesAround(text: string, parts: readonly Range[]): readonly Range[] {
  const lines: Range[] = [];
  for (const part of parts) {
    let start = part.start;
    while (start > 0 && part.start - start < FURTHEST && text.charCodeAt(start - 1) !== LINE) start--;
    let end = part.end;
    while (end < text.length && end - part.end < FURTHEST && text.charCodeAt(end) !== LINE) end++;
    const last = lines.at(-1);
    if (last !== undefined && start <= last.end)
      lines[lines.length - 1] = { start: last.start, end: Math.max(end, last.end) };
    else lines.push({ start, end });
  }
  return lines;
}

const LINE = 0x0a;
const FURTHEST = 1024;

/** Whether more words are read in parts backwards than forwards. */
function* readsBetter(text: string, parts: readonly Range[]): Paced<boolean> {
  let words = 0;
  let letters = 0;
  for (const { start, end } of parts) {
    for (const [word] of text
      .slice(start, Math.min(end, start + READ))
      .toLowerCase()
      .matchAll(/[a-z]{3,20}/g)) {
      if (isWord(word)) {
        words--;
      } else if (isWord(Array.from(word).toReversed().join(""))) {
        words++;
        letters += word.length;
      }
    }
    yield;
  }
  return words >= FEWEST_WORDS && letters >= FEWEST_LETTERS;
}

/** Units that are read for words. */
const READ = 4096;
