/**
 * A queue for one: whoever enters has the model alone until they leave; the others wait in the order of arrival.
 *
 * @module
 */

import { localModelError } from "./errors.ts";

export interface Queue {
  /**
   * Waits for the turn. Returns what ends it, or undefined when `signal` aborted first; then there is no turn to end.
   *
   * @throws `local-model.busy` when as many wait already as may
   */
  enter(signal: AbortSignal): Promise<(() => void) | undefined>;
}

/** A {@link Queue} in which at most `most` wait beside the one whose turn it is. */
export function createQueue(most: number): Queue {
  const waiting: ((turn: boolean) => void)[] = [];
  let taken = false;

  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) taken = false;
    else next(true);
  };

  return {
    async enter(signal) {
      if (signal.aborted) return undefined;
      if (taken) {
        if (waiting.length >= most) throw localModelError("local-model.busy", { detail: `${most} wait` });
        if (!(await turnOrAbort(waiting, signal))) return undefined;
      }
      taken = true;
      return leave;
    },
  };
}

function turnOrAbort(waiting: ((turn: boolean) => void)[], signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (turn: boolean) => {
      signal.removeEventListener("abort", abort);
      resolve(turn);
    };
    const abort = () => {
      waiting.splice(waiting.indexOf(settle), 1);
      settle(false);
    };
    signal.addEventListener("abort", abort);
    waiting.push(settle);
  });
}
