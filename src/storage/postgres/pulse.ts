/**
 * Whether the server answers: a question every second, on a connection of its own.
 *
 * A server that is gone without a word (a machine that stopped, a network that swallows packets) keeps its callers waiting
 * for as long as their time limits say. Once it has left the question unanswered on two connections in a row, it is taken
 * for lost: `onLost` lets the callers go, and nothing more is asked of it until it answers the question again.
 *
 * A busy server is not a lost one: the question waits for no free connection of the pool, and a refusal that a server
 * sends for want of connections is an answer.
 *
 * @module
 */

import { isServerError } from "./fault.ts";

export interface Pulse {
  /** Whether the server is taken for lost. */
  readonly away: () => boolean;
  stop(): void;
}

/** One connection for the question. */
export interface Asking {
  /** Asks once; the first time it connects. @throws what `pg` throws; then the connection is of no use any more */
  ask(): Promise<void>;
  /** Lets it go at once. */
  end(): void;
}

export interface PulseOptions {
  /** A connection that is not made yet. */
  readonly open: () => Asking;
  /** The server is taken for lost. Called again for as long as it is. */
  readonly onLost: () => void;
  /** Between two questions, in milliseconds. */
  readonly everyMs?: number;
}

/** How long the answer may take, and how long a connection for the question, in milliseconds. */
export const ANSWER_MS = 2_000;
const EVERY_MS = 1_000;
/** Between two questions to a server that is taken for lost, in milliseconds. */
const AWAY_EVERY_MS = 250;

/** Begins to ask. The first question comes after the first pause: who opens the database has just asked it something. */
export function startPulse({ open, onLost, everyMs = EVERY_MS }: PulseOptions): Pulse {
  let asking: Asking | undefined;
  let away = false;
  let stopped = false;
  let timer = setTimeout(beat, everyMs).unref();

  return {
    away: () => away,
    stop() {
      stopped = true;
      clearTimeout(timer);
      asking?.end();
    },
  };

  function beat(): void {
    void answers().then((answered) => {
      if (stopped) return;
      away = !answered;
      if (away) onLost();
      timer = setTimeout(beat, away ? Math.min(AWAY_EVERY_MS, everyMs) : everyMs).unref();
    });
  }

  async function answers(): Promise<boolean> {
    // A connection may be lost alone, with a server in good health: it is asked again on a new one.
    const first = asking !== undefined && (await ask());
    return first || (!stopped && (await ask()));
  }

  async function ask(): Promise<boolean> {
    try {
      asking ??= open();
      await asking.ask();
      return true;
    } catch (error) {
      asking?.end();
      asking = undefined;
      // 57: it shuts down, or is not up yet. Whatever else it says, it is there.
      return isServerError(error) && !error.code.startsWith("57");
    }
  }
}
