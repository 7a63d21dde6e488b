/**
 * Unigram segmentation (Kudo 2018, "Subword Regularization"): a word is cut into the pieces whose log probabilities sum
 * to the most. Ties and unknown characters go as in the Rust library `tokenizers`, which the weights were trained with:
 * the earlier candidate stays, an unknown character costs ten more than the least probable piece, and a run of unknown
 * characters is one token.
 *
 * @module
 */

import { isHighSurrogate } from "../../core/index.ts";
import { buildTrie } from "./trie.ts";

export interface Unigram {
  /**
   * Appends the ids of a word's pieces to `ids`. The word is `units[start..end)`, well-formed UTF-16.
   */
  segment(units: Uint16Array, start: number, end: number, ids: number[]): void;
}

const UNKNOWN_PENALTY = 10;

/** Makes the segmenter of `pieces`, each with its log probability; a piece's id is its place. */
export function createUnigram(pieces: readonly (readonly [piece: string, score: number])[], unknown: number): Unigram {
  const trie = buildTrie(pieces.map(([piece]) => piece));
  const scores = Float64Array.from(pieces, ([, score]) => score);
  const unknownScore = scores.reduce((least, score) => Math.min(least, score), 0) - UNKNOWN_PENALTY;
  // For each end in the word: the best score up to there, the piece that ends there, and where that begins.
  let best = new Float64Array(64);
  let pieceAt = new Int32Array(64);
  let beginAt = new Int32Array(64);

  return {
    segment: (units, start, end, ids) => {
      const size = end - start;
      if (size >= best.length) {
        best = new Float64Array(size * 2);
        pieceAt = new Int32Array(size * 2);
        beginAt = new Int32Array(size * 2);
      }
      beginAt.fill(-1, 0, size + 1);
      best[0] = 0;
      for (let at = 0; at < size;) {
        const unit = units[start + at] as number;
        const width = isHighSurrogate(unit) ? 2 : 1;
        const soFar = best[at] as number;
        let alone = false;
        let node = 0;
        for (let to = at; to < size;) {
          node = trie.child(node, units[start + to] as number);
          if (node === -1) break;
          to++;
          const piece = trie.pieceAt(node);
          if (piece === -1) continue;
          const score = soFar + (scores[piece] as number);
          if (beginAt[to] === -1 || score > (best[to] as number)) {
            best[to] = score;
            pieceAt[to] = piece;
            beginAt[to] = at;
          }
          if (to - at === width) alone = true;
        }
        if (!alone) {
          const score = soFar + unknownScore;
          const to = at + width;
          if (beginAt[to] === -1 || score > (best[to] as number)) {
            best[to] = score;
            pieceAt[to] = unknown;
            beginAt[to] = at;
          }
        }
        at += width;
      }
      const first = ids.length;
      for (let at = size; at > 0; at = beginAt[at] as number) {
        const piece = pieceAt[at] as number;
        if (piece !== unknown || ids.length === first || ids.at(-1) !== unknown) ids.push(piece);
      }
      reverse(ids, first);
    },
  };
}

function reverse(ids: number[], from: number): void {
  for (let left = from, right = ids.length - 1; left < right; left++, right--) {
    const one = ids[left] as number;
    ids[left] = ids[right] as number;
    ids[right] = one;
  }
}
