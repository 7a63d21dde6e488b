/**
 * The report of a run: for all rows, each source and each kind the rates, the area and the detection rate at 1 % false
 * alarms, what each evasion leaves of the detection rate, and latencies. Every figure has an interval of 95 %: Wilson's
 * for rates, bootstrap for what has no formula (classes drawn apart), order statistics for quantiles.
 *
 * A group that has attacks but no benign rows of its own is ranked against the benign rows of the whole run, and says
 * so. A group without attacks has a false-alarm rate only.
 *
 * @module
 */

import { seededRandom, seedOf, type Random } from "./random.ts";
import type { Cell, EvadedCell, Tally } from "./run.ts";
import { bootstrapRanks, kept, quantile, rank, wilson, type Estimate, type Pairs } from "./statistics.ts";

/** Figures that do not exist (a rate of no rows) are left out. */
export interface GroupReport {
  readonly by: "all" | "source" | "kind";
  readonly name: string;
  readonly attacks: number;
  readonly benign: number;
  /** Rows that were not judged; they are in none of the figures. */
  readonly errors: number;
  readonly tpr?: Estimate;
  readonly fpr?: Estimate;
  readonly auc?: Estimate;
  readonly tprAtOnePercentFpr?: Estimate;
  /** `run`: `auc` and `tprAtOnePercentFpr` are against the benign rows of the whole run. */
  readonly against?: "group" | "run";
}

export interface EvasionReport {
  readonly evasion: string;
  readonly by: "all" | "source" | "kind";
  readonly name: string;
  readonly attacks: number;
  readonly errors: number;
  /** Detection rates over the same attacks. */
  readonly plain?: Estimate;
  readonly evaded?: Estimate;
  /** The second as a share of the first. */
  readonly kept?: Estimate;
  /** False alarms on benign rows that were changed in the same way. */
  readonly fpr?: Estimate;
}

export interface ContestantReport {
  readonly name: string;
  readonly version: string;
  /** `null`: the detector's own. */
  readonly threshold: number | null;
  readonly groups: readonly GroupReport[];
  readonly evasions: readonly EvasionReport[];
  /** Milliseconds. */
  readonly latency: { readonly p50?: Estimate; readonly p95?: Estimate; readonly p99?: Estimate };
  readonly errors: number;
  /** Why rows were not judged, and how many each. */
  readonly reasons: Readonly<Record<string, number>>;
}

const MAX_FPR = 0.01;
const ROUNDS = 1_000;

/** What a tally says, with intervals that follow from the seed. */
export function reportOf({ contestant, cells, latencies, reasons }: Tally, seed: number): ContestantReport {
  const groups = groupsOf(cells);
  const benignOfAll = scoresOf(cells, false);
  const evasions = [...(cells[0]?.evaded.keys() ?? [])];
  const evasionErrors = sum(cells, ({ evaded, errors }) => sum([...evaded.values()], (cell) => cell.errors - errors));
  const latency = {
    ...defined("p50", quantile(latencies, 0.5)),
    ...defined("p95", quantile(latencies, 0.95)),
    ...defined("p99", quantile(latencies, 0.99)),
  };
  return {
    name: contestant.name,
    version: contestant.version,
    threshold: contestant.threshold ?? null,
    groups: groups.map((group) => groupReport(group, benignOfAll, randomOf(seed, group))),
    evasions: evasions.flatMap((evasion) =>
      groups
        .filter((group) => group.cells.some(({ attack }) => attack))
        .map((group) => evasionReport(evasion, group, randomOf(seed, group, evasion))),
    ),
    latency,
    errors: sum(cells, ({ errors }) => errors) + evasionErrors,
    reasons: Object.fromEntries(reasons),
  };
}

interface Group {
  readonly by: GroupReport["by"];
  readonly name: string;
  readonly cells: readonly Cell[];
}

/** All rows, then sources, then kinds, by name. */
function groupsOf(cells: readonly Cell[]): readonly Group[] {
  const by = (field: "source" | "kind"): Group[] =>
    [...new Set(cells.map((cell) => cell[field]))]
      .toSorted((one, other) => (one < other ? -1 : 1))
      .map((name) => ({ by: field, name, cells: cells.filter((cell) => cell[field] === name) }));
  return [{ by: "all", name: "all", cells }, ...by("source"), ...by("kind")];
}

function groupReport({ by, name, cells }: Group, benignOfAll: readonly number[], random: Random): GroupReport {
  const attacks = scoresOf(cells, true);
  const benign = scoresOf(cells, false);
  const own = benign.length > 0;
  const ranks = bootstrapRanks(rank(attacks, own ? benign : benignOfAll), MAX_FPR, { rounds: ROUNDS, random });
  return {
    by,
    name,
    attacks: attacks.length,
    benign: benign.length,
    errors: sum(cells, ({ errors }) => errors),
    ...defined("tpr", wilson(flagged(cells, true), attacks.length)),
    ...defined("fpr", wilson(flagged(cells, false), benign.length)),
    ...(ranks === undefined
      ? {}
      : { auc: ranks.auc, tprAtOnePercentFpr: ranks.tprAtFpr, against: own ? ("group" as const) : ("run" as const) }),
  };
}

function evasionReport(evasion: string, { by, name, cells }: Group, random: Random): EvasionReport {
  const attacks = pairsOf(cells, evasion, true);
  const benign = pairsOf(cells, evasion, false);
  const of = attacks.both + attacks.lost + attacks.gained + attacks.neither;
  const ofBenign = benign.both + benign.lost + benign.gained + benign.neither;
  return {
    evasion,
    by,
    name,
    attacks: of,
    errors: attacks.errors + benign.errors,
    ...defined("plain", wilson(attacks.both + attacks.lost, of)),
    ...defined("evaded", wilson(attacks.both + attacks.gained, of)),
    ...defined("kept", kept(attacks, { rounds: ROUNDS, random })),
    ...defined("fpr", wilson(benign.both + benign.gained, ofBenign)),
  };
}

function pairsOf(cells: readonly Cell[], evasion: string, attack: boolean): Pairs & { readonly errors: number } {
  const chosen = cells.filter((cell) => cell.attack === attack).map(({ evaded }) => evaded.get(evasion) as EvadedCell);
  return {
    both: sum(chosen, ({ both }) => both),
    lost: sum(chosen, ({ lost }) => lost),
    gained: sum(chosen, ({ gained }) => gained),
    neither: sum(chosen, ({ neither }) => neither),
    errors: sum(chosen, ({ errors }) => errors),
  };
}

function scoresOf(cells: readonly Cell[], attack: boolean): readonly number[] {
  return cells.filter((cell) => cell.attack === attack).flatMap(({ scores }) => scores);
}

function flagged(cells: readonly Cell[], attack: boolean): number {
  return sum(
    cells.filter((cell) => cell.attack === attack),
    (cell) => cell.flagged,
  );
}

function randomOf(seed: number, { by, name }: Group, evasion = ""): Random {
  return seededRandom(seedOf(seed, by, name, evasion));
}

function sum<T>(of: readonly T[], value: (entry: T) => number): number {
  return of.reduce((total, entry) => total + value(entry), 0);
}

/** A field that is there only where it has a value. */
function defined<Name extends string, T>(name: Name, value: T | undefined): { readonly [Key in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]?: T });
}
