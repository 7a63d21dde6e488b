/**
 * A made-up data set: four classes of three clouds each in eight dimensions, every number from 0 to 1. Clouds of different
 * classes lie between each other, so that no plane tells the classes apart.
 */

import { random } from "../../test/predict/random.ts";

export const DIMENSIONS = 8;
export const CLASSES = 4;
const CLOUDS = 3;
const SPREAD = 0.11;

export interface Sample {
  readonly input: readonly number[];
  readonly label: number;
}

/** @returns a source of samples; two of the same seed have the same clouds, and each call of `draw` goes on */
export function source(seed: number): { draw(many: number, from: () => number): Sample[] } {
  const { uniform } = random(seed);
  const clouds = Array.from({ length: CLASSES * CLOUDS }, (_, index) => ({
    label: index % CLASSES,
    centre: Array.from({ length: DIMENSIONS }, () => 0.2 + 0.6 * uniform()),
  }));
  return {
    draw(many, from) {
      const normal = (): number => Math.sqrt(-2 * Math.log(1 - from())) * Math.cos(2 * Math.PI * from());
      return Array.from({ length: many }, () => {
        const { label, centre } = clouds[Math.floor(from() * clouds.length)] as (typeof clouds)[number];
        return { label, input: centre.map((x) => clip(x + SPREAD * normal())) };
      });
    },
  };
}

/** Within the range that the model takes, with the decimals that a form has. */
export function clip(x: number): number {
  return Math.round(Math.min(1, Math.max(0, x)) * 1e4) / 1e4;
}
