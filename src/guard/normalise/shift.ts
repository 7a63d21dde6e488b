/**
 * Shift: each letter replaced by another, always the same one. Two kinds are undone: the alphabet moved on by some
 * letters (rot13, Caesar), and the alphabet turned round (atbash).
 *
 * Which one it is, the frequencies of the letters tell; whether it was any, the words that come of it.
 *
 * @module
 */

import { STEP, type Paced } from "../pace.ts";
import { openRewriter, type Made, type Range } from "./rewrite.ts";
import { readWords } from "./words.ts";

export interface Shifted {
  readonly made: Made;
  /** `rot13`, `caesar-3`, `atbash`. */
  readonly name: string;
}

/** The text with these parts shifted back; `undefined` where no words come of it. */
export function* unshifted(text: string, parts: readonly Range[], known?: Shift): Paced<Shifted | undefined> {
  const sample = parts
    .slice(0, 4)
    .map(({ start, end }) => text.slice(start, Math.min(end, start + SAMPLE)))
    .join(" ");
  const shift = known ?? likeliest(sample);
  if (shift === undefined) return undefined;
  const before = readWords(sample);
  const after = readWords(apply(sample, shift));
  const enough = after.words >= FEWEST_WORDS && after.letters >= FEWEST_LETTERS && after.words > 2 * before.words;
  if (!enough || after.words * 5 < after.strings * 2) return undefined;
  yield;
  const out = openRewriter(text);
  for (const part of parts) {
    for (let start = part.start; start < part.end; start += STEP) {
      const end = Math.min(part.end, start + STEP);
      const shifted = apply(text.slice(start, end), shift);
      for (let at = start; at < end; at++) out.replace(at, at + 1, shifted.charAt(at - start));
      yield;
    }
  }
  return { made: out.finish(), name: nameOf(shift) };
}

/** How letters are replaced: `0` to `25` on from where they are, mirrored before or not. */
interface Shift {
  readonly by: number;
  readonly mirrored: boolean;
}

/** Thirteen letters on, which is also thirteen back. */
export const ROT13: Shift = { by: 13, mirrored: false };

/** Short words come of any letters by chance. */
const FEWEST_WORDS = 2;
const FEWEST_LETTERS = 10;

/** Units of each part that are looked at. */
const SAMPLE = 256;

/** How often each letter occurs in English, of a thousand. */
const FREQUENCIES = [
  82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 1, 60, 63, 91, 28, 10, 24, 2, 20, 1,
];

/** The shift after which letters are as frequent as in English; `undefined`: they are already, or never. */
function likeliest(sample: string): Shift | undefined {
  const counts = Array.from({ length: 26 }, () => 0);
  for (let at = 0; at < sample.length; at++) {
    const letter = (sample.charCodeAt(at) | 0x20) - 0x61;
    if (letter >= 0 && letter < 26) counts[letter] = (counts[letter] as number) + 1;
  }
  let best: { readonly shift: Shift; readonly words: number } | undefined;
  const ranked: { readonly shift: Shift; readonly fit: number }[] = [];
  for (const mirrored of [false, true]) {
    for (let by = 0; by < 26; by++) {
      let fit = 0;
      for (let letter = 0; letter < 26; letter++) {
        const to = ((mirrored ? 25 - letter : letter) + by) % 26;
        fit += (counts[letter] as number) * Math.log((FREQUENCIES[to] as number) / 1000);
      }
      ranked.push({ shift: { by, mirrored }, fit });
    }
  }
  // Letters that are as frequent as they should be were not replaced, whatever the words are.
  const likely = ranked.toSorted((a, b) => b.fit - a.fit).slice(0, TRIED);
  if (likely[0]?.shift.by === 0 && !likely[0].shift.mirrored) return undefined;
  for (const { shift } of likely) {
    const { words } = readWords(apply(sample, shift));
    if (best === undefined || words > best.words) best = { shift, words };
  }
  return best === undefined || best.words < FEWEST_WORDS ? undefined : best.shift;
}

/** Of few letters, the best fit is not always the right one. */
const TRIED = 6;

function apply(text: string, { by, mirrored }: Shift): string {
  const units = new Uint16Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const letter = (unit | 0x20) - 0x61;
    units[at] =
      letter >= 0 && letter < 26 && unit < 0x80
        ? unit - letter + (((mirrored ? 25 - letter : letter) + by) % 26)
        : unit;
  }
  return Buffer.from(units.buffer).toString("utf16le");
}

function nameOf({ by, mirrored }: Shift): string {
  if (mirrored) return by === 0 ? "atbash" : `atbash-${by}`;
  return by === 13 ? "rot13" : `caesar-${26 - by}`;
}
