/**
 * The shared log in PostgreSQL: this part's SQL behind the ledger's `SharedStore`.
 *
 * Indices are given out by one statement that moves the sequence and inserts the entries. It runs on its own, not in a
 * transaction of the port: those are serialisable, and replicas that meet at one row would roll each other back, where
 * statements wait for each other in turn.
 *
 * @module
 */

import { isHoldfastError } from "../../core/index.ts";
import { ledgerError, type LedgerRecord, type SharedHead, type SharedStore } from "../../ledger/index.ts";
import { sql, type Db, type Sql } from "../../storage/index.ts";

/** Errors of the database that pass: it is away, is busy, or has no room for now. */
const PASSING: ReadonlySet<string> = new Set([
  "storage.unavailable",
  "storage.busy",
  "storage.conflict",
  "storage.full",
  "storage.transaction-over",
]);
/** Entries of one statement while a log is taken over. */
const BATCH = 256;
/** Times that entries which are there already are looked up and the rest is sent again. */
const ATTEMPTS = 5;
/** The server's clock, in milliseconds: leases of several machines are measured by one clock. */
const NOW: Sql = sql`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

/** @throws each of its calls: `ledger.unavailable` where the database is away for now */
export function sharedStore(db: Db): SharedStore {
  return {
    head: () =>
      passing(async () => {
        const [row] = await db.query<SharedHead>(sql`select vkey, note, size from ledger_head, ledger_sequence`);
        return row;
      }),
    begin: (log) => passing(() => db.transaction((tx) => begin(tx, log))),
    append: (records) => passing(() => append(db, records)),
    read: (from, to) =>
      passing(async () => {
        const rows = await db.query<{ entry: Uint8Array }>(
          sql`select entry from ledger_entries where position >= ${from} and position < ${to} order by position`,
        );
        return rows.map(({ entry }) => entry);
      }),
    lead: (holder, ttlMs) =>
      passing(async () => {
        const [row] = await db.query<{ epoch: number }>(
          sql`update ledger_head set epoch = case when holder = ${holder} then epoch else epoch + 1 end,
              holder = ${holder}, expires_at = ${NOW} + ${ttlMs}
            where holder = ${holder} or expires_at <= ${NOW} returning epoch`,
        );
        return row?.epoch;
      }),
    publish: (epoch, from, to, note) =>
      passing(async () => {
        const moved = await db.execute(
          sql`update ledger_head set note = ${note}, published = ${to}
            where epoch = ${epoch} and published = ${from}`,
        );
        return moved === 1;
      }),
    leave: (holder) =>
      passing(async () => {
        await db.execute(sql`update ledger_head set holder = '', expires_at = 0 where holder = ${holder}`);
      }),
  };
}

async function begin(tx: Db, { vkey, note, published, entries }: Parameters<SharedStore["begin"]>[0]): Promise<void> {
  const made = await tx.execute(
    sql`insert into ledger_head (id, vkey, note, published, epoch, holder, expires_at)
      values (1, ${vkey}, ${note}, ${published}, 0, '', 0) on conflict do nothing`,
  );
  if (made === 0) return;
  let size = 0;
  let batch: Uint8Array[] = [];
  // Without leaf hashes: a ledger of one machine may hold an entry twice, and says so.
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const start = size - batch.length;
    const rows = batch.map((entry, at) => sql`(${start + at}, ${entry})`);
    await tx.execute(sql`insert into ledger_entries (position, entry) values ${list(rows)}`);
    batch = [];
  };
  for await (const entry of entries) {
    size = size + 1;
    if (batch.push(entry) === BATCH) await flush();
  }
  await flush();
  await tx.execute(sql`insert into ledger_sequence (id, size) values (1, ${size})`);
}

async function append(db: Db, records: readonly LedgerRecord[]): Promise<readonly number[]> {
  const indices = new Map<LedgerRecord, number>();
  for (let attempt = 1; ; attempt++) {
    const rest = records.filter((record) => !indices.has(record));
    if (rest.length === 0) return records.map((record) => indices.get(record) as number);
    try {
      const first = await insert(db, rest);
      for (const [at, record] of rest.entries()) indices.set(record, first + at);
    } catch (error) {
      if (!isHoldfastError(error, "storage.unique-violated") || attempt === ATTEMPTS) throw error;
      // An earlier attempt took effect after all, or another replica has sent the same.
      const known = await find(db, rest);
      for (const record of rest) {
        const index = known.get(Buffer.from(record.leaf).toString("hex"));
        if (index !== undefined) indices.set(record, index);
      }
    }
  }
}

/** The index of the first: the others follow it. */
async function insert(db: Db, records: readonly LedgerRecord[]): Promise<number> {
  const count = records.length;
  const rows = records.map(
    ({ leaf, framed }, at) => sql`(${at}::bigint, ${leaf}::bytea, ${framed.subarray(2)}::bytea)`,
  );
  const inserted = await db.query<{ position: number }>(
    sql`with next as (update ledger_sequence set size = size + ${count} returning size - ${count} as start)
      insert into ledger_entries (position, leaf, entry)
      select next.start + given.at, given.leaf, given.entry from next, (values ${list(rows)}) as given (at, leaf, entry)
      returning position`,
  );
  if (inserted.length !== count) throw ledgerError("ledger.unavailable", { detail: "its sequence is not there" });
  return Math.min(...inserted.map(({ position }) => position));
}

async function find(db: Db, records: readonly LedgerRecord[]): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query<{ leaf: Uint8Array; position: number }>(
    sql`select leaf, position from ledger_entries where leaf in (${list(records.map(({ leaf }) => sql`${leaf}`))})`,
  );
  return new Map(rows.map(({ leaf, position }) => [Buffer.from(leaf).toString("hex"), position]));
}

/** Joined by commas; at least one. By halves: each nesting copies what is nested. */
function list(parts: readonly Sql[]): Sql {
  if (parts.length === 1) return parts[0] as Sql;
  const half = parts.length >> 1;
  return sql`${list(parts.slice(0, half))}, ${list(parts.slice(half))}`;
}

async function passing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isHoldfastError(error) && PASSING.has(error.code)) {
      throw ledgerError("ledger.unavailable", { detail: error.message, cause: error });
    }
    throw error;
  }
}
