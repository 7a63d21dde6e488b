/**
 * What a row of `recognisers/` is made of. A recogniser is data: where to look, what the text must say around it, and
 * the check that a made-up value fails.
 *
 * A pattern is global, bounded in length (at most {@link LONGEST} units) and linear: no repeat within a repeat that
 * could share characters. It sees some text before the place where it looks, so it may look behind.
 *
 * @module
 */

import type { Severity } from "../../../core/index.ts";

/** The longest match of any recogniser, in UTF-16 units. */
export const LONGEST = 256;

/** Units before a match in which words of context are looked for. */
export const BEFORE = 64;

/** Units after a match in which words of context are looked for. */
export const AFTER = 48;

/**
 * What a text must have: so many digits; an @; a dot or two colons inside a word; three dots; a run of 14 units without a
 * blank, with digits; pairs of digits between colons, or the like; a day in digits; the name of a month and digits; a capital, or
 * six.
 */
type Needs = number | "@" | "." | ":" | "..." | "run" | "pairs" | "day" | "month" | "capital" | "capitals";

export interface Recogniser {
  /** The second word of the rule's id: `us-ssn`. Unique, except that a value with several forms may have several rows. */
  readonly id: string;
  /** What it is, as in «a US social security number». */
  readonly name: string;
  /** Who gives it out, ISO 3166-1 alpha-2. None: used everywhere. */
  readonly country?: string;
  readonly severity: Severity;
  /** What a text must have for it to be looked for. */
  readonly needs: Needs;
  /**
   * Of a {@link number}: the length at least of one that is in one piece, of capitals and digits alone; 0 for any other.
   * Absent for what is no number.
   */
  readonly solid?: number;
  readonly pattern: RegExp;
  /** Whether the value (letters and digits of the match, in capitals) is one. The match as written is given too. */
  readonly check?: (value: string, written: string) => boolean;
  /** Words near it that say what it is: required where `alone` is not set. */
  readonly context?: RegExp;
  /** The form says enough without context: always, or where the match as written satisfies it. */
  readonly alone?: true | ((written: string) => boolean);
  /** Which of two matches at one place stands. Default: {@link Strength.shape}; 1 more where context agrees. */
  readonly strength?: number;
  /** A value that it must find, for tests. */
  readonly example: (random: Random) => string;
}

/** `length` characters of an alphabet, made at random. */
type Random = (alphabet: string, length: number) => string;

export const DIGITS = "0123456789";
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** How sure a recogniser is of a match, against others at the same place. */
export const Strength = {
  /** A name or a word that could be another. */
  word: 1,
  /** A shape that other things have too. */
  shape: 3,
  /** A check digit or two. */
  checked: 5,
  /** A check that chance passes once in thousands. */
  proven: 7,
} as const;

/** Makes a pattern's value plain: its letters and digits, in capitals. */
export function plain(written: string): string {
  return written.replace(/[^\p{L}\p{N}]/gu, "").toUpperCase();
}

/** A pattern of context: any of the words, as words, with any letter case. Letters are those of scripts with small ones. */
export function near(...words: readonly string[]): RegExp {
  return new RegExp(`(?<![0-9A-Za-z\\u00aa-\\u1fff])(?:${words.join("|")})(?![A-Za-z\\u00aa-\\u1fff])`, "i");
}

/** Values made at random until one passes `check`: how an example of a checked number is made. */
export function until(make: () => string, check: (value: string) => boolean): string {
  for (let tries = 0; tries < 100_000; tries++) {
    const value = make();
    if (check(value)) return value;
  }
  throw new TypeError("no value passes the check");
}

/**
 * A row for a number: `body` is its form, between things that are no part of it. Neither a longer word nor a longer
 * chain of numbers holds it.
 */
export function number(row: Omit<Recogniser, "pattern" | "needs" | "severity"> & NumberForm): Recogniser {
  const { body, digits, solid = 0, ...rest } = row;
  const pattern = new RegExp(`(?<!\\w|\\d[-./])(?:${body})(?!\\w|[-./]\\d)`, "g");
  return { severity: "high", ...rest, needs: digits, solid, pattern };
}

interface NumberForm {
  readonly body: string;
  /** Digits that it has at least. */
  readonly digits: number;
  /** Its length at least, if it is in one piece: of capitals and digits alone. */
  readonly solid?: number;
  readonly severity?: Severity;
}
