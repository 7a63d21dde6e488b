/**
 * What a rule of the secrets detector is: data. The matcher (`match.ts`) reads it.
 *
 * A rule is tried wherever one of its keywords stands, and sees a bounded slice of the text: from the keyword on, as
 * far as `shape` goes. The pattern is anchored at the keyword and its repetitions are bounded, so the work for one
 * keyword has a bound that does not depend on the text, and the work for a text grows with its length.
 *
 * @module
 */

import type { Severity } from "../../../core/index.ts";

/** Characters that a match may have in a row: the body of a regular expression's class, and how many at most. */
type Stage = readonly [characters: string, most: number];

export interface SecretRule {
  /** The rule's id after `secrets.`. */
  readonly id: string;
  /** What it finds, for people. */
  readonly name: string;
  readonly severity: Severity;
  /** ASCII, lower case, at least two characters; found in any case. */
  readonly keywords: readonly string[];
  /** Sticky, begins with the keyword. The secret is the group `secret`, or else the whole match. */
  readonly pattern: RegExp;
  /** What may follow the keyword, in order. Holds every character of every match. */
  readonly shape: readonly Stage[];
  /** The keyword may stand right after a letter or digit. */
  readonly inWord?: boolean;
  /** Least Shannon entropy of the secret, in bits a character. Default: {@link DEFAULT_ENTROPY}. */
  readonly entropy?: number;
  /** Judges a match: `secret`, and up to {@link CONTEXT} units before the keyword. */
  readonly check?: (secret: string, before: string) => boolean;
  /** Verifies the checksum of a format that has one. Says how sure the finding is; a bad one is still reported. */
  readonly checksum?: (secret: string) => boolean;
  /** Guesses from names and entropy: gives way where another rule's finding overlaps. */
  readonly generic?: boolean;
  /** Goes on after the match: says of each next code unit whether it belongs to the secret. */
  readonly grow?: () => (code: number) => boolean;
  /** A made-up secret of this form. Built by code, so that no scanner takes this repository for a leak. */
  readonly example: (random: Random) => string;
}

/** Draws `length` characters from an alphabet. */
export type Random = (alphabet: string, length: number) => string;

/** Units before a keyword that a check may look at. */
export const CONTEXT = 32;

/** Made-up keys of documentation repeat themselves; random ones of 16 or more characters hardly ever fall under this. */
export const DEFAULT_ENTROPY = 2.8;

export const LOWER = "abcdefghijklmnopqrstuvwxyz";
export const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
export const DIGITS = "0123456789";
export const HEX = "0123456789abcdef";
export const ALNUM = DIGITS + UPPER + LOWER;
export const WORD = `${ALNUM}_-`;

/** A rule for tokens that are told by their prefix: one run of `characters` after the keyword. */
export function token(
  rule: Omit<SecretRule, "shape" | "severity"> & { severity?: Severity; most: number; characters?: string },
): SecretRule {
  const { most, characters = "\\w-", severity = "critical", ...rest } = rule;
  return { ...rest, severity, shape: [[characters, most]] };
}

/**
 * A rule for secrets that only their name tells: `datadog_api_key = "<value>"`. `value` is the value's pattern.
 */
export function named(
  rule: Omit<SecretRule, "shape" | "severity" | "pattern" | "inWord"> & {
    severity?: Severity;
    value: string;
    most: number;
  },
): SecretRule {
  const { value, most, severity = "high", ...rest } = rule;
  // The name's rest, an optional quote, the sign, an optional quote: every part bounded, none able to match what the
  // next one matches, but for the spaces on both sides of the sign.
  const source = `(?:${rule.keywords.map(anyCase).join("|")})[\\w.-]{0,24}["'\\]]{0,2}[ \\t]{0,4}(?::=|=>|=|:)[ \\t]{0,4}["'\`\\\\]{0,2}(?<secret>${value})(?![\\w+/-])`;
  return {
    ...rest,
    severity,
    pattern: new RegExp(source, "dy"),
    inWord: true,
    shape: [
      ["\\w.-", 24],
      ["\"'\\]", 2],
      [" \\t", 4],
      [":=>", 2],
      [" \\t", 4],
      ["\"'`\\\\", 2],
      ["\\w.+/=~-", most],
    ],
  };
}

function anyCase(keyword: string): string {
  return keyword.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`).replace(/[ ]/g, "[ _-]");
}
