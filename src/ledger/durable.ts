/**
 * Steps that leave a file either as it was or whole and durable, whatever moment the power fails: temporary file,
 * fsync, rename, fsync of the folder.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { hasCode, type Files } from "./files.ts";

/** Where the writer keeps what is not published: its lock, its journal, files on their way. */
const STATE_FOLDER = ".state";
export const LOCK_FILE = join(STATE_FOLDER, "lock");
export const JOURNAL_FILE = join(STATE_FOLDER, "journal");
/** In a folder that follows a log in a database: the signed checkpoint whose files are being written. */
export const NEXT_FILE = join(STATE_FOLDER, "next");
/** Beside it: entries that wait until the database takes them. */
export const SPOOL_FILE = join(STATE_FOLDER, "spool");
export const STAGING_FOLDER = join(STATE_FOLDER, "staging");

/**
 * Writes files of one ledger folder. Each {@link FolderWriter.put} makes the content durable and puts it in place;
 * {@link FolderWriter.settle} makes all the names durable, with one fsync for each folder touched since the last.
 */
export interface FolderWriter {
  /** Replaces the file at `path` (relative, `/` between names) with `bytes`. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Removes a file, or a folder with all that is in it. Needs no {@link FolderWriter.settle}: it may come back. */
  remove(path: string): Promise<void>;
  settle(): Promise<void>;
}

export function folderWriter(files: Files, folder: string): FolderWriter {
  const known = new Set<string>();
  const touched = new Set<string>();

  async function makeFolder(path: string): Promise<void> {
    if (path === "." || known.has(path)) return;
    await makeFolder(dirname(path));
    await files.makeFolder(join(folder, path));
    // Also one that was there: whoever made it may not have lived to make its name durable.
    touched.add(dirname(path));
    known.add(path);
  }

  return {
    put: async (path, bytes) => {
      const parent = dirname(path);
      await makeFolder(parent);
      const staged = join(folder, STAGING_FOLDER, path.replaceAll("/", "-"));
      await writeDurably(files, staged, bytes, 0o644);
      await files.rename(staged, join(folder, path));
      touched.add(parent);
    },
    remove: async (path) => {
      known.delete(path);
      await files.remove(join(folder, path));
    },
    settle: async () => {
      for (const path of touched) await files.syncFolder(join(folder, path));
      touched.clear();
    },
  };
}

/**
 * Makes a folder and those above it, durably. Also the names of those that were there are made durable: whoever made
 * them may not have lived to do it. Folders above that this user may not read were made by somebody else.
 */
export async function ensureFolder(files: Files, path: string): Promise<void> {
  const parent = dirname(path);
  if (parent === path) return;
  await ensureFolder(files, parent);
  await files.makeFolder(path);
  try {
    await files.syncFolder(parent);
  } catch (error) {
    if (!hasCode(error, "EACCES") && !hasCode(error, "EPERM")) throw error;
  }
}

/** Writes a small file in place of whatever is at `path`: a key, for example. */
export async function replaceFile(files: Files, path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const staged = `${path}.new`;
  await writeDurably(files, staged, bytes, mode);
  await files.rename(staged, path);
  await files.syncFolder(dirname(path));
}

async function writeDurably(files: Files, path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await files.create(path, mode);
  try {
    await files.write(handle, bytes);
    await files.sync(handle);
  } finally {
    await files.close(handle);
  }
}
