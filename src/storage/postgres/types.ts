/**
 * Values to and from PostgreSQL in the types that the port promises. Everything travels in PostgreSQL's text format;
 * what has no entry here (JSON, dates) stays the text that the server wrote.
 *
 * Type ids: `src/include/catalog/pg_type.dat` of PostgreSQL; they never change.
 *
 * @module
 */

import type { SqlValue } from "../sql.ts";

/** Makes a value of the text of one type id. */
const READERS: Readonly<Record<number, (text: string) => SqlValue>> = {
  16: (text) => (text === "t" ? 1 : 0), // boolean, as SQLite gives it
  17: fromHex, // bytea
  20: toInteger, // bigint
  21: Number, // smallint
  23: Number, // integer
  26: Number, // oid
  700: Number, // real
  701: Number, // double precision
  1700: (text) => (/^-?\d+$/.test(text) ? toInteger(text) : Number(text)), // numeric: sum() of bigints
};

/** The `types` of a `pg` pool. `pg` also asks for readers of the binary format, which is never requested. */
export const typeReaders = {
  getTypeParser: (id: number) => READERS[id] ?? ((text: string) => text),
};

/** The parameter that `pg` sends for a value. A boolean is 1 or 0, which columns of numbers and of booleans take. */
export function toPostgres(value: SqlValue): string | number | bigint | null | Buffer {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value;
}

function toInteger(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** `bytea_output = hex`, the default since PostgreSQL 9.0: `\x` and two digits for each byte. */
function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), "hex"));
}
