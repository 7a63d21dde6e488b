/**
 * The port to the state of Holdfast: one small interface, two native back ends. What a caller may rely on is what the
 * contract suite (`contract.ts`) checks on both.
 *
 * Rows come back with integers as `number` where that is exact and as `bigint` beyond 2^53, bytes as `Uint8Array`,
 * booleans as 1 or 0. Write column types both databases know: `text`, `bigint`, `double precision`, `bytea`. Quote an
 * alias that has capitals (`as "createdAt"`): PostgreSQL folds others to lower case.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { storageError } from "./errors.ts";
import type { Sql } from "./sql.ts";

export interface Db {
  readonly dialect: "sqlite" | "postgres";
  /** Runs one statement and gives its rows. */
  query<Row extends object>(statement: Sql): Promise<readonly Row[]>;
  /** Runs one statement and says how many rows it inserted, updated or deleted. Resolves when that is durable. */
  execute(statement: Sql): Promise<number>;
  /**
   * Runs `work` in one serialisable transaction: it takes effect as a whole, as if no other ran at the same time, and
   * not at all when `work` throws or any of its statements failed, even if `work` caught that.
   *
   * `work` uses only the `tx` it is given, awaits every statement, does nothing outside the database (on PostgreSQL it
   * runs again after a collision), and waits for nothing slow: ten idle seconds end the transaction.
   *
   * @throws `storage.transaction-nested`, `storage.transaction-over`, `storage.conflict` after many collisions
   */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>;
  /**
   * Of a server: whether it was found not to answer. Until it answers again, calls throw `storage.unavailable` at once.
   * Left out where there is no server that could be away.
   */
  readonly away?: () => boolean;
  /** Waits for what is under way. Later calls throw `storage.closed`. */
  close(): Promise<void>;
}

export interface DbOptions {
  /** `sqlite` (the file `state.db` in `home`), `sqlite:<path>`, or `postgres://user@host:port/database`. */
  readonly url: string;
  /** The data folder. */
  readonly home: string;
}

/**
 * Opens the state. The SQLite file is made (mode 0600) where there is none; nothing is migrated yet.
 *
 * @throws `storage.url-invalid`, `storage.open-failed`, `storage.foreign`, `storage.corrupt`, `storage.unavailable`,
 *   `storage.unsuitable`
 *
 * @example
 * ```ts
 * import { migrate, openDb, sql, storageModule } from "holdfast/storage";
 *
 * const db = await openDb({ url: "sqlite", home: ".holdfast" });
 * await migrate(db, [storageModule]);
 * await db.query<{ n: number }>(sql`select count(*) as n from storage_outbox`); // [{ n: 0 }]
 * await db.close();
 * ```
 */
export async function openDb(options: DbOptions): Promise<Db> {
  const { url, home } = options;
  // Loaded when it is used: a command that needs no database, or SQLite, starts without PostgreSQL's client.
  if (/^postgres(?:ql)?:\/\//.test(url)) {
    const { openPostgres } = await import("./postgres/open.ts");
    return openPostgres(url);
  }
  const { openSqlite } = await import("./sqlite/open.ts");
  if (url === "sqlite") return openSqlite(join(resolve(home), "state.db"));
  if (/^sqlite:./.test(url) && !url.includes("\0")) return openSqlite(resolve(url.slice("sqlite:".length)));
  throw storageError("storage.url-invalid");
}
