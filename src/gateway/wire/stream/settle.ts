/**
 * Work that waits only when it must: a generator that yields the promises of the guards which are asynchronous, and
 * runs to its end in one go where none is. A stream has thousands of pieces, and a promise for each would cost more
 * than the guards do.
 *
 * @module
 */

import type { StreamStep } from "../../../guard/index.ts";

/** Steps that end with a `T`. */
export type Steps<T> = Generator<Promise<StreamStep>, T, StreamStep>;

/** A step that only lets others have their turn: work goes on in the next round of the event loop. */
export function nextRound(): Promise<StreamStep> {
  return new Promise((resolve) => setImmediate(resolve, NOTHING));
}

const NOTHING: StreamStep = { emit: "", blocked: false };

/** Runs `steps`; a promise only if one of them was. */
export function settle<T>(steps: Steps<T>): T | Promise<T> {
  const first = steps.next();
  return first.done === true ? first.value : resume(steps, first.value);
}

async function resume<T>(steps: Steps<T>, first: Promise<StreamStep>): Promise<T> {
  let waiting = first;
  for (;;) {
    let result: IteratorResult<Promise<StreamStep>, T>;
    try {
      result = steps.next(await waiting);
    } catch (error) {
      result = steps.throw(error);
    }
    if (result.done === true) return result.value;
    waiting = result.value;
  }
}
