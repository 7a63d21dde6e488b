/**
 * Rewrite: a text made from another by replacing parts of it, with the way back.
 *
 * The map is a list of stretches. In one kind each unit came from the unit beside the last one's (a copy, or one unit
 * put for one); in the other, all units came from one part of the source. A megabyte of replaced units is some ten
 * megabytes of map and no object for each.
 *
 * @module
 */

import { isHighSurrogate, isLowSurrogate } from "../../core/index.ts";
import { STEP, type Paced } from "../pace.ts";

/** A part of a text, in UTF-16 units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A text that was made from another. */
export interface Made {
  readonly text: string;
  /** The part of the source that units `start` to `end` of the text came from; always a part that exists. */
  locate(start: number, end: number): Range;
}

/** Writes a text from left to right along its source. What is neither replaced nor skipped is copied. */
export interface Rewriter {
  /** Puts `text` for the source's units `start` to `end`. Starts never decrease and never lie before the last `end`. */
  replace(start: number, end: number, text: string): void;
  /** Puts the source's units `start` to `end` in reverse order of their code points. */
  reverse(start: number, end: number): Paced<void>;
  /** The source's unit up to which it is written. */
  readonly cursor: number;
  /** Whether anything was replaced so far. */
  readonly changed: boolean;
  /** Ends the text, with a copy of the rest. Call once. */
  finish(): Made;
}

/** A whole text that came from one part of its source: what an encoded run spells. */
export function madeFrom(text: string, { start, end }: Range): Made {
  return { text, locate: () => ({ start, end }) };
}

/** Opens a rewriter. With `only`, what lies between the parts that are put is left out instead of copied. */
export function openRewriter(source: string, only = false): Rewriter {
  const parts: string[] = [];
  let pending = NOTHING;
  let held = 0;
  let length = 0;
  let cursor = 0;
  let changed = false;
  const map = openMap();

  const flush = (): void => {
    if (held > 0) parts.push(String.fromCharCode.apply(null, pending.subarray(0, held) as unknown as number[]));
    held = 0;
  };
  const write = (from: string, start: number, end: number): void => {
    length += end - start;
    if (end - start > LONG_COPY) {
      flush();
      parts.push(from.slice(start, end));
      return;
    }
    if (pending === NOTHING) pending = new Uint16Array(PENDING);
    if (held + end - start > PENDING) flush();
    for (let at = start; at < end; at++) pending[held++] = from.charCodeAt(at);
  };
  const copyTo = (to: number): void => {
    if (to > cursor && !only) {
      map.copied(length, cursor);
      write(source, cursor, to);
    }
    cursor = Math.max(cursor, to);
  };
  return {
    replace: (start, end, text) => {
      copyTo(start);
      changed = true;
      cursor = end;
      if (text === "") return;
      if (text.length === 1 && end - start === 1) map.copied(length, start);
      else map.replaced(length, start, end);
      write(text, 0, text.length);
    },
    reverse: function* (start, end) {
      copyTo(start);
      changed = true;
      cursor = end;
      for (let to = end; to > start;) {
        if ((end - to) % STEP === STEP - 1) yield;
        const from = to - 2 >= start && isPair(source, to - 2) ? to - 2 : to - 1;
        map.copied(length, from);
        write(source, from, to);
        to = from;
      }
    },
    get cursor() {
      return cursor;
    },
    get changed() {
      return changed;
    },
    finish: () => {
      copyTo(source.length);
      flush();
      return { text: parts.join(""), locate: map.close(length, source.length) };
    },
  };
}

/** Units that are gathered before they become a string. */
const PENDING = 4096;
const NOTHING = new Uint16Array(0);
/** A copy of more units is a slice of its own. */
const LONG_COPY = 64;

function isPair(text: string, at: number): boolean {
  return isHighSurrogate(text.charCodeAt(at)) && isLowSurrogate(text.charCodeAt(at + 1));
}

/** The offset map: for each stretch where it begins here and there, and its width there (0: unit for unit). */
function openMap() {
  let stretches = new Int32Array(3 * 16);
  let used = 0;
  const push = (at: number, from: number, width: number): void => {
    if (used === stretches.length) {
      const grown = new Int32Array(stretches.length * 2);
      grown.set(stretches);
      stretches = grown;
    }
    stretches[used] = at;
    stretches[used + 1] = from;
    stretches[used + 2] = width;
    used += 3;
  };
  return {
    copied: (at: number, from: number): void => {
      const goesOn =
        used > 0 &&
        stretches[used - 1] === 0 &&
        at - (stretches[used - 3] as number) === from - (stretches[used - 2] as number);
      if (!goesOn) push(at, from, 0);
    },
    replaced: (at: number, from: number, to: number): void => push(at, from, Math.max(to - from, 1)),
    close: (length: number, sourceLength: number): Made["locate"] => {
      const find = (offset: number): number => {
        let low = 0;
        let high = used / 3 - 1;
        while (low < high) {
          const middle = (low + high + 1) >> 1;
          if ((stretches[middle * 3] as number) <= offset) low = middle;
          else high = middle - 1;
        }
        return low * 3;
      };
      /** First and last unit, and all between: a reversed part begins where it ends. */
      return (start, end) => {
        if (length === 0) return { start: 0, end: sourceLength };
        const first = Math.min(Math.max(start, 0), length - 1);
        const last = Math.min(Math.max(end - 1, first), length - 1);
        let low = sourceLength;
        let high = 0;
        const lastStretch = find(last);
        for (let index = find(first); index <= lastStretch; index += 3) {
          const at = stretches[index] as number;
          const from = stretches[index + 1] as number;
          const width = stretches[index + 2] as number;
          const next = index + 3 < used ? (stretches[index + 3] as number) : length;
          const begin = width === 0 ? from + Math.max(first, at) - at : from;
          const stop = width === 0 ? from + Math.min(last + 1, next) - at : from + width;
          if (begin < low) low = begin;
          if (stop > high) high = stop;
        }
        return end <= start ? { start: low, end: low } : { start: low, end: Math.min(high, sourceLength) };
      };
    },
  };
}
