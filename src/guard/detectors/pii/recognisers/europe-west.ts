/**
 * Numbers of people in western and southern Europe.
 *
 * Sources: NHS Data Dictionary, HMRC NIM39110, DVLA; Bundeszentralamt für Steuern, BMI, DRV; INSEE; Ministerio del
 * Interior; Agenzia delle Entrate; Rijksdienst voor Identiteitsgegevens; Rijksregister; Autoridade Tributária;
 * Revenue Commissioners; ZAS (AHV); Dachverband der Sozialversicherungsträger; IDIKA and AADE (Greece).
 *
 * @module
 */

import { digitsOf, hasDay, isUniform, luhn, mod10, mod11, mod11of10, remainder, weigh } from "../checksums.ts";
import { DIGITS, LETTERS, near, number, Strength, until, type Recogniser } from "../recogniser.ts";

const NHS_WEIGHTS = [10, 9, 8, 7, 6, 5, 4, 3, 2];
const BSN_WEIGHTS = [9, 8, 7, 6, 5, 4, 3, 2, -1];
const DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";

export const EUROPE_WEST: readonly Recogniser[] = [
  number({
    id: "gb-nhs",
    name: "UK NHS number",
    country: "GB",
    digits: 10,
    body: "\\d{3}([- ]?)\\d{3}\\1\\d{4}",
    check: (value) => mod11(value, NHS_WEIGHTS) && !isUniform(value),
    context: near("nhs", "patient(?:'s)?", "health(?: service)?"),
    strength: Strength.checked,
    example: (random) =>
      until(
        () => `9${random(DIGITS, 9)}`,
        (value) => mod11(value, NHS_WEIGHTS),
      ),
  }),
  number({
    id: "gb-nino",
    name: "UK national insurance number",
    country: "GB",
    digits: 6,
    body: "(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]",
    alone: true,
    strength: Strength.checked,
    example: (random) => `AB ${random(DIGITS, 2)} ${random(DIGITS, 2)} ${random(DIGITS, 2)} C`,
  }),
  number({
    id: "gb-driving-licence",
    name: "UK driving licence number",
    country: "GB",
    digits: 6,
    body: "[A-Z]{1,5}9{0,4}\\d[0156]\\d(?:0[1-9]|[12]\\d|3[01])\\d[A-Z][A-Z9]\\d[A-Z]{2}",
    solid: 12,
    check: (value) => value.length === 16,
    alone: true,
    strength: Strength.checked,
    example: (random) => `MORGA657054SM${random(DIGITS, 1)}${random(LETTERS, 2)}`,
  }),
  number({
    id: "de-tax-id",
    name: "German tax number",
    country: "DE",
    digits: 11,
    body: "[1-9]\\d ?\\d{3} ?\\d{3} ?\\d{3}",
    check: (value) => mod11of10(value) && repeatsOne(value.slice(0, 10)),
    context: near("steuer\\S{0,24}", "idnr", "tin", "tax"),
    strength: Strength.proven,
    example: (random) =>
      until(
        () => `8${random(DIGITS, 10)}`,
        (value) => mod11of10(value) && repeatsOne(value.slice(0, 10)),
      ),
  }),
  number({
    id: "de-identity-card",
    name: "German identity card number",
    country: "DE",
    digits: 3,
    body: "[CFGHJK-NPRTV-Z][CFGHJK-NPRTV-Z0-9]{8}\\d?",
    solid: 9,
    check: (value) => /\d/.test(value) && (value.length === 9 || isMachineReadable(value)),
    context: near(
      "personalausweis\\S{0,10}",
      "ausweis\\S{0,10}",
      "perso",
      "identity card",
      "id card",
      "reisepass\\S{0,8}",
    ),
    strength: Strength.checked,
    example: (random) => until(() => `L${random("CFGHJK", 1)}${random(DIGITS, 8)}`, isMachineReadable),
  }),
  number({
    id: "de-social-security",
    name: "German social security number",
    country: "DE",
    digits: 11,
    body: "\\d{2} ?\\d{6} ?[A-Z] ?\\d{3}",
    check: isSozialversicherung,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `65070649C${random(DIGITS, 3)}`, isSozialversicherung),
  }),
  number({
    id: "fr-nir",
    name: "French social security number",
    country: "FR",
    digits: 12,
    body: "[1-478] ?\\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\\d) ?(?:\\d{2}|2[AB]) ?\\d{3} ?\\d{3} ?\\d{2}",
    check: isNir,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `18505751160${random(DIGITS, 4)}`, isNir),
  }),
  number({
    id: "es-dni",
    name: "Spanish identity number (DNI)",
    country: "ES",
    digits: 8,
    body: "\\d{2}(?:\\.?\\d{3}){2}[- ]?[A-HJ-NP-TV-Z]",
    check: isDni,
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => random(DIGITS, 8) + random(DNI_LETTERS, 1), isDni),
  }),
  number({
    id: "es-nie",
    name: "Spanish foreigner number (NIE)",
    country: "ES",
    digits: 7,
    body: "[XYZ]-?\\d{7}-?[A-HJ-NP-TV-Z]",
    check: isNie,
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `X${random(DIGITS, 7)}${random(DNI_LETTERS, 1)}`, isNie),
  }),
  {
    id: "it-codice-fiscale",
    name: "Italian fiscal code",
    country: "IT",
    severity: "high",
    needs: "run",
    pattern: /(?<!\w)[A-Z]{6}[\dLMNP-V]{2}[ABCDEHLMPRST][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z](?!\w)/gi,
    check: isCodiceFiscale,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `RSSMRA85M01H50${random(DIGITS, 1)}${random(LETTERS, 1)}`, isCodiceFiscale),
  },
  number({
    id: "it-vat",
    name: "Italian VAT number",
    country: "IT",
    severity: "low",
    digits: 11,
    body: "(?:IT)?\\d{11}",
    solid: 11,
    check: (value) => luhn(value.replace("IT", "")),
    context: near("p(?:artita)?\\.? ?iva", "vat"),
    strength: Strength.checked,
    example: (random) => until(() => random(DIGITS, 11), luhn),
  }),
  number({
    id: "nl-bsn",
    name: "Dutch citizen number (BSN)",
    country: "NL",
    digits: 8,
    body: "\\d{4}[. ]\\d{2}[. ]\\d{3}|\\d{8,9}",
    check: (value) => isBsn(value.padStart(9, "0")),
    context: near("bsn", "burgerservicenummer", "sofi\\S{0,9}", "citizen service"),
    strength: Strength.checked,
    example: (random) => until(() => `1${random(DIGITS, 8)}`, isBsn),
  }),
  number({
    id: "be-rrn",
    name: "Belgian national number",
    country: "BE",
    digits: 11,
    body: "\\d{2}\\.\\d{2}\\.\\d{2}-\\d{3}[.-]\\d{2}|\\d{11}",
    check: isRijksregister,
    context: near("rijksregister\\S{0,8}", "registre national", "niss", "insz", "rrn", "national (?:register )?number"),
    alone: (written) => written.includes("-"),
    strength: Strength.proven,
    example: (random) =>
      until(() => `850730${random(DIGITS, 5)}`, isRijksregister).replace(/(..)(..)(..)(...)(..)/, "$1.$2.$3-$4.$5"),
  }),
  number({
    id: "pt-nif",
    name: "Portuguese tax number (NIF)",
    country: "PT",
    digits: 9,
    body: "[1-35-9]\\d{2} ?\\d{3} ?\\d{3}",
    check: isNif,
    context: near("nif", "contribuinte", "fiscal"),
    strength: Strength.checked,
    example: (random) => until(() => `2${random(DIGITS, 8)}`, isNif),
  }),
  number({
    id: "ie-pps",
    name: "Irish PPS number",
    country: "IE",
    digits: 7,
    body: "\\d{7}[A-W][A-IW]?",
    solid: 8,
    check: isPps,
    context: near("pps(?:n|no)?", "personal public service", "revenue"),
    alone: (written) => written.length === 9,
    strength: Strength.checked,
    example: (random) => until(() => `${random(DIGITS, 7)}${random("ABCDEFGHIJKLMNOPQRSTUVW", 1)}A`, isPps),
  }),
  number({
    id: "ch-ahv",
    name: "Swiss social security number (AHV)",
    country: "CH",
    digits: 13,
    body: "756[. ]?\\d{4}[. ]?\\d{4}[. ]?\\d{2}",
    check: isAhv,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `756${random(DIGITS, 10)}`, isAhv).replace(/(...)(....)(....)(..)/, "$1.$2.$3.$4"),
  }),
  number({
    id: "at-svnr",
    name: "Austrian social security number",
    country: "AT",
    digits: 10,
    body: "[1-9]\\d{3}[ -]?\\d{6}",
    check: isSvnr,
    context: near("svnr", "sv-?nummer", "sozialversicherung\\S{0,10}", "versicherungsnummer"),
    strength: Strength.checked,
    example: (random) => until(() => `1${random(DIGITS, 3)}010185`, isSvnr),
  }),
  number({
    id: "gr-amka",
    name: "Greek social security number (AMKA)",
    country: "GR",
    digits: 11,
    body: "\\d{11}",
    solid: 11,
    check: (value) => hasDay(value, 0, 2) && luhn(value),
    context: near("amka", "αμκα"),
    strength: Strength.checked,
    example: (random) => until(() => `010185${random(DIGITS, 5)}`, luhn),
  }),
  number({
    id: "gr-afm",
    name: "Greek tax number (AFM)",
    country: "GR",
    digits: 9,
    body: "(?:EL)?\\d{9}",
    solid: 9,
    check: (value) => isAfm(value.replace("EL", "")),
    context: near("afm", "αφμ", "α\\.φ\\.μ\\.?"),
    strength: Strength.checked,
    example: (random) => until(() => random(DIGITS, 9), isAfm),
  }),
  number({
    id: "lu-national-number",
    name: "Luxembourg national number",
    country: "LU",
    digits: 13,
    body: "(?:19|20)\\d{11}",
    solid: 13,
    check: (value) => hasDay(value, 6, 4) && luhn(value.slice(0, 12)),
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `19850101${random(DIGITS, 4)}`, luhn) + "0",
  }),
];

/** Of the first ten digits one occurs twice or three times, the others at most once. */
function repeatsOne(value: string): boolean {
  const counts = Array.from(DIGITS, (digit) => value.split(digit).length - 1);
  return counts.filter((count) => count > 1).length === 1 && Math.max(...counts) <= 3;
}

/** ICAO Doc 9303: weights 7, 3, 1; letters as 10 to 35. */
function isMachineReadable(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 9; at++) sum += Number.parseInt(value.charAt(at), 36) * ([7, 3, 1][at % 3] as number);
  return String(sum % 10) === value.charAt(9);
}

function isSozialversicherung(value: string): boolean {
  const letter = String(value.charCodeAt(8) - 64).padStart(2, "0");
  const digits = digitsOf(value.slice(0, 8) + letter + value.slice(9, 11));
  const weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
  let sum = 0;
  for (const [index, digit] of digits.entries()) {
    const product = digit * (weights[index] ?? 0);
    sum += Math.floor(product / 10) + (product % 10);
  }
  return String(sum % 10) === value.charAt(11) && hasDay(value, 2, 4);
}

/** Corsica's 2A and 2B count as 19 and 18. */
function isNir(value: string): boolean {
  const number = value.replace("2A", "19").replace("2B", "18");
  return 97 - remainder(number.slice(0, 13), 97) === Number(number.slice(13));
}

function isDni(value: string): boolean {
  return DNI_LETTERS.charAt(remainder(value.slice(0, 8), 23)) === value.charAt(8);
}

function isNie(value: string): boolean {
  return isDni("XYZ".indexOf(value.charAt(0)) + value.slice(1));
}

const ODD_VALUES = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

function isCodiceFiscale(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 15; at++) {
    const code = value.charCodeAt(at);
    const place = code < 65 ? code - 48 : code - 65;
    sum += at % 2 === 0 ? (ODD_VALUES[place] ?? 0) : place;
  }
  return sum % 26 === value.charCodeAt(15) - 65;
}

function isBsn(value: string): boolean {
  return weigh(value, BSN_WEIGHTS) % 11 === 0 && !isUniform(value);
}

/** Those born from 2000 on put a 2 before the number. */
function isRijksregister(value: string): boolean {
  const check = Number(value.slice(9));
  const body = value.slice(0, 9);
  const right = 97 - remainder(body, 97) === check || 97 - remainder(`2${body}`, 97) === check;
  return right && hasDay(value, 4, 2, [0, 20, 40]);
}

function isNif(value: string): boolean {
  return mod11(value, [9, 8, 7, 6, 5, 4, 3, 2], 0);
}

function isPps(value: string): boolean {
  const second = value.length === 9 ? (value.charCodeAt(8) - 64) % 23 : 0;
  return "WABCDEFGHIJKLMNOPQRSTUV".charAt((weigh(value, [8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23) === value.charAt(7);
}

function isAhv(value: string): boolean {
  return mod10(value, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
}

function isSvnr(value: string): boolean {
  return weigh(value, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === Number(value.charAt(3)) && hasDay(value, 4, 6, [0, 12]);
}

function isAfm(value: string): boolean {
  return (weigh(value, [256, 128, 64, 32, 16, 8, 4, 2]) % 11) % 10 === Number(value.charAt(8)) && !isUniform(value);
}
