/**
 * What is kept of each budget: this part's SQL.
 *
 * The counters have the truth while they live. These rows are for when they do not. `budget_spend` is what was last seen
 * spent: for a process that starts again with counters in its memory, and to be shown. A row names the epoch (`storage`,
 * quotas) that its amount was seen in, since in that epoch the counter knows it already. `budget_marks` is for a Redis that
 * lost its memory (`marks.ts`): what may be booked at most, and what of that was booked before the present epoch.
 *
 * @module
 */

import { sql, windowAt, type Db, type Window } from "../../storage/index.ts";

/** A counter in one window and one epoch. */
export interface Period {
  readonly counter: string;
  readonly window: Window;
  /** Start of the window. */
  readonly start: number;
  readonly epoch: string;
}

export interface Spend extends Period {
  readonly spent: number;
}

/** Whether anything was ever booked in a window that is not over. */
export async function hasSpend(db: Db): Promise<boolean> {
  const any = sql`select 1 as one from budget_spend union all select 1 as one from budget_marks limit 1`;
  return (await db.query(any)).length > 0;
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

interface Mark {
  /** Booked before the epoch, at most. */
  readonly base: number;
  /** Booked at most, that included. */
  readonly mark: number;
}

/**
 * The mark of a period; who asks first begins it. All that may have been booked in an earlier epoch is the base of a new one:
 * the mark then, or what was seen spent with counters that had none. Undefined where a later window has begun.
 */
export async function enterPeriod(db: Db, { counter, window, start, epoch }: Period): Promise<Mark | undefined> {
  const spent = sql`coalesce((select spent from budget_spend where counter = ${counter} and starts_at = ${start}), 0)`;
  const isSame = sql`budget_marks.epoch = excluded.epoch and budget_marks.starts_at = excluded.starts_at`;
  const before = sql`case when budget_marks.starts_at < excluded.starts_at or budget_marks.mark < excluded.mark
    then excluded.mark else budget_marks.mark end`;
  const [row] = await db.query<Mark>(sql`insert into budget_marks (counter, kind, starts_at, epoch, base, mark)
    values (${counter}, ${window}, ${start}, ${epoch}, ${spent}, ${spent})
    on conflict (counter) do update set
      kind = excluded.kind, starts_at = excluded.starts_at, epoch = excluded.epoch,
      base = case when ${isSame} then budget_marks.base else ${before} end,
      mark = case when ${isSame} then budget_marks.mark else ${before} end
      where budget_marks.starts_at <= excluded.starts_at
    returning base, mark`);
  return row;
}

/** Raises the mark of a period, and says what it is then. Undefined where another epoch or window has begun. */
export async function raiseMark(db: Db, { counter, start, epoch }: Period, to: number): Promise<number | undefined> {
  const [row] = await db.query<{ mark: number }>(sql`update budget_marks
    set mark = case when mark < ${to} then ${to} else mark end
    where counter = ${counter} and starts_at = ${start} and epoch = ${epoch} returning mark`);
  return row?.mark;
}

/** For so long windows are kept that are over: the clock of who forgets them may be ahead. */
const KEEP_MS = 3_600_000;

/** Forgets windows that are over. */
export async function forgetSpend(db: Db, now: number): Promise<void> {
  for (const kind of ["minute", "hour", "day", "month"] as const) {
    const { start } = windowAt(kind, now - KEEP_MS);
    await db.execute(sql`delete from budget_spend where kind = ${kind} and starts_at < ${start}`);
    await db.execute(sql`delete from budget_marks where kind = ${kind} and starts_at < ${start}`);
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
