/**
 * Windows over a long text. A classifier reads a page at most; an attack in the middle of a hundred pages is found
 * because some window holds it with little around it. Neighbours share {@link SHARED} units, so nothing of up to that
 * length is ever cut.
 *
 * @module
 */

import { isLowSurrogate } from "../../core/index.ts";

export interface Window {
  readonly start: number;
  readonly end: number;
}

/** UTF-16 units of a window, before its ends move to white space. */
export const WINDOW = 1000;
/** UTF-16 units from one window to the next. */
const STRIDE = 750;
/** What every two neighbours both hold, at least. */
export const SHARED = WINDOW - STRIDE;
/** How far an end moves, outwards only, so that no word is cut. */
const SLACK = 40;
/** The longest window there can be. A surrogate pair at an end is never cut. */
export const LONGEST_WINDOW = WINDOW + 2 * SLACK;

/** The windows of a text, in order. A text that is hardly longer than one is one. */
export function* windowsOf(text: string): Generator<Window, void, undefined> {
  for (let at = 0; ; at += STRIDE) {
    // What would only be a short rest goes with the last window.
    const last = at + WINDOW + SLACK >= text.length;
    yield { start: at === 0 ? 0 : startNear(text, at), end: last ? text.length : endNear(text, at + WINDOW) };
    if (last) return;
  }
}

/** Where the word at `at` begins, if that is near. */
function startNear(text: string, at: number): number {
  for (let start = at; start > at - SLACK; start--) if (isSpace(text, start - 1)) return start;
  return isLowSurrogate(text.charCodeAt(at)) ? at - 1 : at;
}

/** Where the word before `at` ends, if that is near. */
function endNear(text: string, at: number): number {
  const most = Math.min(text.length, at + SLACK);
  for (let end = at; end < most; end++) if (isSpace(text, end)) return end;
  return isLowSurrogate(text.charCodeAt(at)) ? at + 1 : at;
}

function isSpace(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || unit === 0xa0 || unit === 0x3000;
}
