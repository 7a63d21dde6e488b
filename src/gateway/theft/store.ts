/**
 * What is kept of watches: this part's SQL. Sketches are joined, never overwritten, so that replicas on one database come
 * to know what each of them saw, and a restart forgets nothing.
 *
 * @module
 */

import { sql, type Db } from "../../storage/index.ts";
import type { Remembered } from "./watch.ts";

/** What is kept of a watch for this period and the one before. */
export async function findWatch(db: Db, watch: string, period: number): Promise<readonly Remembered[]> {
  const rows = await db.query<WatchRow>(sql`select period, asked, covered from extraction_watches
    where watch = ${watch} and period >= ${period - 1}`);
  return rows.map(({ period: of, asked, covered }) => ({ period: of, asked, covered }));
}

/** Keeps what was seen. Resolves when it is durable. */
export async function saveWatch(db: Db, watch: string, seen: Remembered, expiresAt: number): Promise<void> {
  const { period, asked, covered } = seen;
  await db.execute(sql`insert into extraction_watches (watch, period, asked, covered, expires_at)
    values (${watch}, ${period}, ${asked}, ${covered}, ${expiresAt})
    on conflict (watch, period) do update
      set asked = excluded.asked, covered = excluded.covered, expires_at = excluded.expires_at`);
}

/** Forgets periods that no window reaches back to. */
export async function forgetWatches(db: Db, now: number): Promise<void> {
  await db.execute(sql`delete from extraction_watches where expires_at < ${now}`);
}

interface WatchRow {
  period: number;
  asked: Uint8Array;
  covered: Uint8Array;
}
