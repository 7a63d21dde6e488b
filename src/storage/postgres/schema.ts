/**
 * What PostgreSQL needs before and after a migration that SQLite has by nature: a lock, a place, and byte order.
 *
 * @module
 */

import type { Db } from "../db.ts";
import { ownText, sql } from "../sql.ts";

/** Where all tables of Holdfast live, so that they meet no other program's in a shared database. */
export const SCHEMA = "holdfast";

/** Any number that every version of Holdfast agrees on: the ASCII letters «HfDB». */
const LOCK = 0x48664442;

/**
 * Makes the schema where it is missing. In a transaction of its own, before the one that migrates: that one must take
 * its snapshot after everything that this one waited for.
 */
export async function makeSchema(db: Db): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(sql`select pg_advisory_xact_lock(${LOCK}) is null`);
    const [known] = await tx.query<{ known: number }>(sql`select to_regnamespace(${SCHEMA}) is not null as known`);
    // `create schema if not exists` would ask for the right to create schemas even where there is one.
    if (known?.known !== 1) await tx.execute(ownText(`create schema ${SCHEMA}`));
    await tx.execute(ownText(`create table if not exists ${MIGRATIONS_TABLE}`));
  });
}

/** The table of what has run. In SQLite the same. */
export const MIGRATIONS_TABLE = `storage_migrations (
  module text not null,
  id text not null,
  digest text not null,
  applied_at bigint not null,
  primary key (module, id)
)`;

/**
 * Takes the lock that lets one migrate while others wait, until the end of the transaction. `lock table` takes no
 * snapshot (manual, LOCK): what the one before did is seen by those who waited.
 */
export async function lockMigrations(tx: Db): Promise<void> {
  // Building an index may take longer than an ordinary statement or wait may.
  await tx.execute(ownText("set local statement_timeout = 0"));
  await tx.execute(ownText("set local lock_timeout = '300s'"));
  await tx.execute(ownText("lock table storage_migrations in share row exclusive mode"));
}

/**
 * Gives columns of text that were made without a collation the order of bytes, which is SQLite's. It is also the only
 * order that an update of the system's locale data cannot change under an index.
 */
export async function pinCollation(tx: Db): Promise<void> {
  const columns = await tx.query<{ change: string }>(
    sql`select format('alter table %I.%I alter column %I type text collate "C"', n.nspname, c.relname, a.attname) as change
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${SCHEMA} and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
        and a.atttypid = 'text'::regtype and a.attcollation = 'pg_catalog."default"'::regcollation`,
  );
  for (const { change } of columns) await tx.execute(ownText(change));
}
