/**
 * `holdfast guard eval`: measures detectors on labelled texts and prints what they caught, what they stopped by mistake,
 * and what they took, with intervals.
 *
 * @module
 */

import { open } from "node:fs/promises";
import { performance } from "node:perf_hooks";

import {
  Exit,
  type CommandInput,
  type CommandResult,
  listOption,
  textOption,
  type CommandOptions,
} from "../../core/index.ts";
import { loadAdapter } from "../eval/adapter.ts";
import type { Contestant } from "../eval/contestant.ts";
import { evalError } from "../eval/errors.ts";
import { EVASIONS } from "../eval/evasions.ts";
import { ownContestant } from "../eval/own.ts";
import { reportOf, type ContestantReport } from "../eval/report.ts";
import { readRows, type Row } from "../eval/rows.ts";
import { evaluate, type Evasion } from "../eval/run.ts";
import { sample } from "../eval/sample.ts";
import { tables } from "../eval/table.ts";
import { createDetectorLoader } from "./detectors.ts";
import { numberOption } from "./options.ts";

/** What `--out` writes and `--format json` prints. */
export interface EvalReport {
  readonly sets: readonly string[];
  readonly seed: number;
  /** `null`: every row. */
  readonly sample: number | null;
  readonly rows: { readonly attacks: number; readonly benign: number };
  readonly detectors: readonly ContestantReport[];
}

const DEFAULT_DETECTOR = "injection";
const DEFAULT_SEED = 1;

/** Exits 0 when every row was judged, 2 when some were not. */
export async function run({ options, progress, rest: paths }: CommandInput<unknown>): Promise<CommandResult> {
  const seed = numberOption(options, "seed", { min: 0, max: 2 ** 32 - 1, integer: true }) ?? DEFAULT_SEED;
  const most = numberOption(options, "sample", { min: 1, max: 1_000_000, integer: true });
  const evasions = chosenEvasions(options);
  const contestants = await chosenContestants(options);
  const out = textOption(options, "out");
  // Opened first: an hour of judging must not end at a folder that is not there.
  await using file = out === undefined ? undefined : await open(out, "w");

  let attacks = 0;
  let read = 0;
  const counted = async function* (rows: AsyncIterable<Row> | readonly Row[]): AsyncGenerator<Row, void, undefined> {
    for await (const row of rows) {
      read += 1;
      if (row.attack) attacks += 1;
      yield row;
    }
  };
  const all = readSets(paths);
  const drawn = most === undefined ? all : await sample(all, most, seed);
  const total = Array.isArray(drawn) ? drawn.length : undefined;
  const tallies = await evaluate(counted(drawn), contestants, {
    evasions,
    seed,
    progress: (done) => progress(`judging row ${done}`, total === undefined ? undefined : done, total),
  });
  progress("drawing intervals");
  const report: EvalReport = {
    sets: paths,
    seed,
    sample: most ?? null,
    rows: { attacks, benign: read - attacks },
    detectors: tallies.map((tally) => reportOf(tally, seed)),
  };
  await file?.writeFile(`${JSON.stringify(report, null, 2)}\n`);
  const failed = report.detectors.some(({ errors }) => errors > 0);
  return {
    data: report,
    text: (style) => {
      const drawnNote = most === undefined ? "" : `, at most ${most} of each source and label`;
      const head = `${read} rows (${attacks} attacks, ${read - attacks} benign), seed ${seed}${drawnNote}; intervals of 95 %`;
      return [head, tables(report.detectors, style)].join("\n\n");
    },
    exit: failed ? Exit.incomplete : Exit.clean,
  };
}

async function* readSets(paths: readonly string[]): AsyncGenerator<Row, void, undefined> {
  for (const path of paths) yield* readRows(path);
}

/** @throws `guard.option-invalid` */
function chosenEvasions(options: CommandOptions): readonly Evasion[] {
  const text = textOption(options, "evasions");
  if (text === undefined) return [];
  if (text === "all") return EVASIONS;
  return text.split(",").map((name) => {
    const evasion = EVASIONS.find((known) => known.name === name.trim());
    if (evasion !== undefined) return evasion;
    throw evalError("guard.option-invalid", {
      detail: `--evasions ${name.trim()}`,
      hint: `evasions are ${EVASIONS.map((known) => known.name).join(", ")}, or all`,
    });
  });
}

/** The detectors of `--detector`, then the adapters. @throws `guard.option-invalid`, `guard.eval-adapter-invalid` */
async function chosenContestants(options: CommandOptions): Promise<readonly Contestant[]> {
  const threshold = numberOption(options, "threshold", { min: 0, max: 1, integer: false });
  const load = createDetectorLoader({
    weights: textOption(options, "weights"),
    unsigned: options["unsigned"] === true,
    index: textOption(options, "index"),
  });
  const names = listOption(options, "detector");
  const stopwatch = (): number => performance.now();
  const contestants: Contestant[] = [];
  for (const name of names.length === 0 ? [DEFAULT_DETECTOR] : names) {
    if (name === "none") continue;
    const detectors = await Promise.all(name.split("+").map(load));
    contestants.push(ownContestant(detectors, { threshold, stopwatch }));
  }
  for (const path of listOption(options, "adapter")) {
    contestants.push(await loadAdapter(path, { threshold: undefined, stopwatch }));
  }
  if (contestants.length === 0) {
    throw evalError("guard.option-invalid", { detail: "no detector and no adapter to evaluate" });
  }
  return contestants;
}
