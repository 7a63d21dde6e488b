/**
 * From PostgreSQL's SQLSTATE codes (Appendix A of its manual) and the errors of the connection to ours.
 *
 * @module
 */

import { isHoldfastError, type HoldfastError } from "../../core/index.ts";
import { storageError, type StorageCode } from "../errors.ts";

/** Whole codes first, then their classes (the first two characters). */
const BY_STATE: Readonly<Record<string, StorageCode>> = {
  "23505": "storage.unique-violated",
  "25006": "storage.unavailable", // read_only_sql_transaction: the server became a standby
  "25P03": "storage.transaction-over", // idle_in_transaction_session_timeout
  "40001": "storage.conflict", // serialization_failure
  "40P01": "storage.conflict", // deadlock_detected
  "53100": "storage.full", // disk_full
  "55P03": "storage.busy", // lock_not_available
  "57014": "storage.busy", // query_canceled: statement_timeout
  "08": "storage.unavailable", // connection exception
  "23": "storage.constraint-violated",
  "28": "storage.unavailable", // invalid authorization
  "3D": "storage.unavailable", // no such database
  "53": "storage.unavailable", // insufficient resources
  "57": "storage.unavailable", // operator intervention: shutdown, crash
  "58": "storage.unavailable", // system error
  XX: "storage.corrupt", // internal error, data corrupted
};

interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
}

/**
 * Makes our error of whatever `pg` threw. The server's message may quote a value, and its `detail` does; so only
 * names and the SQLSTATE are kept, and the message only in class 42, where it quotes the statement, which is ours.
 * The original is not the `cause` either: a log would print it.
 */
export function faultOf(error: unknown): HoldfastError {
  if (isHoldfastError(error)) return error;
  if (isServerError(error)) {
    const { code: state, table, column, constraint } = error;
    const code = BY_STATE[state] ?? BY_STATE[state.slice(0, 2)] ?? "storage.statement-refused";
    const where = constraint ?? ([table, column].filter(Boolean).join(".") || undefined);
    const what = state.startsWith("42") ? error.message : where;
    return storageError(code, { detail: what === undefined ? `SQLSTATE ${state}` : `${what} (SQLSTATE ${state})` });
  }
  return storageError("storage.unavailable", { detail: connectionDetail(error) });
}

/** True for an error that the server sent, after which the connection is in order unless it hung up. */
export function isServerError(error: unknown): error is ServerError {
  const code: unknown = error instanceof Error && "severity" in error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code);
}

/** True where no answer came in time: `pg` says so in words alone. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && SILENCE.some((saying) => error.message.includes(saying));
}

/** Passes an error on; where the connection was lost, it adds that a change may have taken effect all the same. */
export function outcomeUnknown(error: unknown): never {
  if (!isHoldfastError(error, "storage.unavailable")) throw error;
  throw storageError("storage.unavailable", { detail: `${error.detail}; whether the change took effect is not known` });
}

/** What is known of a lost connection without its URL: `ECONNREFUSED 127.0.0.1:5432`, or what `pg` says of it. */
function connectionDetail(error: unknown): string {
  const { code, address, port, message } = error as Partial<Record<"code" | "address" | "port" | "message", unknown>>;
  if (typeof code === "string") {
    const where = typeof address === "string" && typeof port === "number" ? ` ${address}:${port}` : "";
    return `${code}${where}`;
  }
  return SAYINGS.find((saying) => typeof message === "string" && message.includes(saying)) ?? "the connection failed";
}

const SILENCE = [
  "timeout exceeded when trying to connect",
  "Connection terminated due to connection timeout",
  "Query read timeout",
];

/** Messages of `pg` that are worth passing on; any other may hold what it was given. */
const SAYINGS = [
  ...SILENCE,
  "Connection terminated unexpectedly",
  "The server does not support SSL connections",
  "client password must be a string",
];
