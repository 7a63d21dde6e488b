/**
 * Time as a port, so that expiry, freshness and retention are tested without waiting.
 *
 * @module
 */

export interface Clock {
  /** Milliseconds since the Unix epoch. May step when the machine's clock is set. */
  now(): number;
  /** Milliseconds on a clock that never steps back. For durations and rate limits. */
  monotonic(): number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  /** Moves both clocks forward by `ms` milliseconds. */
  advance(ms: number): void;
}

/** A {@link FakeClock} that starts at `now` (milliseconds since the epoch). */
export function fakeClock(now = Date.UTC(2026, 0, 1)): FakeClock {
  let passed = 0;
  return {
    now: () => now + passed,
    monotonic: () => passed,
    advance: (ms) => {
      passed += ms;
    },
  };
}
