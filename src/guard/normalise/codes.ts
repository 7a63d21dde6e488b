/**
 * Codes: characters written one by one as numbers or signals, with something between.
 *
 *     char-codes   105 103 110   69 67 6e   0x69,0x67   151 147 156   U+0069 U+0067   01101001 01100111
 *     morse        .. --. -. --- .-. .
 *
 * Sources: ITU-R M.1677 (Morse code).
 *
 * @module
 */

import type { Paced } from "../pace.ts";
import { bytesToText } from "./bytes.ts";
import type { Piece } from "./runs.ts";
import { readWords } from "./words.ts";

/** What codes in rows that begin at `places` spell, by start. */
export function* codes(text: string, places: readonly number[]): Paced<readonly Piece[]> {
  const pieces: Piece[] = [];
  let done = 0;
  let work = 0;
  const token = /[^\s,;:]{1,10}/g;
  for (const place of places) {
    if (place < done) continue;
    const rows = NOTATIONS.map((notation) => openRow(notation));
    let end = place;
    token.lastIndex = place;
    for (let match = token.exec(text); match !== null; match = token.exec(text)) {
      if (++work % CODES === 0) yield;
      const gap = match.index - end;
      const start = match.index;
      let fits = false;
      for (const row of rows) {
        const value = gap > MOST_BETWEEN ? undefined : row.notation.read(match[0]);
        if (value === undefined || row.values.length >= MOST_CODES) close(row, pieces);
        if (value === undefined) continue;
        fits = true;
        if (row.values.length === 0) row.start = start;
        // Morse parts its words by wider gaps.
        else if (row.notation.name === "morse" && gap > 1) row.values.push(SPACE);
        row.values.push(value);
        row.end = start + match[0].length;
      }
      if (!fits) break;
      end = start + match[0].length;
    }
    for (const row of rows) close(row, pieces);
    done = Math.max(end, place + 1);
  }
  return pieces.toSorted((a, b) => a.start - b.start);
}

/** Codes read in one step. */
const CODES = 512;

/** Units between two codes of a row. */
const MOST_BETWEEN = 8;
const FEWEST = 6;
/** More are read as several rows. */
const MOST_CODES = 16_384;
const SPACE = 0x20;

interface Notation {
  readonly name: "char-codes" | "morse";
  /** What a word is in this notation. */
  readonly read: (word: string) => number | undefined;
}

interface Row {
  readonly notation: Notation;
  values: number[];
  start: number;
  end: number;
}

const NOTATIONS: readonly Notation[] = [
  numbers(/^[01]{7,8}$/, 2, 0),
  numbers(/^(?:0x|\\x)?[0-9a-fA-F]{2}$/, 16, 0, /^(?:0x|\\x)/),
  numbers(/^&?#?[0-9]{2,3}$/, 10, 0, /^&?#?/),
  numbers(/^0?[0-7]{2,3}$/, 8, 0),
  numbers(/^U\+[0-9a-fA-F]{4,6}$/, 16, 2),
  { name: "morse", read: (word) => (/^[.\-/|]{1,6}$/.test(word) ? morseLetter(word) : undefined) },
];

function numbers(pattern: RegExp, radix: number, skip: number, prefix?: RegExp): Notation {
  return {
    name: "char-codes",
    read: (word) => {
      if (!pattern.test(word)) return undefined;
      const digits = prefix === undefined ? word.slice(skip) : word.replace(prefix, "");
      const value = Number.parseInt(digits, radix);
      return value < 0x100 || skip > 0 ? value : undefined;
    },
  };
}

function openRow(notation: Notation): Row {
  return { notation, values: [], start: 0, end: 0 };
}

function close(row: Row, pieces: Piece[]): void {
  const { values, start, end, notation } = row;
  row.values = [];
  if (values.length < FEWEST) return;
  const text = notation.name === "morse" ? ofMorse(values) : ofCodes(values);
  if (text !== undefined) pieces.push({ start, end, text, transforms: [notation.name], cut: false });
}

function ofCodes(values: readonly number[]): string | undefined {
  if (values.every((value) => value < 0x100)) return bytesToText(Uint8Array.from(values));
  return bytesToText(
    Buffer.from(values.map((value) => (value <= 0x10ffff ? String.fromCodePoint(value) : "\uFFFD")).join("")),
  );
}

function ofMorse(values: readonly number[]): string | undefined {
  const text = String.fromCharCode
    .apply(null, [...values])
    .replace(/ {2,9}/g, " ")
    .trim();
  return readWords(text).words > 0 ? text : undefined;
}

const MORSE: ReadonlyMap<string, string> = new Map(
  (
    ".- a -... b -.-. c -.. d . e ..-. f --. g .... h .. i .--- j -.- k .-.. l -- m -. n --- o .--. p --.- q .-. r ... s " +
    "- t ..- u ...- v .-- w -..- x -.-- y --.. z ----- 0 .---- 1 ..--- 2 ...-- 3 ....- 4 ..... 5 -.... 6 --... 7 " +
    "---.. 8 ----. 9 .-.-.- . --..-- , ..--.. ?"
  )
    .split(" ")
    .reduce<[string, string][]>((pairs, word, at, words) => {
      if (at % 2 === 0) pairs.push([word, words[at + 1] as string]);
      return pairs;
    }, []),
);

function morseLetter(word: string): number | undefined {
  if (word === "/" || word === "|") return SPACE;
  return MORSE.get(word)?.charCodeAt(0);
}
