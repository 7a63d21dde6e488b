/**
 * A cumulative sum over queries a minute: small excesses that last add up, and what is below the ordinary takes them
 * down again. What is ordinary is configured and never learned, so that nobody can teach it patience.
 *
 * Source: E. Page, «Continuous inspection schemes», Biometrika 41, 1954 (one-sided, with a slack of half of the target).
 *
 * @module
 */

const MINUTE = 60_000;
/** Excess below this share of the target is ordinary. */
const SLACK = 0.5;
/** Most minutes of silence that are taken off one by one; more than that takes everything off. */
const FAR = 100_000;

export class Cusum {
  /** The ordinary number of queries. */
  perMinute: number;
  #minute = -Infinity;
  #count = 0;
  #sum = 0;

  constructor(perMinute: number) {
    this.perMinute = perMinute;
  }

  /** Counts queries at a time of a clock that never steps, in milliseconds. */
  add(now: number, queries: number): void {
    this.#turn(now);
    this.#count += queries;
  }

  /** The excess so far, in minutes' worth of the ordinary. */
  at(now: number): number {
    this.#turn(now);
    return Math.max(this.#sum, this.#sum + this.#count / this.perMinute - 1 - SLACK);
  }

  #turn(now: number): void {
    const minute = Math.floor(now / MINUTE);
    if (minute <= this.#minute) return;
    const passed = Math.min(minute - this.#minute, FAR);
    this.#sum = Math.max(0, this.#sum + this.#count / this.perMinute - 1 - SLACK);
    this.#sum = Math.max(0, this.#sum - (passed - 1) * (1 + SLACK));
    this.#count = 0;
    this.#minute = minute;
  }
}
