/**
 * Opening the file: what is refused, what is set, and in which order. A file that is not ours is refused before
 * anything is written to it.
 *
 * Sources: https://www.sqlite.org/pragma.html, https://www.sqlite.org/wal.html, and `lang_transaction.html`.
 *
 * @module
 */

import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storageError } from "../errors.ts";
import { isBusy } from "./fault.ts";

/** Marks the file as ours in its header (`PRAGMA application_id`): the ASCII letters «HfDB». */
const APPLICATION_ID = 0x48664442;
/** How long the two connections wait for a lock of another process before a statement fails, in milliseconds. */
export const BUSY_MS = 10_000;
/** Files up to this size are checked page by page when they are opened: about 50 ms for each 10 MiB. */
const CHECK_BYTES = 16 * 1024 * 1024;

/** The smallest page that SQLite knows, in bytes: every database is at least this long, or empty. */
const SMALLEST_PAGE = 512;

/** `writer` makes every change; `reader` sees what is committed and never waits for the writer (WAL). */
export interface Connections {
  readonly writer: DatabaseSync;
  readonly reader: DatabaseSync;
}

/** Opens `path`, making the file and its folder where there are none. @throws `HoldfastError`s and SQLite's errors */
export function openFile(path: string): Connections {
  prepareFile(path);
  const writer = new DatabaseSync(path, { readBigInts: true, timeout: BUSY_MS });
  try {
    // Views and triggers in a manipulated file must not call functions with side effects.
    writer.exec("pragma trusted_schema = off");
    claim(writer);
    enterWal(writer, path);
    // Durable before acknowledged: in WAL mode only FULL syncs the log at each commit. fullfsync matters on macOS.
    writer.exec("pragma synchronous = full; pragma fullfsync = on; pragma journal_size_limit = 67108864");
    if (statSync(path).size <= CHECK_BYTES) check(writer, path);
    const reader = new DatabaseSync(path, { readBigInts: true, timeout: BUSY_MS });
    reader.exec("pragma trusted_schema = off; pragma query_only = on");
    // From here on the worker waits for locks itself, in turns of its event loop.
    writer.exec("pragma busy_timeout = 0");
    return { writer, reader };
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** Makes the file with mode 0600, or sets that mode. SQLite gives its `-wal` and `-shm` files the same mode. */
function prepareFile(path: string): void {
  try {
    const known = statSync(path, { throwIfNoEntry: false });
    if (known === undefined) {
      const folder = dirname(path);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      closeSync(openSync(path, "a", 0o600));
      // The name of the new file must survive a power cut too.
      const descriptor = openSync(folder, "r");
      fsyncSync(descriptor);
      closeSync(descriptor);
    } else if (!known.isFile()) {
      throw storageError("storage.foreign", { detail: `${path} is not a regular file` });
    } else if (known.size > 0 && known.size < SMALLEST_PAGE) {
      // SQLite takes a file that is shorter than a page for an empty one, and would write over it.
      throw storageError("storage.foreign", { detail: path });
    } else if ((known.mode & 0o077) !== 0) {
      chmodSync(path, 0o600);
    }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === undefined || code.startsWith("storage.")) throw cause;
    throw storageError("storage.open-failed", { detail: `${path}: ${code}`, cause });
  }
}

/** Marks an empty database as ours. @throws `storage.foreign` for one that is somebody else's */
function claim(writer: DatabaseSync): void {
  if (isOurs(writer)) return;
  // Two processes may be first at once: the check is repeated under the write lock.
  writer.exec("begin immediate");
  try {
    if (!isOurs(writer)) writer.exec(`pragma application_id = ${APPLICATION_ID}`);
    writer.exec("commit");
  } catch (error) {
    writer.exec("rollback");
    throw error;
  }
}

function isOurs(writer: DatabaseSync): boolean {
  const id = number(writer, "pragma application_id");
  if (id === APPLICATION_ID) return true;
  if (id === 0 && number(writer, "select count(*) from sqlite_schema") === 0) return false;
  throw storageError("storage.foreign", { detail: "a SQLite database of another program" });
}

/** Changing the journal mode needs the file alone for a moment, and SQLite does not wait for that by itself. */
function enterWal(writer: DatabaseSync, path: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const deadline = performance.now() + BUSY_MS; ;) {
    try {
      const mode: unknown = writer.prepare("pragma journal_mode = wal").get()?.["journal_mode"];
      if (mode === "wal") return;
      throw storageError("storage.open-failed", { detail: `${path}: its file system cannot share memory (WAL)` });
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
      // This is the thread of the database: nothing else waits for it yet.
      Atomics.wait(pause, 0, 0, 5);
    }
  }
}

function check(writer: DatabaseSync, path: string): void {
  const verdict: unknown = writer.prepare("pragma quick_check(1)").get()?.["quick_check"];
  if (verdict !== "ok") throw storageError("storage.corrupt", { detail: path });
}

function number(connection: DatabaseSync, text: string): number {
  return Number(Object.values(connection.prepare(text).get() ?? {})[0]);
}
