/**
 * Numbers that look drawn and repeat, for resamples and for tests. Not for secrets: whoever sees a few of them knows the
 * rest.
 *
 * @module
 */

/**
 * The numbers in [0, 1) that follow from a seed: mulberry32 (T. Ettinger, public domain).
 *
 * @example
 * ```ts
 * const random = mulberry32(7);
 * random() === mulberry32(7)(); // true
 * ```
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
