/**
 * One line of progress on standard error, where a person looks on, once something has taken over a second.
 *
 * @module
 */

import { printable } from "../server/index.ts";

export interface Progress {
  /** Shows what is going on. Cheap to call often. */
  readonly show: (what: string, done?: number, total?: number) => void;
  /** Takes the line away, before anything else is written. */
  readonly clear: () => void;
}

/** A stream as far as progress needs it. */
interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shorter work needs no line, and a line that flashes past helps nobody. */
const AFTER_MS = 1_000;
/** Often enough to look alive. */
const EVERY_MS = 100;

/** Makes the progress line of one command. Silent off a terminal, and for machines. */
export function createProgress(
  stream: Stream,
  format: "text" | "json",
  now: () => number = () => performance.now(),
): Progress {
  if (stream.isTTY !== true || format === "json") return { show: () => undefined, clear: () => undefined };
  const started = now();
  let last = Number.NEGATIVE_INFINITY;
  let shown = false;
  return {
    show(what, done, total) {
      const time = now();
      if (time - started < AFTER_MS || time - last < EVERY_MS) return;
      last = time;
      shown = true;
      const share =
        done !== undefined && total !== undefined && total > 0 ? ` ${Math.floor((done / total) * 100)} %` : "";
      const line = `${printable(what)}${share}`.slice(0, (stream.columns ?? 80) - 1);
      stream.write(`\r\u001b[K${line}`);
    },
    clear() {
      if (!shown) return;
      shown = false;
      stream.write("\r\u001b[K");
    },
  };
}
