/**
 * The guard: reads text with its detectors and decides by its policy.
 *
 *     spans of text -> views -> detectors -> findings -> policy -> verdict, and the new text where the policy changes it
 *
 * A long message is read in turns with everything else that the process does (`pace.ts`); a short one at once.
 *
 * A detector that throws, takes longer than its time, or answers with something that is not a list of findings inside
 * the text, has failed: its settings say whether that blocks (`onError`, block by default), and the verdict says how it
 * failed. What was not scanned is in the verdict too, with the reason.
 *
 * @module
 */

import type { Finding, Verdict } from "../core/index.ts";
import type { DetectContext, Detector, Direction, Origin, TextSpan } from "./detector.ts";
import { failureOf, withinTime } from "./failure.ts";
import { maskText, mergeLabels, type Region } from "./mask.ts";
import { Recent, textKey } from "./memo.ts";
import { atOnce, inTurns, LONG, soon, STEP, type Paced } from "./pace.ts";
import { assign, decide, type Assignment, type GuardSettings, type Outcome } from "./policy.ts";
import { isShort, readShort, readText, timed, viewsNow, viewsOf, type Readable } from "./read.ts";
import { openStream, type GuardStream } from "./stream.ts";
import { createVault, type Vault } from "./vault.ts";

/** What else the guard may know about the exchange that a text belongs to. */
export interface ExchangeContext {
  /** The system prompts in force: what `leak` looks for in answers. */
  readonly instructions?: readonly string[];
  /** What the user has said: it may come back in an answer. */
  readonly known?: readonly string[];
  /** Whose exchange it is (`DetectContext`): what is remembered of its texts is used again within the same scope only. */
  readonly scope?: string;
  /** The placeholders of the exchange: given with an answer, they are turned back into what they stand for. */
  readonly vault?: Vault;
}

/** A span with what it becomes. */
export interface ChangedText {
  readonly pointer: string;
  readonly text: string;
}

export interface Inspection {
  readonly verdict: Verdict;
  /** The new text of every span that the policy changes. Empty when the verdict is `block`: nothing may pass. */
  readonly masked: readonly ChangedText[];
  /** The new text of every span in which nothing changes but that placeholders came back. */
  readonly restored: readonly ChangedText[];
  /** What the placeholders in the new texts stand for, where something was tokenised: to be given with the answer. */
  readonly vault?: Vault;
}

export interface Guard {
  /** Judges one whole message. Never rejects because of what a detector or the text does. */
  inspect(spans: readonly TextSpan[], direction: Direction, exchange?: ExchangeContext): Promise<Inspection>;
  /**
   * Makes ready what `stream` would otherwise do at once, where that is long work: a long system prompt that answers are
   * compared with. `exchange` holds the same lists as the one that is given to `stream`.
   */
  prepare(direction: Direction, exchange: ExchangeContext): Promise<void> | undefined;
  /** Judges one channel of text that arrives in pieces, cut anywhere. */
  stream(direction: Direction, origin: Origin, pointer: string, exchange?: ExchangeContext): GuardStream;
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
  const clean = new Recent<true>(CLEAN_TEXTS);
  return {
    inspect: async (spans, direction, exchange = {}) => {
      const long = isLong(spans);
      // An answer's text is judged by what else was said, and seldom comes again.
      const knows = direction === "request" ? clean : undefined;
      const readables = spans.map((span) => readableOf(span, direction, exchange, knows));
      const work = run(assignments[direction], readables, exchange);
      const begun = long ? inTurns(work) : soon(work);
      const outcomes = begun instanceof Promise ? await begun : begun;
      // A detector that works asynchronously is waited for once all have begun, and only then: waiting costs a turn.
      const settled = outcomes.some((outcome) => outcome instanceof Promise)
        ? await Promise.all(outcomes.map((outcome) => Promise.resolve(outcome)))
        : (outcomes as Outcome[]);
      const verdict = decide(settled);
      if (knows !== undefined) rememberClean(knows, readables, settled);
      if (verdict.action === "block") return { verdict, masked: [], restored: [] };
      const masking = changeSpans(spans, settled, exchange.vault);
      return { verdict, ...(long ? await inTurns(masking) : atOnce(masking)) };
    },
    prepare: (direction, exchange) => {
      const works = assignments[direction].flatMap(({ action, detector }) =>
        action === undefined ? [] : (detector.prepare?.(exchange) ?? []),
      );
      return works.length === 0 ? undefined : inTurns(oneAfterAnother(works));
    },
    stream: (direction, origin, pointer, exchange = {}) =>
      openStream(assignments[direction], contextOf(direction, origin, pointer, exchange), exchange.vault),
  };
}

interface SpanToRead {
  readonly context: DetectContext;
  readonly readable: Readable;
  /** What stands for it in the memo, if it is kept there. */
  readonly key: string | undefined;
  /** It was read before, and no detector found anything in it. */
  readonly isClean: boolean;
}

/** Texts of requests in which nothing was found are known by their digests: some three megabytes. */
const CLEAN_TEXTS = 16_384;

/** UTF-16 units of the shortest text that is remembered. */
const REMEMBERED_UNITS = 128;

function readableOf(
  { origin, pointer, text }: TextSpan,
  direction: Direction,
  exchange: ExchangeContext,
  clean: Recent<true> | undefined,
): SpanToRead {
  const context = contextOf(direction, origin, pointer, exchange);
  // Of a short text the digest costs as much as to read it. Texts that are not well formed share one with others.
  const key =
    clean === undefined || text.length < REMEMBERED_UNITS || !text.isWellFormed()
      ? undefined
      : textKey(`${context.scope ?? ""}\0${origin}\0${pointer}`, text);
  return { context, readable: { text }, key, isClean: key !== undefined && clean?.get(key) === true };
}

/** Remembers the texts in which no detector found anything, where none failed. */
function rememberClean(clean: Recent<true>, readables: readonly SpanToRead[], outcomes: readonly Outcome[]): void {
  if (outcomes.some(({ failure }) => failure !== undefined)) return;
  const found = new Set(outcomes.flatMap(({ findings }) => findings.map(({ location }) => location.pointer)));
  for (const { context, isClean, key } of readables) {
    if (key !== undefined && !isClean && !found.has(context.pointer)) clean.set(key, true);
  }
}

function* oneAfterAnother(works: readonly Paced<void>[]): Paced<void> {
  for (const work of works) yield* work;
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

function contextOf(
  direction: Direction,
  origin: Origin,
  pointer: string,
  { instructions, known, scope = "" }: ExchangeContext,
): DetectContext {
  if (instructions === undefined && known === undefined) return { direction, origin, pointer, scope };
  return { direction, origin, pointer, scope, instructions: instructions ?? NO_TEXTS, known: known ?? NO_TEXTS };
}

const NO_TEXTS: readonly string[] = [];

/** Runs the detectors over every span. What they do asynchronously has begun, and may still be under way. */
function* run(
  assignments: readonly Assignment[],
  readables: readonly SpanToRead[],
  exchange: ExchangeContext,
): Paced<(Outcome | Promise<Outcome>)[]> {
  const outcomes: (Outcome | Promise<Outcome>)[] = [];
  let work = 0;
  for (const assignment of assignments) {
    const { detector, action, timeoutMs } = assignment;
    if (action === undefined) {
      outcomes.push({ assignment, findings: NO_FINDINGS });
      continue;
    }
    // Hardly any text has something in it: lists are made for those that have.
    let findings: Finding[] | undefined;
    let pending: Promise<readonly Finding[]>[] | undefined;
    const until = performance.now() + timeoutMs;
    try {
      const preparing = readables.length === 0 ? undefined : detector.prepare?.(exchange);
      if (preparing !== undefined) yield* timed(preparing, until);
      for (const { context, isClean, readable } of readables) {
        // A detector that may answer later remembers by itself what is worth it, and others' answers may change.
        if (isClean && detector.cost === "cheap") continue;
        const { text } = readable;
        const views =
          detector.reads === "views" ? (viewsNow(readable) ?? (yield* viewsOf(readable, until))) : undefined;
        const found = isShort(text, views)
          ? readShort(detector, text, context)
          : yield* readText(detector, text, context, views, until);
        if (found instanceof Promise) (pending ??= []).push(heard(found));
        else if (found.length > 0) findings = findings === undefined ? [...found] : append(findings, found);
        work += text.length > STEP ? SPAN_COST : text.length + SPAN_COST;
        if (work < STEP) continue;
        work = 0;
        yield;
      }
    } catch (error) {
      outcomes.push({ assignment, findings: findings ?? NO_FINDINGS, failure: failureOf(error) });
      continue;
    }
    const seen = findings ?? NO_FINDINGS;
    outcomes.push(pending === undefined ? { assignment, findings: seen } : outcomeOf(assignment, seen, pending, until));
  }
  return outcomes;
}

const NO_FINDINGS: readonly Finding[] = [];

function append(findings: Finding[], more: readonly Finding[]): Finding[] {
  for (const finding of more) findings.push(finding);
  return findings;
}

/** The same promise: where nobody waits for it any more, it may reject all the same. */
function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** What a detector saw once all that it does asynchronously has ended. */
async function outcomeOf(
  assignment: Assignment,
  seen: readonly Finding[],
  pending: readonly Promise<readonly Finding[]>[],
  until: number,
): Promise<Outcome> {
  const findings = [...seen];
  const each = pending.map((found) => heard(found.then((later) => void append(findings, later))));
  try {
    await withinTime(Promise.all(each), until - performance.now());
    return { assignment, findings };
  } catch (error) {
    return { assignment, findings: [...findings], failure: failureOf(error) };
  }
}

/** The new text of each span that something changes: what is masked, tokenised, or restored. */
function* changeSpans(
  spans: readonly TextSpan[],
  outcomes: readonly Outcome[],
  known: Vault | undefined,
): Paced<Omit<Inspection, "verdict">> {
  const regions = new Map<string, Region[]>();
  let vault = known;
  let work = 0;
  for (const { assignment, findings } of outcomes) {
    const { action, detector } = assignment;
    if (action !== "mask" && action !== "tokenise") continue;
    if (action === "tokenise" && findings.length > 0) vault ??= createVault();
    for (const { rule, location } of findings) {
      if (++work % STEP === 0) yield;
      const { start, end } = location;
      const region: Region =
        action === "tokenise"
          ? { start, end, rule, strip: undefined, vault }
          : { start, end, rule, strip: detector.strip };
      const own = regions.get(location.pointer);
      if (own === undefined) regions.set(location.pointer, [region]);
      else own.push(region);
    }
  }
  const masked: ChangedText[] = [];
  const restored: ChangedText[] = [];
  if (regions.size === 0 && (known === undefined || known.size === 0)) return { masked, restored };
  work = 0;
  for (const { pointer, text } of spans) {
    const own = regions.get(pointer);
    const rewritten = own === undefined ? text : yield* maskText(text, mergeLabels(text, own));
    const whole = known === undefined ? rewritten : known.restore(rewritten);
    if (own !== undefined) masked.push({ pointer, text: whole });
    else if (whole !== text) restored.push({ pointer, text: whole });
    work += text.length + SPAN_COST;
    if (work < STEP) continue;
    work = 0;
    yield;
  }
  return vault === undefined ? { masked, restored } : { masked, restored, vault };
}
