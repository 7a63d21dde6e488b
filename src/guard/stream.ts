/**
 * A guard over one channel of streamed text.
 *
 * The guarantee is strict: the text cut at any places gives the same output and the same verdict as in one piece, and
 * nothing that a detector finds leaves before it is masked. A unit of text is emitted once every detector has judged
 * it ({@link Scan}); what is held back is only what could still become a match. Where the policy blocks, all text before
 * the match is out, and of the match and what follows, nothing.
 *
 * @module
 */

import type { Finding, Verdict } from "../core/index.ts";
import type { DetectContext, Scan } from "./detector.ts";
import { guardError } from "./errors.ts";
import { maskRange, type Region } from "./mask.ts";
import { LONG, STEP, takeTurns } from "./pace.ts";
import { decide, FAILURE, type Assignment, type Outcome } from "./policy.ts";
import { windowScan } from "./window.ts";

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

/** One detector at work on the channel. */
interface Reader {
  readonly assignment: Assignment;
  readonly scan: Scan | undefined;
  /** Everything before it is judged. */
  settled: number;
  failed: boolean;
}

const NO_OUTPUT = "";

/** Opens the channel that `context` names, read by the detectors of `assignments`. */
export function openStream(assignments: readonly Assignment[], context: DetectContext): GuardStream {
  const readers = assignments.map((assignment) => openReader(assignment, context));
  let held = "";
  let base = 0;
  let ended = false;
  /** Where the policy blocked: the offset of the match. */
  let blockedAt: number | undefined;

  /** Emits what all detectors have judged. */
  const release = (): StreamStep => {
    if (readers.some((reader) => reader.failed && reader.assignment.onError === "block")) blockedAt ??= base;
    if (blockedAt !== undefined) return { emit: NO_OUTPUT, blocked: true };
    const regions: Region[] = [];
    let upTo = base + held.length;
    for (const reader of readers) if (reading(reader)) upTo = Math.min(upTo, reader.settled);
    for (const { assignment, scan } of readers) {
      for (const { finding } of scan?.hits ?? []) {
        const { start, end } = finding.location;
        if (end <= base || start >= upTo) continue;
        if (assignment.action === "block") blockedAt = Math.min(blockedAt ?? start, start);
        if (assignment.action === "mask") {
          regions.push({ start, end, rule: finding.rule, strip: assignment.detector.strip });
        }
      }
    }
    const to = Math.max(base, Math.min(upTo, blockedAt ?? upTo));
    const emit = regions.length === 0 ? held.slice(0, to - base) : maskRange(held, base, base, to, regions);
    held = blockedAt === undefined ? held.slice(to - base) : "";
    base = to;
    return { emit, blocked: blockedAt !== undefined };
  };

  /** Lets every detector take its step, at once where it can. */
  const advance = (step: (scan: Scan) => number | void | Promise<number | void>): StreamStep | Promise<StreamStep> => {
    const waiting: Promise<void>[] = [];
    for (const reader of readers) {
      if (reader.scan === undefined || !reading(reader)) continue;
      const settle = (settled: number | void): void => {
        reader.settled = settled ?? Number.POSITIVE_INFINITY;
      };
      const fail = (): void => {
        reader.failed = true;
      };
      try {
        const settled = step(reader.scan);
        if (settled instanceof Promise) waiting.push(settled.then(settle).catch(fail));
        else settle(settled);
      } catch {
        fail();
      }
    }
    return waiting.length === 0 ? release() : Promise.all(waiting).then(release);
  };

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
      return advance((scan) => scan.end());
    },
    get verdict() {
      return decide(readers.map((reader) => outcome(reader, blockedAt)));
    },
  };
}

function openReader(assignment: Assignment, context: DetectContext): Reader {
  const reader = { assignment, settled: 0, failed: false };
  const { detector, action } = assignment;
  if (action === undefined) return { ...reader, scan: undefined };
  try {
    return { ...reader, scan: detector.open?.(context) ?? windowScan(detector, context) };
  } catch {
    return { ...reader, scan: undefined, failed: true };
  }
}

/** Whether text waits for this detector. One that failed open no longer holds anything back. */
function reading({ scan, failed }: Reader): boolean {
  return scan !== undefined && !failed;
}

/**
 * What a detector did so far. After a block, findings further on are left out, and one that reaches beyond it stands
 * as it was first seen: how much of the rest had arrived is chance.
 */
function outcome({ assignment, scan, failed }: Reader, blockedAt: number | undefined): Outcome {
  const findings: Finding[] = [];
  for (const { opening, finding } of scan?.hits ?? []) {
    if (blockedAt === undefined) findings.push(finding);
    else if (finding.location.start <= blockedAt) findings.push(finding.location.end <= blockedAt ? finding : opening);
  }
  return failed ? { assignment, findings, failure: FAILURE } : { assignment, findings };
}
