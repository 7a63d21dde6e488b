/**
 * Days, ages and postal codes.
 *
 * Sources: ISO 8601 and the ways of writing a day of the CLDR; the Universal Postal Union's list of postal codes.
 *
 * @module
 */

import { isDay } from "../checksums.ts";
import { DIGITS, near, Strength, type Recogniser } from "../recogniser.ts";

const MONTH =
  "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?" +
  "|JAN(?:UARY)?|FEB(?:RUARY)?|MAR(?:CH)?|APR(?:IL)?|MAY|JUNE?|JULY?|AUG(?:UST)?|SEPT?(?:EMBER)?|OCT(?:OBER)?|NOV(?:EMBER)?|DEC(?:EMBER)?" +
  "|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre" +
  "|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)";
const BORN = near(
  "born(?: on)?",
  "d\\.?o\\.?b\\.?",
  "date of birth",
  "birth ?da(?:te|y)",
  "geboren(?: am)?",
  "geb\\.?",
  "né(?:e)? le",
  "nacid[oa] el",
  "nat[oa] il",
  "geburtsdatum",
  "date de naissance",
  "fecha de nacimiento",
  "data di nascita",
);

const NUMERIC =
  "(?<![\\w./-])(?:\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}|\\d{1,2}([-/.])\\d{1,2}\\1(?:\\d{4}|\\d{2}))(?![\\w/-]|\\.\\d)";
const WRITTEN = [
  `(?<!\\w)${MONTH}\\.? \\d{1,2}(?:st|nd|rd|th)?(?:,? \\d{4})?(?!\\w)`,
  `(?<!\\w)\\d{1,2}(?:st|nd|rd|th|\\.)?(?: of| de)? ?-?${MONTH}\\.?(?:,?[ -](?:de )?\\d{4})?(?!\\w)`,
  `(?<!\\w)${MONTH},? (?:of )?(?:19|20)\\d{2}(?!\\w)`,
].join("|");

const A_DAY = { name: "date", severity: "info", alone: true, check: isDate } as const;
const A_BIRTH = {
  id: "date-of-birth",
  name: "date of birth",
  severity: "medium",
  context: BORN,
  check: isDate,
} as const;

export const DATES: readonly Recogniser[] = [
  {
    ...A_BIRTH,
    needs: "day",
    pattern: new RegExp(NUMERIC, "g"),
    strength: Strength.checked + 1,
    example: (random) => `198${random(DIGITS, 1)}-0${random("12345678", 1)}-1${random(DIGITS, 1)}`,
  },
  {
    ...A_BIRTH,
    needs: "month",
    pattern: new RegExp(WRITTEN, "g"),
    strength: Strength.checked + 1,
    example: (random) => `May 1${random(DIGITS, 1)}, 198${random(DIGITS, 1)}`,
  },
  {
    ...A_DAY,
    id: "date",
    needs: "day",
    pattern: new RegExp(NUMERIC, "g"),
    strength: Strength.shape,
    example: (random) => `202${random(DIGITS, 1)}-0${random("12345678", 1)}-1${random(DIGITS, 1)}`,
  },
  {
    ...A_DAY,
    id: "date",
    needs: 1,
    pattern: new RegExp(WRITTEN, "g"),
    strength: Strength.shape,
    example: (random) => `1${random(DIGITS, 1)} June 202${random(DIGITS, 1)}`,
  },
  {
    ...A_DAY,
    id: "date",
    needs: 4,
    pattern:
      /(?<=(?<!\w)(?:[Ii]n|[Ss]ince|[Dd]uring|[Uu]ntil|[Bb]efore|[Aa]fter|[Bb]y|[Ff]rom|[Oo]f|[Yy]ear|early|late|an?|the) )(?:19|20)\d{2}(?![\w%-]|[.,:]\d| (?:people|users|times|years|dollars))/g,
    check: () => true,
    strength: Strength.word,
    example: (random) => `19${random("456789", 1)}${random(DIGITS, 1)}`,
  },
  {
    ...A_DAY,
    id: "date",
    needs: "capital",
    pattern:
      /(?<!\w)(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|Christmas(?: Eve| Day)?|New Year's (?:Eve|Day)|Easter(?: Monday| Sunday)?|Thanksgiving)(?!\w)/g,
    check: () => true,
    strength: Strength.word,
    example: () => "Tuesday",
  },
  {
    id: "age",
    name: "age",
    severity: "info",
    needs: 1,
    pattern:
      /(?<![\w.])(?:1[01]\d|\d{1,2})(?=[ -]?(?:years?[ -]old|y\.?\/?o\.?(?!\w)|year[ -]olds?|yrs? old|years of age))/g,
    alone: true,
    strength: Strength.shape,
    example: (random) => `3${random(DIGITS, 1)} years old`,
  },
  {
    id: "age",
    name: "age",
    severity: "info",
    needs: 1,
    pattern:
      /(?<=(?<!\w)(?:[Aa]ged?(?: of| is)?:?|AGE:?|I(?:'|’)m|I am|(?:s?he|He|She) is) )(?:1[01]\d|\d{1,2})(?=[,.!?;)\n]|$| and | years(?! ago)| now| today)(?!\.\d)|(?<=(?<!\w)(?:[Tt]urn(?:s|ed|ing)?|when (?:s?he|I) was) )(?:1[01]\d|\d{1,2})(?![\w%:]|[.,]\d| (?:percent|degrees|into))/g,
    alone: true,
    strength: Strength.shape,
    example: (random) => `4${random(DIGITS, 1)}`,
  },
  {
    id: "postcode",
    name: "postal code",
    severity: "info",
    needs: 2,
    // United Kingdom, Canada: the form alone says it.
    pattern:
      /(?<!\w)(?:(?!QV|QX)[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}|[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] ?\d[ABCEGHJ-NPRSTV-Z]\d)(?!\w)/g,
    alone: true,
    strength: Strength.shape,
    example: (random) => `SW1${random("ABCD", 1)} 1${random("ABD", 2)}`,
  },
  {
    id: "postcode",
    name: "postal code",
    severity: "info",
    needs: 4,
    pattern: /(?<![\w.-])(?:\d{5}(?:-\d{4})?|\d{4} ?[A-Z]{2}|\d{2,3}[- ]\d{2,4}|\d{4}|\d{6})(?![\w-]|\.\d)/g,
    context: near(
      "zip(?: ?code)?s?",
      "post(?:al)? ?codes?",
      "plz",
      "postleitzahl",
      "code postal",
      "c[oó]digo postal",
      "cap",
      "pin ?code",
    ),
    strength: Strength.shape,
    example: (random) => `9${random(DIGITS, 4)}`,
  },
  {
    id: "postcode",
    name: "postal code",
    severity: "info",
    needs: 4,
    pattern:
      /(?<=(?<!\w)(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]),? )\d{5}(?:-\d{4})?(?![\w-])/g,
    alone: true,
    strength: Strength.shape,
    example: (random) => `9${random(DIGITS, 4)}`,
  },
];

/** Whether the numbers of a day can be one, in any order of writing. */
function isDate(_value: string, written: string): boolean {
  const numbers = written.split(/\D+/).filter((part) => part !== "");
  if (/\p{L}{3}/u.test(written)) return numbers.every((part) => part.length === 4 || Number(part) <= 31);
  const [first = 0, second = 0, third = 0] = numbers.map(Number);
  if (numbers[0]?.length === 4) return first >= 1800 && first < 2200 && isDay(third, second);
  return isDay(first, second) || isDay(second, first);
}
