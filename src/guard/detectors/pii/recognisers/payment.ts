/**
 * Cards, accounts and banks.
 *
 * Sources: ISO/IEC 7812 and the issuer ranges that the card schemes publish, the IBAN registry (ISO 13616), ISO 9362
 * (BIC), the ABA's routing numbers.
 *
 * @module
 */

import { isUniform, luhn, mod97, weigh } from "../checksums.ts";
import { DIGITS, LETTERS, near, number, Strength, until, type Recogniser } from "../recogniser.ts";

/** First digits from, to, and the lengths that the issuer gives out. */
const ISSUERS: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [4, 4, [13, 16, 19]], // Visa
  [51, 55, [16]], // Mastercard
  [2221, 2720, [16]], // Mastercard
  [34, 34, [15]], // American Express
  [37, 37, [15]], // American Express
  [300, 305, [14, 16, 19]], // Diners Club
  [3095, 3095, [14, 16, 19]], // Diners Club
  [36, 36, [14, 16, 19]], // Diners Club
  [38, 39, [14, 16, 19]], // Diners Club
  [35, 35, [16, 17, 18, 19]], // JCB
  [2131, 2131, [15]], // JCB, of old
  [1800, 1800, [15]], // JCB, of old
  [6011, 6011, [16, 17, 18, 19]], // Discover
  [644, 659, [16, 17, 18, 19]], // Discover
  [62, 62, [16, 17, 18, 19]], // UnionPay
  [81, 82, [16, 17, 18, 19]], // UnionPay, RuPay
  [2200, 2204, [16, 17, 18, 19]], // Mir
  [508, 508, [16]], // RuPay
  [60, 60, [16]], // RuPay
  [9792, 9792, [16]], // Troy
  [50, 50, [12, 13, 14, 15, 16, 17, 18, 19]], // Maestro
  [56, 58, [12, 13, 14, 15, 16, 17, 18, 19]], // Maestro
  [63, 63, [12, 13, 14, 15, 16, 17, 18, 19]], // Maestro
  [67, 67, [12, 13, 14, 15, 16, 17, 18, 19]], // Maestro
];

function isCard(value: string): boolean {
  return luhn(value) && !isUniform(value) && isIssued(value);
}

function isIssued(value: string): boolean {
  return ISSUERS.some(([from, to, lengths]) => {
    const first = Number(value.slice(0, String(from).length));
    return first >= from && first <= to && lengths.includes(value.length);
  });
}

/** Length of each country's IBAN. */
const IBAN_LENGTHS = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 " +
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 " +
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 " +
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const CARD_WORDS = near("cards?", "visa", "master ?card", "maestro", "amex", "american express", "pay(?:ment)?", "cc");

export const PAYMENT: readonly Recogniser[] = [
  number({
    id: "card",
    name: "payment card number",
    digits: 12,
    body: "\\d(?:[ -]?\\d){11,18}",
    check: isCard,
    context: CARD_WORDS,
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `4${random(DIGITS, 15)}`, isCard),
  }),
  {
    id: "iban",
    name: "bank account number (IBAN)",
    severity: "high",
    needs: 10,
    pattern: /(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?!\w)/gi,
    check: (value) => IBAN_LENGTHS.get(value.slice(0, 2)) === value.length && mod97(value),
    alone: true,
    strength: Strength.proven,
    example: (random) => until(() => `DE${random(DIGITS, 20)}`, mod97),
  },
  {
    id: "bic",
    name: "bank identifier (BIC)",
    severity: "low",
    needs: "capitals",
    pattern: /(?<!\w)[A-Z]{4}(?:[A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?(?!\w)/g,
    check: (value) => IBAN_LENGTHS.has(value.slice(4, 6)) || /^.{4}(?:US|CA|AU|JP|CN|HK|SG|IN|ZA|MX|NZ|KR)/.test(value),
    context: near("bic", "swift", "bank identifier"),
    example: (random) => `${random(LETTERS, 4)}DE${random(LETTERS, 2)}`,
  },
  number({
    id: "us-bank-routing",
    name: "US bank routing number",
    country: "US",
    severity: "medium",
    digits: 9,
    body: "\\d{9}|\\d{4}-\\d{4}-\\d",
    check: isRouting,
    context: near("routing", "aba", "rtn", "ach"),
    strength: Strength.checked,
    example: (random) => until(() => `0${random(DIGITS, 8)}`, isRouting),
  }),
  number({
    id: "us-bank-account",
    name: "US bank account number",
    country: "US",
    digits: 8,
    body: "\\d{8,17}",
    solid: 8,
    context: near(
      "account (?:number|no|num|#)",
      "acct(?: (?:number|no|num|#))?",
      "bank account",
      "checking",
      "savings",
    ),
    example: (random) => `7${random(DIGITS, 11)}`,
  }),
];

function isRouting(value: string): boolean {
  const district = Number(value.slice(0, 2));
  const known = district <= 12 || (district >= 21 && district <= 32) || (district >= 61 && district <= 72);
  return (known || district === 80) && weigh(value, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0 && !isUniform(value);
}
