/**
 * One run: every contestant judges every row, as it is and under each evasion. What is kept of a row is a few numbers;
 * its text is let go before the next one is read.
 *
 * A row that a contestant fails on is counted as an error in its group and left out of the rates. It is never taken for
 * «not flagged».
 *
 * @module
 */

import { isHoldfastError } from "../../core/index.ts";
import type { Contestant, Judgement } from "./contestant.ts";
import { evalError } from "./errors.ts";
import { seededRandom, seedOf, type Random } from "./random.ts";
import type { Row } from "./rows.ts";
import type { Pairs } from "./statistics.ts";

/** A way to disguise a text without changing what a model makes of it. */
export interface Evasion {
  readonly name: string;
  apply(text: string, random: Random): string;
}

/** What one contestant said of the rows of one source, kind and label. */
export interface Cell {
  readonly source: string;
  readonly kind: string;
  readonly attack: boolean;
  readonly scores: number[];
  flagged: number;
  errors: number;
  /** By evasion. */
  readonly evaded: ReadonlyMap<string, EvadedCell>;
}

/** The rows of a cell under one evasion, next to what was said of them plain. */
export interface EvadedCell extends Mutable<Pairs> {
  errors: number;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Everything that one contestant said. */
export interface Tally {
  readonly contestant: Contestant;
  readonly cells: readonly Cell[];
  /** Milliseconds of each plain judgement. */
  readonly latencies: readonly number[];
  /** Why rows failed, and how many did for each reason: the first few reasons only. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** Kinds and sources together: more than this is a column that was taken for a name. */
const MAX_CELLS = 2_000;
/** Rows of a run. Each contestant keeps 16 bytes for each. */
const MAX_ROWS = 5_000_000;
/** Different reasons of errors that are told apart. */
const MAX_REASONS = 20;
/** What the contestants judge before anything counts: the first judgement loads what is loaded lazily. */
const WARM_UP = "The quick brown fox jumps over the lazy dog.";

/**
 * Runs all contestants over all rows.
 *
 * @throws `guard.eval-limit`, `guard.eval-set-empty`
 */
export async function evaluate(
  rows: AsyncIterable<Row> | Iterable<Row>,
  contestants: readonly Contestant[],
  options: {
    readonly evasions: readonly Evasion[];
    readonly seed: number;
    readonly progress: (rows: number) => void;
  },
): Promise<readonly Tally[]> {
  const running = contestants.map((contestant) => newTally(contestant));
  for (const { contestant } of running) await contestant.judge(WARM_UP, "user").catch(() => undefined);
  let count = 0;
  for await (const row of rows) {
    if (count >= MAX_ROWS) throw evalError("guard.eval-limit", { detail: `more than ${MAX_ROWS} rows` });
    const variants = options.evasions.map((evasion) => ({
      name: evasion.name,
      text: evasion.apply(row.text, seededRandom(seedOf(options.seed, evasion.name, count))),
    }));
    for (const tally of running) await judgeRow(tally, row, variants, options.evasions);
    count += 1;
    options.progress(count);
  }
  if (count === 0) throw evalError("guard.eval-set-empty");
  return running.map(({ contestant, cells, latencies, reasons }) => ({
    contestant,
    cells: [...cells.values()],
    latencies,
    reasons,
  }));
}

interface RunningTally {
  readonly contestant: Contestant;
  readonly cells: Map<string, Cell>;
  readonly latencies: number[];
  readonly reasons: Map<string, number>;
}

function newTally(contestant: Contestant): RunningTally {
  return { contestant, cells: new Map(), latencies: [], reasons: new Map() };
}

async function judgeRow(
  tally: RunningTally,
  row: Row,
  variants: readonly { readonly name: string; readonly text: string }[],
  evasions: readonly Evasion[],
): Promise<void> {
  const cell = cellOf(tally, row, evasions);
  const plain = await judge(tally, row.text, row);
  if (plain === undefined) {
    cell.errors += 1;
  } else {
    cell.scores.push(plain.score);
    if (plain.flagged) cell.flagged += 1;
    tally.latencies.push(plain.ms);
  }
  for (const { name, text } of variants) {
    const evaded = cell.evaded.get(name) as EvadedCell;
    const judged = plain === undefined ? undefined : await judge(tally, text, row);
    if (plain === undefined || judged === undefined) evaded.errors += 1;
    else if (plain.flagged) evaded[judged.flagged ? "both" : "lost"] += 1;
    else evaded[judged.flagged ? "gained" : "neither"] += 1;
  }
}

async function judge(tally: RunningTally, text: string, row: Row): Promise<Judgement | undefined> {
  try {
    return await tally.contestant.judge(text, row.origin);
  } catch (error) {
    // A message of foreign code may quote the text: of those, only the class of the error is told.
    const told = isHoldfastError(error)
      ? (error.detail ?? error.message)
      : error instanceof Error
        ? error.name
        : "other";
    const reason = tally.reasons.has(told) || tally.reasons.size < MAX_REASONS ? told : "other";
    tally.reasons.set(reason, (tally.reasons.get(reason) ?? 0) + 1);
    return undefined;
  }
}

function cellOf(tally: RunningTally, { source, kind, attack }: Row, evasions: readonly Evasion[]): Cell {
  const key = `${source}\n${kind}\n${String(attack)}`;
  const known = tally.cells.get(key);
  if (known !== undefined) return known;
  if (tally.cells.size >= MAX_CELLS) {
    throw evalError("guard.eval-limit", { detail: `more than ${MAX_CELLS} pairs of source and kind` });
  }
  const evaded = new Map(
    evasions.map(({ name }): [string, EvadedCell] => [name, { both: 0, lost: 0, gained: 0, neither: 0, errors: 0 }]),
  );
  const cell: Cell = { source, kind, attack, scores: [], flagged: 0, errors: 0, evaded };
  tally.cells.set(key, cell);
  return cell;
}
