/**
 * Bidi: the order in which a reader sees what right-to-left overrides turn around. `U+202E` shows all up to the end of
 * its embedding, or of the line, in reverse.
 *
 * Source: UAX #9 (explicit overrides); of nested overrides only the outermost is followed.
 *
 * @module
 */

import { STEP, type Paced } from "../pace.ts";
import { openRewriter, type Made } from "./rewrite.ts";

/** The text as seen; `undefined` without an override. */
export function* asSeen(text: string): Paced<Made | undefined> {
  let at = text.indexOf(OVERRIDE);
  if (at === -1) return undefined;
  const out = openRewriter(text);
  let work = 0;
  while (at !== -1) {
    let end = at + 1;
    let depth = 1;
    for (; end < text.length; end++) {
      if ((end - at) % STEP === STEP - 1) yield;
      const unit = text.charCodeAt(end);
      if (unit === LINE) break;
      if (unit >= 0x202a && unit <= 0x202e) depth += unit === POP ? -1 : 1;
      else if (unit === POP_ISOLATE) depth--;
      if (depth === 0) break;
    }
    out.replace(at, at + 1, "");
    yield* out.reverse(at + 1, end);
    if (end < text.length && text.charCodeAt(end) !== LINE) out.replace(end, end + 1, "");
    work += end - at;
    if (work >= STEP) {
      work = 0;
      yield;
    }
    at = text.indexOf(OVERRIDE, end);
  }
  return out.finish();
}

const OVERRIDE = "\u202E";
const POP = 0x202c;
const POP_ISOLATE = 0x2069;
const LINE = 0x0a;
