/**
 * Forms: how a secret is spelled, as data. `["glpat-", [WORD, 20]]` is the prefix and twenty characters of the alphabet.
 *
 * The pattern that recognises a form, the characters that a match may hold, its shortest and longest length and a
 * made-up example all follow from it, so that they cannot disagree. A form has no nested repetition: its pattern is
 * linear in the slice that it sees.
 *
 * @module
 */

/** Draws `length` characters from an alphabet. */
export type Random = (alphabet: string, length: number) => string;

/** So many characters of an alphabet, `most` the same as `least` where it is left out. */
type Run = readonly [alphabet: string, least: number, most?: number];

/** Literals and runs, in order. */
export type Form = readonly (string | Run)[];

export const LOWER = "abcdefghijklmnopqrstuvwxyz";
export const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
export const DIGITS = "0123456789";
export const HEX = `${DIGITS}abcdef`;
/** Hexadecimal as people also write it. */
export const ANY_HEX = `${HEX}ABCDEF`;
export const ALNUM = DIGITS + UPPER + LOWER;
export const LOWER_ALNUM = DIGITS + LOWER;
export const UPPER_ALNUM = DIGITS + UPPER;
/** base64url. */
export const WORD = `${ALNUM}_-`;
export const BASE64 = `${ALNUM}+/`;
/** RFC 4648 section 6. */
export const BASE32 = `${UPPER}234567`;

/** The hyphenated form of a UUID. */
export const UUID: Form = [[ANY_HEX, 8], "-", [ANY_HEX, 4], "-", [ANY_HEX, 4], "-", [ANY_HEX, 4], "-", [ANY_HEX, 12]];

/** The source of a regular expression for the form. */
export function sourceOf(form: Form): string {
  return form
    .map((part) => {
      if (typeof part === "string") return part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
      const [alphabet, least, most = least] = part;
      return `[${classOf(alphabet)}]{${least === most ? least : `${least},${most}`}}`;
    })
    .join("");
}

/** Every character that a match of the form can hold. */
export function charactersOf(form: Form): string {
  return form.map((part) => (typeof part === "string" ? part : part[0])).join("");
}

/** The characters of the form's runs: what would make a match of it longer. */
export function runCharactersOf(form: Form): string {
  return form.map((part) => (typeof part === "string" ? "" : part[0])).join("");
}

export function leastOf(form: Form): number {
  return form.reduce((sum, part) => sum + (typeof part === "string" ? part.length : part[1]), 0);
}

export function mostOf(form: Form): number {
  return form.reduce((sum, part) => sum + (typeof part === "string" ? part.length : (part[2] ?? part[1])), 0);
}

/** A made-up one, of the shortest length. */
export function exampleOf(form: Form, random: Random): string {
  return form.map((part) => (typeof part === "string" ? part : random(part[0], part[1]))).join("");
}

/** The body of a character class that holds exactly these characters. */
export function classOf(characters: string): string {
  const units = [...new Set(characters)].map((character) => character.charCodeAt(0)).toSorted((a, b) => a - b);
  let body = "";
  for (let at = 0; at < units.length; at++) {
    const first = units[at] as number;
    while (units[at + 1] === (units[at] as number) + 1) at += 1;
    const last = units[at] as number;
    body += escaped(first);
    if (last > first) body += (last > first + 1 ? "-" : "") + escaped(last);
  }
  return body;
}

function escaped(unit: number): string {
  const character = String.fromCharCode(unit);
  return /[\w ]/.test(character) ? character : `\\x${unit.toString(16).padStart(2, "0")}`;
}
