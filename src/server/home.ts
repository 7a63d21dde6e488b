/**
 * The data folder, and the lock that keeps two servers from using one.
 *
 *     <home>/state.db     state (where storage is SQLite)
 *     <home>/ledger/      the ledger, public as it is
 *     <home>/keys/        private keys and the admin token: mode 0700, files 0600
 *     <home>/up.lock      held by the running server
 *     <home>/up.json      where its admin API listens
 *
 * The lock is SQLite's own file lock: the kernel holds it for the process, so that it is gone the moment the process is,
 * however it ended, on every system that Node runs on. A file with a process id in it would outlive a kill -9.
 *
 * @module
 */

import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { serverError } from "./errors.ts";

/** Makes the data folder and its folder of keys, readable by this user alone. @throws `server.data-unusable` */
export function makeHome(home: string): void {
  try {
    mkdirSync(join(home, "keys"), { recursive: true, mode: 0o700 });
    if (!statSync(home).isDirectory()) throw serverError("server.data-unusable", { detail: home });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw serverError("server.data-unusable", { detail: `${home} (${code})`, cause });
  }
}

/** Where a private file of the data folder is. */
export function keyFile(home: string, name: string): string {
  return join(home, "keys", name);
}

export interface HomeLock {
  release(): void;
}

/**
 * Takes the lock of a data folder.
 *
 * @throws `server.already-running` at once when another process holds it, `server.data-unusable` when it cannot be made
 */
export function lockHome(home: string): HomeLock {
  const file = join(home, "up.lock");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec("begin exclusive");
  } catch (cause) {
    database?.close();
    // SQLITE_BUSY.
    if ((cause as { errcode?: unknown }).errcode === 5) throw serverError("server.already-running", { detail: home });
    throw serverError("server.data-unusable", { detail: file, cause });
  }
  const held = database;
  locks.add(held);
  return {
    release: () => {
      locks.delete(held);
      held.close();
    },
  };
}

/** Held here as well as by whoever asked: a connection that is garbage collected lets go of its lock. */
const locks = new Set<DatabaseSync>();

/** Whether a server runs on this data folder now. */
export function isHomeLocked(home: string): boolean {
  if (!existsSync(join(home, "up.lock"))) return false;
  try {
    lockHome(home).release();
    return false;
  } catch {
    return true;
  }
}
