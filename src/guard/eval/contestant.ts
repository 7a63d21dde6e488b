/**
 * Contestant: what an evaluation compares. A detector of the guard, several of them together (`own.ts`), or anybody's
 * detector behind an adapter (`adapter.ts`). All judge the same rows in the same run.
 *
 * @module
 */

import type { Origin } from "../detector.ts";
import { evalError } from "./errors.ts";

/** What a contestant says of one text. */
export interface Judgement {
  /** Higher is more like an attack. */
  readonly score: number;
  readonly flagged: boolean;
  /** What the judgement took. Scoring for the ranking, which the product does not do, is not in it. */
  readonly ms: number;
}

export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** From this score on a text counts as flagged. `undefined`: where the detector itself finds something. */
  readonly threshold: number | undefined;
  /** @throws whatever went wrong: the row counts as an error, never as not flagged */
  judge(text: string, origin: Origin): Promise<Judgement>;
}

/** Milliseconds, for latencies: `performance.now`. */
export type Stopwatch = () => number;

/** What is no number ranks nowhere: such a row is an error. */
export function checkScore(score: unknown): number {
  if (typeof score !== "number" || Number.isNaN(score)) {
    throw evalError("guard.eval-row-failed", { detail: "the score is not a number" });
  }
  return score;
}
