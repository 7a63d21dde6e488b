/**
 * The guard: reads text with its detectors and decides by its policy.
 *
 *     spans of text -> detectors -> findings -> policy -> verdict, and the masked text where the policy masks
 *
 * A long message is read in turns with everything else that the process does (`pace.ts`); a short one at once.
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
import { atOnce, inTurns, LONG, STEP, type Paced } from "./pace.ts";
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
      const long = isLong(spans);
      for (const assignment of assignments[direction]) {
        const work = run(assignment, spans, direction);
        const outcome = long ? await inTurns(work) : atOnce(work);
        // Waiting costs a turn of the event loop, so only a detector that works asynchronously is waited for.
        outcomes.push(outcome instanceof Promise ? await outcome : outcome);
      }
      const verdict = decide(outcomes);
      if (verdict.action === "block") return { verdict, masked: [] };
      const masking = maskSpans(spans, outcomes);
      return { verdict, masked: long ? await inTurns(masking) : atOnce(masking) };
    },
    stream: (direction, origin, pointer) => openStream(assignments[direction], { direction, origin, pointer }),
  };
}

/** A message that is read in turns (`pace.ts`). */
function isLong(spans: readonly TextSpan[]): boolean {
  if (spans.length > LONG / SPAN_COST) return true;
  let work = 0;
  for (const { text } of spans) work += text.length + SPAN_COST;
  return work > LONG;
}

/** What looking at one span costs before any of it is read, in units of text. */
const SPAN_COST = 16;

/** Runs one detector over every span. */
function* run(
  assignment: Assignment,
  spans: readonly TextSpan[],
  direction: Direction,
): Paced<Outcome | Promise<Outcome>> {
  const { detector, action } = assignment;
  if (action === undefined) return { assignment, findings: [] };
  const findings: Finding[] = [];
  const pending: Promise<void>[] = [];
  let work = 0;
  try {
    for (const { pointer, text, origin } of spans) {
      const context: DetectContext = { direction, origin, pointer };
      const steps = text.length > STEP ? detector.read?.(text, context) : undefined;
      const found = steps === undefined ? detector.detect(text, context) : yield* steps;
      if (found instanceof Promise) {
        pending.push(found.then((later) => void findings.push(...checkAnswer(later, text, pointer))));
      } else if (!Array.isArray(found) || found.length > 0) {
        findings.push(...checkAnswer(found, text, pointer));
      }
      work += steps === undefined ? text.length + SPAN_COST : SPAN_COST;
      if (work < STEP) continue;
      work = 0;
      yield;
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
function* maskSpans(spans: readonly TextSpan[], outcomes: readonly Outcome[]): Paced<Inspection["masked"]> {
  const regions = new Map<string, Region[]>();
  let work = 0;
  for (const { assignment, findings } of outcomes) {
    if (assignment.action !== "mask") continue;
    for (const { rule, location } of findings) {
      if (++work % STEP === 0) yield;
      const region = { start: location.start, end: location.end, rule, strip: assignment.detector.strip };
      const known = regions.get(location.pointer);
      if (known === undefined) regions.set(location.pointer, [region]);
      else known.push(region);
    }
  }
  const masked: { pointer: string; text: string }[] = [];
  if (regions.size === 0) return masked;
  work = 0;
  for (const { pointer, text } of spans) {
    const own = regions.get(pointer);
    if (own === undefined) continue;
    masked.push({ pointer, text: yield* maskText(text, own) });
    work += text.length + SPAN_COST;
    if (work < STEP) continue;
    work = 0;
    yield;
  }
  return masked;
}
