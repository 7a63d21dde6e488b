/**
 * A perceptron in plain TypeScript: softmax over its last layer, a rectifier between the others, trained by Adam on the
 * cross-entropy to what it is told of each input, be that a label or a share for every class.
 */

import type { Layer } from "../../test/predict/onnx.ts";

interface Weights {
  readonly inputs: number;
  readonly outputs: number;
  /** `inputs` rows of `outputs`, and a last row of biases. */
  readonly values: Float64Array;
  readonly mean: Float64Array;
  readonly square: Float64Array;
}

export interface Example {
  readonly input: readonly number[];
  /** A share for every class. */
  readonly told: readonly number[];
}

/** Adam, as D. Kingma and J. Ba have it (2015). */
const [RATE, DECAY, SQUARE_DECAY, TINY] = [0.01, 0.9, 0.999, 1e-8];
const BATCH = 32;

export class Net {
  readonly #layers: readonly Weights[];
  #steps = 0;

  /** @param sizes of the inputs, of the hidden layers if there are any, and of the classes */
  constructor(sizes: readonly number[], uniform: () => number) {
    this.#layers = sizes.slice(1).map((outputs, index) => {
      const inputs = sizes[index] as number;
      const scale = Math.sqrt(6 / (inputs + outputs));
      const values = Float64Array.from({ length: (inputs + 1) * outputs }, (_, at) =>
        at < inputs * outputs ? (2 * uniform() - 1) * scale : 0,
      );
      return {
        inputs,
        outputs,
        values,
        mean: new Float64Array(values.length),
        square: new Float64Array(values.length),
      };
    });
  }

  /** The layers, for an ONNX file. */
  layers(): readonly Layer[] {
    return this.#layers.map(({ inputs, outputs, values }) => ({
      weights: Array.from({ length: inputs }, (_, row) => [...values.subarray(row * outputs, (row + 1) * outputs)]),
      bias: [...values.subarray(inputs * outputs)],
    }));
  }

  scores(input: readonly number[]): Float64Array {
    return this.#forward(input).at(-1) as Float64Array;
  }

  label(input: readonly number[]): number {
    return highest(this.scores(input));
  }

  /** The slope of the score of a class along each input. */
  slope(input: readonly number[], label: number): Float64Array {
    const activations = this.#forward(input);
    const scores = activations.at(-1) as Float64Array;
    const at = scores[label] as number;
    let error: Float64Array = scores.map((score, index) => at * ((index === label ? 1 : 0) - score));
    for (let index = this.#layers.length - 1; index >= 0; index--) error = this.#back(index, error, activations);
    return error;
  }

  train(examples: readonly Example[], epochs: number, uniform: () => number): void {
    const order = examples.map((_, index) => index);
    const gradients = this.#layers.map(({ values }) => new Float64Array(values.length));
    for (let epoch = 0; epoch < epochs; epoch++) {
      shuffle(order, uniform);
      for (let start = 0; start < order.length; start += BATCH) {
        const batch = order.slice(start, start + BATCH);
        for (const one of gradients) one.fill(0);
        for (const index of batch) this.#learn(examples[index] as Example, gradients, 1 / batch.length);
        this.#step(gradients);
      }
    }
  }

  #forward(input: readonly number[]): Float64Array[] {
    const activations: Float64Array[] = [Float64Array.from(input)];
    this.#layers.forEach(({ inputs, outputs, values }, index) => {
      const from = activations[index] as Float64Array;
      const to = values.slice(inputs * outputs);
      for (let row = 0; row < inputs; row++) {
        const x = from[row] as number;
        if (x === 0) continue;
        for (let column = 0; column < outputs; column++) {
          to[column] = (to[column] as number) + x * (values[row * outputs + column] as number);
        }
      }
      activations.push(index === this.#layers.length - 1 ? softmax(to) : to.map((x) => Math.max(0, x)));
    });
    return activations;
  }

  /** From the error of a layer's sums to that of the sums before it. */
  #back(index: number, error: Float64Array, activations: readonly Float64Array[]): Float64Array {
    const { inputs, outputs, values } = this.#layers[index] as Weights;
    const from = activations[index] as Float64Array;
    const before = new Float64Array(inputs);
    for (let row = 0; row < inputs; row++) {
      if (index > 0 && from[row] === 0) continue;
      let sum = 0;
      for (let column = 0; column < outputs; column++) {
        sum += (error[column] as number) * (values[row * outputs + column] as number);
      }
      before[row] = sum;
    }
    return before;
  }

  #learn({ input, told }: Example, gradients: readonly Float64Array[], weight: number): void {
    const activations = this.#forward(input);
    let error: Float64Array = (activations.at(-1) as Float64Array).map(
      (score, index) => (score - (told[index] ?? 0)) * weight,
    );
    for (let index = this.#layers.length - 1; index >= 0; index--) {
      const { inputs, outputs } = this.#layers[index] as Weights;
      const gradient = gradients[index] as Float64Array;
      const from = activations[index] as Float64Array;
      for (let row = 0; row <= inputs; row++) {
        const x = row === inputs ? 1 : (from[row] as number);
        if (x === 0) continue;
        for (let column = 0; column < outputs; column++) {
          const at = row * outputs + column;
          gradient[at] = (gradient[at] as number) + x * (error[column] as number);
        }
      }
      if (index > 0) error = this.#back(index, error, activations);
    }
  }

  #step(gradients: readonly Float64Array[]): void {
    this.#steps++;
    const [bias, squareBias] = [1 - DECAY ** this.#steps, 1 - SQUARE_DECAY ** this.#steps];
    this.#layers.forEach(({ values, mean, square }, index) => {
      const gradient = gradients[index] as Float64Array;
      for (let at = 0; at < values.length; at++) {
        const g = gradient[at] as number;
        mean[at] = DECAY * (mean[at] as number) + (1 - DECAY) * g;
        square[at] = SQUARE_DECAY * (square[at] as number) + (1 - SQUARE_DECAY) * g * g;
        const step = (mean[at] as number) / bias / (Math.sqrt((square[at] as number) / squareBias) + TINY);
        values[at] = (values[at] as number) - RATE * step;
      }
    });
  }
}

function highest(values: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < values.length; index++)
    if ((values[index] as number) > (values[best] as number)) best = index;
  return best;
}

/** Fisher and Yates. */
export function shuffle<T>(list: T[], uniform: () => number): T[] {
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(uniform() * (index + 1));
    [list[index], list[other]] = [list[other] as T, list[index] as T];
  }
  return list;
}

function softmax(sums: Float64Array): Float64Array {
  const most = Math.max(...sums);
  const powers = sums.map((x) => Math.exp(x - most));
  const total = powers.reduce((sum, x) => sum + x, 0);
  return powers.map((x) => x / total);
}
