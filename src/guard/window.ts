/**
 * A stream for a detector that only reads whole texts: runs it over a window that slides along the channel.
 *
 * Exact for a detector that keeps the port's promise, that a finding depends on nothing further than `longestMatch`
 * units from its first one. The price is that `longestMatch` units are always held back, and read again with every
 * piece; a detector that can say sooner what is settled implements `open`.
 *
 * @module
 */

import type { Finding } from "../core/index.ts";
import { checkAnswer } from "./answer.ts";
import type { DetectContext, Detector, Hit, Scan } from "./detector.ts";

/** Opens a {@link Scan} that works by `detector.detect`. */
export function windowScan(detector: Detector, context: DetectContext): Scan {
  const reach = detector.longestMatch;
  const hits: Hit[] = [];
  let text = "";
  /** The channel's offset of `text[0]`. */
  let base = 0;
  /** Findings that start before it have been taken. */
  let settled = 0;

  const settle = (found: readonly Finding[], upTo: number): number => {
    for (const finding of found.toSorted((a, b) => a.location.start - b.location.start)) {
      const start = finding.location.start + base;
      if (start < settled || start >= upTo) continue;
      const moved = { ...finding, location: { ...finding.location, start, end: finding.location.end + base } };
      hits.push({ opening: moved, finding: moved });
    }
    settled = Math.max(settled, upTo);
    // What lies before the settled text is kept as far as a finding may look back.
    const kept = Math.max(base, settled - reach);
    text = text.slice(kept - base);
    base = kept;
    return settled;
  };
  const read = (upTo: number): number | Promise<number> => {
    const window = text;
    const take = (answer: unknown): number => settle(checkAnswer(answer, window, context.pointer), upTo);
    const found = detector.detect(window, context);
    return found instanceof Promise ? found.then(take) : take(found);
  };

  return {
    push: (piece) => {
      text += piece;
      const upTo = base + text.length - reach;
      return upTo <= settled ? settled : read(upTo);
    },
    end: () => {
      const done = read(base + text.length + 1);
      return done instanceof Promise ? done.then(() => undefined) : undefined;
    },
    hits,
  };
}
