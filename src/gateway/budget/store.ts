/**
 * What was last seen spent of each budget: this part's SQL.
 *
 * The counters have the truth while they live. These rows are for when they do not: a process that starts again, with
 * counters in its memory, and a Redis that lost its own. A row names the epoch (`storage`, quotas) that its amount was
 * seen in, since in that epoch the counter knows it already.
 *
 * @module
 */

import { sql, windowAt, type Db, type Window } from "../../storage/index.ts";

export interface Spend {
  readonly counter: string;
  readonly window: Window;
  /** Start of the window. */
  readonly start: number;
  readonly epoch: string;
  readonly spent: number;
}

/** What was last seen of a counter, if anything was. */
export async function findSpend(db: Db, counter: string): Promise<Spend | undefined> {
  const [row] = await db.query<SpendRow>(sql`${columns} where counter = ${counter}`);
  return row === undefined ? undefined : spendOf(row);
}

/** Whether anything was ever seen spent in a window that is not over. */
export async function hasSpend(db: Db): Promise<boolean> {
  return (await db.query(sql`select 1 as one from budget_spend limit 1`)).length > 0;
}

/** What was last seen of all counters of a budget, by their names. */
export async function listSpend(db: Db, budget: string): Promise<readonly Spend[]> {
  const rows = await db.query<SpendRow>(sql`${columns} where budget = ${budget} order by counter`);
  return rows.map(spendOf);
}

/** Notes what was seen. Of one epoch and window the highest amount stays, whoever notes it. */
export async function saveSpend(db: Db, all: readonly Spend[]): Promise<void> {
  const saved = all.map(({ counter, window, start, epoch, spent }) =>
    db.execute(sql`insert into budget_spend (counter, budget, kind, starts_at, epoch, spent)
      values (${counter}, ${budgetOf(counter)}, ${window}, ${start}, ${epoch}, ${spent})
      on conflict (counter) do update
        set kind = excluded.kind, starts_at = excluded.starts_at, epoch = excluded.epoch, spent = excluded.spent
        where excluded.starts_at > budget_spend.starts_at
          or (excluded.starts_at = budget_spend.starts_at
            and (excluded.epoch <> budget_spend.epoch or excluded.spent > budget_spend.spent))`),
  );
  await Promise.all(saved);
}

/** Forgets windows that are over. */
export async function forgetSpend(db: Db, now: number): Promise<void> {
  for (const kind of ["minute", "hour", "day", "month"] as const) {
    await db.execute(sql`delete from budget_spend where kind = ${kind} and starts_at < ${windowAt(kind, now).start}`);
  }
}

/** The budget that a counter belongs to: its name begins with it. */
function budgetOf(counter: string): string {
  return counter.slice(0, counter.indexOf("|"));
}

interface SpendRow {
  counter: string;
  kind: string;
  starts_at: number;
  epoch: string;
  spent: number;
}

const columns = sql`select counter, kind, starts_at, epoch, spent from budget_spend`;

function spendOf(row: SpendRow): Spend {
  return {
    counter: row.counter,
    window: row.kind as Window,
    start: row.starts_at,
    epoch: row.epoch,
    spent: row.spent,
  };
}
