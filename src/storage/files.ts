/**
 * Files and folders that are there whole and durable, or not at all: they are made under another name beside their own,
 * flushed, and put in place in one step; then their folder is flushed, since a name is durable once its folder is. What
 * fails or is interrupted is removed again; what the machine's end leaves behind is named `.<name>.partial-<random>`, and
 * may be deleted.
 *
 * The ledger takes these steps through a port of its own, so that tests fail each of them (`../ledger/durable.ts`), and
 * the guard, which may not import from here, once.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import fs, { type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { storageError } from "./errors.ts";

/**
 * Makes a file with `write`, and puts it at `path` once it is durable. Of two that make the same file, one fails.
 *
 * @throws `storage.output-exists` where something is at `path`, and what `write` throws
 */
export async function makeFile<T>(path: string, mode: number, write: (file: FileHandle) => Promise<T>): Promise<T> {
  await refuseExisting(path);
  return await staged(path, async (file) => {
    const made = await fill(file, mode, write);
    await putNew(file, path);
    return made;
  });
}

/** Puts a file with these bytes in place of whatever file is at `path`. */
export async function replaceFile(path: string, mode: number, bytes: Uint8Array | string): Promise<void> {
  await replaceFileWith(path, mode, (file) => file.writeFile(bytes));
}

/** Makes a file with `write`, and puts it in place of whatever file is at `path`. @throws what `write` throws */
export async function replaceFileWith<T>(
  path: string,
  mode: number,
  write: (file: FileHandle) => Promise<T>,
): Promise<T> {
  return await staged(path, async (file) => {
    const made = await fill(file, mode, write);
    await putInPlace(file, path);
    return made;
  });
}

/**
 * Makes a folder with `fillFolder`, which gets a folder that only this user can enter, and puts it at `path` once all is
 * durable. `fillFolder` flushes the files that it writes ({@link writeDurably}) and the folders that it makes
 * ({@link syncFolder}).
 *
 * @throws `storage.output-exists` where something is at `path`, and what `fillFolder` throws
 */
export async function makeFolder<T>(
  path: string,
  mode: number,
  fillFolder: (folder: string) => Promise<T>,
): Promise<T> {
  await refuseExisting(path);
  return await staged(path, async (folder) => {
    await fs.mkdir(folder, { mode: 0o700 });
    const made = await fillFolder(folder);
    await fs.chmod(folder, mode);
    await syncFolder(folder);
    await refuseExisting(path);
    await putInPlace(folder, path);
    return made;
  });
}

/** Writes a new file and flushes it. For files in a folder that {@link makeFolder} makes. */
export async function writeDurably(path: string, mode: number, bytes: Uint8Array | string): Promise<void> {
  await fs.writeFile(path, bytes, { mode, flag: "wx", flush: true });
}

/** Gives what is durable under another name on the same disk its own, in place of whatever file is there. */
export async function putInPlace(from: string, path: string): Promise<void> {
  await fs.rename(from, path);
  await syncFolder(dirname(path));
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such call; NTFS journals its folders.
  if (process.platform === "win32") return;
  await using handle = await fs.open(path);
  await handle.sync();
}

/** @throws `storage.output-exists` where something is at `path`, a link that leads nowhere too */
export async function refuseExisting(path: string): Promise<void> {
  try {
    await fs.lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  throw storageError("storage.output-exists", { detail: path });
}

/** Hands out a name beside `path`, and removes what is under it where `make` fails. */
async function staged<T>(path: string, make: (name: string) => Promise<T>): Promise<T> {
  // Also of `.` and `folder/`.
  const whole = resolve(path);
  const name = join(dirname(whole), `.${basename(whole)}.partial-${randomBytes(6).toString("hex")}`);
  try {
    return await make(name);
  } catch (error) {
    await fs.rm(name, { recursive: true, force: true });
    throw error;
  }
}

async function fill<T>(name: string, mode: number, write: (file: FileHandle) => Promise<T>): Promise<T> {
  await using file = await fs.open(name, "wx", mode);
  const made = await write(file);
  await file.sync();
  return made;
}

/** Unlike renaming, linking never replaces what is there. Not every file system has links (FAT, exFAT). */
async function putNew(from: string, path: string): Promise<void> {
  try {
    await fs.link(from, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw storageError("storage.output-exists", { detail: path });
    await refuseExisting(path);
    return await putInPlace(from, path);
  }
  await fs.rm(from);
  await syncFolder(dirname(path));
}
