/**
 * Words whose letters changed places: `ignroe all prevoius instrutcions`. People and language models read over it, and a
 * classifier does not. A word that is not known, and has the first letter and all other letters of exactly one that is,
 * is taken for that one.
 *
 * The text keeps its length and every other character its place, so a finding in it points at the same units.
 *
 * @module
 */

import { COMMON_WORDS } from "../detectors/pii/data/common-words.ts";
import { knownWords } from "./words.ts";

/** Shorter words have too few letters to be sure of. */
const SHORTEST = 4;
/** So many words, and such a part of all, must be misspelt: a typing error is no disguise. */
const FEWEST = 3;
const PART = 1 / 8;

/** The text with its words spelt right; `undefined` for one that hardly has any misspelt. */
export function respelled(text: string): string | undefined {
  let words = 0;
  let changed = 0;
  const out = text.replace(WORD, (word) => {
    words++;
    const right = rightWord(word.toLowerCase());
    if (right === undefined) return word;
    changed++;
    return right;
  });
  return changed >= FEWEST && changed >= words * PART ? out : undefined;
}

const WORD = /(?<![A-Za-z])[A-Za-z]{4,14}(?![A-Za-z])/g;

function rightWord(word: string): string | undefined {
  const { known, bySignature } = (vocabulary ??= makeVocabulary());
  if (known.has(word)) return undefined;
  const right = bySignature.get(signatureOf(word));
  return right === "" ? undefined : right;
}

/** The first letter, then the others in order. */
function signatureOf(word: string): string {
  return word.charAt(0) + Array.from(word.slice(1)).toSorted().join("");
}

interface Vocabulary {
  readonly known: ReadonlySet<string>;
  /** Words by their signature; empty where two have the same. */
  readonly bySignature: ReadonlyMap<string, string>;
}

/** Made when the first text is read. */
let vocabulary: Vocabulary | undefined;

function makeVocabulary(): Vocabulary {
  const known = new Set([...knownWords(), ...COMMON_WORDS.split(/\s+/)]);
  const bySignature = new Map<string, string>();
  for (const word of known) {
    if (word.length < SHORTEST) continue;
    const signature = signatureOf(word);
    bySignature.set(signature, bySignature.has(signature) ? "" : word);
  }
  return { known, bySignature };
}
