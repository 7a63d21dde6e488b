/**
 * The words of a piece of text, with what is known of each.
 *
 * @module
 */

import { lookUpRole, Word } from "./gazetteer.ts";

export interface Token {
  readonly start: number;
  readonly end: number;
  /** The word without a full stop behind it. */
  readonly word: string;
  readonly kind: "capitalised" | "capitals" | "initial" | "small" | "other";
  /** Bits of {@link Word}. */
  readonly bits: number;
  /** It is spelled like a title, and like the first word of a town's name, but for accents. */
  readonly titled: boolean;
  readonly headsTown: boolean;
  /** A full stop directly behind it, which is not part of `end`. */
  readonly stopped: boolean;
  /** It begins a sentence: nothing before it, or an end of one. */
  readonly opening: boolean;
  /** Between the token before and this one there is only a blank or a hyphen. */
  readonly joined: boolean;
}

/** Bits of a unit's class. */
const LETTER = 1;
const CAPITAL = 2;
const DIGIT = 4;
const BLANK = 8;
/** May stand between the end of a sentence and the next. */
const AROUND = 16;
/** Ends a sentence. */
const END = 32;

/** The class of every UTF-16 unit up to the last letter of the scripts that have capitals. */
const CLASSES = classify();

function classOf(unit: number): number {
  if (unit < 0x2000) return CLASSES[unit] as number;
  if (unit === 0x201c || unit === 0x201d || unit === 0x2018 || unit === 0x2019) return AROUND;
  if (unit === 0x2022) return END;
  return unit <= 0x200a ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000 ||
    unit === 0xfeff
    ? BLANK | AROUND
    : 0;
}

/** Where the letters, and the apostrophes between them, from `at` on end. */
function wordEnd(text: string, at: number): number {
  let end = at + 1;
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    if ((classOf(unit) & LETTER) !== 0) continue;
    if (unit !== 0x27 && unit !== 0x2019) break;
    if (end + 1 >= text.length || (classOf(text.charCodeAt(end + 1)) & LETTER) === 0) break;
  }
  return end;
}

/** The tokens from `from` to `to`. What lies before `from` says whether the first begins a sentence. */
export function tokensOf(text: string, from: number, to: number): Token[] {
  const tokens: Token[] = [];
  let last = from;
  for (let at = from; at < to;) {
    const unit = text.charCodeAt(at);
    const kindOfUnit = classOf(unit);
    if ((kindOfUnit & BLANK) !== 0) {
      at += 1;
      continue;
    }
    const start = at;
    let behind = start + 1;
    let end = behind;
    let kind: Token["kind"] = "other";
    let bits = 0;
    if ((kindOfUnit & LETTER) !== 0) {
      behind = wordEnd(text, start);
      end = genitiveStart(text, start, behind);
      kind = kindOf(text, start, end);
      bits = bitsOf(text, start, end, kind);
    } else if ((kindOfUnit & DIGIT) !== 0) {
      while (behind < text.length && (classOf(text.charCodeAt(behind)) & DIGIT) !== 0) behind += 1;
      end = behind;
    } else if (unit >= 0x2070) {
      // Letters among the symbols, as the Ohm sign, which is written for an Omega.
      kind = kindOf(text, start, end);
      bits = bitsOf(text, start, end, kind);
    }
    tokens.push({
      start,
      end: Math.min(end, to),
      word: text.slice(start, end),
      kind,
      bits: bits & Word.any,
      titled: (bits & Word.title) !== 0,
      headsTown: (bits & Word.townHead) !== 0,
      stopped: text.charCodeAt(behind) === 0x2e,
      opening: opensSentence(text, start),
      joined: tokens.length > 0 && (start === last || (start === last + 1 && text.charCodeAt(last) === 0x20)),
    });
    last = behind;
    at = behind;
  }
  return tokens;
}

/** Whether any token of a text without digits may be a part of anything; see {@link mayBePart}. */
export function hasPart(text: string, from: number, to: number): boolean {
  for (let at = from; at < to;) {
    const unit = text.charCodeAt(at);
    if ((classOf(unit) & LETTER) === 0 && unit < 0x2070) {
      at += 1;
      continue;
    }
    const behind = unit < 0x2000 ? wordEnd(text, at) : at + 1;
    const end = genitiveStart(text, at, behind);
    const kind = kindOf(text, at, end);
    if (mayBePart(kind, bitsOf(text, at, end, kind) & Word.any)) return true;
    at = behind;
  }
  return false;
}

/** Whether a token may be a part of anything: it is not in small letters, and more than a plain word. */
function mayBePart(kind: Token["kind"], bits: number): boolean {
  if (kind === "other" || kind === "initial") return false;
  if (kind === "small") return (bits & (Word.first | Word.group | Word.famous)) !== 0 && (bits & Word.stop) === 0;
  return bits !== Word.common && bits !== (Word.common | Word.stop);
}

/** Whether a word is anybody's given or family name. */
export function isName({ bits, kind }: Token): boolean {
  return (bits & (Word.first | Word.last)) !== 0 && kind !== "other";
}

/** `Smith's` is the word Smith: where the genitive of the word begins, or its end. */
function genitiveStart(text: string, start: number, end: number): number {
  if (end - start < 3 || (text.charCodeAt(end - 1) | 0x20) !== 0x73) return end;
  const unit = text.charCodeAt(end - 2);
  return unit === 0x27 || unit === 0x2019 ? end - 2 : end;
}

function kindOf(text: string, start: number, end: number): Token["kind"] {
  let all = LETTER | CAPITAL;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return kindOfAny(text.slice(start, end));
    if (unit === 0x27) continue;
    all &= CLASSES[unit] as number;
    if (at === start && (all & CAPITAL) === 0) return "small";
  }
  if (end - start === 1) return "initial";
  return (all & CAPITAL) === 0 ? "capitalised" : "capitals";
}

/** The same for any script. */
function kindOfAny(word: string): Token["kind"] {
  const first = word.charAt(0);
  if (first.toLowerCase() === first.toUpperCase()) return "other";
  if (first !== first.toUpperCase()) return "small";
  if (word.length === 1) return "initial";
  return word === word.toUpperCase() ? "capitals" : "capitalised";
}

/** An abbreviation in capitals is no name: of those, only words of four letters or more are looked up as names. */
function bitsOf(text: string, start: number, end: number, kind: Token["kind"]): number {
  if (kind === "initial" || kind === "other") return 0;
  const bits = lookUpRole(text, start, end);
  if (kind !== "capitals" || end - start > 3) return bits;
  return (
    bits & (Word.stop | Word.common | Word.place | Word.organisation | Word.placeStart | Word.title | Word.townHead)
  );
}

function opensSentence(text: string, start: number): boolean {
  let at = start - 1;
  while (at >= 0) {
    const unit = text.charCodeAt(at);
    if (unit === 0x0a) return true;
    const kind = classOf(unit);
    if ((kind & AROUND) === 0) return (kind & END) !== 0;
    at -= 1;
  }
  return true;
}

function classify(): Uint8Array {
  const classes = new Uint8Array(0x2000);
  for (let unit = 0; unit < 0x2000; unit++) {
    const letter = String.fromCharCode(unit);
    if (unit === 0x1680) classes[unit] = LETTER | AROUND;
    else if (/\s/.test(letter)) classes[unit] = BLANK | AROUND;
    else if (unit >= 0x30 && unit <= 0x39) classes[unit] = DIGIT;
    else if (unit >= 0x41 && unit <= 0x5a) classes[unit] = LETTER | CAPITAL;
    else if (unit >= 0x61 && unit <= 0x7a) classes[unit] = LETTER;
    else if (unit >= 0xc0 || unit === 0xaa || unit === 0xb5 || unit === 0xba) classes[unit] = LETTER;
  }
  for (const letter of "\"'(*>#_-") classes[letter.charCodeAt(0)] = AROUND;
  for (const letter of ".!?:;|") classes[letter.charCodeAt(0)] = END;
  return classes;
}
