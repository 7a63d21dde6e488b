/**
 * The words of a licence's text, and the short runs of words by which two texts are compared. What differs between copies
 * of one licence is taken out: case, punctuation, spelling of the word itself, and the lines of the copyright holders.
 *
 * After the SPDX licence list matching guidelines (SPDX 3.0.1, annex C), as far as they matter for whole texts.
 *
 * @module
 */

import { hash } from "node:crypto";

/** Words of one run. Fewer would be shared by unlike licences; more would let one changed word cost more. */
const RUN = 3;

/** The words of `text`, in the form in which texts are compared. */
export function wordsOf(text: string): readonly string[] {
  const lines = text
    .normalize("NFKC")
    .toLowerCase()
    .split("\n")
    .filter((line) => !/^\W*(?:copyright\s+(?:\(c\)|©|\d{4}|[<[{])|\(c\)|©)/.test(line));
  return (lines.join("\n").match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => SPELLINGS.get(word) ?? word);
}

/** Hashes of all runs of {@link RUN} words, 32 bits each. */
export function runsOf(words: readonly string[]): ReadonlySet<number> {
  const runs = new Set<number>();
  for (let index = 0; index + RUN <= words.length; index++) {
    runs.add(Number.parseInt(hash("sha256", words.slice(index, index + RUN).join(" "), "hex").slice(0, 8), 16));
  }
  return runs;
}

const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ["licence", "license"],
  ["licences", "licenses"],
  ["licenced", "licensed"],
  ["organisation", "organization"],
  ["noncommercial", "non commercial"],
]);
