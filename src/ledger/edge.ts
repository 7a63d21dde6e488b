/**
 * The right edge of the growing tree: all that must be kept in memory to append leaves, to cut tiles, and to compute
 * the root.
 *
 * Appending works like adding one to a binary counter: a carry joins two complete subtrees of equal height. Every
 * eighth height is a level of tiles (tlog-tiles), so the same carry yields the hashes of the tiles of all levels, at
 * one node hash per leaf on average.
 *
 * @module
 */

import { EMPTY_ROOT, nodeHash } from "./merkle.ts";
import { levelWidth, TILE_WIDTH } from "./tile.ts";

const HEIGHTS_PER_LEVEL = 8;

/** Changed in place by {@link pushLeaf}. */
export interface Edge {
  size: number;
  /** Root of the complete subtree of each height that `size` has a one bit for. */
  readonly roots: (Uint8Array | undefined)[];
  /** Per level, the hashes of the rightmost tile while it is partial. */
  readonly levels: Uint8Array[][];
}

/** A tile that has just become full. */
export interface FullTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
}

export function emptyEdge(): Edge {
  return { size: 0, roots: [], levels: [] };
}

/** Appends a leaf hash and hands every tile that it completes to `onFull`, lowest level first. */
export function pushLeaf(edge: Edge, leaf: Uint8Array, onFull: (tile: FullTile) => void): void {
  edge.size += 1;
  let hashed = leaf;
  for (let height = 0; ; height++) {
    if (height % HEIGHTS_PER_LEVEL === 0) addToTile(edge, height / HEIGHTS_PER_LEVEL, hashed, onFull);
    const left = edge.roots[height];
    if (left === undefined) {
      edge.roots[height] = hashed;
      return;
    }
    hashed = nodeHash(left, hashed);
    edge.roots[height] = undefined;
  }
}

/** Root of the whole tree: RFC 6962 section 2.1. */
export function edgeRoot(edge: Edge): Uint8Array {
  let root: Uint8Array | undefined;
  for (const subtree of edge.roots) {
    if (subtree !== undefined) root = root === undefined ? subtree : nodeHash(subtree, root);
  }
  return root ?? EMPTY_ROOT;
}

/**
 * The edge of a tree whose tiles are at hand. `readTile` gets the partial tiles that a checkpoint of this size
 * requires, lowest level first.
 */
export async function loadEdge(
  size: number,
  readTile: (level: number, index: number, width: number) => Promise<Uint8Array[]>,
): Promise<Edge> {
  const edge: Edge = { size, roots: [], levels: [] };
  for (let level = 0; levelWidth(size, level) > 0; level++) {
    const count = levelWidth(size, level);
    const width = count % TILE_WIDTH;
    const hashes = width === 0 ? [] : await readTile(level, Math.floor(count / TILE_WIDTH), width);
    edge.levels[level] = hashes;
    // The one bits of `width`, highest first, are complete subtrees that lie side by side in the tile.
    let from = 0;
    for (let height = HEIGHTS_PER_LEVEL - 1; height >= 0; height--) {
      const leaves = 2 ** height;
      if (from + leaves > width) {
        edge.roots[level * HEIGHTS_PER_LEVEL + height] = undefined;
        continue;
      }
      edge.roots[level * HEIGHTS_PER_LEVEL + height] = completeRoot(hashes.slice(from, from + leaves));
      from += leaves;
    }
  }
  return edge;
}

/** Root of a complete subtree over 1, 2, 4, … hashes. */
export function completeRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const next: Uint8Array[] = [];
    for (let at = 0; at + 1 < row.length; at += 2) {
      next.push(nodeHash(row[at] as Uint8Array, row[at + 1] as Uint8Array));
    }
    row = next;
  }
  return row[0] ?? EMPTY_ROOT;
}

function addToTile(edge: Edge, level: number, hashed: Uint8Array, onFull: (tile: FullTile) => void): void {
  const hashes = (edge.levels[level] ??= []);
  hashes.push(hashed);
  if (hashes.length < TILE_WIDTH) return;
  edge.levels[level] = [];
  onFull({ level, index: levelWidth(edge.size, level) / TILE_WIDTH - 1, hashes });
}
