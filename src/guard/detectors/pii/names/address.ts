/**
 * Street addresses: a street with its number, and what follows it up to the country.
 *
 *     12 Long Street Apt. 4, Springfield, IL 62701      Rue de la Paix 5, 75002 Paris      Hauptstraße 7
 *
 * @module
 */

import { lookUp, Word } from "./gazetteer.ts";
import { STREET_AFTER, STREET_ENDING, STREET_HEAD, STREET_TYPES } from "./words.ts";

export interface AddressMatch {
  readonly start: number;
  readonly end: number;
  /** It has a number. */
  readonly sure: boolean;
}

const NUMBER = "\\d{1,6}(?:[-/]\\d{1,4})?[A-Za-z]?";
const CAPITAL =
  "[A-Z\\u00c0-\\u00de\\u0100-\\u024f\\u0386-\\u03ab\\u0400-\\u042f\\u1e00-\\u1eff][A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff'’.]{0,30}";
const SIDE = "(?:[NSEW]\\.?|N\\.?[EW]\\.?|S\\.?[EW]\\.?|North|South|East|West)";

/** `12 Long Street`: judged by its last word. */
const NUMBER_FIRST = new RegExp(
  `(?<![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9$€£#.-])(?:\\d{1,6} )?${NUMBER},?[ \\n](?:${SIDE} )?((?:(?:${CAPITAL}|\\d{1,3}(?:st|nd|rd|th)|of|the|de|la|St\\.)[ -]){0,5}?)(${CAPITAL})(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])`,
  "g",
);
/** `12 rue de la Paix`, `Rue de la Paix 12`, `ul. Długa 5 m. 3`. */
const HEAD_FIRST = new RegExp(
  `(?<![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])(?:${NUMBER},? )?${STREET_HEAD} (?:(?:de|del|della|dei|delle|di|da|do|dos|das|du|des|la|le|les|los|las|el|l'|d')[ ]?){0,3}(?:${CAPITAL}|\\d{1,2})(?:[ -](?:${CAPITAL}|de|da|do|di|e|y|la|del|della|dei)){0,4}(?:,? (?:n[°º.]? ?|nr\\.? )?${NUMBER})?(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])`,
  "g",
);
/** `Hauptstraße 7`, `Kossuth utca 12`. */
const NAME_FIRST = new RegExp(
  `(?<![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])(?:\\d{1,6} )?(?:${CAPITAL}[ -]){0,3}(?:[A-Z\\u00c0-\\u00de\\u0100-\\u024f\\u0386-\\u03ab\\u0400-\\u042f\\u1e00-\\u1eff][A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff-]{1,30}${STREET_ENDING}|${CAPITAL} ${STREET_AFTER}) ${NUMBER}(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])`,
  "g",
);
/** Whatever stands between a number and a flat, or between a name with a number and a line that begins with a code. */
const FRAMED = new RegExp(
  `(?<![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9$€£#.-])(?:${NUMBER},? (?:${CAPITAL}[ -]){0,3}${CAPITAL}(?: ${NUMBER})?(?=,? ?\\n? ?(?:Apt|Suite|Unit|Flat)\\.? ?#?\\d)|(?:${CAPITAL}[ -]){0,4}${CAPITAL},? ${NUMBER}[.,]?(?=(?: ,)? ?\\n(?:[A-Z]{1,2}-)?\\d{4,6}[ -][A-Z\\u00c0-\\u00de\\u0100-\\u024f\\u0386-\\u03ab\\u0400-\\u042f\\u1e00-\\u1eff])|${NUMBER},? (?:${CAPITAL}[ -]){0,3}${CAPITAL}(?=,? ?\\n ?(?:[A-Z\\u00c0-\\u00de\\u0100-\\u024f\\u0386-\\u03ab\\u0400-\\u042f\\u1e00-\\u1eff][A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff ]{1,30},? ?\\n?,? ?(?:[A-Z]{2}\\b|\\d{4,6})|\\d{4,6} [A-Z\\u00c0-\\u00de\\u0100-\\u024f\\u0386-\\u03ab\\u0400-\\u042f\\u1e00-\\u1eff])))`,
  "g",
);
/** A number on either side. */
const BETWEEN = new RegExp(
  `(?<![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9$€£#.-])\\d{1,6} (${CAPITAL})(?: ${CAPITAL}){0,3} ${NUMBER}(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])`,
  "g",
);
/** A street without a number, and where two of them meet. */
const STREET = new RegExp(
  `(?<![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9.])(?:${CAPITAL} ){1,3}(?:Street|Avenue|Road|Boulevard|Lane|Drive)(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])|(?<=corner of )(?:[A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9'’.-]{1,24} ){1,6}and (?:${CAPITAL} ?){1,4}`,
  "g",
);
/** In small letters, by the kind of street. */
const SMALL =
  /(?<![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9$€£#.-])\d{1,6}(?: \d{1,5})? (?:[a-z\u00e0-\u017f]{2,15} ){1,3}(?:street|avenue|road|boulevard|lane|drive|court|square|terrace|crescent)(?![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9])/g;
/** Military mail of the United States. */
const MILITARY =
  /(?<![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9])(?:PSC|Unit|USCGC|USNS|USNV|USS) [A-Za-z\u00aa-\u02af\u0370-\u1fff0-9, ]{1,30}\n[ADF]PO A[AEP] \d{5}/g;
const BOX =
  /(?<![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9])(?:P\.? ?O\.? ?Box|PO ?BOX|Postfach|Apartado|Boîte postale|B\.?P\.?) \d{1,6}(?!\d)/g;
/** Whatever has a number and capitals is a street where the text says that an address comes. */
const SAID = new RegExp(
  `(?<=(?:[Aa]ddress(?:es)?(?: is| was|:)?|[Ll]iv(?:e|es|ed|ing) (?:at|in|on)|[Ll]ocated (?:at|on|in)|[Rr]esid(?:e|es|ing|ence)(?: at| in|:)?|[Ss]hip(?:ped|ping)?(?: it)? to:?|[Dd]eliver(?:ed|y)?(?: it)? to:?|[Mm]ail(?:ed)?(?: it)? to:?|[Ss]en[dt](?: it)? to:?|[Mm]oved? to|[Oo]ffice(?:s)? (?:is |are )?(?:at|in|on)|[Ss]tore at|[Vv]isit us at|[Mm]eet (?:me |us )?at|based at|stay(?:ing)? at|house at|go to)\\s)(?:${NUMBER},? (?:${CAPITAL}[ -]){0,3}${CAPITAL}(?: ${NUMBER})?|(?:${CAPITAL}[ -]){0,4}${CAPITAL},? ${NUMBER})(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])`,
  "g",
);

const UNIT =
  /^\.?[,\s>?*|]{1,8}(?:(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Ff]loor|[Rr]oom|[Bb]ldg|[Bb]uilding|[Dd]ept|[Ll]ot|[Pp]iso|[Dd]pto|APT|SUITE|UNIT|m)\.? ?#?[\w-]{1,6}|#[\w-]{1,6}|\d{1,2}(?:st|nd|rd|th) [Ff]loor)/;
const CODE =
  /^[,\s>?*|]{1,8}(?:[A-Z]{1,2}[- ])?(?:\d{5}-\d{3,4}|\d{3}[- ]\d{2,4}|\d{4,7}(?: [A-Z]{2}(?![A-ZA-Za-z\u00aa-\u02af\u0370-\u1fff]))?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9]|[ -]?\d)/;
const STATE = /^[,\s>?*|]{1,8}[A-Z]{2,3}(?![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9.])/;
const TOWN = new RegExp(
  `^([,.]?[ >?]{0,3}\\n[\\n >?*|]{0,8},? ?|, ?|\\s)((?:${CAPITAL}[ -]){0,3}${CAPITAL})(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff0-9])`,
);

const sticky = (pattern: RegExp): RegExp => new RegExp(pattern.source, "y");
const AT_STREET = sticky(NUMBER_FIRST);
const AT_BETWEEN = sticky(BETWEEN);
/** Patterns whose matches begin with a number, by what comes behind it: tried only where one begins. */
const BEFORE_CAPITAL: readonly RegExp[] = [
  AT_STREET,
  AT_BETWEEN,
  ...[HEAD_FIRST, FRAMED, NAME_FIRST, SAID].map(sticky),
];
const BEFORE_SMALL: readonly RegExp[] = [HEAD_FIRST, SMALL].map(sticky);
const BEFORE_NUMBER: readonly RegExp[] = [...BEFORE_CAPITAL, sticky(SMALL)];
/** Patterns whose matches begin with a capital, or a street's kind, and have a number behind a name; each needs one of the words. */
const BEHIND_NAME: readonly (readonly [pattern: RegExp, words: readonly string[]])[] = [
  [HEAD_FIRST, [""]],
  [NAME_FIRST, [""]],
  [FRAMED, ["\n", "Apt", "Suite", "Unit", "Flat"]],
  [MILITARY, ["PO A"]],
  [BOX, ["Box", "BOX", "Postfach", "Apartado", "postale", "BP", "B.P"]],
  [SAID, [""]],
];
/** What {@link STREET} needs one of. */
const STREET_WORDS = ["Street", "Avenue", "Road", "Boulevard", "Lane", "Drive", "corner of"];

/**
 * Every address that begins from `from` on and before `to`; it may end behind `to`.
 *
 * @param digits whether there are any, without which hardly a pattern matches
 */
export function findAddresses(text: string, from: number, to: number, digits: boolean): AddressMatch[] {
  const found: AddressMatch[] = [];
  const take = (pattern: RegExp, match: RegExpExecArray): number => {
    const whole = match[0];
    let end: number | undefined = match.index + whole.length;
    if (pattern === AT_STREET) end = streetEnd(text, match.index, end, match[1] as string, match[2] as string);
    else if (pattern === AT_BETWEEN && (lookUp(match[1] as string) & Word.stop) !== 0) return match.index;
    if (end === undefined) return match.index;
    end = extend(text, end);
    found.push({ start: match.index, end, sure: pattern !== STREET });
    return end;
  };
  let named = false;
  for (let at = digits ? from : to; at < to; at++) {
    if (!isDigit(text, at) || isDigit(text, at - 1)) continue;
    named ||= hasNameBefore(text, from, at);
    for (const pattern of patternsAt(text, at)) {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (match !== null) take(pattern, match);
    }
  }
  const patterns = named
    ? BEHIND_NAME.filter(([, words]) => words.some((word) => text.includes(word))).map(([pattern]) => pattern)
    : [];
  for (const pattern of STREET_WORDS.some((word) => text.includes(word)) ? [...patterns, STREET] : patterns) {
    pattern.lastIndex = from;
    for (let match = pattern.exec(text); match !== null && match.index < to; match = pattern.exec(text)) {
      pattern.lastIndex = Math.max(take(pattern, match), match.index + 1);
    }
  }
  return found;
}

/**
 * Whether there is one of {@link STREET_WORDS} behind a blank between two offsets, or words that say that streets follow
 * before them: without, capitalised words without a number are no address.
 */
export function hasStreetWord(text: string, start: number, end: number): boolean {
  if (text.startsWith("corner of ", start - 10)) return true;
  for (let at = start; at < end; at++) {
    if (text.charCodeAt(at) !== 0x20) continue;
    const unit = text.charCodeAt(at + 1);
    for (const word of STREET_WORDS) {
      if (word.charCodeAt(0) === unit && text.startsWith(word, at + 1)) return true;
    }
  }
  return false;
}

/** The kind of a street, in small letters between its name and its number. */
const SMALL_KINDS = new Set(
  "utca út útja tér köz tie katu caddesi sokak u. gatan gata väg vägen vej gade straat laan weg plein n° nº n. nr nr.".split(
    " ",
  ),
);

/** Whether a number at `at` may belong to a name before it: a capitalised word, or a street's kind. */
function hasNameBefore(text: string, from: number, at: number): boolean {
  if (at - 2 < from || text.charCodeAt(at - 1) !== 0x20) return false;
  let start = at - 1;
  while (start > from && text.charCodeAt(start - 1) > 0x20) start -= 1;
  const first = text.charAt(start);
  if (first !== first.toLowerCase()) return true;
  return SMALL_KINDS.has(text.slice(start, at - 1)) || text.charCodeAt(at - 2) === 0x2c;
}

const NONE: readonly RegExp[] = [];

/** The patterns to try at a number, by what comes behind it. */
function patternsAt(text: string, at: number): readonly RegExp[] {
  let next = at;
  while (next < at + 11 && (isDigit(text, next) || text.charCodeAt(next) === 0x2d || text.charCodeAt(next) === 0x2f))
    next += 1;
  let unit = text.charCodeAt(next);
  if ((unit | 0x20) >= 0x61 && (unit | 0x20) <= 0x7a) unit = text.charCodeAt(++next);
  if (unit === 0x2c) unit = text.charCodeAt(++next);
  if (unit !== 0x20 && unit !== 0x0a) return NONE;
  const behind = text.charAt(next + 1);
  if (behind >= "0" && behind <= "9") return BEFORE_NUMBER;
  const small = behind.toLowerCase();
  if (small === behind) return small === behind.toUpperCase() ? NONE : BEFORE_SMALL;
  return BEFORE_CAPITAL;
}

function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0x30 && unit <= 0x39;
}

/** The end of the street whose words are at hand; the pattern takes as few words as it can. */
function streetEnd(text: string, start: number, end: number, before: string, last: string): number | undefined {
  let word = last;
  let at = end;
  let names = before.trim() === "" ? 0 : before.trim().split(/[ -]/).length;
  for (let more = 0; more < 5; more++) {
    if (names > 0 && STREET_TYPES.has(word.replace(/\.$/, "").toLowerCase())) {
      // `12 Lake Shore Drive`: the type is the last of them.
      const next =
        /^ ([A-Z\u00c0-\u00de\u0100-\u024f\u0386-\u03ab\u0400-\u042f\u1e00-\u1eff][A-Za-z\u00aa-\u02af\u0370-\u1fff]{1,20}\.?)(?![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9])/.exec(
          text.slice(at, at + 32),
        );
      if (next === null || !STREET_TYPES.has((next[1] as string).replace(/\.$/, "").toLowerCase())) {
        const side = new RegExp(`^ ${SIDE}(?![A-Za-z\\u00aa-\\u02af\\u0370-\\u1fff])`, "").exec(text.slice(at, at + 8));
        return at + (side?.[0].length ?? 0);
      }
    }
    const next =
      /^[ -]([A-Z\u00c0-\u00de\u0100-\u024f\u0386-\u03ab\u0400-\u042f\u1e00-\u1eff][A-Za-z\u00aa-\u02af\u0370-\u1fff'’-]{0,30}\.?|of|the|\d{1,3}(?:st|nd|rd|th))(?![A-Za-z\u00aa-\u02af\u0370-\u1fff0-9])/.exec(
        text.slice(at, at + 36),
      );
    if (next === null || at - start > 80) return undefined;
    at += next[0].length;
    word = next[1] as string;
    names += 1;
  }
  return undefined;
}

/** Takes along the flat, the town, the state, the code and the country. */
function extend(text: string, end: number): number {
  let at = end;
  let towns = 0;
  for (let parts = 0; parts < 8; parts++) {
    const rest = text.slice(at, at + 80);
    const part = UNIT.exec(rest) ?? CODE.exec(rest) ?? STATE.exec(rest);
    if (part !== null) {
      at += part[0].length;
      continue;
    }
    const town = TOWN.exec(rest);
    if (town === null || towns === 3) return at;
    const length = townLength(town[1] as string, town[2] as string);
    if (length === 0) return at;
    at += (town[1] as string).length + length;
    towns += 1;
  }
  return at;
}

/** How much of the capitalised words behind an address belongs to it. Behind a blank alone, only a known place does. */
function townLength(separator: string, words: string): number {
  const parts = words.split(/(?=[ -])/);
  let length = 0;
  let known = false;
  for (const part of parts) {
    const bits = lookUp(part.replace(/^[ -]|[.]$/g, ""));
    if ((bits & Word.stop) !== 0 && (bits & (Word.place | Word.placeStart)) === 0) break;
    if ((bits & (Word.place | Word.placeStart)) !== 0) known = true;
    length += part.length;
  }
  if (separator === " " && !known) return 0;
  return words.slice(0, length).endsWith(".") ? length - 1 : length;
}
