/**
 * The words of a piece of text, with what is known of each.
 *
 * @module
 */

import { lookUp, Word } from "./gazetteer.ts";

export interface Token {
  readonly start: number;
  readonly end: number;
  /** The word without a full stop behind it. */
  readonly word: string;
  readonly kind: "capitalised" | "capitals" | "initial" | "small" | "other";
  /** Bits of {@link Word}. */
  readonly bits: number;
  /** A full stop directly behind it, which is not part of `end`. */
  readonly stopped: boolean;
  /** It begins a sentence: nothing before it, or an end of one. */
  readonly opening: boolean;
  /** Between the token before and this one there is only a blank or a hyphen. */
  readonly joined: boolean;
}

/** Letters of the scripts that have capitals, and the marks on them. */
const LETTERS = "A-Za-z\\u00aa\\u00b5\\u00ba\\u00c0-\\u1fff";
const TOKEN = new RegExp(`[${LETTERS}]+(?:['’][${LETTERS}]+)*|[0-9]+|[^\\s0-9${LETTERS}]`, "g");

/** The tokens from `from` to `to`. What lies before `from` says whether the first begins a sentence. */
export function tokensOf(text: string, from: number, to: number): Token[] {
  const tokens: Token[] = [];
  let last = from;
  TOKEN.lastIndex = from;
  for (let match = TOKEN.exec(text); match !== null && match.index < to; match = TOKEN.exec(text)) {
    const start = match.index;
    const whole = match[0];
    const word = trimGenitive(whole);
    const end = Math.min(start + word.length, to);
    const gap = text.slice(last, start);
    const kind = kindOf(word);
    tokens.push({
      start,
      end,
      word,
      kind,
      bits: kind === "other" ? 0 : bitsOf(word, kind),
      stopped: text.charCodeAt(start + whole.length) === 0x2e,
      opening: opensSentence(text, start),
      joined: tokens.length > 0 && (gap === " " || gap === ""),
    });
    last = start + whole.length;
  }
  return tokens;
}

/** Whether a word is anybody's given or family name. */
export function isName({ bits, kind }: Token): boolean {
  return (bits & (Word.first | Word.last)) !== 0 && kind !== "other";
}

/** `Smith's` is the word Smith. */
function trimGenitive(word: string): string {
  return /.['’]s$/i.test(word) ? word.slice(0, -2) : word;
}

function kindOf(word: string): Token["kind"] {
  const first = word.charAt(0);
  if (first.toLowerCase() === first.toUpperCase()) return "other";
  if (first !== first.toUpperCase()) return "small";
  if (word.length === 1) return "initial";
  return word === word.toUpperCase() && word.length > 1 ? "capitals" : "capitalised";
}

/** An abbreviation in capitals is no name: of those, only words of four letters or more are looked up as names. */
function bitsOf(word: string, kind: Token["kind"]): number {
  if (kind === "initial") return 0;
  const bits = lookUp(word);
  if (kind !== "capitals" || word.length > 3) return bits;
  return bits & (Word.stop | Word.common | Word.place | Word.organisation | Word.placeStart);
}

function opensSentence(text: string, start: number): boolean {
  let at = start - 1;
  while (at >= 0 && /[\s"“”'‘’(*>#_-]/.test(text.charAt(at))) {
    if (text.charCodeAt(at) === 0x0a) return true;
    at -= 1;
  }
  return at < 0 || /[.!?:;|•]/.test(text.charAt(at));
}
