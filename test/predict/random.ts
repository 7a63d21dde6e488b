import { mulberry32 } from "../../src/core/index.ts";

/**
 * Random numbers that are the same in every run.
 *
 * @param seed any whole number
 */
export function random(seed: number): { uniform: () => number; normal: () => number } {
  const uniform = mulberry32(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}
