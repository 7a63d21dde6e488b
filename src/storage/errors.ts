/**
 * Error codes of `storage`. Details name files, tables, columns, hosts and SQLSTATE codes; never a bound value, never
 * a URL (it may hold a password).
 *
 * @module
 */

import type { ErrorTable } from "../core/index.ts";
import { defineErrors, Exit } from "../core/index.ts";

export const StorageErrors = {
  "storage.url-invalid": {
    what: "the URL of the database or of the counters is not understood",
    hint: "use sqlite, sqlite:<path> or postgres://… for storage, and memory or redis://… for counters",
    exit: Exit.usage,
  },
  "storage.open-failed": {
    what: "the database file cannot be opened",
    hint: "check that the folder exists, is writable by this user and has space",
  },
  "storage.output-exists": {
    what: "the output is there already",
    hint: "give another one, or move it away",
    exit: Exit.usage,
  },
  "storage.foreign": {
    what: "the file is not a database of Holdfast",
    hint: "point storage.url at another path: this file was left as it is",
  },
  "storage.corrupt": {
    what: "the database is damaged",
    hint: "stop Holdfast, keep a copy of the files for examination, and restore the last backup",
  },
  "storage.unsuitable": {
    what: "the database server cannot hold the state of Holdfast",
    hint: "use PostgreSQL 13 or newer with the encoding UTF8, writable, and synchronous_commit not off",
    exit: Exit.usage,
  },
  "storage.unavailable": {
    what: "the database cannot be reached",
    hint: "check that it runs and that storage.url, the user and the password are right",
    status: 503,
  },
  "storage.busy": {
    what: "the database did not answer within the time limit",
    hint: "look for another process that holds a transaction open, then try again",
    status: 503,
  },
  "storage.full": {
    what: "there is no space left for the database",
    hint: "free some space: nothing was changed",
    status: 503,
  },
  "storage.closed": {
    what: "the database or the counters were closed",
    hint: "open them again: this is a defect of the caller",
  },
  "storage.unique-violated": {
    what: "there is already a row with this key",
    hint: "use another name, or change the row that exists",
    status: 409,
  },
  "storage.constraint-violated": {
    what: "the change breaks a rule of the schema",
    hint: "check that what the row refers to exists and that nothing required is missing",
    status: 409,
  },
  "storage.conflict": {
    what: "the transaction kept colliding with others",
    hint: "try again: nothing was changed",
    status: 503,
  },
  "storage.statement-refused": {
    what: "the database refused a statement",
    hint: "this is a defect: report it with the output of `holdfast doctor`",
  },
  "storage.value-unsupported": {
    what: "a value cannot be stored",
    hint: "use well-formed text without NUL, finite numbers, bigints of 64 bits, booleans, null and bytes",
    status: 400,
  },
  "storage.sql-untagged": {
    what: "a statement was not made by the sql tag",
    hint: "write sql`…`: text from outside never becomes part of a statement",
  },
  "storage.transaction-nested": {
    what: "a transaction was opened, or its database used, inside that transaction",
    hint: "inside transaction() use only the Db that the work is given",
  },
  "storage.transaction-over": {
    what: "the transaction is over",
    hint: "await every statement inside the work, and do not wait for anything slow in it",
  },
  "storage.migration-invalid": {
    what: "the migrations of a module are not a list in order",
    hint: "number them 0001-name, 0002-name, each id once, and put new ones last",
  },
  "storage.migration-edited": {
    what: "a migration was changed after it had run",
    hint: "undo the change and put it into a new migration",
  },
  "storage.migration-unknown": {
    what: "the database was migrated by a newer version",
    hint: "run that version, or restore the backup from before the upgrade",
  },
  "storage.migration-failed": {
    what: "a migration failed and was undone",
    hint: "the database is as it was before: run the version that was running, and report this",
  },
  "storage.evidence-without-id": {
    what: "a statement of evidence has no id",
    hint: "give its predicate a member `id`, unique for each piece of evidence",
  },
  "storage.evidence-too-large": {
    what: "a statement of evidence is larger than an entry of the ledger",
    hint: "say less in its predicate: name long lists by a digest",
    status: 400,
  },
  "storage.limit-invalid": {
    what: "a limit or cost is not a number that can be counted with",
    hint: "use a positive rate and burst, and a cost, limit and time to live that are not negative",
  },
  "storage.counters-unavailable": {
    what: "the shared counters cannot be reached",
    hint: "check that the Redis or Valkey server runs and that counters.url is right",
    status: 503,
  },
} as const satisfies ErrorTable;

export type StorageCode = keyof typeof StorageErrors;

export const storageError = defineErrors(StorageErrors);
