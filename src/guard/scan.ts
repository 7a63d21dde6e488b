/**
 * What detectors share that read by a {@link Scan}: whole texts read by it, and several scans of one channel as one. For
 * scans that wait for nothing.
 *
 * @module
 */

import type { Finding } from "../core/index.ts";
import type { DetectContext, Hit, Scan } from "./detector.ts";
import { STEP, type Paced } from "./pace.ts";

/** A scan that has nothing to look for: everything may pass. */
export const NOTHING_TO_FIND: Scan = { push: () => Number.MAX_SAFE_INTEGER, end: () => undefined, hits: [] };

/** The `detect` and `read` of a detector, by its `open`: in one piece, and a step at a time. */
export function readByScan(open: (context: DetectContext) => Scan): {
  readonly detect: (text: string, context: DetectContext) => readonly Finding[];
  readonly read: (text: string, context: DetectContext) => Paced<readonly Finding[]>;
} {
  return {
    detect: (text, context) => {
      const scan = open(context);
      void scan.push(text);
      return endOf(scan);
    },
    *read(text, context) {
      const scan = open(context);
      for (let at = 0; at < text.length; at += STEP) {
        void scan.push(text.slice(at, at + STEP));
        yield;
      }
      return endOf(scan);
    },
  };
}

/** Several scans of the same channel as one. */
export function joinScans(scans: readonly Scan[]): Scan {
  return {
    push: (piece) => {
      let settled = Number.MAX_SAFE_INTEGER;
      for (const scan of scans) settled = Math.min(settled, scan.push(piece) as number);
      return settled;
    },
    end: () => {
      for (const scan of scans) void scan.end();
    },
    get hits() {
      return inOrder(scans.map(({ hits }) => hits));
    },
  };
}

/** Hits of several lists by their start. */
export function inOrder(lists: readonly (readonly Hit[])[]): readonly Hit[] {
  const filled = lists.filter(({ length }) => length > 0);
  if (filled.length < 2) return filled[0] ?? [];
  return filled.flat().toSorted((one, other) => one.finding.location.start - other.finding.location.start);
}

function endOf(scan: Scan): readonly Finding[] {
  void scan.end();
  return scan.hits.map(({ finding }) => finding);
}
