/**
 * Policy: from what detectors saw to what happens. A finding leads to the action that the settings name for its
 * detector and direction; the verdict is the hardest of them. A detector that fails blocks, unless its settings say
 * `onError: allow`, and shows as failed either way.
 *
 * @module
 */

import { hardest, type Action, type DetectorRun, type Finding, type Verdict } from "../core/index.ts";
import type { Detector, Direction } from "./detector.ts";
import { guardError } from "./errors.ts";
import { DEFAULT_TIMEOUT_MS } from "./failure.ts";

/**
 * What a finding does. `off`: the detector does not run, and the verdict says so. `mask` cannot be undone; `tokenise`
 * puts a placeholder that the answer's guard turns back (`vault.ts`). In a stream, which leaves before all of it is
 * known, `tokenise` masks, and what a windowed look finds blocks instead.
 */
export type GuardAction = "off" | "allow" | "flag" | "mask" | "tokenise" | "block";

export interface DetectorSettings {
  readonly request: GuardAction;
  readonly response: GuardAction;
  /** What a detector that fails does. */
  readonly onError: "block" | "allow";
  /** Milliseconds that it may take over one message, or one look at a stream; longer is a failure. Default: 30,000. */
  readonly timeoutMs?: number;
}

/** By detector id. Every detector of the guard has its settings: what happens is never left to a default. */
export type GuardSettings = Readonly<Record<string, DetectorSettings>>;

/** One detector with what its findings do in one direction. */
export interface Assignment {
  readonly detector: Detector;
  /** `undefined`: it does not run. */
  readonly action: Exclude<GuardAction, "off"> | undefined;
  readonly onError: "block" | "allow";
  readonly timeoutMs: number;
  /** Why it does not run. */
  readonly why?: string;
}

/** What one detector did. `failure` is a sentence of `failure.ts`. */
export interface Outcome {
  readonly assignment: Assignment;
  readonly findings: readonly Finding[];
  readonly failure?: string;
}

/** Pairs each detector with its settings. @throws `guard.settings-missing`, `guard.detector-unknown`, `guard.detector-repeated` */
export function assign(
  detectors: readonly Detector[],
  settings: GuardSettings,
): Readonly<Record<Direction, readonly Assignment[]>> {
  const ids = new Set(detectors.map(({ id }) => id));
  if (ids.size < detectors.length) throw guardError("guard.detector-repeated");
  for (const id of Object.keys(settings)) {
    if (!ids.has(id)) throw guardError("guard.detector-unknown", { detail: id });
  }
  const forDirection = (direction: Direction): readonly Assignment[] =>
    detectors.map((detector): Assignment => {
      const own = Object.hasOwn(settings, detector.id) ? settings[detector.id] : undefined;
      if (own === undefined) throw guardError("guard.settings-missing", { detail: detector.id });
      const { onError, timeoutMs = DEFAULT_TIMEOUT_MS } = own;
      const idle = { detector, action: undefined, onError, timeoutMs };
      if (own[direction] === "off") return { ...idle, why: "off by policy" };
      if (!detector.directions.includes(direction)) return { ...idle, why: `does not read a ${direction}` };
      return { detector, action: own[direction], onError, timeoutMs };
    });
  return { request: forDirection("request"), response: forDirection("response") };
}

/** Folds what the detectors did into the verdict. Findings stay in the order of detectors. */
export function decide(outcomes: readonly Outcome[]): Verdict {
  let action: Action = "allow";
  const runs = outcomes.map(({ assignment, findings, failure }): DetectorRun => {
    const { detector, onError, why } = assignment;
    if (failure !== undefined) action = hardest(action, onError);
    if (findings.length > 0 && assignment.action !== undefined) action = hardest(action, assignment.action);
    const run = { detector: detector.id, version: detector.version, findings: findings.length };
    if (failure !== undefined) return { ...run, outcome: "error", why: failure };
    if (assignment.action === undefined) return { ...run, outcome: "not-scanned", why: why ?? "not scanned" };
    return { ...run, outcome: "ran" };
  });
  return { action, findings: outcomes.flatMap(({ findings }) => findings), runs };
}
