/**
 * Recomputes the whole tree of a checkpoint from its entries, in one pass with one bundle in memory, and compares every
 * file that a client of that checkpoint would fetch.
 *
 * An entry that does not hash to its leaf in the level 0 tile is named by its index. The pass goes on with the tile's
 * hash, so that one bad entry does not make every hash above it look bad as well.
 *
 * @module
 */

import { edgeRoot, emptyEdge, pushLeaf, type Edge, type FullTile } from "./edge.ts";
import type { ProblemList } from "./findings.ts";
import type { Journal } from "./journal.ts";
import { EMPTY_ROOT, equalHashes, HASH_BYTES, leafHash } from "./merkle.ts";
import { splitBundle, TILE_WIDTH, tilePath, tileWidth, unframeEntry } from "./tile.ts";
import type { ReadFile } from "./tree.ts";

export interface TreeCheck {
  readonly read: ReadFile;
  /** Size of the tree: the checkpoint's. */
  readonly size: number;
  /** The journal, whose records below `size` must be the entries of the tree. */
  readonly journal: Journal | undefined;
  readonly problems: ProblemList;
  readonly progress: (done: number, total: number) => void;
}

/** The edge of the tree as its files have it. */
export async function verifyTree(check: TreeCheck): Promise<Edge> {
  const { size, journal, problems, progress } = check;
  const edge = emptyEdge();
  const full: FullTile[] = [];
  checkJournalStart(edge, journal, problems);
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    for (const leaf of await leavesOf(check, index)) {
      checkJournalRecord(edge.size, leaf, journal, problems);
      pushLeaf(edge, leaf, (tile) => full.push(tile));
      checkJournalStart(edge, journal, problems);
    }
    for (const { level, index: at, hashes } of full.splice(0)) {
      if (level > 0) await compareTile(check, level, at, hashes);
    }
    progress(edge.size, size);
  }
  for (const [level, hashes] of edge.levels.entries()) {
    const at = Math.floor(size / TILE_WIDTH ** (level + 1));
    if (level > 0 && hashes.length > 0) await compareTile(check, level, at, hashes);
  }
  return edge;
}

/** The leaf hashes of a bundle, after comparing its entries with its tile. */
async function leavesOf({ read, size, problems }: TreeCheck, index: number): Promise<Uint8Array[]> {
  const width = tileWidth(size, "entries", index);
  const first = index * TILE_WIDTH;
  const [bundlePath, bundle] = await readMain(read, "entries", index, width);
  const [path, tile] = await readMain(read, 0, index, width);

  const { entries, problem } = splitBundle(bundle ?? new Uint8Array(), width);
  const computed = entries.map((framed) => leafHash(unframeEntry(framed)));
  const stored = hashesOf(tile ?? new Uint8Array());
  // A missing file is told in those words; in a bundle that breaks off, what comes first is named.
  const wrong = computed.findIndex((leaf, at) => stored[at] !== undefined && !equalHashes(leaf, stored[at]));
  if (bundle === undefined) problems.add({ index: first, file: bundlePath, what: "is missing" });
  else if (wrong !== -1) {
    problems.add({ index: first + wrong, file: bundlePath, what: `entry ${first + wrong} is not the one in ${path}` });
  } else if (problem !== undefined) problems.add({ index: first + entries.length, file: bundlePath, what: problem });

  if (tile === undefined) problems.add({ index: first, file: path, what: "is missing" });
  else if (tile.length !== width * HASH_BYTES) {
    const what = `has ${tile.length} bytes instead of ${width * HASH_BYTES}`;
    problems.add({ index: first + Math.min(width, stored.length), file: path, what });
  }
  return Array.from({ length: width }, (_, at) => stored[at] ?? computed[at] ?? EMPTY_ROOT);
}

/** Compares a tile above level 0 with the hashes computed from below it. */
async function compareTile(
  { read, size, problems }: TreeCheck,
  level: number,
  index: number,
  hashes: readonly Uint8Array[],
): Promise<void> {
  const [path, tile] = await readMain(read, level, index, hashes.length);
  if (tile !== undefined && Buffer.compare(tile, Buffer.concat(hashes)) === 0) return;
  const stored = hashesOf(tile ?? new Uint8Array());
  const at = hashes.findIndex((computed, place) => !(stored[place] && equalHashes(computed, stored[place])));
  const unit = TILE_WIDTH ** level;
  const from = (index * TILE_WIDTH + (at === -1 ? hashes.length : at)) * unit;
  const to = Math.min(size, from + unit);
  const what = tile === undefined ? "is missing" : `does not match entries ${from} to ${to - 1}`;
  // Where an entry below is known to be wrong, this follows from it.
  problems.add({ index: problems.named(from, to) ? null : Math.min(from, size), file: path, what });
}

function checkJournalStart(edge: Edge, journal: Journal | undefined, problems: ProblemList): void {
  if (journal === undefined || journal.header.first !== edge.size) return;
  if (equalHashes(journal.header.root, edgeRoot(edge))) return;
  problems.add({ index: null, file: ".state/journal", what: `begins with another tree of ${edge.size} entries` });
}

function checkJournalRecord(
  index: number,
  leaf: Uint8Array,
  journal: Journal | undefined,
  problems: ProblemList,
): void {
  const record = journal?.records[index - journal.header.first];
  if (record === undefined || equalHashes(record.leaf, leaf)) return;
  problems.add({ index, file: ".state/journal", what: `entry ${index} is not the one in the tree` });
}

/**
 * The file that a client of this size fetches, else the full one. A copy of a ledger that grew meanwhile may have only
 * that: then as much of it as belongs to this size.
 */
async function readMain(
  read: ReadFile,
  level: number | "entries",
  index: number,
  width: number,
): Promise<[path: string, bytes: Uint8Array | undefined]> {
  const path = tilePath({ level, index, width });
  const bytes = await read(path);
  if (bytes !== undefined || width === TILE_WIDTH) return [path, bytes];
  const wider = await read(tilePath({ level, index, width: TILE_WIDTH }));
  if (wider === undefined) return [path, undefined];
  if (level !== "entries") return [path, wider.subarray(0, width * HASH_BYTES)];
  const { entries } = splitBundle(wider, TILE_WIDTH);
  return [path, Buffer.concat(entries.slice(0, width))];
}

function hashesOf(tile: Uint8Array): Uint8Array[] {
  const count = Math.min(TILE_WIDTH, Math.floor(tile.length / HASH_BYTES));
  return Array.from({ length: count }, (_, at) => tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}
