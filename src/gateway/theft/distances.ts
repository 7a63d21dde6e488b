/**
 * PRADA: whether inputs are met or made. Of what people happen to ask, the distance to the nearest earlier input of the same
 * class is about normally distributed; of inputs that are computed from others (a seed and small steps from it), it is
 * not. The statistic is W of Shapiro and Wilk over these distances.
 *
 * Bounded: each class keeps so many inputs that lie apart, the oldest goes first, and W is of the last so many distances.
 * What it cannot see: natural data, and random inputs, whose distances are as normal as anyone's.
 *
 * Source: M. Juuti, S. Szyller, S. Marchal and N. Asokan, «PRADA: protecting against DNN model stealing attacks», 2019,
 * algorithm 3.
 *
 * @module
 */

import { shapiroWilk } from "./normality.ts";

/** Inputs kept of a class, classes, and distances kept, at most. */
const KEPT = 128;
const CLASSES = 8;
const DISTANCES = 512;
/** Fewer distances say nothing. */
const ENOUGH = 100;
/** W is worked out anew after so many distances. */
const EVERY = 32;

interface Known {
  readonly inputs: Float32Array[];
  next: number;
  /** Of the distances of what was kept: how many, their mean, and their summed squares around it. */
  count: number;
  mean: number;
  squares: number;
  threshold: number;
}

export class Distances {
  readonly #classes = new Map<number, Known>();
  #distances: number[] = [];
  #next = 0;
  #since = 0;
  #w = 1;

  /** The statistic as last worked out; 1 while too little was seen. */
  get w(): number {
    return this.#w;
  }

  /** @param label the class that the model answered with */
  add(input: Float32Array, label: number): void {
    const of = Math.abs(Math.trunc(label)) % CLASSES;
    const known = this.#classes.get(of) ?? { inputs: [], next: 0, count: 0, mean: 0, squares: 0, threshold: 0 };
    this.#classes.set(of, known);
    if (known.inputs.length === 0) {
      keep(known, input);
      return;
    }
    const distance = nearest(known.inputs, input);
    // What was asked before says nothing of how it was made.
    if (distance === 0) return;
    this.#remember(distance);
    if (distance <= known.threshold) return;
    keep(known, input);
    known.count++;
    const before = distance - known.mean;
    known.mean += before / known.count;
    known.squares += before * (distance - known.mean);
    known.threshold = Math.max(known.threshold, known.mean - Math.sqrt(known.squares / known.count));
  }

  #remember(distance: number): void {
    if (this.#distances.length < DISTANCES) this.#distances.push(distance);
    else {
      this.#distances[this.#next] = distance;
      this.#next = (this.#next + 1) % DISTANCES;
    }
    if (this.#distances.length < ENOUGH || ++this.#since < EVERY) return;
    this.#since = 0;
    this.#w = shapiroWilk(withoutOutliers(this.#distances));
  }
}

function keep(known: Known, input: Float32Array): void {
  if (known.inputs.length < KEPT) {
    known.inputs.push(input);
    return;
  }
  known.inputs[known.next] = input;
  known.next = (known.next + 1) % KEPT;
}

function nearest(inputs: readonly Float32Array[], input: Float32Array): number {
  let least = Infinity;
  for (const other of inputs) {
    let sum = 0;
    for (let index = 0; index < input.length && sum < least; index++) {
      sum += ((input[index] as number) - (other[index] ?? 0)) ** 2;
    }
    least = Math.min(least, sum);
  }
  return Math.sqrt(least);
}

/** Without what lies more than three standard deviations from the mean. */
function withoutOutliers(distances: readonly number[]): readonly number[] {
  const mean = distances.reduce((sum, x) => sum + x, 0) / distances.length;
  const deviation = Math.sqrt(distances.reduce((sum, x) => sum + (x - mean) ** 2, 0) / distances.length);
  return distances.filter((x) => Math.abs(x - mean) <= 3 * deviation);
}
