/**
 * One text read by one detector: as it is and, where the detector wants them, through every view of it. What is found in
 * a view points at the caller's own text; what a view shows again is not found twice; what could not be decoded within
 * the limits of `normalise/` is a finding of its own, since a detector that has not seen all must not read as clean.
 *
 * @module
 */

import type { Finding } from "../core/index.ts";
import { checkAnswer } from "./answer.ts";
import type { DetectContext, Detector } from "./detector.ts";
import { checkTime } from "./failure.ts";
import { deriveSoon, type Derived, type DerivedView } from "./normalise/index.ts";
import { SHORT, type Paced } from "./pace.ts";

/** A text, and the views of it once some detector needed them: they are derived once for all. */
export interface Readable {
  readonly text: string;
  derived?: Derived;
  /** Views that are being derived. Where one detector's time is over, the next goes on from there. */
  deriving?: Paced<Derived>;
}

/** The views of a text, where that is no work or done already. */
export function viewsNow(readable: Readable): Derived | undefined {
  if (readable.derived === undefined && readable.deriving === undefined) {
    const begun = deriveSoon(readable.text);
    if ("next" in begun) readable.deriving = begun;
    else readable.derived = begun;
  }
  return readable.derived;
}

/** The views of a text. @throws `guard.timeout` between two steps after `until` */
export function* viewsOf(readable: Readable, until: number): Paced<Derived> {
  const views = viewsNow(readable) ?? (yield* timed(readable.deriving as Paced<Derived>, until));
  readable.derived = views;
  return views;
}

/**
 * What `detector` finds in `text` and its views.
 *
 * @throws what the detector throws; `guard.answer-invalid`; `guard.timeout` between two steps after `until`
 */
export function* readText(
  detector: Detector,
  text: string,
  context: DetectContext,
  derived: Derived | undefined,
  until: number,
): Paced<readonly Finding[] | Promise<readonly Finding[]>> {
  const plain = yield* answerFor(detector, text, context, until);
  if (derived === undefined || isOrdinary(derived)) return plain;
  const fromViews = yield* readViews(detector, derived, context, until);
  if (plain instanceof Promise || fromViews instanceof Promise) {
    return Promise.all([plain, fromViews]).then(([one, other]) => joined(one, other));
  }
  return joined(plain, fromViews);
}

/** What `detector` finds in the views of a text, and what they leave unread, located in the text. */
export function* readViews(
  detector: Detector,
  { views, unread }: Derived,
  context: DetectContext,
  until: number,
): Paced<readonly Finding[] | Promise<readonly Finding[]>> {
  const findings = unread.map(({ start, end, limit }) => unreadFinding(detector, context.pointer, start, end, limit));
  const pending: Promise<readonly Finding[]>[] = [];
  for (const view of views) {
    const found = yield* answerFor(detector, view.text, { ...context, view: view.transforms }, until);
    if (found instanceof Promise) pending.push(found.then((later) => located(later, view)));
    else findings.push(...located(found, view));
    yield;
  }
  if (pending.length === 0) return findings;
  return Promise.all(pending).then((later) => [...findings, ...later.flat()]);
}

/** Whether two findings are of the same rule at the same place. */
export function repeats(known: Finding, found: Finding): boolean {
  return (
    known.rule === found.rule && known.location.start < found.location.end && known.location.end > found.location.start
  );
}

/** Whether a text is read by {@link readShort}: it is short, and shows nothing but itself. */
export function isShort(text: string, derived: Derived | undefined): boolean {
  return text.length <= SHORT && (derived === undefined || isOrdinary(derived));
}

function isOrdinary({ views, unread }: Derived): boolean {
  return views.length === 0 && unread.length === 0;
}

/** What `detector` finds in a short text, in one go. @throws what the detector throws; `guard.answer-invalid` */
export function readShort(
  detector: Detector,
  text: string,
  context: DetectContext,
): readonly Finding[] | Promise<readonly Finding[]> {
  return checked(detector.detect(text, context), text, context);
}

/** One call of the detector, its answer checked. */
function* answerFor(
  detector: Detector,
  text: string,
  context: DetectContext,
  until: number,
): Paced<readonly Finding[] | Promise<readonly Finding[]>> {
  const steps = text.length > SHORT ? detector.read?.(text, context) : undefined;
  return steps === undefined ? readShort(detector, text, context) : checked(yield* timed(steps, until), text, context);
}

function checked(
  found: readonly Finding[] | Promise<readonly Finding[]>,
  text: string,
  { pointer }: DetectContext,
): readonly Finding[] | Promise<readonly Finding[]> {
  if (found instanceof Promise) return found.then((later) => checkAnswer(later, text, pointer));
  // Most texts have nothing in them: no need to look at an empty list.
  return Array.isArray(found) && found.length === 0 ? found : checkAnswer(found, text, pointer);
}

/** The steps of long work, as long as there is time. @throws `guard.timeout` */
export function* timed<T>(steps: Paced<T>, until: number): Paced<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    checkTime(until);
    yield;
  }
}

function located(findings: readonly Finding[], view: DerivedView): Finding[] {
  return findings.map((finding) => {
    const { pointer, start, end } = finding.location;
    return { ...finding, location: { pointer, ...view.locate(start, end) } };
  });
}

/** Findings of one rule that are compared with a new one: enough for text that people write, bounded for hostile text. */
const COMPARED = 64;

/** The findings of the text, and those of its views that are not one of them seen another way. */
function joined(plain: readonly Finding[], fromViews: readonly Finding[]): readonly Finding[] {
  if (fromViews.length === 0) return plain;
  const byRule = new Map<string, Finding[]>();
  const add = (finding: Finding): void => {
    const known = byRule.get(finding.rule);
    if (known === undefined) byRule.set(finding.rule, [finding]);
    else if (known.length < COMPARED) known.push(finding);
  };
  plain.forEach(add);
  const added = fromViews.filter((finding) => {
    const isKnown = byRule.get(finding.rule)?.some((known) => repeats(known, finding)) === true;
    if (!isKnown) add(finding);
    return !isKnown;
  });
  return [...plain, ...added];
}

/** A part of the text that hides more than the limits let read. */
function unreadFinding(detector: Detector, pointer: string, start: number, end: number, limit: string): Finding {
  return {
    rule: `${detector.id}.unread`,
    severity: "medium",
    location: { pointer, start, end },
    message: `encoded or disguised text that was not read to its end (limit ${limit})`,
    remedy: "send the text itself instead of layers of encodings",
    references: ["OWASP-LLM01:2025"],
  };
}
