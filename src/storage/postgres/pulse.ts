/**
 * Whether the server answers: a question every second, on a connection of its own.
 *
 * A server that is gone without a word (a machine that stopped, a network that swallows packets) keeps its callers waiting
 * for as long as their time limits say. Once it has left the question unanswered on two connections in a row, it is taken
 * for lost: the callers are let go, and nothing more is asked of it until it answers the question again. Where the second
 * connection answers and the first fell silent, as after a failover to another machine, those of the callers lead to where
 * the first led: they are let go as well, for new ones.
 *
 * A busy server is not a lost one: the question waits for no free connection of the pool, and a refusal that a server
 * sends for want of connections is an answer.
 *
 * @module
 */

import { isServerError, isSilence } from "./fault.ts";

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
  /** Lets go of all connections that there are. While the server is taken for lost it is called again and again. */
  readonly letGo: () => void;
  /** Between two questions, in milliseconds. */
  readonly everyMs?: number;
}

/** How long the answer may take, and how long a connection for the question, in milliseconds. */
export const ANSWER_MS = 2_000;
const EVERY_MS = 1_000;
/** Between two questions to a server that is taken for lost, in milliseconds. */
const AWAY_EVERY_MS = 250;

/** Begins to ask. The first question comes after the first pause: who opens the database has just asked it something. */
export function startPulse({ open, letGo, everyMs = EVERY_MS }: PulseOptions): Pulse {
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
      if (away) letGo();
      timer = setTimeout(beat, away ? Math.min(AWAY_EVERY_MS, everyMs) : everyMs).unref();
    });
  }

  async function answers(): Promise<boolean> {
    const first = await ask();
    if (first === "answered") return true;
    // A connection may be lost alone, with a server in good health: it is asked again on a new one.
    if (stopped || away || (await ask()) !== "answered") return false;
    if (first === "silent") letGo();
    return true;
  }

  async function ask(): Promise<"answered" | "silent" | "broken"> {
    try {
      asking ??= open();
      await asking.ask();
      return "answered";
    } catch (error) {
      asking?.end();
      asking = undefined;
      // 57: it shuts down, or is not up yet. Whatever else it says, it is there.
      if (isServerError(error) && !error.code.startsWith("57")) return "answered";
      return isSilence(error) ? "silent" : "broken";
    }
  }
}
