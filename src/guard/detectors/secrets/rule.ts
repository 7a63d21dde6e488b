/**
 * What a rule of the secrets detector is: data. The matcher (`match.ts`) reads it.
 *
 * A rule is tried wherever one of its keywords stands, and sees a bounded slice of the text: from the keyword on, as
 * far as `shape` goes. The pattern is anchored at the keyword and its repetitions are bounded, so the work for one
 * keyword has a bound that does not depend on the text, and the work for a text grows with its length.
 *
 * Most rules are one of two kinds: a {@link token} is told by its own form, a {@link named} secret only by the name in
 * front of it.
 *
 * @module
 */

import type { Severity } from "../../../core/index.ts";
import {
  ALNUM,
  charactersOf,
  classOf,
  exampleOf,
  leastOf,
  mostOf,
  runCharactersOf,
  sourceOf,
  type Form,
  type Random,
} from "./form.ts";
import { isMixed } from "./stop.ts";

/** Characters that a match may have in a row: the body of a regular expression's class, and how many at most. */
type Stage = readonly [characters: string, most: number, least?: number];

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
  /**
   * What may follow the keyword, in order. Holds every character of every match. A stage with a `least` ends the
   * candidate where the text has fewer: no stage before it may hold its characters.
   */
  readonly shape: readonly Stage[];
  /** Units behind the keyword that a match has at the least: a candidate whose shape ends before is none. */
  readonly least?: number;
  /** The keyword may stand right after a letter or digit. */
  readonly inWord?: boolean;
  /** The group `secret` begins within the keyword. Else behind it. */
  readonly inKeyword?: boolean;
  /** Least Shannon entropy of the secret, in bits a character. Default: {@link DEFAULT_ENTROPY}. */
  readonly entropy?: number;
  /** Judges a match: `secret`, up to {@link CONTEXT} units before the keyword, and the match from the keyword on. */
  readonly check?: (secret: string, before: string, match: string) => boolean;
  /** Verifies the checksum of a format that has one. Says how sure the finding is; a bad one is still reported. */
  readonly checksum?: (secret: string) => boolean;
  /** Guesses from a name: gives way to a rule that recognises a form, and to a guess that came before. */
  readonly generic?: boolean;
  /** Goes on after the match: says of each next code unit whether it belongs to the secret. */
  readonly grow?: () => (code: number) => boolean;
  /** A made-up secret of this form. Built by code, so that no scanner takes this repository for a leak. */
  readonly example: (random: Random) => string;
}

/** Units before a keyword that a check may look at. */
export const CONTEXT = 256;

/** Made-up keys of documentation repeat themselves; random ones of 16 or more characters hardly ever fall under this. */
export const DEFAULT_ENTROPY = 2.8;

/** What both kinds of rule may say besides their form. */
type Extras = Partial<Pick<SecretRule, "severity" | "entropy" | "check" | "checksum" | "grow" | "example">> &
  Pick<SecretRule, "id" | "name">;

/**
 * A rule for tokens that are told by their form. Each form begins with a literal, which is its keyword: unless
 * `keywords` says that others begin them all.
 */
export function token(
  rule: Extras & { forms: readonly Form[]; keywords?: readonly string[]; inWord?: boolean },
): SecretRule {
  const { forms, keywords = prefixesOf(forms), severity = "critical", ...rest } = rule;
  const behind = classOf(ALNUM + forms.map(runCharactersOf).join("").replaceAll("=", ""));
  const shortest = Math.min(...keywords.map(({ length }) => length));
  const longest = Math.max(...keywords.map(({ length }) => length));
  const end = rest.grow === undefined ? `(?![${behind}])` : "";
  return {
    example: (random) => exampleOf(forms[0] as Form, random),
    ...rest,
    severity,
    keywords,
    pattern: new RegExp(`(?:${forms.map(sourceOf).join("|")})${end}`, "y"),
    shape: [[classOf(forms.map(charactersOf).join("")), Math.max(...forms.map(mostOf)) - shortest + 1]],
    least: Math.min(...forms.map(leastOf)) - longest,
  };
}

/** One keyword for each form; none that begins another. */
function prefixesOf(forms: readonly Form[]): readonly string[] {
  const prefixes = [...new Set(forms.map(([first]) => (typeof first === "string" ? first.toLowerCase() : "")))];
  return prefixes.filter((prefix) => !prefixes.some((other) => other !== prefix && prefix.startsWith(other)));
}

/** What assigns: in code, configuration, JSON, XML attributes, calls, Makefiles and sentences. */
const SIGN = `(?:[ \\t]{0,4}(?::{1,3}=|=>|={1,3}|\\?=|\\|\\||->|:|>|,|\\()|["'][ \\t]{1,4}value=|[ \\t]is(?=[ \\t])|(?<=key|KEY|Key|token|TOKEN|Token|secret|SECRET|Secret|password|PASSWORD)(?=[ \\t]))`;

/**
 * A rule for secrets that only their name tells: `datadog_api_key = "<value>"`, `my Datadog key is <value>`. `forms` are
 * those of the value, which stands alone.
 */
export function named(
  rule: Extras & {
    keywords: readonly string[];
    forms: readonly Form[];
    /** What the name must say besides the keyword. */
    says?: RegExp;
    /** What it must not say: another rule's. */
    not?: RegExp;
    /** The keyword must begin a word: a short one that others hold. */
    whole?: boolean;
    /** A space between name and value is enough: no other text looks like the value. */
    bare?: boolean;
  },
): SecretRule {
  const { forms, keywords, says, not, check, severity = "high", whole = false, bare = false, ...rest } = rule;
  // Name, up to two more words, brackets and quotes that close it, the sign, brackets and quotes that open the value:
  // every part is bounded, and ends at a character that the next one begins with.
  const keyword = keywords.map(anyCase).join("|");
  const value = forms.map(sourceOf).join("|");
  const source = `(?:${keyword})[\\w.-]{0,24}(?:[ \\t][\\w.-]{1,16}){0,2}["'\`\\])}\\\\]{0,3}${bare ? `(?:${SIGN}|(?=[ \\t]))` : SIGN}[ \\t\\r\\n]{0,4}["'\`\\\\({[<]{0,3}(?<secret>${value})(?![\\w+/=-]|\\.\\w)`;
  return {
    example: (random) => `${exampleName(keywords[0] as string, says)} = "${exampleOf(forms[0] as Form, random)}"`,
    ...rest,
    severity,
    keywords,
    generic: true,
    inWord: !whole,
    pattern: new RegExp(source, "dy"),
    shape: [
      ["\\w.-", 24],
      [" \\t", 1],
      ["\\w.-", 16],
      [" \\t", 1],
      ["\\w.-", 16],
      ["\"'`\\])}\\\\", 3],
      [" \\t", 4],
      [":=>?|,(-", 4],
      ["\"' \\t", 5],
      ["value=is", 6],
      [" \\t\\r\\n", 4],
      ["\"'`\\\\({[<", 3],
      [`\\w.+/=\\-${classOf(forms.map(charactersOf).join(""))}`, Math.max(...forms.map(mostOf)) + 1],
    ],
    least: Math.min(...forms.map(leastOf)) + 1,
    check: (secret: string, before: string, match: string) => {
      const text = match.slice(0, match.lastIndexOf(secret));
      if (!isSpelledAsName(text, keywords, before)) return false;
      if (says !== undefined && !says.test(text)) return false;
      if (not !== undefined && not.test(text)) return false;
      return check === undefined ? isMixed(secret) : check(secret, before, match);
    },
  };
}

/** Whether a keyword is written as a name is, not across words: `CameraKit` does not speak of «meraki», `sumOf` not of «sumo». */
function isSpelledAsName(text: string, keywords: readonly string[], before: string): boolean {
  const keyword = keywords.find((one) => text.toLowerCase().startsWith(one)) ?? "";
  const written = text.slice(0, keyword.length);
  if (/^[^A-Z]*$|^[^a-z]*$|^[A-Z][^A-Z]*$/.test(written)) return true;
  return keyword.length > 5 && !/[A-Za-z]$/.test(before);
}

function exampleName(keyword: string, says: RegExp | undefined): string {
  const word = says?.source.match(/[a-z]{2,}/)?.[0] ?? "key";
  return `${keyword.replace(/ /g, "_")}_${word}`;
}

function anyCase(keyword: string): string {
  return keyword
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    .replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}
