/**
 * Looks at every file below a ledger's folder: nothing may be there that the format does not know, and what is there
 * besides the files of the checkpoint (earlier partial tiles, files that a writer made for its next checkpoint) must say
 * the same as the tree.
 *
 * @module
 */

import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { join } from "node:path";
import { pushLeaf, type Edge } from "./edge.ts";
import type { ProblemList } from "./findings.ts";
import type { Journal } from "./journal.ts";
import { equalHashes, leafHash } from "./merkle.ts";
import {
  decodeBundle,
  decodeTile,
  levelWidth,
  parseTilePath,
  TILE_WIDTH,
  tilePath,
  tileWidth,
  unframeEntry,
  type TileAddress,
} from "./tile.ts";
import { readBundle, readTile, type ReadFile } from "./tree.ts";

export interface FolderCheck {
  readonly folder: string;
  readonly read: ReadFile;
  /** Size of the checkpoint's tree, whose own files are verified already. */
  readonly size: number;
  /** The edge of that tree; consumed. */
  readonly edge: Edge;
  readonly journal: Journal | undefined;
  readonly problems: ProblemList;
  /** How many entries checkpoint and journal cover by now: a live ledger grows while it is looked at. */
  readonly coveredNow: () => Promise<number>;
}

/** Names at the top of a ledger's folder. What is in `.state` is the writer's own; its journal is verified apart. */
const TOP = new Set(["checkpoint", "tile", ".state"]);

export async function verifyFolder(check: FolderCheck): Promise<void> {
  const ahead = leavesAhead(check);
  for await (const { name } of await opendir(check.folder)) {
    if (!TOP.has(name)) check.problems.add({ index: null, file: name, what: "is not part of a ledger" });
  }
  for await (const [path, entry] of walk(check.folder, "tile")) {
    const address = parseTilePath(path);
    if (address === undefined || !entry.isFile()) {
      check.problems.add({ index: null, file: path, what: "is not part of a ledger" });
      continue;
    }
    const available = tileWidth(check.size, address.level, address.index);
    if (address.width < available) await compareEarlier(check, path, address, available);
    else if (address.width > available) await compareAhead(check, path, address, ahead);
  }
}

/** A partial file of an earlier checkpoint: the beginning of the file that took its place. */
async function compareEarlier(check: FolderCheck, path: string, address: TileAddress, width: number): Promise<void> {
  const { read, problems } = check;
  const stored = await partsOf(read, path, address, check.problems);
  const current = await whole(read, address, width);
  // Where the current file is not whole, that was found before.
  if (stored === undefined || current === undefined) return;
  const at = stored.findIndex((part, place) => Buffer.compare(part, current[place] ?? Buffer.alloc(0)) !== 0);
  if (at === -1) return;
  const index = firstEntry(address, at);
  problems.add({ index, file: path, what: `does not match ${tilePath({ ...address, width })}` });
}

/** A file of a checkpoint to come: it must hold what the journal holds. */
async function compareAhead(
  check: FolderCheck,
  path: string,
  address: TileAddress,
  ahead: ReadonlyMap<string, readonly Uint8Array[]>,
): Promise<void> {
  const expected = ahead.get(`${address.level === "entries" ? 0 : address.level}/${address.index}`);
  if (expected === undefined || expected.length < address.width) {
    const covered = await check.coveredNow();
    if (tileWidth(covered, address.level, address.index) >= address.width) return;
    const index = address.level === 0 || address.level === "entries" ? check.size : null;
    check.problems.add({ index, file: path, what: "is covered neither by the checkpoint nor by the journal" });
    return;
  }
  const stored = await partsOf(check.read, path, address, check.problems);
  if (stored === undefined) return;
  const hashes = address.level === "entries" ? stored.map((framed) => leafHash(unframeEntry(framed))) : stored;
  const at = hashes.findIndex((part, place) => !equalHashes(part, expected[place] ?? Buffer.alloc(0)));
  if (at !== -1) check.problems.add({ index: firstEntry(address, at), file: path, what: "does not match the journal" });
}

/** The hashes of the tiles, by level and index, that the journal's records after the checkpoint add to. */
function leavesAhead({ size, edge, journal }: FolderCheck): ReadonlyMap<string, readonly Uint8Array[]> {
  const tiles = new Map<string, readonly Uint8Array[]>();
  const records = journal === undefined ? [] : journal.records.slice(Math.max(0, size - journal.header.first));
  for (const { leaf } of records) {
    pushLeaf(edge, leaf, ({ level, index, hashes }) => tiles.set(`${level}/${index}`, hashes));
  }
  for (const [level, hashes] of edge.levels.entries()) {
    tiles.set(`${level}/${Math.floor(levelWidth(edge.size, level) / TILE_WIDTH)}`, hashes);
  }
  return tiles;
}

/** The hashes or framed entries in a file; a problem and undefined where it is malformed. Gone is not malformed. */
async function partsOf(
  read: ReadFile,
  path: string,
  address: TileAddress,
  problems: ProblemList,
): Promise<Uint8Array[] | undefined> {
  const bytes = await read(path);
  if (bytes === undefined) return undefined;
  try {
    return address.level === "entries"
      ? decodeBundle(bytes, address.width, path)
      : decodeTile(bytes, address.width, path);
  } catch {
    const what = `does not hold ${address.width} ${address.level === "entries" ? "entries" : "hashes"}`;
    problems.add({ index: firstEntry(address, 0), file: path, what });
    return undefined;
  }
}

async function whole(read: ReadFile, { level, index }: TileAddress, width: number): Promise<Uint8Array[] | undefined> {
  try {
    return level === "entries" ? await readBundle(read, index, width) : await readTile(read, level, index, width);
  } catch {
    return undefined;
  }
}

/** Index of the first entry under the part at `place` of a tile or bundle. */
function firstEntry({ level, index }: TileAddress, place: number): number {
  return (index * TILE_WIDTH + place) * (level === "entries" ? 1 : TILE_WIDTH ** level);
}

/** Everything below a folder that is not a folder, streamed. */
async function* walk(folder: string, path: string): AsyncGenerator<[path: string, entry: Dirent]> {
  let directory;
  try {
    directory = await opendir(join(folder, path));
  } catch {
    // Gone since it was listed, or not there at all: what the checkpoint calls for was looked for by name.
    return;
  }
  for await (const entry of directory) {
    if (entry.isDirectory()) yield* walk(folder, `${path}/${entry.name}`);
    else yield [`${path}/${entry.name}`, entry];
  }
}
