/**
 * Random numbers that are the same in every run.
 *
 * @param seed any whole number
 */
export function random(seed: number): { uniform: () => number; normal: () => number } {
  let state = seed >>> 0;
  // mulberry32 (T. Ettinger, public domain).
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}
