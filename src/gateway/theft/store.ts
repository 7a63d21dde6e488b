/**
 * What is kept of watches: this part's SQL. Sketches are joined, never overwritten, so that replicas on one database come
 * to know what each of them saw, and a restart forgets nothing. Beside them stands how each watch was judged last, for
 * operators, and when one of them released it.
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson, PredicateType, statement, uuidv7, type Clock } from "../../core/index.ts";
import { enqueueEvidence, sql, type Db } from "../../storage/index.ts";
import { gatewayError } from "../errors.ts";
import { STAGES, type Kind, type Stage } from "./finding.ts";
import type { Alarm, Remembered } from "./watch.ts";

/** Whose queries to what are counted together. */
export interface WatchName {
  readonly kind: Kind;
  /** Of a predictive model. */
  readonly model: string;
  readonly scope: "app" | "key";
  /** A key's id, or an app. */
  readonly who: string;
}

/** A watch as it was judged last. */
export interface WatchState extends WatchName {
  /** The first digits of its name's digest: what a command calls it. */
  readonly id: string;
  readonly stage: Stage | undefined;
  /** Since when it is in this stage; times in milliseconds since the epoch. */
  readonly since: number;
  /** Different queries in the window, about. */
  readonly asked: number;
  readonly alarms: readonly Alarm[];
  readonly seenAt: number;
  readonly releasedAt: number | undefined;
}

/** The key of a watch. Its window is part of it: counts over another one begin anew. */
export function watchKey({ kind, model, scope, who }: WatchName, windowDays: number): string {
  return `${windowDays}d|${kind}|${model}|${scope}|${who}`;
}

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

/** Keeps how a watch was judged. */
export async function saveState(
  db: Db,
  watch: string,
  judged: { readonly stage: Stage | undefined; readonly asked: number; readonly alarms: readonly Alarm[] },
  now: number,
  expiresAt: number,
): Promise<void> {
  const { stage = null, asked, alarms } = judged;
  await db.execute(sql`insert into extraction_states (watch, stage, staged_at, asked, alarms, seen_at, expires_at)
    values (${watch}, ${stage}, ${now}, ${asked}, ${alarms.join(",")}, ${now}, ${expiresAt})
    on conflict (watch) do update
      set staged_at = case when coalesce(extraction_states.stage, '') = coalesce(excluded.stage, '')
            then extraction_states.staged_at else excluded.staged_at end,
        stage = excluded.stage, asked = excluded.asked, alarms = excluded.alarms,
        seen_at = excluded.seen_at, expires_at = excluded.expires_at`);
}

/** When a watch was released last; 0: never. */
export async function releasedAt(db: Db, watch: string): Promise<number> {
  const [row] = await db.query<{ released_at: number | null }>(sql`select released_at from extraction_states
    where watch = ${watch}`);
  return row?.released_at ?? 0;
}

/** The watches that were ever released, by their keys. */
export async function listReleased(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db.query<{ watch: string; released_at: number }>(sql`select watch, released_at
    from extraction_states where released_at is not null`);
  return new Map(rows.map(({ watch, released_at: at }) => [watch, at]));
}

/** How all watches were judged last, the hardest stage first. */
export async function listStates(db: Db): Promise<readonly WatchState[]> {
  const rows = await db.query<StateRow>(sql`select watch, stage, staged_at, asked, alarms, seen_at, released_at
    from extraction_states order by asked desc, watch`);
  const rank = ({ stage }: WatchState): number => (stage === undefined ? -1 : STAGES.indexOf(stage));
  return rows
    .flatMap((row) => {
      const name = nameOf(row.watch);
      return name === undefined ? [] : [stateOf(row, name)];
    })
    .toSorted((one, other) => rank(other) - rank(one));
}

/**
 * Releases a watch: what was seen so far does not count any more. Its evidence is in the same transaction; the gateways
 * learn of it within seconds.
 *
 * @throws `gateway.extraction-unknown`
 */
export async function releaseWatch(db: Db, id: string, clock: Clock): Promise<WatchState> {
  return await db.transaction(async (tx) => {
    const found = (await listStates(tx)).filter((state) => state.id === id);
    const [state] = found;
    if (state === undefined || found.length > 1) throw gatewayError("gateway.extraction-unknown");
    const now = clock.now();
    const keys = await tx.query<{ watch: string }>(sql`select watch from extraction_states`);
    const watch = keys.map((row) => row.watch).find((key) => idOf(key) === id) ?? "";
    await forgetWatch(tx, watch);
    await tx.execute(sql`update extraction_states
      set stage = null, staged_at = ${now}, asked = 0, alarms = '', released_at = ${now} where watch = ${watch}`);
    const { kind, model, scope, stage, who } = state;
    const what = { what: "extraction watch released", kind, scope, who, ...(model === "" ? {} : { model }) };
    const predicate = { id: uuidv7(), at: new Date(now).toISOString(), stage: stage ?? "none", ...what };
    const digest = { sha256: hash("sha256", canonicalJson(predicate)) };
    await enqueueEvidence(tx, statement([{ name: `extraction:${id}`, digest }], PredicateType.change, predicate));
    return state;
  });
}

/** Forgets what was seen by one watch. */
export async function forgetWatch(db: Db, watch: string): Promise<void> {
  await db.execute(sql`delete from extraction_watches where watch = ${watch}`);
}

/** Forgets periods that no window reaches back to. */
export async function forgetWatches(db: Db, now: number): Promise<void> {
  await db.execute(sql`delete from extraction_watches where expires_at < ${now}`);
  await db.execute(sql`delete from extraction_states where expires_at < ${now}`);
}

interface WatchRow {
  period: number;
  asked: Uint8Array;
  covered: Uint8Array;
}

interface StateRow {
  watch: string;
  stage: string | null;
  staged_at: number;
  asked: number;
  alarms: string;
  seen_at: number;
  released_at: number | null;
}

function stateOf(row: StateRow, name: WatchName): WatchState {
  return {
    ...name,
    id: idOf(row.watch),
    stage: STAGES.find((stage) => stage === row.stage),
    since: row.staged_at,
    asked: row.asked,
    alarms: row.alarms === "" ? [] : (row.alarms.split(",") as Alarm[]),
    seenAt: row.seen_at,
    releasedAt: row.released_at ?? undefined,
  };
}

/** Digits of an id: 48 bits. */
const ID_DIGITS = 12;

function idOf(watch: string): string {
  return hash("sha256", watch).slice(0, ID_DIGITS);
}

function nameOf(watch: string): WatchName | undefined {
  const [, kind, model, scope, who] = /^\d+d\|([a-z]+)\|(.*)\|(key|app)\|([^|]*)$/s.exec(watch) ?? [];
  if (kind === undefined || model === undefined || who === undefined) return undefined;
  return { kind: kind as Kind, model, scope: scope === "app" ? "app" : "key", who };
}
