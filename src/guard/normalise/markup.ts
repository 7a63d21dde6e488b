/**
 * Markup: words that mark-up parts, `ig**nore`, `ig<b></b>nore`, `ig<!-- -->nore`, `"ig" + "nore"`. What a reader of
 * the rendered page does not see is left out where letters stand on both sides, and then the rest of it in that word.
 *
 * Sources: CommonMark (emphasis, code spans), HTML Living Standard (phrasing elements, comments).
 *
 * @module
 */

import type { Paced } from "../pace.ts";
import { openRewriter, type Made } from "./rewrite.ts";
import { isWord } from "./words.ts";

/** The text without the mark-up inside of words, which may begin at `places`; `undefined` where no word has any. */
export function* unmarked(text: string, places: readonly number[]): Paced<Made | undefined> {
  const out = openRewriter(text);
  let telling = 0;
  let work = 0;
  for (const at of places) {
    if (++work % MARKS === 0) yield;
    if (at < out.cursor) continue;
    const end = markEnd(text, at);
    const sure = end === at ? "not" : partOf(text, at, end);
    if (sure === "not") continue;
    telling += sure === "surely" ? TELLING : 1;
    // A mark before the word belongs to one in it: **ig**nore.
    const opening = openingBefore(text, at, out.cursor);
    if (opening !== undefined) out.replace(opening.start, opening.end, "");
    out.replace(at, end, "");
    const closing = closingBehind(text, end);
    if (closing !== undefined) out.replace(closing.start, closing.end, "");
  }
  return telling >= TELLING ? out.finish() : undefined;
}

/** Looked at in one step. */
const MARKS = 512;

/** One word that comes of it tells; so do three places where words are parted, in whatever language. */
const TELLING = 3;

/** How sure it is that what stands in units `start` to `end` parts a word. */
function partOf(text: string, start: number, end: number): "surely" | "perhaps" | "not" {
  if (!isLetter(text, start - 1) || !isLetter(text, end)) return "not";
  if (isWord(wordAround(text, start, end))) return "surely";
  // One sign alone parts words as well, in names and products, and code stands beside words: `Buffer`s.
  return end - start > 1 && !/[`"']/.test(text.charAt(start)) ? "perhaps" : "not";
}

function wordAround(text: string, start: number, end: number): string {
  let from = start;
  while (from > 0 && start - from < 16 && isLetter(text, from - 1)) from--;
  let to = end;
  while (to < text.length && to - end < 16 && isLetter(text, to)) to++;
  return (text.slice(from, start) + text.slice(end, to)).toLowerCase();
}

/** The end of the marks that begin at `at`; `at` itself when these are none. */
function markEnd(text: string, at: number): number {
  let end = at;
  for (let marks = 0; marks < MOST_MARKS; marks++) {
    const to = oneMarkEnd(text, end);
    if (to === end) break;
    end = to;
  }
  return end;
}

/** Marks in a row that are one to the reader: `</b><i>`. */
const MOST_MARKS = 8;

const EMPHASIS = /[*_~`]{1,8}/y;
const TAG =
  /<\/?(?:a|abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|nobr|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var|wbr|x)(?:\s[^<>]{0,200})?\/?>/iy;
const COMMENT = /<!--[^<>]{0,200}-->/y;
const EMPTY = /\[\](?:\([^()]{0,100}\))?|\{\}|\[\/?[a-z]{1,6}\]/iy;
const CONCATENATION = /(["'])(?:\s{0,4}[+.&]\s{0,4})?\1/y;

function oneMarkEnd(text: string, at: number): number {
  for (const pattern of [EMPHASIS, TAG, COMMENT, EMPTY, CONCATENATION]) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) return at + match[0].length;
  }
  return at;
}

interface Mark {
  readonly start: number;
  readonly end: number;
}

function openingBefore(text: string, at: number, from: number): Mark | undefined {
  let start = at;
  while (start > from && at - start < 32 && isLetter(text, start - 1)) start--;
  const end = start;
  while (start > from && end - start < 8 && /[*_~`]/.test(text.charAt(start - 1))) start--;
  return start < end ? { start, end } : undefined;
}

function closingBehind(text: string, from: number): Mark | undefined {
  let start = from;
  while (start < text.length && start - from < 32 && isLetter(text, start)) start++;
  if (start === from) return undefined;
  EMPHASIS.lastIndex = start;
  const match = EMPHASIS.exec(text);
  if (match === null) return undefined;
  const end = start + match[0].length;
  // If letters go on, it is found as a mark of its own.
  return isLetter(text, end) ? undefined : { start, end };
}

function isLetter(text: string, at: number): boolean {
  const lower = text.charCodeAt(at) | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
