/**
 * The vault: what placeholders stand for, in one exchange.
 *
 * The policy `tokenise` replaces what was found by a placeholder, `[EMAIL_1_kdqtmvb]`: its kind, which one of the
 * exchange it is, and a tag that nobody outside the exchange can guess, so that a text cannot ask for another's values by
 * writing placeholders. The same value gets the same placeholder. The model works with the placeholder, and in its answer
 * each becomes its value again, also where the model wrote it in another case, escaped it for Markdown, or lost the
 * brackets. The values live in memory, as long as the vault.
 *
 * @module
 */

import { randomBytes } from "node:crypto";

export interface Vault {
  /** How many values it holds. */
  readonly size: number;
  /** The placeholder for a value that `rule` found; the same for the same value. */
  placeholder(rule: string, value: string): string;
  /**
   * `text` with every placeholder of this vault turned into its value.
   *
   * @param write how a value is written where the text has a syntax of its own, as in the strings of a JSON text
   */
  restore(text: string, write?: (value: string) => string): string;
  /** The same for text in pieces, cut anywhere. */
  restorer(write?: (value: string) => string): Restorer;
}

/** Restores one channel. Holds back no more than what could still become a placeholder. */
export interface Restorer {
  push(piece: string): string;
  end(): string;
}

/** Sixteen consonants: they spell no word that a model would correct, and survive a change of case. */
const TAG_ALPHABET = "bcdfghjkmnpqrstv";
/** 28 bits: enough against guessing within one exchange. */
const TAG_LENGTH = 7;
/** Longest kind: rules are named by people. */
const MAX_KIND = 48;
const MAX_DIGITS = 6;
/** What a model may put between the words of a placeholder. */
const SEPARATOR = /[\s_\\-]/;
/** Most of it between two words. */
const MAX_SEPARATORS = 4;
/** Units that a rewritten placeholder may have, all words of one letter and all separators written out. */
const MAX_WRITTEN = MAX_KIND + (MAX_KIND / 2 + 2) * MAX_SEPARATORS + MAX_DIGITS + TAG_LENGTH + 4;

/**
 * Makes an empty vault.
 *
 * @example
 * ```ts
 * import { createVault } from "holdfast/guard";
 *
 * const vault = createVault();
 * const prompt = `write to ${vault.placeholder("pii.email", "ada@example.org")}`;
 * vault.restore(prompt.toUpperCase()); // WRITE TO ada@example.org
 * ```
 */
export function createVault(): Vault {
  const tag = Array.from(randomBytes(TAG_LENGTH), (byte) => TAG_ALPHABET.charAt(byte % 16)).join("");
  /** By number, from 1. */
  const entries: { readonly kind: string; readonly value: string }[] = [];
  const known = new Map<string, string>();

  /** The placeholder after `first` that ends with the tag at `at`, if one does. */
  const placeholderAt = (
    text: string,
    at: number,
    first: number,
  ): { start: number; end: number; value: string } | undefined => {
    const digitsEnd = skipBack(text, at);
    let digits = digitsEnd;
    while (digits > 0 && digitsEnd - digits < MAX_DIGITS && /[0-9]/.test(text.charAt(digits - 1))) digits--;
    const entry = entries[Number(text.slice(digits, digitsEnd)) - 1];
    if (digits === digitsEnd || entry === undefined) return undefined;
    const kind = kindBefore(text, digits, entry.kind);
    const start = kind === undefined || kind < first ? digits : kind;
    if (isInWord(text, start)) return undefined;
    return { ...withBrackets(text, start, at + TAG_LENGTH), value: entry.value };
  };

  /** The units of `text` from `first` on, restored. What stands before is only looked at. */
  const restoreFrom = (text: string, first: number, write: (value: string) => string): string => {
    if (entries.length === 0) return text.slice(first);
    // ASCII alone: other letters may change their length with their case.
    const lower = text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
    let out = "";
    let from = first;
    for (let at = lower.indexOf(tag); at !== -1; at = lower.indexOf(tag, at + TAG_LENGTH)) {
      const found = placeholderAt(text, at, first);
      if (found === undefined || found.start < from) continue;
      out += text.slice(from, found.start) + write(found.value);
      from = found.end;
    }
    return out + text.slice(from);
  };

  return {
    get size() {
      return entries.length;
    },
    placeholder: (rule, value) => {
      const kind = kindOf(rule);
      const key = `${kind}\n${value}`;
      const have = known.get(key);
      if (have !== undefined) return have;
      entries.push({ kind, value });
      const made = `[${kind}_${entries.length}_${tag}]`;
      known.set(key, made);
      return made;
    },
    restore: (text, write = asIs) => restoreFrom(text, 0, write),
    restorer: (write = asIs) => {
      let held = "";
      /** The unit before what is held: whether a word begins depends on it. */
      let before = "";
      return {
        push: (piece) => {
          held += piece;
          const seen = before + held;
          const keep = Math.max(before.length, heldFrom(seen, entries, tag));
          const out = restoreFrom(seen.slice(0, keep), before.length, write);
          before = seen.slice(0, keep).slice(-1);
          held = seen.slice(keep);
          return out;
        },
        end: () => {
          const out = restoreFrom(before + held, before.length, write);
          held = "";
          return out;
        },
      };
    },
  };
}

function asIs(value: string): string {
  return value;
}

/** `pii.email-address` becomes `EMAIL_ADDRESS`. */
function kindOf(rule: string): string {
  const name = rule.slice(rule.indexOf(".") + 1).toUpperCase();
  return (
    name
      .replaceAll(/[^A-Z]+/g, "_")
      .slice(0, MAX_KIND)
      .replaceAll(/^_|_$/g, "") || "VALUE"
  );
}

function skipBack(text: string, from: number): number {
  let at = from;
  while (at > 0 && from - at < MAX_SEPARATORS && SEPARATOR.test(text.charAt(at - 1))) at--;
  return at;
}

/** Where `kind` begins that ends before `end`, in any case and with any separators between its words. */
function kindBefore(text: string, end: number, kind: string): number | undefined {
  let at = skipBack(text, end);
  for (let left = kind.length; left > 0; left--) {
    const letter = kind.charAt(left - 1);
    if (letter === "_") at = skipBack(text, at);
    else if (at > 0 && text.charAt(at - 1).toUpperCase() === letter) at--;
    else return undefined;
  }
  return isInWord(text, at) ? undefined : at;
}

/** Whether the character before `at` belongs to the same word. */
function isInWord(text: string, at: number): boolean {
  return at > 0 && /[\p{L}\p{N}]/u.test(text.charAt(at - 1));
}

/** The range with the brackets that stand around it, escaped or not. */
function withBrackets(text: string, start: number, end: number): { start: number; end: number } {
  const opens = text.charAt(start - 1) === "[";
  const escaped = text.charAt(end) === "\\";
  const closes = text.charAt(escaped ? end + 1 : end) === "]";
  if (!opens || !closes) return { start, end };
  const from = start - (text.charAt(start - 2) === "\\" ? 2 : 1);
  return { start: from, end: end + (escaped ? 2 : 1) };
}

/**
 * Where the part begins that could still become a placeholder: the longest end of the text that, separators and brackets
 * aside, is the beginning of one. A whole one is kept as well while its closing bracket may still come.
 */
function heldFrom(text: string, entries: readonly { readonly kind: string }[], tag: string): number {
  if (entries.length === 0) return text.length;
  const kinds = new Set(entries.map(({ kind }) => kind.replaceAll("_", "")));
  for (let at = Math.max(0, text.length - MAX_WRITTEN); at < text.length; at++) {
    const begins = /[[\\]/.test(text.charAt(at)) || (/[\p{L}\p{N}]/u.test(text.charAt(at)) && !isInWord(text, at));
    if (!begins) continue;
    const rest = text.slice(at);
    if (!mayBecome(rest.replaceAll(/[[\]\s_\\-]/g, "").toUpperCase(), kinds, tag.toUpperCase())) continue;
    // With its closing bracket it is complete.
    return rest.endsWith("]") ? text.length : at;
  }
  return text.length;
}

/** Whether `letters` begins a placeholder, with or without its kind, or is one. */
function mayBecome(letters: string, kinds: ReadonlySet<string>, tag: string): boolean {
  if (mayBeNumbered(letters, tag)) return true;
  for (const kind of kinds) {
    if (kind.startsWith(letters)) return true;
    if (letters.startsWith(kind) && mayBeNumbered(letters.slice(kind.length), tag)) return true;
  }
  return false;
}

/** Whether `letters` begins a number and the tag. */
function mayBeNumbered(letters: string, tag: string): boolean {
  const digits = /^[0-9]*/.exec(letters)?.[0].length ?? 0;
  return digits <= MAX_DIGITS && tag.startsWith(letters.slice(digits)) && (digits > 0 || letters === "");
}
