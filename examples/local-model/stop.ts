/**
 * Stop texts: the answer ends before the first of them, also where one arrives in pieces.
 *
 * @module
 */

export interface Stopper {
  /** The part of the text so far that may go out. What could still become a stop text is held back. */
  push(text: string): string;
  /** What was held back, once no more text comes. */
  end(): string;
  /** The stop text that was met. */
  readonly met: string | undefined;
}

export function createStopper(stops: readonly string[]): Stopper {
  let held = "";
  let met: string | undefined;
  return {
    push(text) {
      held += text;
      const found = stops
        .map((stop) => ({ stop, at: held.indexOf(stop) }))
        .filter(({ at }) => at !== -1)
        .toSorted((one, other) => one.at - other.at)[0];
      if (found !== undefined) {
        met = found.stop;
        const out = held.slice(0, found.at);
        held = "";
        return out;
      }
      const keep = Math.max(0, ...stops.map((stop) => beginning(held, stop)));
      const out = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return out;
    },
    end() {
      const out = held;
      held = "";
      return out;
    },
    get met() {
      return met;
    },
  };
}

/** Length of the longest end of `text` that is the beginning of `stop`. */
function beginning(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
