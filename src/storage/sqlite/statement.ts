/**
 * Running one statement on one connection, with values and rows in the types that the port promises.
 *
 * @module
 */

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { HoldfastError } from "../../core/index.ts";
import type { SqlValue } from "../sql.ts";
import { faultOf } from "./fault.ts";
import type { Fault, Result, Statement } from "./protocol.ts";

/** Prepared statements kept for each connection. Ours are a few dozen; the bound is for those built from parts. */
const PREPARED = 256;

/** What {@link runner} makes: runs a statement, or throws a {@link Failure}. */
export type Run = (statement: Statement) => Result;

/** Carries a fault from where it is known to where the reply is made. */
export class Failure extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.code);
    this.fault = fault;
  }
}

/** The fault of anything thrown on this thread. */
export function failureOf(error: unknown): Fault {
  if (error instanceof Failure) return error.fault;
  if (error instanceof HoldfastError) {
    const { code, detail } = error as HoldfastError<Fault["code"]>;
    return detail === undefined ? { code } : { code, detail };
  }
  return faultOf(error, "running");
}

/** A function that runs statements on `connection`, and keeps them prepared. */
export function runner(connection: DatabaseSync): Run {
  const prepared = new Map<string, StatementSync>();

  const prepare = (text: string): StatementSync => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = prepareOne(connection, text);
      if (prepared.size >= PREPARED) prepared.delete(prepared.keys().next().value as string);
    } else {
      prepared.delete(text);
    }
    // Put last again: the first of the map is the one that was not used for longest.
    prepared.set(text, statement);
    return statement;
  };

  return ({ text, values, want }) => {
    const statement = prepare(text);
    const bound = values.map(toSqlite);
    try {
      if (want === "rows") return statement.all(...bound).map(toRow);
      const { changes } = statement.run(...bound);
      // After a statement that changes the schema, SQLite reports the count of the change before it.
      return CHANGES_ROWS.test(text) ? Number(changes) : 0;
    } catch (error) {
      throw new Failure(faultOf(error, "running"));
    }
  };
}

const CHANGES_ROWS = /^\s*(?:insert|update|delete|with)\b/i;

/** Compiles exactly one statement. SQLite would leave out a second one without a word. */
function prepareOne(connection: DatabaseSync, text: string): StatementSync {
  let statement: StatementSync;
  try {
    statement = connection.prepare(text);
  } catch (error) {
    throw new Failure(faultOf(error, "preparing"));
  }
  if (text.slice(statement.sourceSQL.length).trim() !== "") {
    throw new Failure({ code: "storage.statement-refused", detail: "more than one statement" });
  }
  return statement;
}

/** Whole numbers are bound as integers: as the floating-point number that node:sqlite makes of them, 5 prints as 5.0. */
function toSqlite(value: SqlValue): SQLInputValue {
  if (typeof value === "boolean") return value ? 1n : 0n;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

function toRow(row: Record<string, SQLOutputValue>): object {
  for (const name of Object.keys(row)) {
    const value = row[name];
    if (typeof value === "bigint" && value >= MIN_SAFE && value <= MAX_SAFE)
      row[name] = Number(value) as SQLOutputValue;
  }
  return row;
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const MIN_SAFE = -MAX_SAFE;
