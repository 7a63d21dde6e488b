/**
 * One writer: a lock that the kernel holds and drops with the process, so that a crash leaves nothing to clean up and
 * no process id is ever guessed at.
 *
 * Node has no call for file locks, but the SQLite inside it takes them soundly on Linux, macOS and Windows, also
 * between two connections of one process: an exclusive transaction on an empty database that nobody writes. POSIX
 * drops a process's locks on a file when that process closes the file anywhere, so nothing else here may open it. The
 * lock holds on one machine; a network file system is only as sound as its own locks.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { ledgerError } from "./errors.ts";

/** Takes the lock or throws `ledger.locked` at once. Returns what releases it. */
export function takeLock(path: string): () => void {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // In memory, so that no rollback journal appears beside the file.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if (isBusy(cause)) throw ledgerError("ledger.locked", { detail: path, cause });
    throw cause;
  }
  return () => database.close();
}

/** SQLITE_BUSY, the primary result code in the low byte (sqlite.org/rescode.html). */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && Number(error.errcode) % 256 === 5;
}
