/**
 * Sketches of texts: the smallest hashes of their runs of words. A sketch says how much of its text stands in another one,
 * without being the text.
 *
 * Source: A. Broder, "On the resemblance and containment of documents" (1997), bottom-k sketches.
 *
 * @module
 */

import { runsOf, wordsOf } from "./words.ts";

/** Hashes of one sketch. The share of a text that it shows has a standard error of at most 0.5 / sqrt(128) = 4.4 %. */
export const SKETCH_SIZE = 128;

/** How a text and a licence's text are alike. */
export interface Likeness {
  /** The share of the licence's runs that stand in the text, from 0 to 1. */
  readonly contained: number;
  /** The share of the text's runs that are not the licence's, from 0 to 1. */
  readonly extra: number;
  /** About how many runs the licence has. */
  readonly size: number;
}

/** The sketch of `text`: at most {@link SKETCH_SIZE} hashes in rising order, 4 bytes each. */
export function sketchOf(text: string): Buffer {
  const smallest = [...runsOf(wordsOf(text))].toSorted((a, b) => a - b).slice(0, SKETCH_SIZE);
  const bytes = Buffer.alloc(smallest.length * 4);
  for (const [index, value] of smallest.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}

/** Compares the runs of a text, `runsOf(wordsOf(text))`, with a sketch. */
export function likenessOf(runs: ReadonlySet<number>, sketch: Buffer): Likeness {
  const count = sketch.length / 4;
  let common = 0;
  for (let index = 0; index < count; index++) if (runs.has(sketch.readUInt32BE(index * 4))) common++;
  // A sketch that is not full holds all runs of its text; of a full one the largest hash is the edge.
  const edge = count < SKETCH_SIZE ? Number.POSITIVE_INFINITY : sketch.readUInt32BE((count - 1) * 4);
  let below = 0;
  for (const run of runs) if (run <= edge) below++;
  return {
    contained: count === 0 ? 0 : common / count,
    extra: below === 0 ? 0 : 1 - common / below,
    size: edge === Number.POSITIVE_INFINITY ? count : (count * 2 ** 32) / (edge + 1),
  };
}
