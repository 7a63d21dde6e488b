/**
 * Numbers of people in Asia, Australia and New Zealand, the Middle East and Africa.
 *
 * Sources: UIDAI, Income Tax Department of India; GB 11643-1999; MOIS Korea; J-LIS; MOI Taiwan; ICA Singapore; DOPA
 * Thailand; Immigration Department of Hong Kong; JPN Malaysia; NADRA; ATO, Services Australia, ABR; IRD and Te Whatu
 * Ora; Population Authority of Israel; ICP of the Emirates; DHA South Africa; Kazakhstan's IIN.
 *
 * @module
 */

import { hasDay, isUniform, luhn, mod11, mod11of2, verhoeff, weigh } from "../checksums.ts";
import { DIGITS, LETTERS, near, number, Strength, until, type Recogniser } from "../recogniser.ts";

/** Letter of a Taiwanese number -> the two digits that it counts as. */
const TAIWAN = "ABCDEFGHJKLMNPQRSTUVXYWZIO";
const TFN_WEIGHTS = [1, 4, 3, 7, 5, 8, 6, 9, 10];
const ABN_WEIGHTS = [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19];

export const ASIA_PACIFIC: readonly Recogniser[] = [
  number({
    id: "in-aadhaar",
    name: "Indian Aadhaar number",
    country: "IN",
    digits: 12,
    body: "[2-9]\\d{3}([- ]?)\\d{4}\\1\\d{4}",
    check: (value) => verhoeff(value) && !isUniform(value),
    context: near("aadh?aa?r", "uidai", "uid"),
    alone: (written) => written.length > 12,
    strength: Strength.checked,
    example: (random) => until(() => `2${random(DIGITS, 11)}`, verhoeff).replace(/(....)(....)(....)/, "$1 $2 $3"),
  }),
  number({
    id: "in-pan",
    name: "Indian taxpayer number (PAN)",
    country: "IN",
    digits: 4,
    body: "[A-Z]{3}[ABCFGHJLPT][A-Z]\\d{4}[A-Z]",
    solid: 10,
    alone: true,
    strength: Strength.checked,
    example: (random) => `${random(LETTERS, 3)}P${random(LETTERS, 1)}${random(DIGITS, 4)}${random(LETTERS, 1)}`,
  }),
  number({
    id: "cn-ric",
    name: "Chinese resident number",
    country: "CN",
    digits: 17,
    body: "[1-9]\\d{5}(?:19|20)\\d{9}[\\dXx]",
    solid: 18,
    check: isResidentNumber,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `11010519850101${random(DIGITS, 4)}`, isResidentNumber),
  }),
  number({
    id: "kr-rrn",
    name: "Korean resident number",
    country: "KR",
    digits: 13,
    body: "\\d{6}-?[1-8]\\d{6}",
    // Those given out since October 2020 have no check digit.
    check: (value) => hasDay(value, 4, 2),
    context: near("rrn", "resident registration", "주민\\S{0,6}", "외국인\\S{0,6}"),
    alone: (written) => written.includes("-"),
    strength: Strength.checked,
    example: (random) => `850101-1${random(DIGITS, 6)}`,
  }),
  number({
    id: "jp-my-number",
    name: "Japanese individual number",
    country: "JP",
    digits: 12,
    body: "\\d{4}[ -]?\\d{4}[ -]?\\d{4}",
    check: isMyNumber,
    context: near("my ?number", "individual number", "マイナンバー", "個人番号"),
    strength: Strength.checked,
    example: (random) => until(() => random(DIGITS, 12), isMyNumber),
  }),
  number({
    id: "tw-id",
    name: "Taiwanese identity number",
    country: "TW",
    digits: 9,
    body: "[A-Z][1289]\\d{8}",
    solid: 10,
    check: isTaiwanId,
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `A1${random(DIGITS, 8)}`, isTaiwanId),
  }),
  number({
    id: "sg-nric",
    name: "Singaporean identity number",
    country: "SG",
    digits: 7,
    body: "[STFGM]\\d{7}[A-Z]",
    solid: 9,
    check: isNric,
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `S${random(DIGITS, 7)}${random("ABCDEFGHIZJ", 1)}`, isNric),
  }),
  number({
    id: "th-id",
    name: "Thai identity number",
    country: "TH",
    digits: 13,
    body: "[1-8](-?)\\d{4}\\1\\d{5}\\1\\d{2}\\1\\d",
    check: isThaiId,
    context: near("thai\\S{0,4}", "บัตรประชาชน", "เลขประจำตัว\\S{0,10}"),
    alone: (written) => written.includes("-"),
    strength: Strength.checked,
    example: (random) =>
      until(() => `1${random(DIGITS, 12)}`, isThaiId).replace(/(.)(....)(.....)(..)(.)/, "$1-$2-$3-$4-$5"),
  }),
  number({
    id: "hk-hkid",
    name: "Hong Kong identity number",
    country: "HK",
    digits: 6,
    body: "[A-Z]{1,2}\\d{6} ?\\([\\dA]\\)",
    check: isHkid,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `A${random(DIGITS, 6)}${random(DIGITS, 1)}`, isHkid).replace(/(.)$/, "($1)"),
  }),
  number({
    id: "my-nric",
    name: "Malaysian identity number",
    country: "MY",
    digits: 12,
    body: "\\d{6}-\\d{2}-\\d{4}",
    check: (value) => hasDay(value, 4, 2),
    alone: true,
    strength: Strength.checked,
    example: (random) => `850101-14-${random(DIGITS, 4)}`,
  }),
  number({
    id: "pk-cnic",
    name: "Pakistani identity number",
    country: "PK",
    digits: 13,
    body: "[1-7]\\d{4}-\\d{7}-\\d",
    alone: true,
    strength: Strength.checked,
    example: (random) => `3${random(DIGITS, 4)}-${random(DIGITS, 7)}-${random(DIGITS, 1)}`,
  }),
  number({
    id: "kz-iin",
    name: "Kazakh individual number",
    country: "KZ",
    digits: 12,
    body: "\\d{12}",
    solid: 12,
    check: isIin,
    context: near("иин", "жсн", "iin"),
    strength: Strength.checked,
    example: (random) => until(() => `850101${random(DIGITS, 6)}`, isIin),
  }),
  number({
    id: "au-tfn",
    name: "Australian tax file number",
    country: "AU",
    digits: 9,
    body: "\\d{3} ?\\d{3} ?\\d{3}",
    check: isTfn,
    context: near("tfn", "tax file"),
    strength: Strength.checked,
    example: (random) => until(() => random(DIGITS, 9), isTfn),
  }),
  number({
    id: "au-medicare",
    name: "Australian Medicare number",
    country: "AU",
    digits: 10,
    body: "[2-6]\\d{3} ?\\d{5} ?\\d(?: ?[/-]? ?\\d)?",
    check: (value) => isMedicare(value.slice(0, 9)),
    context: near("medicare"),
    strength: Strength.checked,
    example: (random) => until(() => `2${random(DIGITS, 8)}`, isMedicare) + "1",
  }),
  number({
    id: "au-abn",
    name: "Australian business number",
    country: "AU",
    severity: "low",
    digits: 11,
    body: "\\d{2} ?\\d{3} ?\\d{3} ?\\d{3}",
    check: isAbn,
    context: near("abn", "business number"),
    strength: Strength.checked,
    example: (random) => until(() => `5${random(DIGITS, 10)}`, isAbn),
  }),
  number({
    id: "nz-ird",
    name: "New Zealand tax number",
    country: "NZ",
    digits: 8,
    body: "\\d{2,3}[- ]?\\d{3}[- ]?\\d{3}",
    check: (value) => isIrd(value.padStart(9, "0")),
    context: near("ird", "inland revenue"),
    strength: Strength.checked,
    example: (random) => until(() => `0${random("56789", 1)}${random(DIGITS, 7)}`, isIrd).slice(1),
  }),
  number({
    id: "nz-nhi",
    name: "New Zealand health number",
    country: "NZ",
    digits: 2,
    body: "[A-HJ-NP-Z]{3}\\d{2}(?:\\d{2}|[A-HJ-NP-Z]{2})",
    solid: 7,
    context: near("nhi", "national health index"),
    example: (random) => `ZAC${random(DIGITS, 4)}`,
  }),
  number({
    id: "il-id",
    name: "Israeli identity number",
    country: "IL",
    digits: 9,
    body: "\\d{9}",
    solid: 9,
    check: (value) => luhn(value) && !isUniform(value),
    context: near("teudat zehut", "israeli? id\\S{0,6}", "ת\\.?ז\\.?", "תעודת זהות"),
    strength: Strength.checked,
    example: (random) => until(() => random(DIGITS, 9), luhn),
  }),
  number({
    id: "ae-emirates-id",
    name: "Emirates identity number",
    country: "AE",
    digits: 15,
    body: "784(-?)(?:19|20)\\d{2}\\1\\d{7}\\1\\d",
    check: luhn,
    alone: true,
    strength: Strength.proven,
    example: (random) =>
      until(() => `7841985${random(DIGITS, 8)}`, luhn).replace(/(...)(....)(.{7})(.)/, "$1-$2-$3-$4"),
  }),
  number({
    id: "sa-id",
    name: "Saudi identity number",
    country: "SA",
    digits: 10,
    body: "[12]\\d{9}",
    solid: 10,
    check: luhn,
    context: near("iqama", "saudi id\\S{0,6}", "الهوية", "الإقامة"),
    strength: Strength.checked,
    example: (random) => until(() => `1${random(DIGITS, 9)}`, luhn),
  }),
  number({
    id: "za-id",
    name: "South African identity number",
    country: "ZA",
    digits: 13,
    body: "\\d{6} ?\\d{4} ?[01][89]\\d",
    check: (value) => luhn(value) && hasDay(value, 4, 2),
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `850101${random(DIGITS, 4)}08${random(DIGITS, 1)}`, luhn),
  }),
  number({
    id: "eg-id",
    name: "Egyptian national number",
    country: "EG",
    digits: 14,
    body: "[23]\\d{13}",
    solid: 14,
    check: (value) => hasDay(value, 5, 3),
    context: near("egypt\\S{0,4}", "national (?:id|number)", "الرقم القومي"),
    example: (random) => `2850101${random(DIGITS, 7)}`,
  }),
];

function isResidentNumber(value: string): boolean {
  return mod11of2(value) && hasDay(value, 12, 10);
}

function isMyNumber(value: string): boolean {
  const rest = weigh(value, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return (rest < 2 ? 0 : 11 - rest) === Number(value.charAt(11)) && !isUniform(value);
}

function isTaiwanId(value: string): boolean {
  const area = TAIWAN.indexOf(value.charAt(0)) + 10;
  const sum = Math.floor(area / 10) + 9 * (area % 10) + weigh(value.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1]);
  return sum % 10 === 0;
}

function isNric(value: string): boolean {
  const series = value.charAt(0);
  const off = series === "T" || series === "G" ? 4 : series === "M" ? 3 : 0;
  const rest = (weigh(value.slice(1), [2, 7, 6, 5, 4, 3, 2]) + off) % 11;
  const letters = series === "S" || series === "T" ? "JZIHGFEDCBA" : series === "M" ? "KLJNPQRTUWX" : "XWUTRQPNMLK";
  return letters.charAt(series === "M" ? 10 - rest : rest) === value.charAt(8);
}

function isThaiId(value: string): boolean {
  return (11 - (weigh(value, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 10 === Number(value.charAt(12));
}

/** A single letter counts as if a blank, 36, stood before it. */
function isHkid(value: string): boolean {
  const letters = /^[A-Z]+/.exec(value)?.[0] ?? "";
  const values = Array.from(letters, (letter) => letter.charCodeAt(0) - 55);
  const full = [
    ...(letters.length === 1 ? [36] : []),
    ...values,
    ...Array.from(value.slice(letters.length, -1), Number),
  ];
  const check = value.endsWith("A") ? 10 : Number(value.slice(-1));
  let sum = check;
  for (const [index, number] of full.entries()) sum += number * (9 - index);
  return sum % 11 === 0;
}

function isIin(value: string): boolean {
  const first = weigh(value, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11;
  const check = first < 10 ? first : weigh(value, [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11;
  return check === Number(value.charAt(11)) && hasDay(value, 4, 2);
}

function isTfn(value: string): boolean {
  return weigh(value, TFN_WEIGHTS) % 11 === 0 && !isUniform(value);
}

function isMedicare(value: string): boolean {
  return weigh(value, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(value.charAt(8));
}

function isAbn(value: string): boolean {
  return (weigh(value, ABN_WEIGHTS) - 10) % 89 === 0;
}

function isIrd(value: string): boolean {
  return mod11(value, [3, 2, 7, 6, 5, 4, 3, 2]) || mod11(value, [7, 4, 3, 2, 5, 2, 7, 6]);
}
