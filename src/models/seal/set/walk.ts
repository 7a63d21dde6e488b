/**
 * The files of a folder that is to be sealed. All of them: what could not be sealed as it is (a link, a socket) is
 * refused by name, since a set that silently lacks a file is worse than none.
 *
 * @module
 */

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { sealError } from "../errors.ts";
import { isSafePath, MAX_FILES } from "./manifest.ts";

/** A file of the folder. */
export interface FoundFile {
  /** From the top of the folder, `/` between names. */
  readonly path: string;
  readonly size: number;
}

/** Folders within folders. */
const MAX_DEPTH = 64;

/**
 * All files below `root`, sorted by path.
 *
 * @throws `seal.source-kind` for what is neither a file nor a folder, or has a name that not every system can hold;
 *   `seal.source-empty`, `seal.set-limit`
 */
export async function listFiles(root: string): Promise<readonly FoundFile[]> {
  const files: FoundFile[] = [];
  await walk(root, "", 0, files);
  if (files.length === 0) throw sealError("seal.source-empty", { detail: root });
  return files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

async function walk(root: string, below: string, depth: number, files: FoundFile[]): Promise<void> {
  if (depth > MAX_DEPTH) throw sealError("seal.set-limit", { detail: `more than ${MAX_DEPTH} folders deep` });
  for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) await walk(root, path, depth + 1, files);
    else if (!entry.isFile()) throw sealError("seal.source-kind", { detail: path });
    else if (!isSafePath(path)) {
      throw sealError("seal.source-kind", { detail: path, hint: "rename it: not every system can hold this name" });
    } else files.push({ path, size: (await lstat(join(root, path))).size });
    if (files.length > MAX_FILES) throw sealError("seal.set-limit", { detail: `more than ${MAX_FILES} files` });
  }
}
