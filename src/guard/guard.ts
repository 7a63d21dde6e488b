/**
 * The guard: reads text with its detectors and decides by its policy.
 *
 *     spans of text -> detectors -> findings -> policy -> verdict, and the masked text where the policy masks
 *
 * A detector that throws, or answers with something that is not a list of findings inside the text, has failed: its
 * settings say whether that blocks (`onError`, block by default), and the verdict shows it. What was not scanned is in
 * the verdict too, with the reason.
 *
 * @module
 */

import type { Finding, Verdict } from "../core/index.ts";
import { checkAnswer } from "./answer.ts";
import type { DetectContext, Detector, Direction, Origin, TextSpan } from "./detector.ts";
import { maskText, type Region } from "./mask.ts";
import { assign, decide, FAILURE, type Assignment, type GuardSettings, type Outcome } from "./policy.ts";
import { openStream, type GuardStream } from "./stream.ts";

export interface Inspection {
  readonly verdict: Verdict;
  /** The new text of every span that the policy changes. Empty when the verdict is `block`: nothing may pass. */
  readonly masked: readonly { readonly pointer: string; readonly text: string }[];
}

export interface Guard {
  /** Judges one whole message. Never rejects because of what a detector or the text does. */
  inspect(spans: readonly TextSpan[], direction: Direction): Promise<Inspection>;
  /** Judges one channel of text that arrives in pieces, cut anywhere. */
  stream(direction: Direction, origin: Origin, pointer: string): GuardStream;
}

/**
 * Makes a guard.
 *
 * @throws `guard.settings-missing`, `guard.detector-unknown`, `guard.detector-repeated`
 *
 * @example
 * ```ts
 * import { createGuard, secretsDetector, unicodeDetector } from "holdfast/guard";
 *
 * const guard = createGuard({
 *   detectors: [unicodeDetector, secretsDetector],
 *   settings: {
 *     unicode: { request: "block", response: "mask", onError: "block" },
 *     secrets: { request: "block", response: "mask", onError: "block" },
 *   },
 * });
 * const { verdict } = await guard.inspect([{ pointer: "/messages/0/content", text: "hi", origin: "user" }], "request");
 * console.log(verdict.action); // allow
 * ```
 */
export function createGuard(options: { detectors: readonly Detector[]; settings: GuardSettings }): Guard {
  const assignments = assign(options.detectors, options.settings);
  return {
    inspect: async (spans, direction) => {
      const outcomes: Outcome[] = [];
      for (const assignment of assignments[direction]) {
        const outcome = run(assignment, spans, direction);
        // Waiting costs a turn of the event loop, so only a detector that works asynchronously is waited for.
        outcomes.push(outcome instanceof Promise ? await outcome : outcome);
      }
      const verdict = decide(outcomes);
      return { verdict, masked: verdict.action === "block" ? [] : maskSpans(spans, outcomes) };
    },
    stream: (direction, origin, pointer) => openStream(assignments[direction], { direction, origin, pointer }),
  };
}

/** Runs one detector over every span. */
function run(assignment: Assignment, spans: readonly TextSpan[], direction: Direction): Outcome | Promise<Outcome> {
  const { detector, action } = assignment;
  if (action === undefined) return { assignment, findings: [] };
  const findings: Finding[] = [];
  const pending: Promise<void>[] = [];
  try {
    for (const { pointer, text, origin } of spans) {
      const context: DetectContext = { direction, origin, pointer };
      const found = detector.detect(text, context);
      if (found instanceof Promise) {
        pending.push(found.then((later) => void findings.push(...checkAnswer(later, text, pointer))));
      } else if (!Array.isArray(found) || found.length > 0) {
        findings.push(...checkAnswer(found, text, pointer));
      }
    }
  } catch {
    // The span's other promises are settled here, so that none of them rejects unheard.
    return Promise.allSettled(pending).then(() => ({ assignment, findings, failure: FAILURE }));
  }
  if (pending.length === 0) return { assignment, findings };
  return Promise.all(pending).then(
    () => ({ assignment, findings }),
    async () => {
      await Promise.allSettled(pending);
      return { assignment, findings, failure: FAILURE };
    },
  );
}

/** The masked text of each span that has something to mask. */
function maskSpans(spans: readonly TextSpan[], outcomes: readonly Outcome[]): Inspection["masked"] {
  const regions = new Map<string, Region[]>();
  for (const { assignment, findings } of outcomes) {
    if (assignment.action !== "mask") continue;
    for (const { rule, location } of findings) {
      const region = { start: location.start, end: location.end, rule, strip: assignment.detector.strip };
      const known = regions.get(location.pointer);
      if (known === undefined) regions.set(location.pointer, [region]);
      else known.push(region);
    }
  }
  if (regions.size === 0) return [];
  return spans.flatMap(({ pointer, text }) => {
    const own = regions.get(pointer);
    return own === undefined ? [] : [{ pointer, text: maskText(text, own) }];
  });
}
