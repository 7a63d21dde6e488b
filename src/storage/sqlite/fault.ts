/**
 * From SQLite's result codes (https://www.sqlite.org/rescode.html) to ours.
 *
 * @module
 */

import type { StorageCode } from "../errors.ts";
import type { Fault } from "./protocol.ts";

/** Primary result codes: the low eight bits of an extended code. */
const PRIMARY: Readonly<Record<number, StorageCode>> = {
  3: "storage.open-failed", // SQLITE_PERM
  5: "storage.busy", // SQLITE_BUSY
  6: "storage.busy", // SQLITE_LOCKED
  8: "storage.open-failed", // SQLITE_READONLY
  10: "storage.unavailable", // SQLITE_IOERR
  11: "storage.corrupt", // SQLITE_CORRUPT
  13: "storage.full", // SQLITE_FULL
  14: "storage.open-failed", // SQLITE_CANTOPEN
  19: "storage.constraint-violated", // SQLITE_CONSTRAINT
  26: "storage.foreign", // SQLITE_NOTADB
};

const CONSTRAINT = 19;
/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_ROWID. */
const UNIQUE = new Set([1555, 2067, 2579]);

/** True when another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && [5, 6].includes(code & 0xff);
}

/**
 * Makes a fault of whatever was thrown. Messages that SQLite makes while a statement runs may quote values, so only
 * those of a constraint (names of columns) and of `prepare` (our own text) are kept.
 */
export function faultOf(error: unknown, while_: "preparing" | "running"): Fault {
  const code = resultCode(error);
  if (code === undefined) return { code: "storage.statement-refused", detail: nameOf(error) };
  const message = (error as Error).message;
  if (UNIQUE.has(code)) return { code: "storage.unique-violated", detail: afterColon(message) };
  const primary = code & 0xff;
  const known = PRIMARY[primary];
  if (known === undefined && while_ === "preparing") return { code: "storage.statement-refused", detail: message };
  return {
    code: known ?? "storage.statement-refused",
    detail: primary === CONSTRAINT ? message : `SQLite result code ${code}`,
  };
}

/** The extended result code of an error of node:sqlite. */
function resultCode(error: unknown): number | undefined {
  const code = error instanceof Error ? (error as Error & { errcode?: unknown }).errcode : undefined;
  return typeof code === "number" ? code : undefined;
}

/** `UNIQUE constraint failed: apps.name` -> `apps.name`. */
function afterColon(message: string): string {
  return message.slice(message.indexOf(": ") + 2);
}

/** Node's own code (`ERR_INVALID_ARG_TYPE`), never its message: that quotes the value. */
function nameOf(error: unknown): string {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "an unexpected error";
}
