/**
 * Four ways to choose what to ask a model that one wants to copy. Each knows the inputs and their ranges, and sees nothing
 * of the model but its answers.
 *
 * Sources: N. Papernot et al., «Practical black-box attacks against machine learning», 2017 (Jacobian augmentation), as in
 * M. Juuti et al., «PRADA», 2019; V. Chandrasekaran et al., «Exploring connections between active learning and model
 * extraction», 2020 (margin); T. Orekondy et al., «Knockoff nets», 2019 (natural data).
 */

import { clip, DIMENSIONS, type Sample } from "./data.ts";
import type { Net } from "./net.ts";
import { shuffle } from "./net.ts";

interface Knowledge {
  /** Data like the victim's own, which only some attacks need. */
  readonly natural: readonly Sample[];
  readonly uniform: () => number;
  /** The copy so far, once there is one. */
  readonly copy: Net | undefined;
  /** What was asked already. */
  readonly asked: readonly (readonly number[])[];
}

export interface Attack {
  readonly name: string;
  /** The next inputs to ask. */
  choose(many: number, knowledge: Knowledge): readonly (readonly number[])[];
}

/** Natural samples that attacks begin with which make up the rest. */
const SEEDS = 40;
/** How far a step goes. */
const STEP = 0.1;
/** Candidates for each input that is chosen by its margin. */
const POOL = 4;

const anywhere = (uniform: () => number): number[] => Array.from({ length: DIMENSIONS }, () => clip(uniform()));

export const ATTACKS: readonly Attack[] = [
  { name: "random", choose: (many, { uniform }) => Array.from({ length: many }, () => anywhere(uniform)) },
  {
    name: "jacobian",
    choose(many, { natural, uniform, copy, asked }) {
      if (copy === undefined) return seeds(many, natural, uniform, 0.02);
      return Array.from({ length: many }, () => {
        const from = asked[Math.floor(uniform() * asked.length)] as readonly number[];
        const slope = copy.slope(from, copy.label(from));
        const step = (uniform() < 0.5 ? -1 : 1) * STEP;
        return from.map((x, index) => clip(x + step * Math.sign(slope[index] as number)));
      });
    },
  },
  {
    name: "margin",
    choose(many, { natural, uniform, copy }) {
      if (copy === undefined) return seeds(many, natural, uniform, 0.3);
      const pool = Array.from({ length: many * POOL }, () => anywhere(uniform));
      const margin = (input: readonly number[]): number => {
        const [first = 0, second = 0] = [...copy.scores(input)].toSorted((one, other) => other - one);
        return first - second;
      };
      const rated = pool.map((input) => ({ input, margin: margin(input) }));
      rated.sort((one, other) => one.margin - other.margin);
      return shuffle(
        rated.slice(0, many).map(({ input }) => input),
        uniform,
      );
    },
  },
  {
    name: "natural",
    choose: (many, { natural, asked }) => natural.slice(asked.length, asked.length + many).map(({ input }) => input),
  },
];

/** A few natural samples, and others near them until there are enough. */
function seeds(
  many: number,
  natural: readonly Sample[],
  uniform: () => number,
  spread: number,
): readonly (readonly number[])[] {
  return Array.from({ length: many }, (_, index) => {
    const { input } = natural[index % SEEDS] as Sample;
    return index < SEEDS ? input : input.map((x) => clip(x + (uniform() * 2 - 1) * spread));
  });
}
