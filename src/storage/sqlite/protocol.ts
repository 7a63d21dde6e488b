/**
 * What the main thread and the thread of the database say to each other. Requests and replies travel in lists, so that
 * what is asked in one turn of the event loop costs one message.
 *
 * @module
 */

import type { StorageCode } from "../errors.ts";
import type { SqlValue } from "../sql.ts";

/** A rendered statement, and whether its rows or its count are wanted. */
export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly want: "rows" | "count";
}

/** `call` pairs a request with its reply; `tx` names a transaction. */
export type Request =
  | { readonly kind: "run"; readonly call: number; readonly statement: Statement }
  | { readonly kind: "begin"; readonly call: number; readonly tx: number }
  | { readonly kind: "run-in"; readonly call: number; readonly tx: number; readonly statement: Statement }
  | { readonly kind: "commit" | "rollback"; readonly call: number; readonly tx: number }
  | { readonly kind: "close"; readonly call: number };

export type Result = readonly object[] | number;

/** An error on its way between threads: the code and its detail. */
export interface Fault {
  readonly code: StorageCode;
  readonly detail?: string;
}

/** The reply to call 0, which nobody asked, says whether the file could be opened. */
export type Reply = { readonly call: number } & ({ readonly result: Result } | { readonly fault: Fault });
