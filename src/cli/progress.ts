/**
 * One line of progress on standard error, where a person looks on, once something has taken over a second.
 *
 * @module
 */

import { printable } from "../server/index.ts";
import type { Format } from "./parse.ts";

export interface Progress {
  /** Shows what is going on, at once or as soon as it is time to. Cheap to call often. */
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
export function createProgress(stream: Stream, format: Format): Progress {
  if (stream.isTTY !== true || format !== "text") return { show: () => undefined, clear: () => undefined };
  const started = performance.now();
  let last = Number.NEGATIVE_INFINITY;
  let line = "";
  let shown = false;
  let timer: NodeJS.Timeout | undefined;

  const draw = (): void => {
    timer = undefined;
    last = performance.now();
    shown = true;
    stream.write(`\r\u001b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  return {
    show(what, done, total) {
      const share =
        done !== undefined && total !== undefined && total > 0 ? ` ${Math.floor((done / total) * 100)} %` : "";
      line = `${printable(what)}${share}`;
      if (timer !== undefined) return;
      const wait = Math.max(started + AFTER_MS, last + EVERY_MS) - performance.now();
      if (wait <= 0) draw();
      // It must not keep a command alive that has ended.
      else timer = setTimeout(draw, wait).unref();
    },
    clear() {
      clearTimeout(timer);
      timer = undefined;
      if (shown) stream.write("\r\u001b[K");
      shown = false;
    },
  };
}
