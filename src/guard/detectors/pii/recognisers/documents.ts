/**
 * Wallets, vehicles, passports, driver licences and other numbers that only the words around them give away.
 *
 * Sources: `wallets.ts`; ISO 3779 and 49 CFR 565.15 (VIN); ICAO Doc 9303 (passports); AAMVA (US licences).
 *
 * @module
 */

import { near, number, DIGITS, LETTERS, Strength, until, type Recogniser } from "../recogniser.ts";
import { base58Check, isBase58Check, isBech32, isEthereum } from "../wallets.ts";

const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
/** ISO 3779: what a letter counts as; I, O and Q are not used. */
const VIN_VALUES = new Map(
  Array.from("ABCDEFGHJKLMNPRSTUVWXYZ", (letter, at) => [letter, Number("12345678123457923456789"[at])]),
);

export const DOCUMENTS: readonly Recogniser[] = [
  {
    id: "crypto-wallet",
    name: "cryptocurrency address",
    severity: "medium",
    needs: "run",
    // Bitcoin, Litecoin, Dogecoin, Dash, Tron.
    pattern: /(?<!\w)[13LMDXT][1-9A-HJ-NP-Za-km-z]{25,34}(?!\w)/g,
    check: (_value, written) => isBase58Check(written),
    alone: true,
    strength: Strength.proven,
    example: (random) => base58Check(Buffer.from(`00${random("123456789abcdef", 40)}`, "hex")),
  },
  {
    id: "crypto-wallet",
    name: "cryptocurrency address",
    severity: "medium",
    needs: "run",
    pattern: /(?<!\w)(?:bc|tb|ltc)1[02-9ac-hj-np-z]{38,71}(?!\w)|(?<!\w)(?:BC|TB|LTC)1[02-9AC-HJ-NP-Z]{38,71}(?!\w)/g,
    check: (_value, written) => isBech32(written),
    alone: true,
    strength: Strength.proven,
    example: () => ["bc1", "qw508d6qejxtdg4y5r3zarvary0c5xw7k", "v8f3t4"].join(""),
  },
  {
    id: "crypto-wallet",
    name: "cryptocurrency address",
    severity: "medium",
    needs: "run",
    pattern: /(?<!\w)0x[0-9A-Fa-f]{40}(?!\w)/g,
    check: (_value, written) => isEthereum(written) && !/^0x(.)\1*$/.test(written),
    alone: true,
    strength: Strength.proven,
    example: (random) => `0x${random("0123456789abcdef", 40)}`,
  },
  number({
    id: "vin",
    name: "vehicle number (VIN)",
    severity: "low",
    digits: 3,
    body: "[A-HJ-NPR-Z0-9]{11}[A-HJ-NPR-Z0-9]{2}\\d{4}",
    solid: 17,
    check: (value) => /[A-Z]/.test(value) && isVin(value),
    alone: true,
    strength: Strength.checked,
    example: (random) => until(() => `1HGCM8263${random("3A", 1)}A${random(DIGITS, 6)}`, isVin),
  }),
  number({
    id: "vin",
    name: "vehicle number (VIN)",
    severity: "low",
    digits: 3,
    body: "[A-HJ-NPR-Z0-9]{17}",
    solid: 17,
    context: near("vin", "chassis", "vehicle identification"),
    example: (random) => `WVWZZZ1JZ${random("123456789", 1)}W${random(DIGITS, 6)}`,
  }),
  number({
    id: "passport",
    name: "passport number",
    digits: 5,
    body: "[A-Z]{0,2}\\d{6,9}[A-Z]?|[A-Z]\\d{2}[A-Z]{2}\\d{4}|[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}",
    solid: 6,
    context: near(
      "passports?(?: (?:no|number|nr|id|#))?",
      "pas(?:s)?eport",
      "pasaporte",
      "passaporto",
      "passaporte",
      "reisepass\\S{0,8}",
      "paspoort\\S{0,6}",
    ),
    example: (random) => `${random(LETTERS, 1)}${random(DIGITS, 8)}`,
  }),
  number({
    id: "driver-licence",
    name: "driver licence number",
    digits: 3,
    body: "[A-Z]{0,3}[- ]?\\d{2,9}(?:[- ]\\d{2,7}){0,4}[A-Z]{0,2}|[A-Z0-9]{5,18}",
    check: (value) => /\d{3}/.test(value) && value.length >= 5 && value.length <= 20,
    context: near(
      "driv(?:er|ing)(?:'?s|s')? ?(?:licen[cs]e|permit|id)\\S{0,2}(?: (?:no|number|nr|id|#))?",
      "licen[cs]e (?:number|no|#)",
      "dl ?(?:#|no|number)",
      "f[üu]hrerschein\\S{0,8}",
      "permis de conduire",
      "patente",
      "rijbewijs\\S{0,8}",
    ),
    example: (random) => `${random(LETTERS, 1)}${random(DIGITS, 7)}`,
  }),
  number({
    id: "medical-record",
    name: "medical record or insurance number",
    digits: 5,
    body: "[A-Z]{0,4}-?\\d{5,12}[A-Z]?",
    context: near(
      "mrn",
      "medical record\\S{0,2}(?: (?:no|number|#))?",
      "patient (?:id|number|no)",
      "member id",
      "policy (?:number|no|#)",
    ),
    example: (random) => random(DIGITS, 8),
  }),
];

function isVin(value: string): boolean {
  let sum = 0;
  for (const [at, weight] of VIN_WEIGHTS.entries()) {
    const letter = value.charAt(at);
    sum += weight * (VIN_VALUES.get(letter) ?? Number(letter));
  }
  const check = sum % 11;
  return value.charAt(8) === (check === 10 ? "X" : String(check));
}
