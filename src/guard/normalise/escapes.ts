/**
 * Escapes: characters written as numbers, each where it stands.
 *
 *     escapes           %41  &#65; &#x41; &lt;  \u0041 \u{41} \U00000041 \x41 \101 \n
 *     quoted-printable  =41, and lines that end in =
 *
 * Bytes in a row are read as UTF-8. An escape that means nothing stays as it is.
 *
 * Sources: RFC 3986 section 2.1, the WHATWG URL Standard (`+` in queries), HTML Living Standard section 13.5, ECMA-262
 * section 12.9.4, RFC 2045 section 6.7.
 *
 * @module
 */

import { STEP, type Paced } from "../pace.ts";
import { openRewriter, type Made, type Rewriter } from "./rewrite.ts";

/** The text without escapes; `undefined` when it has none that spell letters or digits, or many spaces. */
export function* unescaped(text: string): Paced<Made | undefined> {
  const out = openRewriter(text);
  let telling = 0;
  let next = STEP;
  // Where the escape before ended, and the word in which a `+` is a space.
  let encodedWord = -1;
  const start = /[%&\\]/g;
  for (let match = start.exec(text); match !== null; match = start.exec(text)) {
    const at = match.index;
    if (at > next) {
      next = at + STEP;
      yield;
    }
    const escape = escapeAt(text, at);
    if (escape === undefined) continue;
    if (text.charCodeAt(at) === PERCENT && at > encodedWord) {
      // A form writes its spaces as `+`.
      encodedWord = wordEnd(text, at);
      telling += replacePluses(text, encodedWordStart(text, at), at, out);
    }
    out.replace(at, escape.end, escape.text);
    telling += weigh(escape.text, text.charCodeAt(at) === PERCENT);
    start.lastIndex = escape.end;
    if (escape.end < encodedWord) {
      const following = nextEscape(text, escape.end, encodedWord);
      telling += replacePluses(text, escape.end, following, out);
    }
  }
  return telling >= TELLING ? out.finish() : undefined;
}

/** A letter tells that something is spelled; so do three spaces, or three signs of base64. */
const TELLING = 3;

function weigh(text: string, octet: boolean): number {
  if (/^[ +/=]$/.test(text)) return octet ? 1 : 0;
  return /[\p{L}\p{N}\u{E0000}-\u{E01EF}\u200B-\u200F]/u.test(text) ? TELLING : 0;
}

const PERCENT = 0x25;
const PLUS = 0x2b;
/** A word of more units is looked at no further. */
const LONGEST_WORD = 512;

function encodedWordStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && at - start < LONGEST_WORD && text.charCodeAt(start - 1) > 0x20) start--;
  return start;
}

function wordEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && end - at < LONGEST_WORD && text.charCodeAt(end) > 0x20) end++;
  return end;
}

function nextEscape(text: string, from: number, to: number): number {
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit === PERCENT || unit === 0x26 || unit === 0x5c) return at;
  }
  return to;
}

/** Puts spaces for the `+` of a form, and says for how many. */
function replacePluses(text: string, from: number, to: number, out: Rewriter): number {
  let count = 0;
  // Not by a search, which would go on to the end of a text that has none.
  for (let at = Math.max(from, out.cursor); at < to; at++) {
    if (text.charCodeAt(at) !== PLUS) continue;
    out.replace(at, at + 1, " ");
    count++;
  }
  return count;
}

interface Escape {
  readonly text: string;
  readonly end: number;
}

function escapeAt(text: string, at: number): Escape | undefined {
  switch (text.charCodeAt(at)) {
    case PERCENT:
      return octetsAt(text, at, PERCENT);
    case 0x26:
      return entityAt(text, at);
    default:
      return backslashAt(text, at);
  }
}

/** The character of UTF-8 that is written as `%41` or `=41`, one escape for each of its bytes. */
function octetsAt(text: string, at: number, sign: number): Escape | undefined {
  const first = octetAt(text, at, sign);
  if (first === undefined) return undefined;
  if (first < 0x80) return { text: String.fromCharCode(first), end: at + 3 };
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  let code = first & (0xff >> (size + 1));
  for (let index = 1; index < size; index++) {
    const octet = octetAt(text, at + 3 * index, sign);
    if (octet === undefined || octet >> 6 !== 2) return undefined;
    code = code * 64 + (octet & 0x3f);
  }
  return size === 0 ? undefined : characterOf(code, at + 3 * size);
}

function octetAt(text: string, at: number, sign: number): number | undefined {
  if (text.charCodeAt(at) !== sign) return undefined;
  const value = hexDigit(text, at + 1) * 16 + hexDigit(text, at + 2);
  return value >= 0 ? value : undefined;
}

/** -1000 for what is no hexadecimal digit, so that no sum with it is positive. */
function hexDigit(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1000;
}

function characterOf(code: number, end: number): Escape | undefined {
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? { text: String.fromCodePoint(code), end } : undefined;
}

const NUMERIC_ENTITY = /&#(?:[xX]([0-9a-fA-F]{1,8})|([0-9]{1,8}));?/y;
const NAMED_ENTITY = /&([A-Za-z]{2,16});/y;
/** Those that are written where the character could have been. */
const ENTITIES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  ensp: " ",
  emsp: " ",
  thinsp: " ",
  Tab: "\t",
  NewLine: "\n",
  shy: "\u00AD",
  zwnj: "\u200C",
  zwj: "\u200D",
  ZeroWidthSpace: "\u200B",
  NoBreak: "\u2060",
  lpar: "(",
  rpar: ")",
  lsqb: "[",
  rsqb: "]",
  lbrack: "[",
  rbrack: "]",
  lbrace: "{",
  rbrace: "}",
  colon: ":",
  semi: ";",
  comma: ",",
  period: ".",
  excl: "!",
  quest: "?",
  sol: "/",
  bsol: "\\",
  num: "#",
  dollar: "$",
  percnt: "%",
  ast: "*",
  plus: "+",
  equals: "=",
  commat: "@",
  lowbar: "_",
  grave: "`",
  verbar: "|",
  hyphen: "-",
  dash: "-",
};

function entityAt(text: string, at: number): Escape | undefined {
  NUMERIC_ENTITY.lastIndex = at;
  const numeric = NUMERIC_ENTITY.exec(text);
  if (numeric !== null) {
    const [whole, hex, decimal] = numeric;
    return characterOf(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16), at + whole.length);
  }
  NAMED_ENTITY.lastIndex = at;
  const named = NAMED_ENTITY.exec(text);
  const character = named === null ? undefined : ENTITIES[named[1] as string];
  return character === undefined ? undefined : { text: character, end: at + (named as RegExpExecArray)[0].length };
}

const BACKSLASH =
  /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\}|([0-3][0-7]{2})|([nrt]))/y;
const LINE_ESCAPES: Readonly<Record<string, string>> = { __proto__: null as never, n: "\n", r: "\r", t: "\t" };

function backslashAt(text: string, at: number): Escape | undefined {
  const octets = hexOctetsAt(text, at);
  if (octets !== undefined) return octets;
  BACKSLASH.lastIndex = at;
  const match = BACKSLASH.exec(text);
  if (match === null) return undefined;
  const [whole, braced, four, eight, two, bracedTwo, octal, line] = match;
  const end = at + whole.length;
  if (line !== undefined) return { text: LINE_ESCAPES[line] as string, end };
  // Half of a pair is put as it is, and is one character again beside the other half.
  if (four !== undefined) return { text: String.fromCharCode(Number.parseInt(four, 16)), end };
  if (octal !== undefined) return { text: String.fromCharCode(Number.parseInt(octal, 8)), end };
  return characterOf(Number.parseInt((braced ?? eight ?? two ?? bracedTwo) as string, 16), end);
}

/** `\xC3\xA9`: bytes of UTF-8 that are no character each. */
function hexOctetsAt(text: string, at: number): Escape | undefined {
  if (text[at + 1] !== "x" || !/^[c-f]/i.test(text.charAt(at + 2))) return undefined;
  const rewritten = text.slice(at, at + 16).replaceAll("\\x", "%");
  const octets = octetsAt(rewritten, 0, PERCENT);
  return octets === undefined ? undefined : { text: octets.text, end: at + (octets.end / 3) * 4 };
}

/** The text out of quoted-printable; `undefined` where it is none. */
export function* unquoted(text: string): Paced<Made | undefined> {
  const out = openRewriter(text);
  let octets = 0;
  let telling = 0;
  let next = STEP;
  for (let at = text.indexOf("="); at !== -1;) {
    if (at > next) {
      next = at + STEP;
      yield;
    }
    const softBreak = text[at - 1] === "=" ? 0 : text[at + 1] === "\n" ? 2 : text.startsWith("\r\n", at + 1) ? 3 : 0;
    const escape = softBreak > 0 ? { text: "", end: at + softBreak } : octetsAt(text, at, 0x3d);
    if (escape !== undefined) {
      // What is no text at all is no quoted-printable.
      if (/[^\P{Cc}\t\n\f\r]/u.test(escape.text)) return undefined;
      out.replace(at, escape.end, escape.text);
      if (softBreak === 0) octets++;
      telling += weigh(escape.text, true);
    }
    at = text.indexOf("=", escape?.end ?? at + 1);
  }
  return octets >= FEWEST_QUOTED && telling >= TELLING ? out.finish() : undefined;
}

const FEWEST_QUOTED = 3;
