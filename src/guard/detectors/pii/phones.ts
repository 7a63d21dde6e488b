/**
 * Phone numbers: candidates by shape, judged by libphonenumber's numbering plans.
 *
 * A number that is written internationally says its country itself. One in national form is a phone number where words
 * around it say so, where it is punctuated in a way that only phone numbers are, or where it is grouped and valid in one
 * of the countries at hand. Bare digits without such a word are left alone: most are ids.
 *
 * Sources: ITU-T E.164 and E.123, the metadata of libphonenumber (the smallest of its editions).
 *
 * @module
 */

import { createRequire } from "node:module";

import type { CountryCode, parsePhoneNumberFromString } from "libphonenumber-js/min";

import { near, Strength } from "./recogniser.ts";

/** Where a national number is looked up when the options name no country. */
const COUNTRIES = "US GB DE FR ES IT NL BE CH AT SE NO DK FI PL PT IE AU NZ BR IN ZA CZ HU GR MX JP CA SI HR IS".split(
  " ",
);

/** Candidates: at least seven digits with at most three separators between them, and an extension. */
export const PHONE =
  /(?<![\w$€£#%:]|[A-Z]\d\d |\d{4} |\d[-./,]|[-+]\()(?:\+ ?|\(\+?)?\d(?:[ .\-/()\u2010-\u2013]{0,3}\d){6,15}(?: ?(?:x|ext\.?|extension|#|DW) ?\d{1,6})?(?![\w%]|[-/.,]\d)/g;

const WORDS = near(
  "(?:tele)?phones?(?: ?(?:no|number|nr|#))?\\.?",
  "tel[ée]?(?:fon|fono|fone|phone)?\\.?",
  "call(?:s|ed|ing)?",
  "dial",
  "mobil(?:e|nr|telefon)?",
  "cell(?:ular|phone)?",
  "fax(?: ?(?:no|number|#))?",
  "landline",
  "hotline",
  "contact(?: ?(?:no|number))?",
  "reach(?:ed|able)?",
  "text(?: me)?",
  "sms",
  "whats ?app",
  "handy",
  "móvil",
  "portable",
  "voicemail",
  "(?:my|his|her|their|your|our|home|work|office|direct) (?:number|line)",
  "number is",
  "answer(?:s|ing|ed)?(?: at)?",
  "registered (?:mobile|phone|number)",
);

/** North America's own: (212) 555-0100, 212-555-0100, 1.212.555.0100. */
const NORTH_AMERICAN = /^(?:\+?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}([-.]))\d{3}[-.]\d{4}(?!\d)/;
/** A day, which the other recognisers judge. */
const DAY = /^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4})/;

export interface PhoneJudgement {
  /** Units of the candidate that are the number. */
  readonly length: number;
  readonly strength: number;
}

interface Library {
  readonly parsePhoneNumberFromString: typeof parsePhoneNumberFromString;
}

let parse: typeof parsePhoneNumberFromString | undefined;

/** The library has 80 KB of plans: it is loaded with the first candidate, or before. */
export function plans(): typeof parsePhoneNumberFromString {
  parse ??= (createRequire(import.meta.url)("libphonenumber-js/min") as Library).parsePhoneNumberFromString;
  return parse;
}

/** Judges a candidate of {@link PHONE} with the text around it. `countries`: of the options, if they name any. */
export function judgePhone(
  written: string,
  before: string,
  after: string,
  countries: readonly string[] | undefined,
): PhoneJudgement | undefined {
  if (DAY.test(written)) return undefined;
  const said = WORDS.test(before) || /^[ -]?\(?(?:mobile|cell|phone|office|home|work|fax|tel)\b/i.test(after);
  // What comes behind a blank may be the next thing in the text: the longest part that is a number counts.
  for (let length = written.length, tries = 0; length > 0 && tries < 3; tries++) {
    const strength = judge(written.slice(0, length), said, countries);
    if (strength !== undefined) return { length, strength };
    length = written.lastIndexOf(" ", length - 1);
  }
  return undefined;
}

function judge(written: string, said: boolean, countries: readonly string[] | undefined): number | undefined {
  const [main = ""] = written.split(/ ?(?:x|ext|#|DW)/);
  const digits = main.replace(/\D/g, "");
  if (digits.length < 7 || digits.length > 15 || /^(\d)\1*$/.test(digits)) return undefined;
  if ((main.match(/\(/g)?.length ?? 0) !== (main.match(/\)/g)?.length ?? 0)) return undefined;

  if (/^\(?\+/.test(main)) return international(main) ?? (said ? Strength.shape + 1 : undefined);
  if (/^(?:00|011)[-. (]?[1-9]/.test(main)) {
    const found = international(`+${digits.replace(/^(?:011|00)/, "")}`);
    if (found !== undefined) return found;
  }
  if (NORTH_AMERICAN.test(main)) return Strength.shape + 1;
  if (said) return Strength.shape + 1;

  const groups = main
    .trim()
    .split(/[^\d]+/)
    .filter((group) => group !== "");
  // As cards and accounts are written.
  if (groups.length > 2 && groups.every((group) => group.length === 4)) return undefined;
  // Grouped, with a trunk prefix or in three parts or more.
  const shaped =
    groups.length > 1 && digits.length > 7 && (main.startsWith("0") || main.startsWith("(") || groups.length > 2);
  if (!shaped || groups.some((group) => group.length > 8))
    return countries !== undefined && groups.length === 1 && national(main, countries) ? Strength.shape : undefined;
  return national(main, countries ?? COUNTRIES) ? Strength.shape : undefined;
}

/** E.164: the number says its country. */
function international(main: string): number | undefined {
  const number = plans()(main.replace("(0)", ""), { extract: false });
  if (number === undefined) return undefined;
  if (number.isValid()) return Strength.proven;
  return number.isPossible() ? Strength.shape + 1 : undefined;
}

function national(main: string, countries: readonly string[]): boolean {
  return countries.some(
    (country) => plans()(main, { defaultCountry: country as CountryCode, extract: false })?.isValid() === true,
  );
}
