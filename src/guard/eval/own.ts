/**
 * The guard's own detectors as contestants of an evaluation.
 *
 * They are measured as the product runs them: through `createGuard`, with its views, and a text counts as flagged
 * when the guard finds something in it. Ranking needs more than yes or no: `score` of the detector, the highest
 * over the text and its views. A detector without one scores 1 for a finding and 0 for none.
 *
 * @module
 */

import type { DetectContext, Detector, Origin } from "../detector.ts";
import { createGuard } from "../guard.ts";
import { deriveViews } from "../normalise/index.ts";
import type { DetectorSettings } from "../policy.ts";
import { checkScore, type Contestant, type Stopwatch } from "./contestant.ts";
import { evalError } from "./errors.ts";

/** So long that no figure depends on how fast the machine is. */
const TIMEOUT_MS = 10 * 60_000;
const FLAG: DetectorSettings = { request: "flag", response: "flag", onError: "block", timeoutMs: TIMEOUT_MS };
const POINTER = "/text";

/** Detectors of the guard as one contestant, named `injection` or `injection+unicode`. */
export function ownContestant(
  detectors: readonly Detector[],
  options: { readonly threshold: number | undefined; readonly stopwatch: Stopwatch },
): Contestant {
  const { threshold, stopwatch } = options;
  const guard = createGuard({ detectors, settings: Object.fromEntries(detectors.map(({ id }) => [id, FLAG])) });
  return {
    name: detectors.map(({ id }) => id).join("+"),
    get version() {
      // With that of its weights, which a detector may not know before the first text.
      return detectors.map(({ version }) => version).join("+");
    },
    threshold,
    judge: async (text, origin) => {
      const started = stopwatch();
      const { verdict } = await guard.inspect([{ pointer: POINTER, text, origin }], "request");
      const ms = stopwatch() - started;
      const failed = verdict.runs.find(({ outcome }) => outcome !== "ran");
      if (failed !== undefined) {
        throw evalError("guard.eval-row-failed", { detail: `${failed.detector}: ${failed.why ?? failed.outcome}` });
      }
      let score = 0;
      for (const detector of detectors) {
        const found = verdict.findings.some(({ rule }) => rule.startsWith(`${detector.id}.`));
        score = Math.max(score, await scoreOf(detector, text, origin, found));
      }
      return { score, flagged: threshold === undefined ? verdict.findings.length > 0 : score >= threshold, ms };
    },
  };
}

async function scoreOf(detector: Detector, text: string, origin: Origin, found: boolean): Promise<number> {
  if (detector.score === undefined) return found ? 1 : 0;
  const context: DetectContext = { direction: "request", origin, pointer: POINTER };
  let highest = checkScore(await detector.score(text, context));
  if (detector.reads !== "views") return highest;
  for (const view of deriveViews(text).views) {
    const score = await detector.score(view.text, { ...context, view: view.transforms });
    highest = Math.max(highest, checkScore(score));
  }
  return highest;
}
