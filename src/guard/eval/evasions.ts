/**
 * Evasions: twenty ways to write a text so that a person or a model still reads it and a filter does not. They are
 * written as an attacker would, from the characters and encodings alone, and know nothing of `normalise/`, which they
 * measure.
 *
 * Each is pure: the same text and the same random numbers give the same result.
 *
 * Sources: Unicode 17 (`UnicodeData.txt`, UTS #39), RFC 1952, RFC 3986, RFC 4648.
 *
 * @module
 */

import { gzipSync } from "node:zlib";

import type { Random } from "./random.ts";
import type { Evasion } from "./run.ts";

/**
 * The twenty, in the order of the tables.
 *
 * @example
 * ```ts
 * import { EVASIONS } from "./evasions.ts";
 * import { seededRandom } from "./random.ts";
 *
 * const reversed = EVASIONS.find(({ name }) => name === "reversed");
 * console.log(reversed?.apply("ignore this", seededRandom(1))); // siht erongi
 * ```
 */
export const EVASIONS: readonly Evasion[] = [
  { name: "homoglyph", apply: (text, random) => byCharacter(text, (it) => (random() < 0.8 ? (TWINS[it] ?? it) : it)) },
  { name: "zero-width", apply: (text, random) => byCharacter(text, (it) => it + pick(INVISIBLE, random)) },
  { name: "fullwidth", apply: (text) => byCharacter(text, fullWidth) },
  { name: "leet", apply: (text) => byCharacter(text, (it) => LEET[it.toLowerCase()] ?? it) },
  {
    name: "combining",
    apply: (text, random) => byCharacter(text, (it) => (isLetter(it) ? it + pick(MARKS, random) : it)),
  },
  { name: "reversed", apply: reverse },
  { name: "bidi", apply: (text) => `\u202E${reverse(text)}\u202C` },
  { name: "url-encoded", apply: (text) => byByte(text, (byte) => `%${hex(byte, 2).toUpperCase()}`) },
  { name: "unicode-tags", apply: (text) => byByte(text, (byte) => String.fromCodePoint(0xe0000 + byte)) },
  { name: "variation-selectors", apply: (text) => `\u{1F600}${byByte(text, selector)}` },
  { name: "base64", apply: (text) => Buffer.from(text).toString("base64") },
  { name: "hex", apply: (text) => Buffer.from(text).toString("hex") },
  { name: "rot13", apply: (text) => byCharacter(text, rot13) },
  { name: "html-entities", apply: (text, random) => byCharacter(text, (it) => entity(it, random)) },
  { name: "unicode-escapes", apply: (text) => byUnit(text, (unit) => `\\u${hex(unit, 4)}`) },
  { name: "spaced-letters", apply: (text) => Array.from(text).join(" ") },
  { name: "markdown-split", apply: splitWords },
  { name: "gzip-base64", apply: (text) => gzipSync(text).toString("base64") },
  { name: "typo", apply: misspell },
  { name: "letter-like", apply: letterLike },
];

/** Letters of Cyrillic and Greek that are drawn like Latin ones. */
const TWINS: Readonly<Record<string, string>> = {
  __proto__: null as never,
  a: "\u0430",
  c: "\u0441",
  d: "\u0501",
  e: "\u0435",
  h: "\u04BB",
  i: "\u0456",
  j: "\u0458",
  n: "\u0578",
  o: "\u03BF",
  p: "\u0440",
  q: "\u051B",
  s: "\u0455",
  u: "\u057D",
  v: "\u03BD",
  w: "\u051D",
  x: "\u0445",
  y: "\u0443",
  A: "\u0391",
  B: "\u0392",
  C: "\u0421",
  E: "\u0415",
  H: "\u041D",
  I: "\u0406",
  K: "\u039A",
  M: "\u041C",
  N: "\u039D",
  O: "\u041E",
  P: "\u0420",
  S: "\u0405",
  T: "\u0422",
  X: "\u03A7",
  Y: "\u03A5",
  Z: "\u0396",
};
const INVISIBLE = ["\u200B", "\u200C", "\u200D", "\u2060", "\uFEFF"];
const MARKS = ["\u0300", "\u0301", "\u0308", "\u0323", "\u0334", "\u0336", "\u035C"];
const LEET: Readonly<Record<string, string>> = {
  __proto__: null as never,
  a: "4",
  e: "3",
  i: "1",
  o: "0",
  s: "5",
  t: "7",
};

function byCharacter(text: string, change: (character: string) => string): string {
  return Array.from(text, change).join("");
}

function byUnit(text: string, write: (unit: number) => string): string {
  return Array.from({ length: text.length }, (_, at) => write(text.charCodeAt(at))).join("");
}

function byByte(text: string, write: (byte: number) => string): string {
  return Array.from(Buffer.from(text), write).join("");
}

function pick(from: readonly string[], random: Random): string {
  return from[Math.floor(random() * from.length)] as string;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function isLetter(character: string): boolean {
  return /^\p{L}$/u.test(character);
}

function fullWidth(character: string): string {
  if (character === " ") return "\u3000";
  return character >= "!" && character <= "~" ? String.fromCharCode(character.charCodeAt(0) + 0xfee0) : character;
}

function reverse(text: string): string {
  return Array.from(text).toReversed().join("");
}

/** The 256 variation selectors, in two blocks. */
function selector(byte: number): string {
  return String.fromCodePoint(byte < 16 ? 0xfe00 + byte : 0xe0100 + byte - 16);
}

function rot13(character: string): string {
  const first = /^[a-z]$/.test(character) ? 97 : /^[A-Z]$/.test(character) ? 65 : undefined;
  return first === undefined ? character : String.fromCharCode(((character.charCodeAt(0) - first + 13) % 26) + first);
}

function entity(character: string, random: Random): string {
  const code = character.codePointAt(0) as number;
  return random() < 0.5 ? `&#${code};` : `&#x${hex(code, 1)};`;
}

/** Emphasis that begins and ends inside of each longer word. */
function splitWords(text: string): string {
  return text.replace(/[A-Za-z]{4,}/g, (word) => {
    const middle = word.length >> 1;
    return `${word.slice(0, middle)}**${word.slice(middle)}**`;
  });
}

/** Two neighbouring letters change places in two words of three. */
function misspell(text: string, random: Random): string {
  return text.replace(/[A-Za-z]{4,}/g, (word) => {
    if (random() >= 2 / 3) return word;
    const at = 1 + Math.floor(random() * (word.length - 2));
    return word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2);
  });
}

/** Words by turns in bold, script, sans-serif, circled and monospaced letters. */
function letterLike(text: string, random: Random): string {
  return text.replace(/[A-Za-z]+/g, (word) => {
    const [capital, small] = pickAlphabet(random);
    return byCharacter(word, (it) => {
      const upper = it <= "Z";
      return String.fromCodePoint((upper ? capital : small) + it.charCodeAt(0) - (upper ? 65 : 97));
    });
  });
}

/** Where alphabets without gaps begin: bold, bold italic, bold script, sans-serif, monospace, circled. */
const ALPHABETS: readonly (readonly [capital: number, small: number])[] = [
  [0x1d400, 0x1d41a],
  [0x1d468, 0x1d482],
  [0x1d4d0, 0x1d4ea],
  [0x1d5a0, 0x1d5ba],
  [0x1d670, 0x1d68a],
  [0x24b6, 0x24d0],
];

function pickAlphabet(random: Random): readonly [capital: number, small: number] {
  return ALPHABETS[Math.floor(random() * ALPHABETS.length)] as readonly [number, number];
}
