/**
 * Pace: how a long text is read without keeping everyone else waiting. Node runs one thing at a time, and a megabyte
 * made to provoke the detectors is most of a second of work.
 *
 * Work is written as steps, each of a few milliseconds at most. Short work runs its steps in one go, without waiting
 * for anything. Long work asks for turns, and turns are given out one for each round of the event loop, in the order
 * they were asked for, whoever asks: ten long texts at once take ten times as long, not ten times as much of a round.
 *
 * @module
 */

import { performance } from "node:perf_hooks";

/** Work that may be left and taken up again at every `yield`. */
export type Paced<T> = Generator<undefined, T, undefined>;

/** UTF-16 units that one step reads: some 3 ms of the most provoking text, 30 us of any other. */
export const STEP = 4096;

/** A text up to this length is read in one step, whatever is in it. */
export const SHORT = 1024;

/** More text than this is long: the most that is read without a turn of its own. */
export const LONG = 4 * STEP;

/** Milliseconds of one turn. With the step that goes over it, well under the 50 that nobody may be kept waiting. */
const TURN_MS = 8;

/** Runs short work to its end. */
export function atOnce<T>(work: Paced<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** Runs work at once as long as it is short after all, and from there on in turns. */
export function soon<T>(work: Paced<T>): T | Promise<T> {
  const until = performance.now() + TURN_MS;
  do {
    const step = work.next();
    if (step.done === true) return step.value;
  } while (performance.now() < until);
  return inTurns(work);
}

/** Runs long work in turns. */
export async function inTurns<T>(work: Paced<T>): Promise<T> {
  const pause = takeTurns();
  for (;;) {
    const waited = pause();
    if (waited !== undefined) await waited;
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** For long work: to be called before every step, and waited for where it says so, until the next turn. */
export function takeTurns(): () => Promise<void> | undefined {
  let until = 0;
  return () =>
    performance.now() < until
      ? undefined
      : turn().then(() => {
          until = performance.now() + TURN_MS;
        });
}

/** Who waits for a turn, first come first. */
const waiting: (() => void)[] = [];

function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(giveTurn);
  });
}

/** What an immediate schedules runs in the next round, after the sockets were served. */
function giveTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(giveTurn);
}
