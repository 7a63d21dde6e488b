/**
 * Streams for detectors that only read whole texts: runs them over windows of the channel.
 *
 * {@link windowScan} is exact for a detector that keeps the port's promise, that a finding depends on nothing further
 * than `longestMatch` units from its first one. The price is that `longestMatch` units are always held back, and read
 * again with every piece; a detector that can say sooner what is settled implements `open`.
 *
 * {@link passingScan} is for what cannot be exact without holding back whole pages: classifiers, and what a text hides in
 * encodings. It looks at fixed places, every {@link STREAM_STEP} units, at the {@link STREAM_WINDOW} units before, so
 * that what it finds does not depend on how the text was cut. Text passes up to the next place before it is judged.
 *
 * @module
 */

import type { Finding } from "../core/index.ts";
import { checkAnswer } from "./answer.ts";
import { STREAM_STEP, STREAM_WINDOW, type DetectContext, type Detector, type Hit, type Scan } from "./detector.ts";
import { withinTime } from "./failure.ts";
import type { Derived } from "./normalise/index.ts";
import { atOnce } from "./pace.ts";
import { readText, readViews, repeats, viewsOf, type Readable } from "./read.ts";

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

/**
 * Opens a {@link Scan} that looks at the channel in passing.
 *
 * @param looksAt `all`: the text and, if the detector wants them, its views; `views`: those alone, for a detector that
 * reads the text itself exactly
 * @param timeoutMs for one look
 * @param views the views of a window: shared by the scans of a channel, which all look at the same windows
 */
export function passingScan(
  detector: Detector,
  context: DetectContext,
  looksAt: "all" | "views",
  timeoutMs: number,
  views: WindowViews,
): Scan {
  const hits: Hit[] = [];
  /** The last of the channel, and where it begins. */
  let text = "";
  let base = 0;
  /** The next place to look. */
  let next = STREAM_STEP;

  const take = (found: readonly Finding[], from: number, passed: number): void => {
    for (const finding of found.toSorted((a, b) => a.location.start - b.location.start)) {
      const { pointer, start, end } = finding.location;
      const moved = { ...finding, location: { pointer, start: start + from, end: end + from } };
      const known = knownAt(moved, from);
      if (known === undefined) hits.push({ opening: moved, finding: moved, passed });
      // Where an earlier look saw less of it, this one's is a hit too, from the same start: the last is the whole.
      else if (known.passed !== passed && known.finding.location.end < moved.location.end) {
        const whole = { ...finding, location: { ...moved.location, start: known.finding.location.start } };
        hits.push({ opening: whole, finding: whole, passed });
      }
    }
  };
  /** The same as an earlier look found it, which saw part of the same window, or another view in this one. */
  const knownAt = (finding: Finding, from: number): Hit | undefined => {
    for (let index = hits.length - 1; index >= 0; index--) {
      const hit = hits[index] as Hit;
      if ((hit.passed ?? 0) <= from) return undefined;
      if (repeats(hit.finding, finding)) return hit;
    }
    return undefined;
  };
  /** Judges the window that ends at `at`. */
  const look = (at: number): void | Promise<void> => {
    const from = Math.max(base, at - STREAM_WINDOW);
    const found = read(detector, text.slice(from - base, at - base), context, looksAt, timeoutMs, views);
    if (found instanceof Promise) return found.then((later) => take(later, from, at));
    take(found, from, at);
    return undefined;
  };
  /** Looks at every place that the text has reached, one after the other. */
  const lookOn = (): number | Promise<number> => {
    while (base + text.length >= next) {
      const at = next;
      next += STREAM_STEP;
      const looked = look(at);
      if (looked instanceof Promise) return looked.then(lookOn);
    }
    const kept = Math.max(base, next - STREAM_STEP - STREAM_WINDOW);
    text = text.slice(kept - base);
    base = kept;
    return next;
  };

  return {
    push: (piece) => {
      text += piece;
      return lookOn();
    },
    end: () => {
      const length = base + text.length;
      // The last place has been looked at where the text ends on it.
      return length === next - STREAM_STEP ? undefined : look(length);
    },
    hits,
  };
}

/** The views of a window. @throws `guard.timeout` after `until` */
export type WindowViews = (window: string, until: number) => Derived;

/** Derives the views of a window once, for all who look at it. */
export function windowViews(): WindowViews {
  let last: Readable | undefined;
  return (window, until) => {
    if (last?.text !== window) last = { text: window };
    return atOnce(viewsOf(last, until));
  };
}

/** What one look finds. Work in steps runs through: a window is short. */
function read(
  detector: Detector,
  text: string,
  context: DetectContext,
  looksAt: "all" | "views",
  timeoutMs: number,
  views: WindowViews,
): readonly Finding[] | Promise<readonly Finding[]> {
  const until = performance.now() + timeoutMs;
  const derived = detector.reads === "views" ? views(text, until) : undefined;
  const found =
    looksAt === "all"
      ? atOnce(readText(detector, text, context, derived, until))
      : derived === undefined
        ? []
        : atOnce(readViews(detector, derived, context, until));
  return found instanceof Promise ? withinTime(found, timeoutMs) : found;
}
