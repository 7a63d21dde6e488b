/**
 * The characters that a reader does not see, and the company in which they belong to ordinary text.
 *
 * Sources: Unicode 17 `DerivedCoreProperties` (Default_Ignorable_Code_Point), UAX #9 (bidirectional algorithm), UTS #51
 * (emoji; tag and ZWJ sequences), `StandardizedVariants.txt`, UTS #37 (ideographic variation), UAX #31 section 2.3
 * (where joiners matter), UTR #36 and #39 (security), and the Trojan Source paper (CVE-2021-42574).
 *
 * @module
 */

import { codePointAt } from "../../../core/index.ts";

/** How a character is judged. */
export type Kind =
  | "tag"
  | "variation"
  | "zero-width"
  | "bidi"
  | "annotation"
  | "deprecated"
  | "soft-hyphen"
  | "control"
  | "untidy-control";

/**
 * Everything that is judged: first and last code point, and its kind. Tab, line feed, form feed (page breaks of
 * extracted PDF text), carriage return and U+0085 (a line break) are left alone.
 */
const HIDDEN: readonly (readonly [first: number, last: number, kind: Kind])[] = [
  [0x00, 0x00, "control"],
  [0x01, 0x07, "untidy-control"],
  [0x08, 0x08, "control"], // backspace
  [0x0b, 0x0b, "untidy-control"],
  [0x0e, 0x0f, "control"], // shift out and in
  [0x10, 0x1a, "untidy-control"],
  [0x1b, 0x1b, "control"], // escape
  [0x1c, 0x1f, "untidy-control"],
  [0x7f, 0x7f, "control"], // delete
  // Windows-1252 read as Latin-1 has its quotes and dashes from 0x80 on, but nothing at 0x90 and 0x9D.
  [0x80, 0x84, "untidy-control"],
  [0x86, 0x8f, "untidy-control"],
  [0x90, 0x90, "control"],
  [0x91, 0x9a, "untidy-control"],
  [0x9b, 0x9b, "control"], // control sequence introducer
  [0x9c, 0x9c, "untidy-control"],
  [0x9d, 0x9d, "control"], // operating system command
  [0x9e, 0x9f, "untidy-control"],
  [0xad, 0xad, "soft-hyphen"],
  [0x034f, 0x034f, "zero-width"], // combining grapheme joiner
  [0x061c, 0x061c, "zero-width"], // Arabic letter mark
  [0x115f, 0x1160, "zero-width"], // Hangul fillers
  [0x17b4, 0x17b5, "zero-width"], // Khmer inherent vowels
  [0x180b, 0x180f, "zero-width"], // Mongolian free variation selectors and vowel separator
  [0x200b, 0x200f, "zero-width"], // space, non-joiner, joiner, left-to-right and right-to-left mark
  [0x202a, 0x202e, "bidi"],
  [0x2060, 0x2065, "zero-width"], // word joiner, invisible operators
  [0x2066, 0x2069, "bidi"],
  [0x206a, 0x206f, "deprecated"],
  [0x3164, 0x3164, "zero-width"], // Hangul filler
  [0xfe00, 0xfe0f, "variation"],
  [0xfeff, 0xfeff, "zero-width"], // byte order mark
  [0xffa0, 0xffa0, "zero-width"], // half-width Hangul filler
  [0xfff0, 0xfff8, "zero-width"], // unassigned, ignored by default
  [0xfff9, 0xfffb, "annotation"],
  [0x1bca0, 0x1bca3, "zero-width"], // shorthand format controls
  [0x1d173, 0x1d17a, "zero-width"], // musical beams and slurs
  [0xe0000, 0xe007f, "tag"],
  [0xe0080, 0xe00ff, "zero-width"], // unassigned, ignored by default
  [0xe0100, 0xe01ef, "variation"],
  [0xe01f0, 0xe0fff, "zero-width"], // unassigned, ignored by default
];

/** `HIDDEN` by UTF-16 unit: 0 for what is seen, else one more than the kind's index; {@link ASTRAL}: look at the pair. */
const KINDS: readonly Kind[] = [...new Set(HIDDEN.map(([, , kind]) => kind))];
const UNITS = new Uint8Array(0x10000);
const ASTRAL = 0xff;
for (const [first, last, kind] of HIDDEN) {
  if (last < 0x10000) UNITS.fill(KINDS.indexOf(kind) + 1, first, last + 1);
  else UNITS.fill(ASTRAL, highSurrogate(first), highSurrogate(last) + 1);
}

/** Index of the first character at or after `from` that is judged; -1: there is none. */
export function nextHidden(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const unit = UNITS[text.charCodeAt(at)];
    if (unit === 0) continue;
    if (unit !== ASTRAL || kindOf(codePointAt(text, at) as number) !== undefined) return at;
  }
  return -1;
}

/** True when a text needs no look at all: printable ASCII, tab, line feed, form feed, carriage return. */
export function isPlainAscii(text: string): boolean {
  return !/[^\t\n\f\r\x20-\x7E]/.test(text);
}

/** The text without any character that this detector judges. */
export function stripHidden(text: string): string {
  let out = "";
  let seen = 0;
  for (let at = nextHidden(text, 0); at !== -1; at = nextHidden(text, seen)) {
    out += text.slice(seen, at);
    seen = at + ((codePointAt(text, at) as number) > 0xffff ? 2 : 1);
  }
  return out + text.slice(seen);
}

/** The kind of a code point, or `undefined` for one that is seen. */
export function kindOf(code: number): Kind | undefined {
  if (code < 0x10000) {
    const unit = UNITS[code] as number;
    return unit === ASTRAL ? undefined : KINDS[unit - 1];
  }
  return HIDDEN.find(([first, last]) => code >= first && code <= last)?.[2];
}

function highSurrogate(code: number): number {
  return 0xd800 + ((code - 0x10000) >> 10);
}

/** A letter, digit or mark: what words are made of. */
export function isWordCharacter(character: string): boolean {
  return /^[\p{L}\p{N}\p{M}]$/u.test(character);
}

/** A character of a right-to-left script (bidirectional classes R and AL, by block). */
export function isRightToLeft(character: string): boolean {
  return /^[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]$/u.test(character);
}

/** The emoji tag sequences recommended for general interchange (RGI): the flags of England, Scotland and Wales. */
const RGI_TAG_SEQUENCES = ["gbeng", "gbsct", "gbwls"].map((region) => `${tagged(region)}\u{E007F}`);
const BLACK_FLAG = "\u{1F3F4}";

function tagged(ascii: string): string {
  return Array.from(ascii, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");
}

/** Length of the well-formed tag sequence at `at`, 0 for none, `undefined` when the text ends before it is clear. */
export function tagSequence(text: string, at: number, before: string): number | undefined {
  if (before !== BLACK_FLAG) return 0;
  let open = false;
  for (const sequence of RGI_TAG_SEQUENCES) {
    if (text.startsWith(sequence, at)) return sequence.length;
    if (sequence.startsWith(text.slice(at, at + sequence.length))) open = true;
  }
  return open ? undefined : 0;
}

/** Text (15) and emoji (16) presentation: one bit each, and strewn about by ordinary software. */
export function isPresentationSelector(code: number): boolean {
  return code === 0xfe0e || code === 0xfe0f;
}

/** Whether `base` takes the variation selector `selector` in ordinary text. */
export function takesSelector(base: string, selector: number): boolean {
  if (isPresentationSelector(selector)) return /^[\p{Emoji}\p{So}\p{Sm}\u{1F3FB}-\u{1F3FF}]$/u.test(base);
  // Registered ideographic collections use the first few of these 240 selectors; the rest have no meaning.
  if (selector >= 0xe0100) return selector <= 0xe011f && /^\p{Script=Han}$/u.test(base);
  if (/^[0\p{Sm}\p{Script=Han}\p{Script=Myanmar}\p{Script=Phags_Pa}\p{Script=Manichaean}]$/u.test(base)) return true;
  return /^[\u3001\u3002\uFF01\uFF0C\uFF0E\uFF1A\uFF1B\uFF1F\u2018-\u201F\p{Script=Egyptian_Hieroglyphs}]$/u.test(base);
}

/** Scripts whose spelling uses the joiners and non-joiners (UAX #31 A1, A2, B). */
const JOINER_SCRIPT =
  /^[\p{scx=Arab}\p{scx=Syrc}\p{scx=Mand}\p{scx=Nkoo}\p{scx=Mong}\p{scx=Phag}\p{scx=Rohg}\p{scx=Adlm}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Mymr}\p{scx=Khmr}\p{scx=Tibt}\p{scx=Java}\p{scx=Bali}\p{scx=Cakm}\p{scx=Newa}]$/u;
/** Scripts written without spaces, where a zero-width space marks a place to break the line. */
const UNSPACED_SCRIPT =
  /^[\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}\p{scx=Java}\p{scx=Bali}\p{scx=Lana}\p{scx=Talu}\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]$/u;

/** Web pages put a zero-width space behind the punctuation of an address, where it may be broken. */
const LINE_BREAK_HINT = /^[/.:_?&=#|,;-]$/;

/** Whether the zero-width character `code` belongs between `before` and `after` (each one character, or empty). */
export function belongs(code: number, before: string, after: string): boolean {
  const either = (pattern: RegExp): boolean => pattern.test(before) || pattern.test(after);
  switch (code) {
    case 0x200b:
      return either(UNSPACED_SCRIPT) || LINE_BREAK_HINT.test(before);
    case 0x200c:
      return either(JOINER_SCRIPT);
    case 0x200d:
      return either(JOINER_SCRIPT) || (EMOJI_BEFORE_JOINER.test(before) && EMOJI_AFTER_JOINER.test(after));
    case 0x200e:
    case 0x200f:
    case 0x061c:
      return isRightToLeft(before) || isRightToLeft(after);
    case 0x034f:
      return either(/^[\p{M}\p{scx=Hebr}]$/u);
    case 0x115f:
    case 0x1160:
      return either(/^[\u1100-\u11FF\uA960-\uA97F\uD7B0-\uD7FF]$/u);
    case 0x2061:
    case 0x2062:
    case 0x2063:
    case 0x2064:
      return either(/^[\p{Sm}\p{Nd}()[\]{}\u{1D400}-\u{1D7FF}]$/u);
    case 0x3164:
      return either(/^[\u3131-\u318E]$/u);
    case 0xffa0:
      return either(/^[\uFFA1-\uFFDC]$/u);
    case 0x17b4:
    case 0x17b5:
      return either(/^\p{Script=Khmer}$/u);
    case 0x180b:
    case 0x180c:
    case 0x180d:
    case 0x180e:
    case 0x180f:
      return either(/^[\p{Script=Mongolian}\p{Script=Phags_Pa}]$/u);
    default:
      return false;
  }
}

const EMOJI_BEFORE_JOINER = /^[\p{Extended_Pictographic}\uFE0F\p{Emoji_Modifier}]$/u;
const EMOJI_AFTER_JOINER = /^\p{Extended_Pictographic}$/u;
