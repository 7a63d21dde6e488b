/**
 * Numbers of people in the United States, Canada and Mexico.
 *
 * Sources: SSA (numbers that are never given out), IRS Publication 1915, CMS (NPI, MBI), DEA, CRA, RENAPO, SAT.
 *
 * @module
 */

import { hasDay, isUniform, luhn } from "../checksums.ts";
import { DIGITS, LETTERS, near, number, Strength, until, type Recogniser } from "../recogniser.ts";

const SSN_WORDS = near("ssn", "social(?: security)?", "ss ?#", "socials?", "tax(?:payer)?");

export const NORTH_AMERICA: readonly Recogniser[] = [
  number({
    id: "us-ssn",
    name: "US social security number",
    country: "US",
    digits: 9,
    body: "(?!000|666|9)\\d{3}([- .]?)(?!00)\\d{2}\\1(?!0000)\\d{4}",
    check: (value) => !["123456789", "078051120", "219099999"].includes(value) && !isUniform(value),
    context: SSN_WORDS,
    alone: (written) => /^\d{3}[-. ]/.test(written),
    strength: Strength.checked,
    example: (random) => `5${random("12345678", 2)}-${random("12345678", 2)}-${random("123456789", 4)}`,
  }),
  number({
    id: "us-itin",
    name: "US taxpayer number (ITIN)",
    country: "US",
    digits: 9,
    body: "9\\d{2}([- ]?)(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])\\1\\d{4}",
    context: near("itin", "tax(?:payer)?"),
    alone: (written) => written.length > 9,
    strength: Strength.checked,
    example: (random) => `9${random(DIGITS, 2)}-7${random(DIGITS, 1)}-${random(DIGITS, 4)}`,
  }),
  number({
    id: "us-npi",
    name: "US provider number (NPI)",
    country: "US",
    severity: "low",
    digits: 10,
    body: "[12]\\d{9}",
    solid: 10,
    check: (value) => luhn(`80840${value}`),
    context: near("npi", "provider"),
    strength: Strength.checked,
    example: (random) =>
      until(
        () => `1${random(DIGITS, 9)}`,
        (value) => luhn(`80840${value}`),
      ),
  }),
  number({
    id: "us-mbi",
    name: "US Medicare number",
    country: "US",
    digits: 4,
    body: "[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\\d(-?)[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\\d\\1[AC-HJKMNP-RT-Y]{2}\\d{2}",
    alone: true,
    strength: Strength.checked,
    example: (random) => `1E${random("ACDEFG", 1)}4-TE${random(DIGITS, 1)}-MK${random(DIGITS, 2)}`,
  }),
  number({
    id: "us-dea",
    name: "US DEA registration number",
    country: "US",
    severity: "medium",
    digits: 7,
    body: "[ABCDEFGHJKLMPRSTUX][A-Z9]\\d{7}",
    solid: 9,
    check: isDea,
    context: near("dea", "prescri\\w{0,8}", "registration"),
    strength: Strength.checked,
    example: (random) => until(() => `A${random(LETTERS, 1)}${random(DIGITS, 7)}`, isDea),
  }),
  number({
    id: "ca-sin",
    name: "Canadian social insurance number",
    country: "CA",
    digits: 9,
    body: "[1-79]\\d{2}([- ]?)\\d{3}\\1\\d{3}",
    check: (value) => luhn(value) && !isUniform(value),
    context: near("sin", "social insurance", "nas", "assurance sociale"),
    alone: (written) => written.includes("-"),
    strength: Strength.checked,
    example: (random) => until(() => `4${random(DIGITS, 8)}`, luhn).replace(/(...)(...)(...)/, "$1-$2-$3"),
  }),
  number({
    id: "mx-curp",
    name: "Mexican population number (CURP)",
    country: "MX",
    digits: 6,
    body: "[A-Z][AEIOUX][A-Z]{2}\\d{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-Z]{3}[A-Z0-9]\\d",
    solid: 18,
    check: isCurp,
    alone: true,
    strength: Strength.proven,
    example: (random) =>
      until(() => `GA${random(LETTERS, 2)}850101HDF${random("BCDFG", 3)}0${random(DIGITS, 1)}`, isCurp),
  }),
  number({
    id: "mx-rfc",
    name: "Mexican taxpayer number (RFC)",
    country: "MX",
    digits: 6,
    body: "[A-ZÑ&]{4}\\d{6}[A-Z0-9]{2}[A0-9]",
    solid: 13,
    check: (value) => hasDay(value, 8, 6),
    alone: true,
    strength: Strength.checked,
    example: (random) => `${random(LETTERS, 4)}850101${random(DIGITS, 3)}`,
  }),
];

/** DEA: the last digit of (1st + 3rd + 5th) + 2 * (2nd + 4th + 6th). */
function isDea(value: string): boolean {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, check] = Array.from(value.slice(2), Number);
  return (a + c + e + 2 * (b + d + f)) % 10 === check;
}

const CURP_ALPHABET = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";

function isCurp(value: string): boolean {
  let sum = 0;
  for (let at = 0; at < 17; at++) sum += CURP_ALPHABET.indexOf(value.charAt(at)) * (18 - at);
  return (10 - (sum % 10)) % 10 === Number(value.charAt(17)) && hasDay(value, 8, 6);
}
