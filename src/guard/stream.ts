/**
 * A guard over one channel of streamed text.
 *
 * The guarantee is strict for what a detector reads exactly ({@link Scan}): the text cut at any places gives the same
 * output and the same verdict as in one piece, and nothing that the detector finds leaves before it is masked. A unit of
 * text is emitted once every such detector has judged it whose findings change or stop it; what is held back is only what
 * could still become a match. A detector whose findings are noted and pass holds nothing back.
 * Where the policy blocks, all text before the match is out, and of the match and what follows, nothing.
 *
 * For a detector that judges in passing (`guarantee: "windowed"`, and views of the text) it is weaker in one point: at
 * most {@link STREAM_STEP} units have left when its verdict comes. From there on nothing passes, if the policy blocks,
 * masks or tokenises what it found: what is out cannot be masked. Output and verdict still do not depend on the cuts.
 *
 * @module
 */

import type { Finding, Verdict } from "../core/index.ts";
import type { DetectContext, Scan } from "./detector.ts";
import { guardError } from "./errors.ts";
import { failureOf, withinTime } from "./failure.ts";
import { maskRange, type Region } from "./mask.ts";
import { LONG, STEP, takeTurns } from "./pace.ts";
import { decide, type Assignment, type Outcome } from "./policy.ts";
import { repeats } from "./read.ts";
import type { Vault } from "./vault.ts";
import { passingScan, windowScan, windowViews, type WindowViews } from "./window.ts";

/** What may go on to the reader after a piece came in. */
export interface StreamStep {
  readonly emit: string;
  /** Nothing more may pass. Stays true. */
  readonly blocked: boolean;
}

export interface GuardStream {
  /** Takes the next piece. @throws `guard.stream-ended` after `end` */
  push(chunk: string): Promise<StreamStep> | StreamStep;
  /** The channel is complete: flushes what was held back. */
  end(): Promise<StreamStep> | StreamStep;
  /** Decided from what was judged so far. */
  readonly verdict: Verdict;
}

/** One way in which one detector reads the channel: exactly, or in passing. */
interface Reader {
  readonly assignment: Assignment;
  readonly scan: Scan | undefined;
  /** Of one that reads views alone: the reader of the text itself, which masks what both see. */
  readonly exact?: Reader;
  /** Everything before it may pass, as far as this reader is concerned. */
  settled: number;
  /** How it failed. */
  failure: string | undefined;
}

const NO_OUTPUT = "";

/**
 * Opens the channel that `context` names, read by the detectors of `assignments`. What they let pass has the
 * placeholders of `vault` turned back.
 */
export function openStream(
  assignments: readonly Assignment[],
  context: DetectContext,
  vault: Vault | undefined,
): GuardStream {
  const views = windowViews();
  const readers = assignments.flatMap((assignment) => openReaders(assignment, context, views));
  const restorer = vault?.restorer();
  let held = "";
  let base = 0;
  let ended = false;
  /** Where the policy stops the channel: the offset of the match, or of the look that found it. */
  let stopAt: number | undefined;
  /** Set once all text before that place is out. */
  let blockedAt: number | undefined;

  /** Emits what all detectors have judged. */
  const release = (): StreamStep => {
    if (readers.some(({ failure, assignment }) => failure !== undefined && assignment.onError === "block")) {
      return block(base);
    }
    const regions: Region[] = [];
    let upTo = base + held.length;
    let judged = upTo;
    for (const reader of readers) {
      if (!reading(reader)) continue;
      judged = Math.min(judged, reader.settled);
      if (!notes(reader)) upTo = Math.min(upTo, reader.settled);
    }
    for (const reader of readers) {
      if (notes(reader)) continue;
      const { scan, exact } = reader;
      const { action, detector } = reader.assignment;
      for (const { finding, passed } of scan?.hits ?? []) {
        const { start, end } = finding.location;
        if (passed !== undefined) {
          // Once the exact readers have come so far, it is known what they see there.
          if (passed <= upTo && !sees(exact, finding)) stopAt = Math.min(stopAt ?? passed, passed);
        } else if (end <= base || start >= upTo) continue;
        else if (action === "block") stopAt = Math.min(stopAt ?? start, start);
        else regions.push({ start, end, rule: finding.rule, strip: detector.strip });
      }
    }
    const to = Math.max(base, Math.min(upTo, stopAt ?? upTo));
    const text = regions.length === 0 ? held.slice(0, to - base) : maskRange(held, base, base, to, regions);
    const emit = restorer === undefined ? text : restorer.push(text);
    held = held.slice(to - base);
    base = to;
    // The verdict says what was found up to there, so that all must have come so far.
    if (stopAt === undefined || base < stopAt || judged < stopAt) return { emit, blocked: false };
    // What could have become a placeholder stands before the match too.
    return block(stopAt, emit + (restorer?.end() ?? NO_OUTPUT));
  };

  const block = (at: number, emit = NO_OUTPUT): StreamStep => {
    blockedAt = at;
    held = "";
    return { emit, blocked: true };
  };

  /** Lets every detector take its step, at once where it can. */
  const advance = (step: (scan: Scan) => number | void | Promise<number | void>): StreamStep | Promise<StreamStep> => {
    const waiting: Promise<void>[] = [];
    for (const reader of readers) {
      if (reader.scan === undefined || !reading(reader)) continue;
      const settle = (settled: number | void): void => {
        reader.settled = settled ?? Number.POSITIVE_INFINITY;
      };
      const fail = (error: unknown): void => {
        reader.failure = failureOf(error);
      };
      try {
        const settled = step(reader.scan);
        if (settled instanceof Promise) {
          waiting.push(withinTime(settled, reader.assignment.timeoutMs).then(settle, fail));
        } else settle(settled);
      } catch (error) {
        fail(error);
      }
    }
    return waiting.length === 0 ? release() : Promise.all(waiting).then(release);
  };

  /** The last of what may pass: with it, what could have become a placeholder. */
  const flush = ({ emit, blocked }: StreamStep): StreamStep => ({ emit: emit + (restorer?.end() ?? ""), blocked });

  const pushPiece = (piece: string): StreamStep | Promise<StreamStep> => {
    held += piece;
    return advance((scan) => scan.push(piece));
  };

  /** A long piece, in turns with others: the same as its parts one after the other. */
  const pushParts = async (chunk: string): Promise<StreamStep> => {
    const pause = takeTurns();
    let emit = "";
    for (let at = 0; at < chunk.length; at += STEP) {
      const waited = pause();
      if (waited !== undefined) await waited;
      const part = pushPiece(chunk.slice(at, at + STEP));
      const step = part instanceof Promise ? await part : part;
      emit += step.emit;
      if (step.blocked) return { emit, blocked: true };
    }
    return { emit, blocked: false };
  };

  return {
    push: (chunk) => {
      if (ended) throw guardError("guard.stream-ended");
      if (blockedAt !== undefined) return { emit: NO_OUTPUT, blocked: true };
      return chunk.length > LONG ? pushParts(chunk) : pushPiece(chunk);
    },
    end: () => {
      if (ended) throw guardError("guard.stream-ended");
      ended = true;
      if (blockedAt !== undefined) return { emit: NO_OUTPUT, blocked: true };
      const step = advance((scan) => scan.end());
      return step instanceof Promise ? step.then(flush) : flush(step);
    },
    get verdict(): Verdict {
      const verdict = decide(assignments.map((assignment) => outcome(assignment, readers, blockedAt)));
      // What could not be masked any more was stopped: that is what happened, whatever the settings ask for.
      return blockedAt === undefined ? verdict : { ...verdict, action: "block" };
    },
  };
}

/** How `assignment`'s detector reads the channel: exactly or in passing, and the views that it wants in passing. */
function openReaders(assignment: Assignment, context: DetectContext, views: WindowViews): readonly Reader[] {
  const { detector, action, timeoutMs } = assignment;
  const reader = { assignment, settled: 0, failure: undefined };
  if (action === undefined) return [{ ...reader, scan: undefined }];
  if (detector.guarantee === "windowed") {
    return [{ ...reader, scan: passingScan(detector, context, "all", timeoutMs, views) }];
  }
  try {
    const exact: Reader = { ...reader, scan: detector.open?.(context) ?? windowScan(detector, context) };
    if (detector.reads !== "views") return [exact];
    return [exact, { ...reader, exact, scan: passingScan(detector, context, "views", timeoutMs, views) }];
  } catch (error) {
    return [{ ...reader, scan: undefined, failure: failureOf(error) }];
  }
}

/** Whether text waits for this reader. One that failed open no longer holds anything back. */
function reading({ scan, failure }: Reader): boolean {
  return scan !== undefined && failure === undefined;
}

/** Whether what this reader finds passes all the same. */
function notes({ assignment: { action } }: Reader): boolean {
  return action === undefined || action === "allow" || action === "flag";
}

/** Whether `exact` found the same at the same place. */
function sees(exact: Reader | undefined, finding: Finding): boolean {
  return exact?.scan?.hits.some((hit) => repeats(hit.finding, finding)) === true;
}

/**
 * What a detector did so far. After a block, findings further on are left out, and one that reaches as far as it stands
 * as it was first seen: how much of the rest had arrived is chance.
 */
function outcome(assignment: Assignment, readers: readonly Reader[], blockedAt: number | undefined): Outcome {
  const findings: Finding[] = [];
  let failed: string | undefined;
  for (const { assignment: own, scan, exact, failure } of readers) {
    if (own !== assignment) continue;
    failed ??= failure;
    for (const { opening, finding, passed } of scan?.hits ?? []) {
      if (passed !== undefined) {
        if (sees(exact, finding) || (blockedAt !== undefined && passed > blockedAt)) continue;
        // The next look may have seen more of it.
        const seen = findings.findIndex(
          (known) => known.rule === finding.rule && known.location.start === finding.location.start,
        );
        if (seen === -1) findings.push(finding);
        else findings[seen] = finding;
      } else if (blockedAt === undefined) findings.push(finding);
      else if (finding.location.start <= blockedAt) {
        findings.push(finding.location.end < blockedAt ? finding : opening);
      }
    }
  }
  return failed === undefined ? { assignment, findings } : { assignment, findings, failure: failed };
}
