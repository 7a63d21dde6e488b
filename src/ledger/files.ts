/**
 * The file system as the ledger's writer uses it: a thin port, one call for one step that can fail, so that tests make
 * each step fail, tear or lose power in turn.
 *
 * What the writer relies on, and nothing more: bytes given to {@link Files.append} and then acknowledged survive;
 * {@link Files.sync} makes a file's bytes survive; {@link Files.rename} replaces at once and survives after
 * {@link Files.syncFolder}; the lock ends with the process.
 *
 * @module
 */

import fs from "node:fs";
import { promisify } from "node:util";
import { takeLock } from "./lock.ts";

/** An open file. */
export type Handle = number;

export interface Files {
  /** All bytes of a file, or undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Permission bits of a file, or undefined where there is none or the system has none (Windows). */
  mode(path: string): Promise<number | undefined>;
  /** Names in a folder; none where there is no folder. */
  list(path: string): Promise<string[]>;
  /** Makes one folder; its parent exists. False where it was there already. */
  makeFolder(path: string): Promise<boolean>;
  /** Makes an empty file, or empties it. */
  create(path: string, mode: number): Promise<Handle>;
  write(handle: Handle, bytes: Uint8Array): Promise<void>;
  sync(handle: Handle): Promise<void>;
  /** As {@link Files.create}, for a file that is only written through {@link Files.append}. */
  createLog(path: string, mode: number): Promise<Handle>;
  /** Writes at the end of a {@link Files.createLog} file; resolves when the bytes are durable. */
  append(handle: Handle, bytes: Uint8Array): Promise<void>;
  close(handle: Handle): Promise<void>;
  /** Replaces `to` at once. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a folder with all that is in it. No error where there is none. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** Takes the writer's lock, or throws `ledger.locked` at once. The lock ends with the process, however it ends. */
  lock(path: string): Promise<() => void>;
}

/**
 * With O_DSYNC a write returns when it is durable: one trip through the thread pool instead of two, which halves what
 * a small batch costs the event loop. Only where the flag keeps that promise: elsewhere (macOS: F_FULLFSYNC) it takes
 * an explicit fdatasync.
 */
const DURABLE_WRITE = process.platform === "linux";
const CREATE = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_TRUNC;

const open = promisify(fs.open);
const writeSome = promisify(fs.write);
const fsync = promisify(fs.fsync);
const fdatasync = promisify(fs.fdatasync);
const closeFile = promisify(fs.close);

/** The real file system. */
export const diskFiles: Files = {
  read: (path) => orUndefined(fs.promises.readFile(path)),
  mode: async (path) => {
    if (process.platform === "win32") return undefined;
    const stat = await orUndefined(fs.promises.stat(path));
    return stat === undefined ? undefined : stat.mode & 0o777;
  },
  list: async (path) => (await orUndefined(fs.promises.readdir(path))) ?? [],
  makeFolder: async (path) => {
    try {
      await fs.promises.mkdir(path);
      return true;
    } catch (error) {
      // Some systems check other things first: whether the parent may be written to, for example.
      if (hasCode(error, "EEXIST") || fs.existsSync(path)) return false;
      throw error;
    }
  },
  create: (path, mode) => open(path, CREATE, mode),
  write: writeAll,
  sync: (handle) => fsync(handle),
  createLog: (path, mode) => open(path, DURABLE_WRITE ? CREATE | fs.constants.O_DSYNC : CREATE, mode),
  append: async (handle, bytes) => {
    await writeAll(handle, bytes);
    if (!DURABLE_WRITE) await fdatasync(handle);
  },
  close: (handle) => closeFile(handle),
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.rm(path, { recursive: true, force: true }),
  syncFolder: async (path) => {
    // Windows has no such call; NTFS journals its folders.
    if (process.platform === "win32") return;
    const handle = await open(path, fs.constants.O_RDONLY);
    try {
      await fsync(handle);
    } finally {
      await closeFile(handle);
    }
  },
  lock: async (path) => takeLock(path),
};

/** True for a system error with this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** A disk that fills up may take a part of the bytes without an error: the rest is tried until there is one. */
async function writeAll(handle: Handle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await writeSome(handle, bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

async function orUndefined<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
