/**
 * Outputs that are there whole and durable, or not at all: they are made under another name beside their own, flushed,
 * and renamed. What fails or is interrupted is removed again; what the machine's end leaves behind is a file or folder
 * named `.<name>.partial-<random>`, which may be deleted.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, open, rename, rm, writeFile, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { sealError } from "./errors.ts";

/**
 * Makes a file with `write`, and puts it at `path` once it is durable.
 *
 * @throws `seal.output-exists` where something is at `path`, and what `write` throws
 */
export async function makeFile<T>(path: string, mode: number, write: (file: FileHandle) => Promise<T>): Promise<T> {
  await refuseExisting(path);
  return await stage(path, mode, write, () => refuseExisting(path));
}

/** The same in place of whatever file is at `path`. */
export async function replaceFile(path: string, mode: number, bytes: Uint8Array): Promise<void> {
  await stage(path, mode, (file) => file.writeFile(bytes));
}

/**
 * Makes a folder with `fill`, which gets a folder that only this user can enter, and puts it at `path` once all is
 * durable. `fill` flushes the files that it writes.
 *
 * @throws `seal.output-exists` where something is at `path`, and what `fill` throws
 */
export async function makeFolder<T>(path: string, mode: number, fill: (folder: string) => Promise<T>): Promise<T> {
  await refuseExisting(path);
  const staged = stagedName(path);
  await mkdir(staged, { mode: 0o700 });
  try {
    const made = await fill(staged);
    await chmod(staged, mode);
    await syncFolder(staged);
    await refuseExisting(path);
    await rename(staged, path);
    await syncFolder(dirname(path));
    return made;
  } catch (error) {
    await rm(staged, { recursive: true, force: true });
    throw error;
  }
}

/** Writes a new file and flushes it. For files in a folder that {@link makeFolder} makes. */
export async function writeDurably(path: string, mode: number, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes, { mode, flag: "wx", flush: true });
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such call; NTFS journals its folders.
  if (process.platform === "win32") return;
  await using handle = await open(path);
  await handle.sync();
}

/** @throws `seal.output-exists` */
export async function refuseExisting(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  throw sealError("seal.output-exists", { detail: path });
}

async function stage<T>(
  path: string,
  mode: number,
  write: (file: FileHandle) => Promise<T>,
  before: () => Promise<void> = async () => {},
): Promise<T> {
  const staged = stagedName(path);
  try {
    const made = await fillStaged(staged, mode, write);
    await before();
    await rename(staged, path);
    await syncFolder(dirname(path));
    return made;
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
}

async function fillStaged<T>(path: string, mode: number, write: (file: FileHandle) => Promise<T>): Promise<T> {
  await using file = await open(path, "wx", mode);
  const made = await write(file);
  await file.sync();
  return made;
}

function stagedName(path: string): string {
  // Also of `.` and `folder/`.
  const whole = resolve(path);
  return join(dirname(whole), `.${basename(whole)}.partial-${randomBytes(6).toString("hex")}`);
}
