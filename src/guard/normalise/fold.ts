/**
 * Fold: the text without the costume of its characters. Four things are undone, each only where it is a disguise and
 * no orthography, so that text in Cyrillic, Greek, Arabic, Vietnamese or Japanese stays what it is:
 *
 *     invisible      characters that nobody sees, where they do not belong (`detectors/unicode/characters.ts`), and
 *                    the control sequences of terminals
 *     compatibility  full-width, circled, mathematical, superscript letters: NFKC of each code point alone
 *     confusables    letters of other scripts in a word that is else Latin, or in a word that wholly looks Latin where
 *                    the text around it is (UTS #39)
 *     marks          marks heaped on letters, and words of which most letters are accented, stroked or small capitals
 *
 * It goes word by word: what stands between white space decides together.
 *
 * Sources: UAX #15, UTS #39 (mixed-script detection), ECMA-48 (control sequences).
 *
 * @module
 */

import { codePointAt, isLowSurrogate } from "../../core/index.ts";
import { belongs, kindOf, takesSelector } from "../detectors/unicode/characters.ts";
import { STEP, type Paced } from "../pace.ts";
import { confusables } from "./confusables.ts";
import { boxedLetter, LOOK_ALIKES, SMALL_CAPITALS } from "./letters.ts";
import { openRewriter, type Made, type Rewriter } from "./rewrite.ts";
import { isWord } from "./words.ts";

/** What was undone. */
type Folding = "invisible" | "compatibility" | "confusables" | "marks";

export interface Folded {
  readonly made: Made;
  readonly foldings: readonly Folding[];
}

/** The text without costume; `undefined` when it wears none. */
export function* fold(text: string): Paced<Folded | undefined> {
  const folded = yield* foldOnce(text, false);
  // Where some words are heaped with marks, those of the others are no orthography either.
  return folded?.foldings.includes("marks") === true ? yield* foldOnce(text, true) : folded;
}

function* foldOnce(text: string, unmarked: boolean): Paced<Folded | undefined> {
  const out = openRewriter(text);
  const found = new Set<Folding>();
  let around: Around = { latin: true, marked: false };
  for (let from = 0; from < text.length;) {
    const to = pieceEnd(text, from);
    around = lookAround(text, from, to, around);
    if (unmarked) around = { ...around, marked: true };
    let done = from;
    for (let at = nextForeign(text, from, to); at < to;) {
      const start = wordStart(text, at, done);
      const end = wordEnd(text, at, to);
      done = end;
      foldWord(text, start, end, around, out, found);
      at = nextForeign(text, end, to);
    }
    from = to;
    if (from < text.length) yield;
  }
  return found.size === 0 ? undefined : { made: out.finish(), foldings: ORDER.filter((folding) => found.has(folding)) };
}

const ORDER: readonly Folding[] = ["invisible", "compatibility", "confusables", "marks"];

/** A word of more units is folded in parts. */
const LONGEST_WORD = 256;

const FOREIGN = /[^\t\n\f\r\x20-\x7E]/g;

function nextForeign(text: string, from: number, to: number): number {
  FOREIGN.lastIndex = from;
  const match = FOREIGN.exec(text);
  return match === null ? to : Math.min(match.index, to);
}

/** A piece ends behind white space, or at least between code points. */
function pieceEnd(text: string, from: number): number {
  const to = from + STEP / 2;
  if (to >= text.length) return text.length;
  for (let at = to; at > to - LONGEST_WORD; at--) if (isSpace(text.charCodeAt(at - 1))) return at;
  return isLowSurrogate(text.charCodeAt(to)) ? to + 1 : to;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || unit === 0x3000 || unit === 0xa0;
}

function wordStart(text: string, at: number, from: number): number {
  let start = at;
  if (isSpace(text.charCodeAt(at))) return start;
  while (start > from && at - start < LONGEST_WORD && !isSpace(text.charCodeAt(start - 1))) start--;
  return start;
}

function wordEnd(text: string, at: number, to: number): number {
  let end = at;
  while (end < to && end - at < LONGEST_WORD && !isSpace(text.charCodeAt(end))) end++;
  return end < to && isLowSurrogate(text.charCodeAt(end)) ? end + 1 : Math.max(end, at + 1);
}

/** What a piece of text is like, which tells what single short words in it are. */
interface Around {
  /**
   * Whether words that wholly look Latin are taken for Latin. In genuine Cyrillic or Greek more than half of the
   * letters look like no Latin ones; in Latin spelled with their look-alikes, none or hardly any.
   */
  readonly latin: boolean;
  /** Whether most letters have marks put on them. */
  readonly marked: boolean;
}

function lookAround(text: string, from: number, to: number, before: Around): Around {
  const alike = confusables();
  let other = 0;
  let alikes = 0;
  let ascii = 0;
  let marks = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) {
      if ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) ascii++;
    } else if (unit >= 0x300 && unit < 0x2000) {
      if (unit < 0x370) marks++;
      else if (alike.has(unit) || LOOK_ALIKES.has(unit)) alikes++;
      else other++;
    }
  }
  if (ascii + alikes + other === 0) return before;
  return { latin: other * 8 <= alikes + ascii, marked: marks * 2 > ascii };
}

/** What a character of a word is, besides what it becomes. */
type Sort = "latin" | "digit" | "variant" | "alike" | "other" | "accent" | "mark" | "hidden" | "kept" | "boxed";

interface Item {
  readonly start: number;
  readonly end: number;
  readonly sort: Sort;
  /** What it becomes if its sort is undone. */
  readonly plain: string;
  /** Undone by compatibility, whatever the rest of the word is. */
  readonly costume: boolean;
}

/** Folds the word in units `start` to `end`. */
function foldWord(text: string, start: number, end: number, around: Around, out: Rewriter, found: Set<Folding>): void {
  const items: Item[] = [];
  const counts: Record<Sort, number> = {
    latin: 0,
    digit: 0,
    variant: 0,
    alike: 0,
    other: 0,
    accent: 0,
    mark: 0,
    hidden: 0,
    kept: 0,
    boxed: 0,
  };
  for (let at = start; at < end;) {
    const item = sortOf(text, at, end);
    counts[item.sort]++;
    items.push(item);
    at = item.end;
  }
  const latin = counts.latin + counts.variant;
  const alikes = counts.alike > 0 && counts.other === 0 && (latin > 0 || around.latin);
  const boxed = counts.boxed > 0 && isSpelledInBoxes(items, latin);
  // Few languages accent half of a word's letters, and none with strokes and small capitals besides.
  const letters = latin + counts.alike;
  const varied = counts.variant + counts.accent;
  const variants =
    varied > 0 &&
    counts.other === 0 &&
    (around.marked ||
      (varied > 2 && varied * 2 >= letters) ||
      (varied > 1 && varied * 3 >= letters && isWord(plainOf(items))));
  const marked = variants || (counts.mark > 0 && counts.mark * 3 >= letters && counts.other === 0);

  for (const item of items) {
    const undone =
      item.sort === "hidden" ||
      item.costume ||
      ((item.sort === "mark" || item.sort === "accent") && marked) ||
      (item.sort === "alike" && alikes) ||
      (item.sort === "variant" && variants) ||
      (item.sort === "boxed" && boxed);
    if (!undone) continue;
    // What is only tidied up, such as a full-width comma, is no reason for a view.
    if (item.sort === "hidden") found.add("invisible");
    else if (item.sort === "mark" || item.sort === "accent" || item.sort === "variant") found.add("marks");
    else if (item.sort === "alike") found.add("confusables");
    else if (item.sort !== "kept") found.add("compatibility");
    out.replace(item.start, item.end, item.plain);
  }
}

function plainOf(items: readonly Item[]): string {
  return items
    .map(({ plain }) => plain)
    .join("")
    .toLowerCase()
    .replace(/^[^a-z]{1,8}|[^a-z]{1,8}$/g, "");
}

/** Indicators come in pairs where they are flags. */
function isSpelledInBoxes(items: readonly Item[], latin: number): boolean {
  const spelled = items.filter(({ sort }) => sort === "boxed").map(({ plain }) => plain);
  return latin > 0 || spelled.length % 2 === 1 || spelled.length > 7 || isWord(spelled.join(""));
}

function sortOf(text: string, at: number, wordEnd: number): Item {
  const code = codePointAt(text, at) as number;
  const end = at + (code > 0xffff ? 2 : 1);
  const item = (sort: Sort, plain: string, costume = false): Item => ({ start: at, end, sort, plain, costume });
  if (code < 0x80) {
    if (code === 0x1b) return { ...item("hidden", ""), end: controlSequenceEnd(text, at, wordEnd) };
    if (code < 0x20 || code === 0x7f) return item("hidden", "");
    const lower = code | 0x20;
    if (lower >= 0x61 && lower <= 0x7a) return item("latin", String.fromCharCode(code));
    return item(code >= 0x30 && code <= 0x39 ? "digit" : "kept", String.fromCharCode(code));
  }
  const kind = kindOf(code);
  if (kind !== undefined) {
    if (!hasItsPlace(text, at, end, code, kind)) return item("hidden", "");
    // Between ASCII characters, such as where an address may be broken, nothing is lost without it.
    const between = text.charCodeAt(at - 1) < 0x80 && (end >= text.length || text.charCodeAt(end) < 0x80);
    return between ? item("kept", "", true) : item("kept", text.slice(at, end));
  }
  if (isLooseMark(code)) return item(composes(characterBefore(text, at), code) ? "accent" : "mark", "");
  const known = formOf(code);
  return item(known.sort, known.plain, known.costume);
}

/** The end of the control sequence of a terminal that begins at `at`: ESC [, parameters, a letter. */
function controlSequenceEnd(text: string, at: number, wordEnd: number): number {
  if (text[at + 1] !== "[") return at + 1;
  let end = at + 2;
  while (end < wordEnd && end - at < 32 && /[0-9;:?]/.test(text.charAt(end))) end++;
  return Math.min(end + 1, wordEnd);
}

/** Whether an invisible character belongs where it is. */
function hasItsPlace(text: string, at: number, end: number, code: number, kind: string): boolean {
  const before = characterBefore(text, at);
  if (kind === "zero-width") return belongs(code, before, text.slice(end, end + characterLength(text, end)));
  return kind === "variation" && takesSelector(before, code);
}

/** Whether a letter with this mark is a letter of its own, as `e` with an acute is. */
function composes(letter: string, mark: number): boolean {
  return letter !== "" && (letter + String.fromCodePoint(mark)).normalize("NFC").length === letter.length;
}

function characterBefore(text: string, at: number): string {
  const two = text.slice(Math.max(0, at - 2), at);
  return two.length === 2 && (two.codePointAt(0) as number) > 0xffff ? two : two.slice(-1);
}

function characterLength(text: string, at: number): number {
  return (codePointAt(text, at) ?? 0) > 0xffff ? 2 : 1;
}

/** Marks that can be put on any letter; the marks of scripts are left alone. */
function isLooseMark(code: number): boolean {
  return (
    (code >= 0x300 && code <= 0x36f) ||
    (code >= 0x483 && code <= 0x489) ||
    (code >= 0x1ab0 && code <= 0x1aff) ||
    (code >= 0x1dc0 && code <= 0x1dff) ||
    (code >= 0x20d0 && code <= 0x20ff) ||
    (code >= 0xfe20 && code <= 0xfe2f)
  );
}

interface Form {
  readonly sort: Sort;
  readonly plain: string;
  readonly costume: boolean;
}

const forms = new Map<number, Form>();
/** Of no more code points are forms kept; the rest are made again. */
const MOST_FORMS = 8192;

function formOf(code: number): Form {
  const known = forms.get(code);
  if (known !== undefined) return known;
  const form = makeForm(code);
  if (forms.size < MOST_FORMS) forms.set(code, form);
  return form;
}

/** Ordinary in ordinary text, alone among what NFKC changes to letters and digits. */
const ORDINARY =
  /^[\u00AA\u00B2\u00B3\u00B9\u00BA\u00BC-\u00BE\u2116\u2120-\u2122\u212A\u212B\u2150-\u215F\u2126\u3300-\u33FF\uFB00-\uFB06\u0132\u0133]$/;

function makeForm(code: number): Form {
  const character = String.fromCodePoint(code);
  const boxed = boxedLetter(code);
  if (boxed !== undefined) return { sort: "boxed", plain: boxed, costume: false };
  const compatible = character.normalize("NFKC");
  // Signs that only have another width are tidied up as well, without being a reason for it.
  if (/^[\x20-\x7E]+$/.test(compatible)) {
    if (!/[A-Za-z0-9]/.test(compatible) || ORDINARY.test(character))
      return { sort: "kept", plain: compatible, costume: true };
    return { sort: /^[0-9]+$/.test(compatible) ? "digit" : "latin", plain: compatible, costume: true };
  }
  const small = SMALL_CAPITALS.get(code);
  if (small !== undefined) return { sort: "variant", plain: small, costume: false };
  if (!/^\p{L}$/u.test(character)) {
    return /^\p{M}$/u.test(character)
      ? { sort: "other", plain: character, costume: false }
      : { sort: "kept", plain: character, costume: false };
  }
  const bare = Array.from(compatible.normalize("NFD"))
    .filter((part) => !/^\p{M}$/u.test(part))
    .join("");
  const base = bare.codePointAt(0) as number;
  const letters = /^[A-Za-z]+$/.test(bare) ? bare : (confusables().get(base) ?? LOOK_ALIKES.get(base));
  if (letters === undefined)
    return { sort: /^\p{Script=Latin}$/u.test(character) ? "latin" : "other", plain: compatible, costume: false };
  return { sort: /^\p{Script=Latin}$/u.test(character) ? "variant" : "alike", plain: letters, costume: false };
}
