/**
 * The transactional outbox: how a change of state and its evidence stay together although they live in two stores.
 * The evidence is written in the transaction of the change it is about; later it is appended to the ledger and taken
 * out. A change is never without evidence, and evidence never without its change.
 *
 * The order is the order of commits. Delivery is at least once: a crash between the append and the removal appends the
 * same bytes, with the same id, again; a reader counts an id once.
 *
 * @module
 */

import type { Statement } from "../core/index.ts";
import { encodeStatement } from "../core/index.ts";
import type { Db } from "./db.ts";
import { storageError } from "./errors.ts";
import { sql } from "./sql.ts";

/** Entries read at a time: bounds the memory of a long queue. */
const BATCH = 64;
/** Bytes of a piece of evidence at most: what an entry of the ledger holds. One larger would hold up all behind it. */
const MOST_BYTES = 65_535;

/**
 * Puts evidence into the outbox. Call it inside the transaction that makes the change, with its `tx`.
 *
 * The predicate carries the id: a member `id`, text, unique for each piece of evidence (a UUIDv7).
 *
 * @throws `storage.evidence-without-id`, `storage.evidence-too-large`; `storage.unique-violated` for an id that is waiting already
 *
 * @example
 * ```ts
 * import { PredicateType, statement, uuidv7 } from "holdfast/core";
 * import { enqueueEvidence, sql } from "holdfast/storage";
 *
 * await db.transaction(async (tx) => {
 *   await tx.execute(sql`update keys set revoked_at = ${now} where id = ${key}`);
 *   await enqueueEvidence(tx, statement(subject, PredicateType.change, { id: uuidv7(), what: "key revoked" }));
 * });
 * ```
 */
export async function enqueueEvidence(tx: Db, statement: Statement): Promise<void> {
  const id = idOf(statement);
  const entry = encodeStatement(statement);
  if (entry.length > MOST_BYTES) throw storageError("storage.evidence-too-large", { detail: `${entry.length} bytes` });
  // The row lock of the sequence makes writers of evidence commit in the order of their positions.
  const [next] = await tx.query<{ value: number }>(
    sql`update storage_sequences set value = value + 1 where name = 'outbox' returning value`,
  );
  if (next === undefined) throw storageError("storage.corrupt", { detail: "the sequence of the outbox is missing" });
  await tx.execute(sql`insert into storage_outbox (position, id, entry) values (${next.value}, ${id}, ${entry})`);
}

/**
 * Appends everything that waits, oldest first, and returns how many. `append` must resolve only when the entry is
 * durable; `done` then gets the id and the index, may be called again with another index after a crash, and may use
 * `db`. When either throws, that entry and all after it stay and the error is passed on.
 *
 * Calls on one `db` run one after the other. Across processes, whoever holds the ledger's write lock drains.
 */
export function drainEvidence(
  db: Db,
  append: (entry: Uint8Array) => Promise<number>,
  done?: (id: string, index: number) => Promise<void>,
): Promise<number> {
  const before = draining.get(db) ?? Promise.resolve();
  const run = before.then(() => drain(db, append, done));
  draining.set(
    db,
    run.catch(() => undefined),
  );
  return run;
}

/** The last drain of each database; never rejects. */
const draining = new WeakMap<Db, Promise<unknown>>();

/** What is in the ledger and could not be taken out yet, by position: it must not be appended again and again. */
const appended = new WeakMap<Db, Map<number, number>>();

async function drain(
  db: Db,
  append: (entry: Uint8Array) => Promise<number>,
  done: ((id: string, index: number) => Promise<void>) | undefined,
): Promise<number> {
  let count = 0;
  const known = appended.get(db) ?? new Map<number, number>();
  appended.set(db, known);
  for (;;) {
    const waiting = await db.query<{ position: number; id: string; entry: Uint8Array }>(
      sql`select position, id, entry from storage_outbox order by position limit ${BATCH}`,
    );
    for (const { position, id, entry } of waiting) {
      const index = known.get(position) ?? (await append(entry));
      known.set(position, index);
      await done?.(id, index);
      await db.execute(sql`delete from storage_outbox where position = ${position}`);
      known.delete(position);
      count += 1;
    }
    if (waiting.length < BATCH) return count;
  }
}

function idOf(statement: Statement): string {
  const { predicate } = statement;
  const id = typeof predicate === "object" && predicate !== null ? (predicate as Record<string, unknown>)["id"] : "";
  if (typeof id !== "string" || id === "") throw storageError("storage.evidence-without-id");
  return id;
}
