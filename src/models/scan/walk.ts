/**
 * The files that a scan reads: what is named, and what folders hold, each file once.
 *
 * Links are followed, since caches of models consist of them; a folder or file that was met already is not met again. What
 * is not read is told.
 *
 * @module
 */

import type { BigIntStats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { scanError } from "./errors.ts";

interface WalkedFile {
  readonly path: string;
  readonly size: number;
  /** Changes with the file: its size, time, and place on the disk. */
  readonly state: string;
}

export interface Skipped {
  readonly path: string;
  readonly why: string;
  /** It may hold a model: without it the scan is not complete. */
  readonly incomplete: boolean;
}

export interface Walk {
  readonly files: readonly WalkedFile[];
  readonly skipped: readonly Skipped[];
}

/** The past of a folder, which no loader reads. */
const SKIPPED_FOLDERS: readonly string[] = [".git"];
const MAX_FILES = 5_000_000;

/**
 * Lists files in the order of their names.
 *
 * @throws `models.scan-missing` for a path that is not there, `models.scan-too-many`
 */
export async function walk(paths: readonly string[]): Promise<Walk> {
  const files: WalkedFile[] = [];
  const skipped: Skipped[] = [];
  const met = new Set<string>();

  const visit = async (path: string, named: boolean): Promise<void> => {
    let found: BigIntStats;
    try {
      found = await stat(path, { bigint: true });
    } catch (cause) {
      if (named) throw scanError("models.scan-missing", { detail: path, cause });
      skipped.push({ path, why: unreadable(cause), incomplete: true });
      return;
    }
    const place = `${found.dev}:${found.ino}`;
    // Some file systems have no inodes: there, a file is never taken for another one.
    if (found.ino !== 0n && met.has(place)) return;
    met.add(place);
    if (found.isDirectory()) {
      await visitFolder(path);
    } else if (found.isFile()) {
      if (files.length >= MAX_FILES) throw scanError("models.scan-too-many", { detail: `limit ${MAX_FILES}` });
      files.push({ path, size: Number(found.size), state: `${found.size}:${found.mtimeNs}:${found.ctimeNs}:${place}` });
    } else {
      skipped.push({ path, why: "not a regular file", incomplete: true });
    }
  };

  const visitFolder = async (folder: string): Promise<void> => {
    let names: readonly string[];
    try {
      names = (await readdir(folder)).toSorted();
    } catch (error) {
      skipped.push({ path: folder, why: unreadable(error), incomplete: true });
      return;
    }
    for (const name of names) {
      const path = join(folder, name);
      if (SKIPPED_FOLDERS.includes(name)) skipped.push({ path, why: `a folder ${name}`, incomplete: false });
      else await visit(path, false);
    }
  };

  for (const path of paths) await visit(path, true);
  return { files, skipped };
}

/** The system's code says enough; its message repeats the path. */
function unreadable(error: unknown): string {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return `unreadable (${typeof code === "string" ? code : "unknown error"})`;
}
