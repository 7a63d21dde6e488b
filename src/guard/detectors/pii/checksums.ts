/**
 * The check digits of numbers that are given to people, cards and accounts. Each function takes digits (or digits and
 * capital letters) without separators, and answers whether the check holds; what is shorter or longer than the scheme
 * allows is for the caller's pattern to refuse.
 *
 * Sources: ISO/IEC 7812-1 annex B (Luhn), ISO 13616 and ISO/IEC 7064 (mod 97-10, mod 11-2, mod 11,10), J. Verhoeff,
 * Error Detecting Decimal Codes (1969), and of each national number the rule that its issuer publishes.
 *
 * @module
 */

/** The digits of a text of digits. */
export function digitsOf(value: string): number[] {
  return Array.from(value, Number);
}

/** The sum of digits times weights, as far as the weights go. */
export function weigh(value: string, weights: readonly number[]): number {
  let sum = 0;
  for (const [index, weight] of weights.entries()) sum += weight * (value.charCodeAt(index) - 48);
  return sum;
}

/** The rest of a long decimal number by a small one, without big integers. */
export function remainder(value: string, by: number): number {
  let rest = 0;
  for (let at = 0; at < value.length; at++) rest = (rest * 10 + value.charCodeAt(at) - 48) % by;
  return rest;
}

/** ISO/IEC 7812-1: every second digit from the right doubled, its digits added. */
export function luhn(value: string): boolean {
  let sum = 0;
  for (let at = value.length - 1, double = false; at >= 0; at--, double = !double) {
    const digit = value.charCodeAt(at) - 48;
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

/** ISO 13616: the first four characters at the end, letters as 10 to 35, the rest by 97 is 1. */
export function mod97(value: string): boolean {
  let rest = 0;
  for (const letter of value.slice(4) + value.slice(0, 4)) {
    const number = Number.parseInt(letter, 36);
    rest = (number > 9 ? rest * 100 + number : rest * 10 + number) % 97;
  }
  return rest === 1;
}

/** ISO/IEC 7064, MOD 11,10: Germany's tax number, Croatia's OIB. */
export function mod11of10(value: string): boolean {
  let rest = 10;
  for (let at = 0; at < value.length - 1; at++) {
    const sum = (rest + value.charCodeAt(at) - 48) % 10;
    rest = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - rest) % 10 === value.charCodeAt(value.length - 1) - 48;
}

/** ISO/IEC 7064, MOD 11-2, with X for ten: China's resident number. */
export function mod11of2(value: string): boolean {
  let rest = 0;
  for (let at = 0; at < value.length - 1; at++) rest = ((rest + value.charCodeAt(at) - 48) * 2) % 11;
  const check = (12 - rest) % 11;
  return value.endsWith(check === 10 ? "X" : String(check));
}

const DIHEDRAL = [
  "0123456789",
  "1234067895",
  "2340178956",
  "3401289567",
  "4012395678",
  "5987604321",
  "6598710432",
  "7659821043",
  "8765932104",
  "9876543210",
].map(digitsOf);
const PERMUTED = [
  "0123456789",
  "1576283094",
  "5803796142",
  "8916043527",
  "9453126870",
  "4286573901",
  "2793806415",
  "7046913258",
].map(digitsOf);

/** Verhoeff's check over the dihedral group of order ten: Aadhaar. */
export function verhoeff(value: string): boolean {
  let state = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(value.length - 1 - at) - 48;
    state = DIHEDRAL[state]?.[PERMUTED[at % 8]?.[digit] ?? 0] ?? 0;
  }
  return state === 0;
}

/**
 * Weights over all digits but the last, which is 11 less the rest by 11. `ten` says what a check of ten becomes
 * (`undefined`: no number is given out that has it); eleven is always 0.
 */
export function mod11(value: string, weights: readonly number[], ten?: number): boolean {
  const check = (11 - (weigh(value, weights) % 11)) % 11;
  return (check === 10 ? ten : check) === value.charCodeAt(weights.length) - 48;
}

/** Weights over all digits but the last, which is the rest by 11 itself. */
export function mod11rest(value: string, weights: readonly number[], ten = 0): boolean {
  const check = weigh(value, weights) % 11;
  return (check === 10 ? ten : check) === value.charCodeAt(weights.length) - 48;
}

/** Weights over all digits but the last, which fills the sum up to a multiple of ten. */
export function mod10(value: string, weights: readonly number[]): boolean {
  return (10 - (weigh(value, weights) % 10)) % 10 === value.charCodeAt(weights.length) - 48;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether there is such a day, in some year: numbers hold two digits of the year, or none. */
export function isDay(day: number, month: number): boolean {
  return day >= 1 && day <= (DAYS[month - 1] ?? 0);
}

/** {@link isDay} of digits in a number: where its day and its month stand. `off` are values added to the month. */
export function hasDay(value: string, day: number, month: number, off: readonly number[] = [0]): boolean {
  const written = Number(value.slice(month, month + 2));
  return off.some((extra) => isDay(Number(value.slice(day, day + 2)), written - extra));
}

/** Whether all characters are the same: no number that is given out. */
export function isUniform(value: string): boolean {
  return value === value.charAt(0).repeat(value.length);
}
