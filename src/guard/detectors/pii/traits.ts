/**
 * Traits: what a text has, by which nearly all recognisers can be told that they would find nothing in it. One pass over
 * the text instead of one for each of a hundred patterns.
 *
 * @module
 */

import { DIGITS, LETTERS, type Recogniser } from "./recogniser.ts";

export interface Traits {
  readonly digits: number;
  /** Most digits with nothing but {@link CHAIN} between them. */
  readonly chained: number;
  /** Longest run of capitals and digits. */
  readonly solid: number;
  readonly at: boolean;
  /** A dot with something behind it. */
  readonly dot: boolean;
  readonly dots: number;
  readonly hyphens: number;
  readonly colons: number;
  /** A dot, hyphen or slash between digits, twice. */
  readonly day: boolean;
  readonly month: boolean;
  readonly capitals: number;
  /** Longest run without a blank. */
  readonly run: number;
}

/** Bits of a unit's class. */
const DIGIT = 1;
const CAPITAL = 2;
const SMALL = 4;
/** May be in a number: capitals, digits, and what stands between them. */
const CHAIN = 8;
/** Stands between the parts of a day. */
const PART = 16;
/** May be in a number that is in one piece. */
const SOLID = 32;

const CLASSES = new Uint8Array(128);
for (const letter of DIGITS) CLASSES[letter.charCodeAt(0)] = DIGIT | CHAIN | SOLID;
for (const letter of LETTERS) {
  CLASSES[letter.charCodeAt(0)] = CAPITAL | CHAIN | SOLID;
  CLASSES[letter.toLowerCase().charCodeAt(0)] = SMALL;
}
for (const letter of " +()") CLASSES[letter.charCodeAt(0)] = CHAIN;
for (const letter of "-./") CLASSES[letter.charCodeAt(0)] = CHAIN | PART;
for (const letter of "kx") CLASSES[letter.charCodeAt(0)] = SMALL | CHAIN | SOLID;
CLASSES[0x26] = CHAIN | SOLID;

/** First three letters of the months, by {@link packed}. */
const MONTHS = new Uint8Array(1 << 15);
for (const month of "jan feb mar apr may jun jul aug sep oct nov dec mär mai okt dez fév avr jui aoû déc ene abr ago dic".split(
  " ",
)) {
  MONTHS[packed(month, 0)] = 1;
}

/** Three letters of any case in 15 bits. */
function packed(text: string, at: number): number {
  return ((text.charCodeAt(at) & 31) << 10) | ((text.charCodeAt(at + 1) & 31) << 5) | (text.charCodeAt(at + 2) & 31);
}

/** What a text has between two offsets. */
export function traitsOf(text: string, from: number, to: number): Traits {
  let [digits, chained, chain, solid, piece] = [0, 0, 0, 0, 0];
  let [dots, hyphens, colons, capitals, parts, run, began] = [0, 0, 0, 0, 0, 0, from];
  let [at, dot, month] = [false, false, false];
  let last = 0;
  for (let place = from; place < to; place++) {
    const unit = text.charCodeAt(place);
    // Of the letters with marks, only the Spanish N is in a number.
    const kind = unit < 0x80 ? (CLASSES[unit] as number) : unit === 0xd1 ? CHAIN | SOLID : 0;
    if ((kind & CHAIN) === 0) chain = 0;
    if ((kind & SOLID) !== 0) {
      piece += 1;
      if (piece > solid) solid = piece;
    } else piece = 0;
    if ((kind & DIGIT) !== 0) {
      digits += 1;
      chain += 1;
      if (chain > chained) chained = chain;
    } else if ((kind & (CAPITAL | SMALL)) !== 0) {
      if ((kind & CAPITAL) !== 0) capitals += 1;
      // Behind a number's ending it may begin inside a word: `1stMay`.
      if ((last & SMALL) === 0 || digits > 0) month ||= MONTHS[packed(text, place)] === 1;
    } else if (unit === 0x2e) {
      dots += 1;
      if (place + 1 < to && text.charCodeAt(place + 1) > 0x2f) dot = true;
    } else if (unit === 0x2d) hyphens += 1;
    else if (unit === 0x3a) colons += 1;
    else if (unit === 0x40) at = true;
    if ((kind & PART) !== 0 && (last & DIGIT) !== 0) parts += 1;
    if (unit <= 0x20) began = place + 1;
    else if (place + 1 - began > run) run = place + 1 - began;
    last = kind;
  }
  return { digits, chained, solid, at, dot, dots, hyphens, colons, day: parts > 1, month, capitals, run };
}

/** Whether a number of so many digits, and of such a length if it is in one piece, may be there. */
export function mayHoldNumber(traits: Traits, digits: number, solid: number): boolean {
  return solid > 0 ? traits.digits >= digits && traits.solid >= solid : traits.chained >= digits;
}

/** Whether what a recogniser is for may be there. */
export function mayHold(traits: Traits, { needs }: Recogniser): boolean {
  switch (needs) {
    case "@":
      return traits.at;
    case ".":
      return traits.dot;
    case ":":
      return traits.colons > 1;
    case "...":
      return traits.dots > 2 && traits.digits > 3;
    case "run":
      return traits.run >= 14 && traits.digits >= 2;
    case "pairs":
      return traits.run >= 14 && traits.digits >= 2 && (traits.colons > 4 || traits.hyphens > 4 || traits.dots > 1);
    case "day":
      return traits.day && traits.digits > 2;
    case "month":
      return traits.month && traits.digits > 2;
    case "capital":
      return traits.capitals > 0;
    case "capitals":
      return traits.capitals >= 6;
    default:
      return traits.digits >= needs;
  }
}
