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
const CAPITAL = "\\p{Lu}[\\p{L}'’.]{0,30}";
const SIDE = "(?:[NSEW]\\.?|N\\.?[EW]\\.?|S\\.?[EW]\\.?|North|South|East|West)";

/** `12 Long Street`: judged by its last word. */
const NUMBER_FIRST = new RegExp(
  `(?<![\\p{L}\\p{N}$€£#.-])(?:\\d{1,6} )?${NUMBER},?[ \\n](?:${SIDE} )?((?:(?:${CAPITAL}|\\d{1,3}(?:st|nd|rd|th)|of|the|de|la|St\\.)[ -]){0,5}?)(${CAPITAL})(?![\\p{L}\\p{N}])`,
  "gu",
);
/** `12 rue de la Paix`, `Rue de la Paix 12`, `ul. Długa 5 m. 3`. */
const HEAD_FIRST = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${NUMBER},? )?${STREET_HEAD} (?:(?:de|del|della|dei|delle|di|da|do|dos|das|du|des|la|le|les|los|las|el|l'|d')[ ]?){0,3}(?:${CAPITAL}|\\d{1,2})(?:[ -](?:${CAPITAL}|de|da|do|di|e|y|la|del|della|dei)){0,4}(?:,? (?:n[°º.]? ?|nr\\.? )?${NUMBER})?(?![\\p{L}\\p{N}])`,
  "gu",
);
/** `Hauptstraße 7`, `Kossuth utca 12`. */
const NAME_FIRST = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:\\d{1,6} )?(?:${CAPITAL}[ -]){0,3}(?:\\p{Lu}[\\p{L}-]{1,30}${STREET_ENDING}|${CAPITAL} ${STREET_AFTER}) ${NUMBER}(?![\\p{L}\\p{N}])`,
  "gu",
);
/** Whatever stands between a number and a flat, or between a name with a number and a line that begins with a code. */
const FRAMED = new RegExp(
  `(?<![\\p{L}\\p{N}$€£#.-])(?:${NUMBER},? (?:${CAPITAL}[ -]){0,3}${CAPITAL}(?: ${NUMBER})?(?=,? ?\\n? ?(?:Apt|Suite|Unit|Flat)\\.? ?#?\\d)|(?:${CAPITAL}[ -]){0,4}${CAPITAL},? ${NUMBER}[.,]?(?=(?: ,)? ?\\n(?:[A-Z]{1,2}-)?\\d{4,6}[ -]\\p{Lu})|${NUMBER},? (?:${CAPITAL}[ -]){0,3}${CAPITAL}(?=,? ?\\n ?(?:\\p{Lu}[\\p{L} ]{1,30},? ?\\n?,? ?(?:[A-Z]{2}\\b|\\d{4,6})|\\d{4,6} \\p{Lu})))`,
  "gu",
);
/** A number on either side. */
const BETWEEN = new RegExp(
  `(?<![\\p{L}\\p{N}$€£#.-])\\d{1,6} (${CAPITAL})(?: ${CAPITAL}){0,3} ${NUMBER}(?![\\p{L}\\p{N}])`,
  "gu",
);
/** A street without a number, and where two of them meet. */
const STREET = new RegExp(
  `(?<![\\p{L}\\p{N}.])(?:${CAPITAL} ){1,3}(?:Street|Avenue|Road|Boulevard|Lane|Drive)(?![\\p{L}\\p{N}])|(?<=corner of )(?:[\\p{L}\\p{N}'’.-]{1,24} ){1,6}and (?:${CAPITAL} ?){1,4}`,
  "gu",
);
/** In small letters, by the kind of street. */
const SMALL =
  /(?<![\p{L}\p{N}$€£#.-])\d{1,6}(?: \d{1,5})? (?:[a-z\u00e0-\u017f]{2,15} ){1,3}(?:street|avenue|road|boulevard|lane|drive|court|square|terrace|crescent)(?![\p{L}\p{N}])/gu;
/** Military mail of the United States. */
const MILITARY = /(?<![\p{L}\p{N}])(?:PSC|Unit|USCGC|USNS|USNV|USS) [\p{L}\p{N}, ]{1,30}\n[ADF]PO A[AEP] \d{5}/gu;
const BOX = /(?<![\p{L}\p{N}])(?:P\.? ?O\.? ?Box|PO ?BOX|Postfach|Apartado|Boîte postale|B\.?P\.?) \d{1,6}(?!\d)/gu;
/** Whatever has a number and capitals is a street where the text says that an address comes. */
const SAID = new RegExp(
  `(?<=(?:[Aa]ddress(?:es)?(?: is| was|:)?|[Ll]iv(?:e|es|ed|ing) (?:at|in|on)|[Ll]ocated (?:at|on|in)|[Rr]esid(?:e|es|ing|ence)(?: at| in|:)?|[Ss]hip(?:ped|ping)?(?: it)? to:?|[Dd]eliver(?:ed|y)?(?: it)? to:?|[Mm]ail(?:ed)?(?: it)? to:?|[Ss]en[dt](?: it)? to:?|[Mm]oved? to|[Oo]ffice(?:s)? (?:is |are )?(?:at|in|on)|[Ss]tore at|[Vv]isit us at|[Mm]eet (?:me |us )?at|based at|stay(?:ing)? at|house at|go to)\\s)(?:${NUMBER},? (?:${CAPITAL}[ -]){0,3}${CAPITAL}(?: ${NUMBER})?|(?:${CAPITAL}[ -]){0,4}${CAPITAL},? ${NUMBER})(?![\\p{L}\\p{N}])`,
  "gu",
);

const UNIT =
  /^\.?[,\s>?*|]{1,8}(?:(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Ff]lat|[Ff]loor|[Rr]oom|[Bb]ldg|[Bb]uilding|[Dd]ept|[Ll]ot|[Pp]iso|[Dd]pto|APT|SUITE|UNIT|m)\.? ?#?[\w-]{1,6}|#[\w-]{1,6}|\d{1,2}(?:st|nd|rd|th) [Ff]loor)/;
const CODE =
  /^[,\s>?*|]{1,8}(?:[A-Z]{1,2}[- ])?(?:\d{5}-\d{3,4}|\d{3}[- ]\d{2,4}|\d{4,7}(?: [A-Z]{2}(?![A-Z\p{L}]))?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![\p{L}\p{N}]|[ -]?\d)/u;
const STATE = /^[,\s>?*|]{1,8}[A-Z]{2,3}(?![\p{L}\p{N}.])/u;
const TOWN = new RegExp(
  `^([,.]?[ >?]{0,3}\\n[\\n >?*|]{0,8},? ?|, ?|\\s)((?:${CAPITAL}[ -]){0,3}${CAPITAL})(?![\\p{L}\\p{N}])`,
  "u",
);

const sticky = (pattern: RegExp): RegExp => new RegExp(pattern.source, "uy");
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
/** Patterns whose matches begin with a capital, or a street's kind, and have a number behind a name. */
const BEHIND_NAME: readonly RegExp[] = [HEAD_FIRST, NAME_FIRST, FRAMED, MILITARY, BOX, SAID];
/** What {@link STREET} needs. */
const STREET_WORD = /Street|Avenue|Road|Boulevard|Lane|Drive|corner of/;

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
  for (let at = from; digits && at < to; at++) {
    if (!isDigit(text, at) || isDigit(text, at - 1)) continue;
    named ||= NAME_BEFORE.test(text.slice(Math.max(from, at - 20), at));
    for (const pattern of patternsAt(text, at)) {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (match !== null) take(pattern, match);
    }
  }
  const patterns = named ? BEHIND_NAME : [];
  for (const pattern of STREET_WORD.test(text) ? [...patterns, STREET] : patterns) {
    pattern.lastIndex = from;
    for (let match = pattern.exec(text); match !== null && match.index < to; match = pattern.exec(text)) {
      pattern.lastIndex = Math.max(take(pattern, match), match.index + 1);
    }
  }
  return found;
}

/** Before a number that belongs to a name: a capitalised word, or a street's kind in small letters. */
const NAME_BEFORE =
  /(?:(?:^|[^\p{L}])\p{Lu}[\p{L}'’.-]*|(?:utca|út|útja|tér|köz|tie|katu|caddesi|sokak|u\.|gatan|gata|väg|vägen|vej|gade|straat|laan|weg|plein)|n[°º.]|nr\.?),? $/u;
const NONE: readonly RegExp[] = [];

/** The patterns to try at a number, by what comes behind its digits. */
function patternsAt(text: string, at: number): readonly RegExp[] {
  const next = /^[\d/-]{1,11}[A-Za-z]?,?[ \n]([\p{L}\d])/u.exec(text.slice(at, at + 16))?.[1];
  if (next === undefined) return NONE;
  if (next >= "0" && next <= "9") return BEFORE_NUMBER;
  return next === next.toLowerCase() ? BEFORE_SMALL : BEFORE_CAPITAL;
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
      const next = /^ (\p{Lu}\p{L}{1,20}\.?)(?![\p{L}\p{N}])/u.exec(text.slice(at, at + 32));
      if (next === null || !STREET_TYPES.has((next[1] as string).replace(/\.$/, "").toLowerCase())) {
        const side = new RegExp(`^ ${SIDE}(?![\\p{L}])`, "u").exec(text.slice(at, at + 8));
        return at + (side?.[0].length ?? 0);
      }
    }
    const next = /^[ -](\p{Lu}[\p{L}'’-]{0,30}\.?|of|the|\d{1,3}(?:st|nd|rd|th))(?![\p{L}\p{N}])/u.exec(
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
