/**
 * Training text in an answer: passages whose n-grams all stand in a corpus's index.
 *
 * How sure is that? An n-gram that is not in the corpus passes with the index's probability `p` (`falsePositive`). A
 * passage of `k` n-grams in a row of which none is in the corpus passes at one place with `p^k`: the hashes of
 * overlapping n-grams are independent. Every finding says what that comes to. It says nothing about text that *is* in
 * the corpus by right, such as quotations and licences that everybody repeats.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import type { Finding } from "../../../core/index.ts";
import { leakError } from "./errors.ts";
import { hasHash } from "./filter.ts";
import { decodeIndex, type CorpusIndex } from "./index-file.ts";
import type { Passages, Run } from "./passages.ts";

/** An index from its path or bytes. @throws `guard.index-invalid`, `guard.corpus-unreadable` */
export function loadIndex(source: string | Uint8Array | CorpusIndex): CorpusIndex {
  if (typeof source !== "string") return source instanceof Uint8Array ? decodeIndex(source) : source;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(source);
  } catch (cause) {
    throw leakError("guard.corpus-unreadable", { detail: source, cause });
  }
  return decodeIndex(bytes);
}

/** Passages of at least `least` n-grams of the index in a row. */
export function trainingPassages(index: CorpusIndex, least: number, pointer: string): Passages {
  const { filter, ngram, falsePositive } = index;
  return {
    size: ngram,
    has: (one, two) => hasHash(filter, one, two),
    judge: ({ words }) =>
      words - ngram + 1 >= least ? (run) => trainingFinding(run, ngram, falsePositive, pointer) : undefined,
  };
}

function trainingFinding({ start, end, words }: Run, ngram: number, chance: number, pointer: string): Finding {
  return {
    rule: "leak.training-text",
    severity: "high",
    location: { pointer, start, end },
    message: `repeats ${words} words in a row of the indexed corpus; by chance at one place in ${places(chance, words - ngram + 1)}`,
    remedy: "mask the passage; if the model says it often, remove the repeats from the training data",
    references: ["OWASP-LLM02:2025", "AML.T0057"],
  };
}

/** `10^24`: one over the chance of that many n-grams in a row, rounded down. */
function places(chance: number, ngrams: number): string {
  if (chance === 0) return "10^300";
  return `10^${Math.min(300, Math.floor(-Math.log10(chance) * ngrams))}`;
}
