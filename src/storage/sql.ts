/**
 * SQL as text with holes. The only way to make a statement is the `sql` tag, whose text stands in our source code and
 * whose values travel beside it as parameters: text from outside cannot become part of a statement.
 *
 * A `Sql` is recognised by identity, not by shape: an object from a request that merely looks like one is refused, and
 * so is everything that the two databases would store differently.
 *
 * @module
 */

import { storageError } from "./errors.ts";

/**
 * What can be bound. Times are milliseconds since the epoch, ids are text, JSON is text. A boolean is stored as 1 or 0
 * and comes back as that number.
 */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array;

/** A statement: `text` has one piece more than there are `values`. Made only by {@link sql}. */
export interface Sql {
  readonly text: readonly string[];
  readonly values: readonly SqlValue[];
}

/** Statements that this module made. Nothing is added from outside. */
const made = new WeakSet<object>();
const own = new WeakSet<object>();

/**
 * Makes a statement. Values become parameters; a nested statement is put in its place with its own parameters.
 *
 * @throws `storage.value-unsupported` for text with NUL or lone surrogates (PostgreSQL cannot hold them), NaN,
 *   infinities, integers beyond 2^53 given as a number, bigints beyond 64 bits, and every other type
 *
 * @example
 * ```ts
 * import { sql } from "holdfast/storage";
 *
 * const app = "default'; drop table keys; --";
 * const active = sql`revoked_at is null`;
 * sql`select id from keys where app = ${app} and ${active}`;
 * // PostgreSQL: select id from keys where app = $1 and revoked_at is null
 * ```
 */
export function sql(strings: TemplateStringsArray, ...values: readonly (SqlValue | Sql)[]): Sql {
  const text: string[] = [strings[0] ?? ""];
  const bound: SqlValue[] = [];
  for (const [index, value] of values.entries()) {
    const after = strings[index + 1] ?? "";
    if (isSql(value)) {
      // The nested text grows into the piece before it and the piece after it.
      text[text.length - 1] += value.text[0] ?? "";
      text.push(...value.text.slice(1));
      text[text.length - 1] += after;
      bound.push(...value.values);
    } else {
      bound.push(checked(value));
      text.push(after);
    }
  }
  return make(text, bound);
}

/** True for what {@link sql} made. */
export function isSql(value: unknown): value is Sql {
  return typeof value === "object" && value !== null && made.has(value);
}

/**
 * A statement from text of our own: a migration's. Not exported by the part, so that no caller can put foreign text
 * into a statement.
 */
export function ownText(text: string): Sql {
  const statement = make([text], []);
  own.add(statement);
  return statement;
}

/**
 * A statement that the `sql` tag made in another process of this product. Not exported by the part: only its own channel
 * between those processes carries statements.
 *
 * @throws `storage.value-unsupported`
 */
export function receivedSql({ text, values }: { text: readonly string[]; values: readonly SqlValue[] }): Sql {
  return make([...text], values.map(checked));
}

/** True for what {@link ownText} made: a step of a migration, which may take long. */
export function isOwnText(statement: Sql): boolean {
  return own.has(statement);
}

/** The text that a database prepares: `?1` for SQLite, `$1` for PostgreSQL. @throws `storage.sql-untagged` */
export function renderSql(statement: Sql, placeholder: "?" | "$"): string {
  if (!isSql(statement)) throw storageError("storage.sql-untagged");
  let text = statement.text[0] ?? "";
  for (let index = 1; index < statement.text.length; index++) text += placeholder + index + statement.text[index];
  return text;
}

function make(text: string[], values: SqlValue[]): Sql {
  const statement = Object.freeze({ text: Object.freeze(text), values: Object.freeze(values) });
  made.add(statement);
  return statement;
}

const INT64 = 1n << 63n;

/** Refuses what one of the databases could not hold, or would hold differently from the other. */
function checked(value: SqlValue): SqlValue {
  switch (typeof value) {
    case "string":
      if (value.includes("\0")) throw unsupported("text with a NUL character");
      if (!value.isWellFormed()) throw unsupported("text with a lone surrogate");
      return value;
    case "number":
      if (!Number.isFinite(value)) throw unsupported("a number that is not finite");
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        throw unsupported("an integer beyond 2^53 as a number: pass a bigint");
      }
      return value;
    case "bigint":
      if (value >= INT64 || value < -INT64) throw unsupported("a bigint beyond 64 bits");
      return value;
    case "boolean":
      return value;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      throw unsupported(`a value of type ${typeof value}`);
  }
}

function unsupported(detail: string): Error {
  return storageError("storage.value-unsupported", { detail });
}
