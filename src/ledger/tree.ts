/**
 * The tree on disk: reads tiles and bundles of a size, and grows them.
 *
 * Growing writes what a checkpoint of the new size requires, before that checkpoint is signed. Partial tiles of
 * published checkpoints stay until the full tile is durable, then go (tlog-tiles, "Partial Tiles").
 *
 * @module
 */

import type { FolderWriter } from "./durable.ts";
import { loadEdge, pushLeaf, type Edge, type FullTile } from "./edge.ts";
import { ledgerError } from "./errors.ts";
import type { LedgerRecord } from "./journal.ts";
import { equalHashes, leafHash } from "./merkle.ts";
import {
  decodeBundle,
  decodeTile,
  levelWidth,
  TILE_WIDTH,
  tilePath,
  unframeEntry,
  type Level,
  type TileAddress,
} from "./tile.ts";

/** Reads a file by its path below the ledger's folder, with `/` between names; undefined where there is none. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/** What the writer keeps of the tree in memory. Changed in place by {@link growTree}. */
export interface Tree {
  readonly edge: Edge;
  /** The framed entries of the rightmost bundle while it is partial. */
  bundle: Uint8Array[];
}

/** Hashes of a tile; from the full tile where the partial one has made way for it. @throws `ledger.tile-missing` */
export async function readTile(read: ReadFile, level: number, index: number, width: number): Promise<Uint8Array[]> {
  const { bytes, path, found } = await readWidest(read, { level, index, width });
  return decodeTile(bytes, found, path).slice(0, width);
}

/** Framed entries of a bundle, as {@link readTile}. @throws `ledger.tile-missing`, `ledger.bundle-invalid` */
export async function readBundle(read: ReadFile, index: number, width: number): Promise<Uint8Array[]> {
  const { bytes, path, found } = await readWidest(read, { level: "entries", index, width });
  return decodeBundle(bytes, found, path).slice(0, width);
}

/**
 * Loads the right edge of the tree of `size` entries and checks the rightmost bundle against it.
 *
 * @throws `ledger.tile-missing`, `ledger.bundle-invalid`, `ledger.damaged`
 */
export async function loadTree(read: ReadFile, size: number): Promise<Tree> {
  const edge = await loadEdge(size, (level, index, width) => readTile(read, level, index, width));
  const width = size % TILE_WIDTH;
  const bundle = width === 0 ? [] : await readBundle(read, Math.floor(size / TILE_WIDTH), width);
  for (const [at, framed] of bundle.entries()) {
    const expected = edge.levels[0]?.[at];
    if (expected === undefined || !equalHashes(leafHash(unframeEntry(framed)), expected)) {
      throw ledgerError("ledger.damaged", { detail: `entry ${size - width + at} does not match its tile` });
    }
  }
  return { edge, bundle };
}

/**
 * Appends records to the tree and writes the tiles and bundles of its new size, durably. With `sweep`, partial files
 * are looked for under every tile that becomes full, not only under those that a checkpoint may have called for.
 */
export async function growTree(
  folder: FolderWriter,
  tree: Tree,
  records: readonly LedgerRecord[],
  sweep: boolean,
): Promise<void> {
  const { edge } = tree;
  const before = edge.size;
  const completed: TileAddress[] = [];
  const full: FullTile[] = [];
  for (const { framed, leaf } of records) {
    tree.bundle.push(framed);
    pushLeaf(edge, leaf, (tile) => full.push(tile));
    if (full.length === 0) continue;
    // A full tile of level 0 comes first among them, so the bundle is full as well.
    const bundle: TileAddress = { level: "entries", index: edge.size / TILE_WIDTH - 1, width: TILE_WIDTH };
    await folder.put(tilePath(bundle), Buffer.concat(tree.bundle));
    tree.bundle = [];
    completed.push(bundle);
    for (const { level, index, hashes } of full.splice(0)) {
      const address = { level, index, width: TILE_WIDTH };
      await folder.put(tilePath(address), Buffer.concat(hashes));
      completed.push(address);
    }
  }
  await writePartials(folder, tree, before);
  await folder.settle();

  for (const address of completed) {
    if (sweep || wasPartial(before, address)) await folder.remove(`${tilePath(address)}.p`);
  }
}

/** Writes the partial tiles of the new size that the tree did not have yet at its size `before`. */
async function writePartials(folder: FolderWriter, { edge, bundle }: Tree, before: number): Promise<void> {
  const put = async (level: Level, parts: readonly Uint8Array[]): Promise<void> => {
    const count = levelWidth(edge.size, level);
    if (parts.length === 0 || count === levelWidth(before, level)) return;
    const path = tilePath({ level, index: Math.floor(count / TILE_WIDTH), width: parts.length });
    await folder.put(path, Buffer.concat(parts));
  };
  await put("entries", bundle);
  for (const [level, hashes] of edge.levels.entries()) await put(level, hashes);
}

function wasPartial(size: number, { level, index }: TileAddress): boolean {
  return Math.floor(levelWidth(size, level) / TILE_WIDTH) === index && levelWidth(size, level) % TILE_WIDTH > 0;
}

async function readWidest(
  read: ReadFile,
  address: TileAddress,
): Promise<{ bytes: Uint8Array; path: string; found: number }> {
  for (const width of address.width === TILE_WIDTH ? [TILE_WIDTH] : [address.width, TILE_WIDTH]) {
    const path = tilePath({ ...address, width });
    const bytes = await read(path);
    if (bytes !== undefined) return { bytes, path, found: width };
  }
  throw ledgerError("ledger.tile-missing", { detail: tilePath(address) });
}
