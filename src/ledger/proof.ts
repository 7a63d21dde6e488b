/**
 * Makes inclusion and consistency proofs from tiles: PATH and SUBPROOF of RFC 6962 section 2.1.
 *
 * @module
 */

import { completeRoot } from "./edge.ts";
import { largestPowerOfTwo, nodeHash } from "./merkle.ts";
import { TILE_WIDTH } from "./tile.ts";

/**
 * Hashes of a tile, as wide as a published checkpoint made it: for the tree of an earlier size, its first hashes are
 * the same. May be asked for the same tile several times.
 */
export type TileSource = (level: number, index: number) => Promise<Uint8Array[]>;

/** The proof that the leaf at `index` is in the tree of `size` leaves. `index < size`. */
export async function inclusionPath(index: number, size: number, tiles: TileSource): Promise<Uint8Array[]> {
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      path.push(await rangeRoot(middle, to, tiles));
      to = middle;
    } else {
      path.push(await rangeRoot(from, middle, tiles));
      from = middle;
    }
  }
  return path.toReversed();
}

/** The proof that the tree of `first` leaves is a prefix of the tree of `size` leaves. `0 <= first <= size`. */
export async function consistencyPath(first: number, size: number, tiles: TileSource): Promise<Uint8Array[]> {
  if (first === 0 || first === size) return [];
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  // Whether the part looked at still begins where the tree does: then its root is known to whoever knows the old tree.
  let whole = true;
  while (to !== first) {
    const middle = from + largestPowerBelow(to - from);
    if (first <= middle) {
      path.push(await rangeRoot(middle, to, tiles));
      to = middle;
    } else {
      path.push(await rangeRoot(from, middle, tiles));
      from = middle;
      whole = false;
    }
  }
  if (!whole) path.push(await rangeRoot(from, to, tiles));
  return path.toReversed();
}

/** Merkle tree hash of the leaves `from` to `to` (exclusive), where that range is a node of the tree. */
async function rangeRoot(from: number, to: number, tiles: TileSource): Promise<Uint8Array> {
  const leaves = to - from;
  const power = largestPowerOfTwo(leaves);
  if (power === leaves) return subtreeRoot(from, leaves, tiles);
  const left = await subtreeRoot(from, power, tiles);
  return nodeHash(left, await rangeRoot(from + power, to, tiles));
}

/** Root of the complete subtree over `leaves` (a power of two) leaves from `from` on: within one tile. */
async function subtreeRoot(from: number, leaves: number, tiles: TileSource): Promise<Uint8Array> {
  let level = 0;
  let unit = 1;
  for (; unit * TILE_WIDTH <= leaves; unit *= TILE_WIDTH) level += 1;
  const position = from / unit;
  const index = Math.floor(position / TILE_WIDTH);
  const hashes = await tiles(level, index);
  const at = position - index * TILE_WIDTH;
  return completeRoot(hashes.slice(at, at + leaves / unit));
}

/** The largest power of two that is smaller than `count`, for `count` above 1. */
function largestPowerBelow(count: number): number {
  const power = largestPowerOfTwo(count);
  return power === count ? power / 2 : power;
}
