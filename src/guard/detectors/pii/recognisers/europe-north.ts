/**
 * Numbers of people in northern and eastern Europe, and in Turkey.
 *
 * Sources: Skatteverket, Skatteetaten, CPR-kontoret, DVV, Þjóðskrá; Siseministeerium, Registrų centras, PMLP; MSWiA;
 * Czech and Slovak ministries of the interior; KEKKH; Evidenţa Persoanelor; GRAO; Porezna uprava; Nüfus İşleri; DPS
 * Ukraine; PFR and FNS Russia; the JMBG of the successors of Yugoslavia.
 *
 * @module
 */

import { hasDay, isUniform, luhn, mod10, mod11, mod11of10, mod11rest, remainder, weigh } from "../checksums.ts";
import { DIGITS, near, number, Strength, until, type Recogniser } from "../recogniser.ts";

const HETU_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY";
const JMBG_WEIGHTS = [7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
const ASMENS_FIRST = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1];
const ASMENS_SECOND = [3, 4, 5, 6, 7, 8, 9, 1, 2, 3];

export const EUROPE_NORTH: readonly Recogniser[] = [
  number({
    id: "se-personnummer",
    name: "Swedish personal number",
    country: "SE",
    digits: 10,
    body: "(?:19|20)?\\d{6}[-+]?\\d{4}",
    check: isPersonnummer,
    context: near("person(?:nummer|nr)", "samordningsnummer", "personal (?:identity )?number"),
    alone: (written) => /[-+]/.test(written),
    strength: Strength.checked,
    example: (random) => until(() => `850709${random(DIGITS, 4)}`, isPersonnummer).replace(/(.{6})/, "$1-"),
  }),
  number({
    id: "no-fodselsnummer",
    name: "Norwegian national number",
    country: "NO",
    digits: 11,
    body: "\\d{6} ?\\d{5}",
    check: isFodselsnummer,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `010185${random(DIGITS, 5)}`, isFodselsnummer),
  }),
  number({
    id: "dk-cpr",
    name: "Danish personal number (CPR)",
    country: "DK",
    digits: 10,
    body: "\\d{6}-?\\d{4}",
    // The check digits ran out in 2007, so a number without one is good.
    check: (value) => hasDay(value, 0, 2),
    context: near("cpr(?:-?(?:nummer|nr))?", "personnummer"),
    alone: (written) => written.includes("-"),
    strength: Strength.shape,
    example: (random) => `010185-${random(DIGITS, 4)}`,
  }),
  number({
    id: "fi-hetu",
    name: "Finnish personal code",
    country: "FI",
    digits: 9,
    body: "\\d{6}[-+A-FU-Y]\\d{3}[0-9A-FHJ-NPR-Y]",
    check: isHetu,
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `010185-${random(DIGITS, 3)}${random(HETU_LETTERS, 1)}`, isHetu),
  }),
  number({
    id: "is-kennitala",
    name: "Icelandic number (kennitala)",
    country: "IS",
    digits: 10,
    body: "\\d{6}-?\\d{4}",
    check: (value) =>
      hasDay(value, 0, 2, [0]) && mod11(value.slice(0, 9), [3, 2, 7, 6, 5, 4, 3, 2]) && /[890]$/.test(value),
    context: near("kennitala", "kt\\.?"),
    strength: Strength.checked,
    example: (random) =>
      until(
        () => `010185${random(DIGITS, 3)}`,
        (value) => mod11(value, [3, 2, 7, 6, 5, 4, 3, 2]),
      ) + "9",
  }),
  number({
    id: "ee-isikukood",
    name: "Estonian personal code",
    country: "EE",
    digits: 11,
    body: "[1-6]\\d{10}",
    solid: 11,
    check: isAsmensKodas,
    context: near("isikukood", "personal (?:identification )?code"),
    strength: Strength.checked,
    example: (random) => until(() => `3850101${random(DIGITS, 4)}`, isAsmensKodas),
  }),
  number({
    id: "lt-asmens-kodas",
    name: "Lithuanian personal code",
    country: "LT",
    digits: 11,
    body: "[1-6]\\d{10}",
    solid: 11,
    check: isAsmensKodas,
    context: near("asmens kod\\S{1,3}"),
    strength: Strength.checked,
    example: (random) => until(() => `3850101${random(DIGITS, 4)}`, isAsmensKodas),
  }),
  number({
    id: "lv-personas-kods",
    name: "Latvian personal code",
    country: "LV",
    digits: 11,
    body: "\\d{6}-?\\d{5}",
    check: (value) => value.startsWith("32") || hasDay(value, 0, 2),
    context: near("personas kod\\S{1,2}"),
    example: (random) => `010185-${random(DIGITS, 5)}`,
  }),
  number({
    id: "pl-pesel",
    name: "Polish number (PESEL)",
    country: "PL",
    digits: 11,
    body: "\\d{11}",
    solid: 11,
    check: isPesel,
    context: near("pesel\\S{0,3}"),
    strength: Strength.checked,
    example: (random) => until(() => `850101${random(DIGITS, 5)}`, isPesel),
  }),
  number({
    id: "pl-nip",
    name: "Polish tax number (NIP)",
    country: "PL",
    severity: "medium",
    digits: 10,
    body: "\\d{3}-?\\d{3}-?\\d{2}-?\\d{2}|\\d{3}-\\d{2}-\\d{2}-\\d{3}",
    check: isNip,
    context: near("nip"),
    strength: Strength.checked,
    example: (random) => until(() => `5${random(DIGITS, 9)}`, isNip),
  }),
  number({
    id: "cz-birth-number",
    name: "Czech or Slovak birth number",
    country: "CZ",
    digits: 9,
    body: "\\d{6}/?\\d{3,4}",
    check: isRodneCislo,
    context: near("rodn[eé] [cč][ií]slo", "r\\.? ?[cč]\\.?", "birth number"),
    alone: (written) => /\/\d{4}$/.test(written),
    strength: Strength.checked,
    example: (random) => until(() => `850101${random(DIGITS, 4)}`, isRodneCislo).replace(/(.{6})/, "$1/"),
  }),
  number({
    id: "hu-tax-id",
    name: "Hungarian tax number",
    country: "HU",
    digits: 10,
    body: "8\\d{9}",
    solid: 10,
    check: (value) => mod11rest(value, [1, 2, 3, 4, 5, 6, 7, 8, 9], -1),
    context: near("ad[oó]\\S{0,12}"),
    strength: Strength.checked,
    example: (random) =>
      until(
        () => `8${random(DIGITS, 9)}`,
        (value) => mod11rest(value, [1, 2, 3, 4, 5, 6, 7, 8, 9], -1),
      ),
  }),
  number({
    id: "hu-taj",
    name: "Hungarian social security number (TAJ)",
    country: "HU",
    digits: 9,
    body: "\\d{3}[ -]?\\d{3}[ -]?\\d{3}",
    check: isTaj,
    context: near("taj(?:[ -]?sz[aá]m)?"),
    strength: Strength.checked,
    example: (random) => until(() => `1${random(DIGITS, 8)}`, isTaj),
  }),
  number({
    id: "ro-cnp",
    name: "Romanian personal code (CNP)",
    country: "RO",
    digits: 13,
    body: "[1-9]\\d{12}",
    solid: 13,
    check: isCnp,
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `185010140${random(DIGITS, 4)}`, isCnp),
  }),
  number({
    id: "bg-egn",
    name: "Bulgarian civil number (EGN)",
    country: "BG",
    digits: 10,
    body: "\\d{10}",
    solid: 10,
    check: isEgn,
    context: near("egn", "егн"),
    strength: Strength.checked,
    example: (random) => until(() => `850101${random(DIGITS, 4)}`, isEgn),
  }),
  number({
    id: "hr-oib",
    name: "Croatian number (OIB)",
    country: "HR",
    digits: 11,
    body: "(?:HR)?\\d{11}",
    solid: 11,
    check: (value) => mod11of10(value.replace("HR", "")),
    context: near("oib"),
    strength: Strength.checked,
    example: (random) => until(() => random(DIGITS, 11), mod11of10),
  }),
  number({
    id: "yu-jmbg",
    name: "unique citizen number (JMBG, EMŠO)",
    digits: 13,
    body: "[0-3]\\d{12}",
    solid: 13,
    check: (value) => hasDay(value, 0, 2) && mod11(value, JMBG_WEIGHTS, 0),
    context: near("jmbg", "јмбг", "em[sš]o", "mati[cč]ni broj"),
    alone: (written) => /^.{4}(?:9|0[0-2])/.test(written),
    strength: Strength.checked,
    example: (random) =>
      until(
        () => `0101985${random(DIGITS, 6)}`,
        (value) => mod11(value, JMBG_WEIGHTS, 0),
      ),
  }),
  number({
    id: "tr-tckn",
    name: "Turkish identity number",
    country: "TR",
    digits: 11,
    body: "[1-9]\\d{9}[02468]",
    solid: 11,
    check: isTckn,
    context: near("t\\.?c\\.?(?: kimlik)?(?: no)?", "tckn", "kimlik\\S{0,6}", "turkish id\\S{0,6}"),
    strength: Strength.proven,
    example: (random) => until(() => `1${random(DIGITS, 10)}`, isTckn),
  }),
  number({
    id: "ua-rnokpp",
    name: "Ukrainian taxpayer number",
    country: "UA",
    digits: 10,
    body: "\\d{10}",
    solid: 10,
    check: isRnokpp,
    context: near("рнокпп", "іпн", "ипн", "rnokpp", "ipn"),
    strength: Strength.checked,
    example: (random) => until(() => `3${random(DIGITS, 9)}`, isRnokpp),
  }),
  number({
    id: "ru-snils",
    name: "Russian insurance number (SNILS)",
    country: "RU",
    digits: 11,
    body: "\\d{3}-\\d{3}-\\d{3}[- ]\\d{2}",
    check: isSnils,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `1${random(DIGITS, 10)}`, isSnils).replace(/(...)(...)(...)(..)/, "$1-$2-$3 $4"),
  }),
  number({
    id: "ru-inn",
    name: "Russian taxpayer number (INN)",
    country: "RU",
    digits: 12,
    body: "\\d{12}",
    solid: 12,
    check: isInn,
    context: near("инн", "inn"),
    strength: Strength.proven,
    example: (random) => until(() => `77${random(DIGITS, 10)}`, isInn),
  }),
];

function isPersonnummer(value: string): boolean {
  const short = value.slice(-10);
  // 60 is added to the day of a co-ordination number.
  const day = Number(short.slice(4, 6)) % 60;
  return luhn(short) && hasDay(short.slice(0, 4) + String(day).padStart(2, "0"), 4, 2);
}

function isFodselsnummer(value: string): boolean {
  const first = mod11(value, [3, 7, 6, 1, 8, 9, 4, 5, 2]);
  const day = String(Number(value.slice(0, 2)) % 40).padStart(2, "0");
  return first && mod11(value, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) && hasDay(day + value.slice(2), 0, 2, [0, 40, 80]);
}

function isHetu(value: string): boolean {
  // The sign of the century is a letter, or gone from the plain value.
  const number = value.slice(0, 6) + value.slice(-4, -1);
  return HETU_LETTERS.charAt(remainder(number, 31)) === value.slice(-1) && hasDay(value, 0, 2);
}

function isAsmensKodas(value: string): boolean {
  const first = weigh(value, ASMENS_FIRST) % 11;
  const check = first < 10 ? first : (weigh(value, ASMENS_SECOND) % 11) % 10;
  return check === Number(value.charAt(10)) && hasDay(value, 5, 3);
}

function isPesel(value: string): boolean {
  return mod10(value, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) && hasDay(value, 4, 2, [0, 20, 40, 60, 80]);
}

function isNip(value: string): boolean {
  return mod11rest(value, [6, 5, 7, 2, 3, 4, 5, 6, 7], -1) && !isUniform(value);
}

/** Of nine digits, those given out before 1954, only the day can be checked. */
function isRodneCislo(value: string): boolean {
  if (!hasDay(value, 4, 2, [0, 20, 50, 70])) return false;
  if (value.length === 9) return true;
  const rest = remainder(value.slice(0, 9), 11);
  return remainder(value, 11) === 0 || (rest === 10 && value.endsWith("0"));
}

function isTaj(value: string): boolean {
  return weigh(value, [3, 7, 3, 7, 3, 7, 3, 7]) % 10 === Number(value.charAt(8)) && !isUniform(value);
}

function isCnp(value: string): boolean {
  return mod11rest(value, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9], 1) && hasDay(value, 5, 3);
}

function isEgn(value: string): boolean {
  return mod11rest(value, [2, 4, 8, 5, 10, 9, 7, 3, 6]) && hasDay(value, 4, 2, [0, 20, 40]);
}

function isTckn(value: string): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, tenth, last] = Array.from(value, Number);
  const odd = a + c + e + g + i;
  const even = b + d + f + h;
  return (((odd * 7 - even) % 10) + 10) % 10 === tenth && (odd + even + (tenth ?? 0)) % 10 === last;
}

function isRnokpp(value: string): boolean {
  return (weigh(value, [-1, 5, 7, 9, 4, 6, 10, 5, 7]) % 11) % 10 === Number(value.charAt(9)) && !isUniform(value);
}

function isSnils(value: string): boolean {
  return (weigh(value, [9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101) % 100 === Number(value.slice(9)) && !isUniform(value);
}

function isInn(value: string): boolean {
  const eleventh = (weigh(value, [7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11) % 10;
  const twelfth = (weigh(value, [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11) % 10;
  return eleventh === Number(value.charAt(10)) && twelfth === Number(value.charAt(11)) && !isUniform(value);
}
