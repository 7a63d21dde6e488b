/**
 * Scan: one look at every unit of a text, for signs that something in it is spelled in another way. Of ordinary text
 * nothing else is ever done, so all that is asked of a unit is a table and, for letters, three hashes.
 *
 * A sign is a reason to look, never a finding: the transforms decide.
 *
 * @module
 */

import { isPlainAscii } from "../detectors/unicode/characters.ts";
import { STEP, type Paced } from "../pace.ts";
import type { Range } from "./rewrite.ts";
import { HASH_STEP, hashSlot, LONGEST_WORD, WORD_HASHES } from "./words.ts";

/** What a text shows a sign of, and where: the offset at which looking begins, in ascending order. */
export interface Signs {
  /** Characters beyond printable ASCII and white space. */
  foreign: boolean;
  /** `%41`, `&#65;`, `&lt;`, `\u0041`, `\x41`, `\101`. */
  escapes: boolean;
  /** `=41`. */
  quoted: boolean;
  /** `<~`, behind which ASCII85 stands. */
  ascii85: boolean;
  /** Letters and digits that stand together for long, as encoded bytes do. */
  readonly runs: number[];
  /** Numbers or dots and dashes in a row, as of character codes or Morse. */
  readonly codes: number[];
  /** Mark-up behind a letter, with no space behind itself. */
  readonly markup: number[];
  /** Letters that stand alone, one after another. */
  readonly spaced: number[];
  /** Letters that stand together for long. */
  readonly joined: number[];
  /** Fragments that are a word when put together with the one before. */
  readonly broken: number[];
  /** Words that mix letters with digits and signs. */
  readonly leet: number[];
  /** Where words are read backwards. */
  readonly reversed: Range[];
  /** Where words are read with each letter shifted by 13. */
  readonly rotated: Range[];
  /** Where hardly any string of letters is a word. */
  readonly strange: Range[];
}

const LETTER = 0;
const DIGIT = 1;
const SPACE = 2;
const LINE = 3;
/** Has no meaning here; all above are looked at. */
const OTHER = 4;
/** Stands in a word only as mark-up. */
const MARKUP = 5;
/** Begins an escape. */
const ESCAPE = 6;
/** Stands for a letter in a word: `@`, `$`, `!`, `|`. */
const SIGN = 7;

const CLASSES = new Uint8Array(0x100).fill(OTHER);
for (const [characters, kind] of [
  ["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", LETTER],
  ["0123456789", DIGIT],
  [" \t\f", SPACE],
  ["\n\r", LINE],
  ["*_~`<[{\"'", MARKUP],
  ["%&\\=", ESCAPE],
  ["@$!|", SIGN],
] as const) {
  for (const character of characters) CLASSES[character.charCodeAt(0)] = kind;
}

/** By letter, 1 to 26: the letter 13 further on. */
const ROTATED = Uint8Array.from({ length: 32 }, (_, letter) => ((letter + 12) % 26) + 1);

/** Letters and digits that stand together and may be encoded: fewer bytes are no text to speak of. */
const SHORTEST_RUN = 12;
/** With a digit or padding. */
const SHORT_RUN = 8;
/** Letters that stand together in no ordinary word of most languages. */
const SHORTEST_JOINED = 18;

/**
 * Looks at a text of one step at most. Nearly every text is one that shows nothing: it costs no object.
 *
 * @returns undefined where nothing is to be looked at
 */
export function glance(text: string): Signs | undefined {
  const { signs, look } = (unused ??= openSigns());
  signs.foreign = !isPlainAscii(text);
  signs.ascii85 = text.includes("<~");
  look.at(readUnits(text, signs.foreign), 0);
  look.end(text.length);
  if (hasSign(signs)) {
    // They are the caller's from here on.
    unused = undefined;
    return signs;
  }
  look.reset();
  return undefined;
}

/** Opened, with no sign in it. */
let unused: ReturnType<typeof openSigns> | undefined;

/** Looks at a text in steps. @returns undefined where nothing is to be looked at */
export function* scan(text: string): Paced<Signs | undefined> {
  const { signs, look } = openSigns();
  signs.foreign = !isPlainAscii(text);
  signs.ascii85 = text.includes("<~");
  for (let from = 0; from < text.length;) {
    if (from > 0) yield;
    const piece = text.slice(from, pieceEnd(text, from));
    look.at(readUnits(piece, signs.foreign), from);
    from += piece.length;
  }
  look.end(text.length);
  return hasSign(signs) ? signs : undefined;
}

function openSigns(): { readonly signs: Signs; readonly look: Look } {
  const signs: Signs = {
    foreign: false,
    escapes: false,
    quoted: false,
    ascii85: false,
    runs: [],
    codes: [],
    markup: [],
    spaced: [],
    joined: [],
    broken: [],
    leet: [],
    reversed: [],
    rotated: [],
    strange: [],
  };
  return { signs, look: openLook(signs) };
}

function hasSign(signs: Signs): boolean {
  return (
    signs.foreign ||
    signs.escapes ||
    signs.quoted ||
    signs.ascii85 ||
    signs.runs.length > 0 ||
    signs.codes.length > 0 ||
    signs.markup.length > 0 ||
    signs.spaced.length > 0 ||
    signs.joined.length > 0 ||
    signs.broken.length > 0 ||
    signs.leet.length > 0 ||
    signs.reversed.length > 0 ||
    signs.rotated.length > 0 ||
    signs.strange.length > 0
  );
}

/** A text is read by way of one buffer, several times as fast as unit by unit. */
const UNITS = Buffer.alloc(STEP + 4);

/** Reads a piece into {@link UNITS}, with zeros behind it, all that is not ASCII as one class. @returns its length */
function readUnits(piece: string, foreign: boolean): number {
  const { length } = piece;
  if (foreign) for (let at = 0; at < length; at++) UNITS[at] = Math.min(piece.charCodeAt(at), 0x80);
  else UNITS.write(piece, "latin1");
  UNITS.fill(0, length, length + 4);
  return length;
}

/** A piece ends behind white space. Where there is none for long, what is cut is no word. */
function pieceEnd(text: string, from: number): number {
  const to = from + STEP;
  if (to >= text.length) return text.length;
  for (let at = to; at > to - LONGEST_UNCUT; at--) if (CLASSES[text.charCodeAt(at - 1)] === SPACE) return at;
  return to;
}

const LONGEST_UNCUT = 256;

/** Reads a text piece by piece. */
interface Look {
  /** Reads the first `length` of {@link UNITS}, which stand at `base` in the text. */
  at(length: number, base: number): void;
  /** The text ended, with so many units. */
  end(length: number): void;
  /** Begins another text. */
  reset(): void;
}

function openLook(signs: Signs): Look {
  const units = UNITS;
  const backwards = openStreak(signs.reversed);
  const rotated = openStreak(signs.rotated);
  const strange = openStrange(signs.strange);

  const readStrange = (start: number, end: number, base: number): void => {
    let mirrored = 0;
    let shifted = 0;
    for (let at = start; at < end; at++) {
      shifted = (Math.imul(shifted, HASH_STEP) + (ROTATED[(units[at] as number) & 31] as number)) | 0;
    }
    for (let at = end - 1; at >= start; at--) {
      mirrored = (Math.imul(mirrored, HASH_STEP) + ((units[at] as number) & 31)) | 0;
    }
    if (WORD_HASHES[hashSlot(mirrored)] === 1) backwards.hit(base + start, base + end);
    if (WORD_HASHES[hashSlot(shifted)] === 1) rotated.hit(base + start, base + end);
  };

  return {
    at: (length, base) => {
      // The fragment of a word before, if no more than white space and a hyphen is between.
      let fragment = 0;
      let fragmentHash = 0;
      // Where what stands together begins (letters and digits), and how many of it are digits.
      let runStart = -1;
      let digits = 0;
      let before = SPACE;
      // Things of one character in a row; numbers, pairs of hexadecimal digits, dots and dashes in a row.
      let single = 0;
      let singleStart = 0;
      let codes = 0;
      let codesStart = 0;
      // Where what has a digit or a sign in it begins, up to white space.
      let leetStart = -1;
      let wordStart = 0;
      // White space ends the last word too.
      for (let at = 0; at <= length; at++) {
        let kind = at < length ? (CLASSES[units[at] as number] as number) : SPACE;
        if (kind === LETTER) {
          const start = at;
          let hash = 0;
          do {
            hash = (Math.imul(hash, HASH_STEP) + ((units[at] as number) & 31)) | 0;
            kind = ++at < length ? (CLASSES[units[at] as number] as number) : SPACE;
          } while (kind === LETTER);
          if (runStart === -1) runStart = start;
          const letters = at - start;
          const known = WORD_HASHES[hashSlot(hash)] === 1;
          if (letters > 2) {
            if (known) {
              backwards.miss();
              rotated.miss();
            } else {
              readStrange(start, at, base);
            }
            strange.word(base + start, base + at, known);
            if (letters >= SHORTEST_JOINED) signs.joined.push(base + start);
          }
          if (fragment > 0 && !known && fragment + letters <= LONGEST_WORD) {
            let joined = fragmentHash;
            for (let letter = start; letter < at; letter++) {
              joined = (Math.imul(joined, HASH_STEP) + ((units[letter] as number) & 31)) | 0;
            }
            if (WORD_HASHES[hashSlot(joined)] === 1) signs.broken.push(base + start);
          }
          fragment = known && letters > 2 ? 0 : letters;
          fragmentHash = hash;
          before = LETTER;
        }
        if (kind === DIGIT) {
          if (runStart === -1) runStart = at;
          fragment = 0;
          digits++;
          before = kind;
          continue;
        }
        if (kind > LINE) {
          const unit = units[at] as number;
          if (unit !== HYPHEN) fragment = 0;
          if (kind === MARKUP) {
            if (before === LETTER && isMarkup(at)) signs.markup.push(base + at);
          } else if (kind === SIGN) {
            if (before === LETTER || isLetterAt(at + 1)) leetStart = wordStart;
          } else if (kind === ESCAPE) {
            lookAtEscape(at, signs);
          } else if (unit === DOT || unit === HYPHEN) {
            if (codes === 0) codesStart = at;
            if (++codes === FEWEST_CODES) signs.codes.push(base + codesStart);
          }
        }
        if (runStart !== -1) {
          // What stood together ends here.
          const run = at - runStart;
          if (run >= SHORTEST_RUN || (run >= SHORT_RUN && (digits > 0 || units[at] === EQUALS))) {
            signs.runs.push(base + runStart);
          }
          if (digits > 0 && digits < run) leetStart = wordStart;
          if (run > 1) {
            single = 0;
          } else {
            if (single === 0) singleStart = runStart;
            if (++single === FEWEST_SINGLE) signs.spaced.push(base + singleStart);
          }
          if (digits === run ? run < 9 : (run === 2 || run === 4) && isHexAt(at - 2)) {
            if (codes === 0) codesStart = units[runStart - 1] === PLUS ? Math.max(0, runStart - 2) : runStart;
            if (++codes === FEWEST_CODES) signs.codes.push(base + codesStart);
          } else if (units[at] !== PLUS) {
            codes = 0;
          }
          runStart = -1;
          digits = 0;
        }
        if (kind === SPACE || kind === LINE) {
          if (leetStart !== -1) signs.leet.push(base + leetStart);
          leetStart = -1;
          wordStart = at + 1;
        }
        before = kind;
      }
    },
    end: (length) => strange.end(length),
    reset: () => {
      backwards.reset();
      rotated.reset();
      strange.reset();
    },
  };
}

const HYPHEN = 0x2d;
const DOT = 0x2e;
const EQUALS = 0x3d;
/** As in U+0041. */
const PLUS = 0x2b;
/** How many in a row are a sign: as many as the transforms ask for. */
const FEWEST_CODES = 6;
const FEWEST_SINGLE = 4;

/** Whether mark-up behind a letter may be followed by the rest of a word. An apostrophe alone is none. */
function isMarkup(at: number): boolean {
  const unit = UNITS[at] as number;
  const next = UNITS[at + 1] as number;
  if (unit === 0x22 || unit === 0x27)
    return next === unit || next === 0x2b || (next === 0x20 && UNITS[at + 2] === 0x2b);
  return next > 0x20 && next < 0x7f;
}

function lookAtEscape(at: number, signs: Signs): void {
  const next = UNITS[at + 1] as number;
  switch (UNITS[at]) {
    case 0x3d:
      signs.quoted ||= isHexAt(at + 1);
      return;
    case 0x25:
      signs.escapes ||= isHexAt(at + 1);
      return;
    case 0x26:
      signs.escapes ||= next === 0x23 || isLetterAt(at + 1);
      return;
    default:
      // \u \U \x \N \n and octal digits.
      signs.escapes ||= (next >= 0x30 && next <= 0x37) || isLetterAt(at + 1);
  }
}

/** Gathers the parts of a text where hits follow one another more closely than misses. */
function openStreak(ranges: Range[]): { hit(start: number, end: number): void; miss(): void; reset(): void } {
  let score = 0;
  let first = 0;
  let open = false;
  return {
    hit: (start, end) => {
      if (score === 0) {
        first = start;
        open = false;
      } else {
        // Beyond a number of parts nothing is told apart any more.
        if (open || ranges.length >= MOST_RANGES) first = (ranges.pop() as Range).start;
        ranges.push({ start: first, end });
        open = true;
      }
      score = Math.min(score + HIT, MOST_SCORE);
    },
    miss: () => {
      if (score > 0) score--;
    },
    reset: () => {
      score = 0;
    },
  };
}

/** Misses that undo a hit. */
const HIT = 3;
const MOST_SCORE = 4 * HIT;
const MOST_RANGES = 64;

/** Gathers the parts where words hardly occur: eight other strings in a row, or a text that has no words at all. */
function openStrange(ranges: Range[]): {
  word(start: number, end: number, known: boolean): void;
  end(length: number): void;
  reset(): void;
} {
  let score = 0;
  let first = 0;
  let open = false;
  let all = 0;
  let words = 0;
  return {
    word: (start, end, known) => {
      all++;
      if (known) {
        words++;
        score = Math.max(0, score - KNOWN);
        return;
      }
      if (score === 0) {
        first = start;
        open = false;
      }
      if (++score < STRANGE) return;
      if (score > 2 * STRANGE) score = 2 * STRANGE;
      if (open || ranges.length >= MOST_RANGES) first = (ranges.pop() as Range).start;
      ranges.push({ start: first, end });
      open = true;
    },
    end: (length) => {
      if (ranges.length === 0 && words === 0 && all > 2) ranges.push({ start: 0, end: length });
    },
    reset: () => {
      score = all = words = 0;
    },
  };
}

const STRANGE = 8;
const KNOWN = 4;

function isLetterAt(at: number): boolean {
  return CLASSES[UNITS[at] as number] === LETTER;
}

/** Two hexadecimal digits. */
function isHexAt(at: number): boolean {
  return isHex(UNITS[at] as number) && isHex(UNITS[at + 1] as number);
}

function isHex(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x66);
}
