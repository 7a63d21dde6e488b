/**
 * The pieces of a tokenizer as a trie of typed arrays, one hash table for all edges, since a Map for each node would cost
 * tens of megabytes.
 *
 * @module
 */

export interface Trie {
  /** The node behind `node` by `unit`, or -1. The root is 0. */
  child(node: number, unit: number): number;
  /** The piece that ends at a node, or -1. */
  pieceAt(node: number): number;
}

/**
 * Of each edge: its parent's node + 1 (0 is free), its unit, the piece that ends behind it. Four numbers, since an edge then
 * lies in one line of the processor's cache.
 */
const STRIDE = 4;

/** Makes the trie of `pieces`, which are told by their places. */
export function buildTrie(pieces: readonly string[]): Trie {
  const bits = Math.ceil(Math.log2(countNodes(pieces) * 2));
  const mask = 2 ** bits - 1;
  /** Open addressing. A node is the place of the edge that leads to it, from 1 on. */
  const edges = new Int32Array((mask + 2) * STRIDE);
  edges[2] = -1;

  /** The place of the edge, or the free one where it would be. */
  const placeOf = (node: number, unit: number): number => {
    let slot = (Math.imul(node, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)) >>> (32 - bits);
    for (;;) {
      const at = (slot + 1) * STRIDE;
      const parent = edges[at];
      if (parent === 0 || (parent === node + 1 && edges[at + 1] === unit)) return slot + 1;
      slot = (slot + 1) & mask;
    }
  };
  for (const [id, piece] of pieces.entries()) {
    let node = 0;
    for (let at = 0; at < piece.length; at++) {
      const unit = piece.charCodeAt(at);
      const place = placeOf(node, unit);
      if (edges[place * STRIDE] === 0) {
        edges[place * STRIDE] = node + 1;
        edges[place * STRIDE + 1] = unit;
        edges[place * STRIDE + 2] = -1;
      }
      node = place;
    }
    edges[node * STRIDE + 2] = id;
  }
  return {
    child: (node, unit) => {
      const place = placeOf(node, unit);
      return edges[place * STRIDE] === 0 ? -1 : place;
    },
    pieceAt: (node) => edges[node * STRIDE + 2] as number,
  };
}

/** Distinct beginnings of the pieces, and the root. */
function countNodes(pieces: readonly string[]): number {
  let nodes = 1;
  let before = "";
  for (const piece of pieces.toSorted()) {
    let shared = 0;
    while (shared < piece.length && piece.charCodeAt(shared) === before.charCodeAt(shared)) shared++;
    nodes += piece.length - shared;
    before = piece;
  }
  return nodes;
}
