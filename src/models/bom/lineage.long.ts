/**
 * How far apart related and unrelated checkpoints lie, measured on pairs that are made here: networks are trained from
 * scratch on the same data with other seeds, and trained on from a base, on the same task, on another one, and long enough
 * to forget the first. The thresholds of `lineage.ts` must lie between the two kinds, with room on both sides.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Fingerprint, TensorPrint } from "./fingerprint.ts";
import { compareFingerprints } from "./lineage.ts";
import { RELATED } from "./pairing.ts";
import { runsOf } from "./sample.ts";

const SIZES = [32, 96, 96, 8] as const;
const SAMPLES = 600;

/** Weights of a network of dense layers, row-major. */
type Network = readonly Float64Array[];

describe("the separation of made pairs", () => {
  const base = train(start(1), task(100), 1);
  const tuned: readonly (readonly [string, Network])[] = [
    ["the same task, longer", train(copy(base), task(100), 2)],
    ["another task", train(copy(base), task(200), 1)],
    ["another task, ten times as long", train(copy(base), task(300), 10)],
    ["another task, at three times the rate", train(copy(base), task(400), 3, 0.1)],
    ["a tuned one, tuned again", train(train(copy(base), task(500), 1), task(600), 1)],
  ];
  const apart: readonly (readonly [string, Network])[] = Array.from({ length: 8 }, (_, index) => [
    `another start, ${index}`,
    train(start(1_000 + index), task(100), 1),
  ]);

  it("learns: an untrained network is no model of this test", () => {
    assert.ok(accuracy(base, task(100)) > 0.9, String(accuracy(base, task(100))));
    assert.ok(accuracy(start(1), task(100)) < 0.5);
  });

  it("tells all pairs rightly, and the threshold has room on both sides", () => {
    const lowest = Math.min(...tuned.map(([name, network]) => correlation("fine-tune", name, base, network)));
    const highest = Math.max(...apart.map(([name, network]) => correlation("unrelated", name, base, network)));
    assert.ok(lowest > RELATED + 0.1, `fine-tunes: ${lowest}`);
    assert.ok(highest < RELATED - 0.1, `trained apart: ${highest}`);
  });
});

/** The median correlation of a pair, whose kinship must be the one that is wanted. */
function correlation(wanted: string, name: string, one: Network, other: Network): number {
  const lineage = compareFingerprints(print(one, "1"), print(other, "2"));
  assert.equal(lineage.kinship, wanted, `${name}: ${lineage.why}`);
  assert.ok(lineage.correlation !== undefined);
  return lineage.correlation.median;
}

function print(network: Network, root: string): Fingerprint {
  const tensors = network.map((weights, layer): TensorPrint => {
    const sample = Float32Array.from(
      runsOf(weights.length).flatMap(([from, count]) => [...weights.subarray(from, from + count)]),
    );
    const shape = [SIZES[layer + 1] ?? 0, SIZES[layer] ?? 0];
    return {
      name: `layer.${layer}`,
      dtype: "F64",
      shape,
      elements: weights.length,
      digest: `${root}.${layer}`,
      sample,
    };
  });
  const parameters = network.reduce((sum, weights) => sum + weights.length, 0);
  return { name: root, root, architecture: "a", structure: "s", weights: root, parameters, format: "made", tensors };
}

interface Task {
  readonly inputs: readonly Float64Array[];
  readonly labels: readonly number[];
}

/** Classes that lie around random centres. */
function task(seed: number): Task {
  const random = gaussian(seed);
  const centres = Array.from({ length: SIZES[3] }, () => Float64Array.from({ length: SIZES[0] }, random));
  const labels = Array.from({ length: SAMPLES }, (_, index) => index % SIZES[3]);
  const inputs = labels.map((label) => (centres[label] as Float64Array).map((value) => value + 0.6 * random()));
  return { inputs, labels };
}

function start(seed: number): Network {
  const random = gaussian(seed);
  return SIZES.slice(1).map((out, layer) => {
    const inputs = SIZES[layer] ?? 1;
    return Float64Array.from({ length: out * inputs }, () => random() * Math.sqrt(2 / inputs));
  });
}

function copy(network: Network): Network {
  return network.map((weights) => weights.slice());
}

/** Gradient descent, one example at a time, in place. */
function train(network: Network, { inputs, labels }: Task, epochs: number, rate = 0.03): Network {
  for (let epoch = 0; epoch < epochs * 4; epoch++) {
    for (const [index, input] of inputs.entries()) step(network, input, labels[index] ?? 0, rate);
  }
  return network;
}

function forward(network: Network, input: Float64Array): Float64Array[] {
  const layers = [input];
  for (const [layer, weights] of network.entries()) {
    const below = layers[layer] as Float64Array;
    const out = new Float64Array(weights.length / below.length);
    for (let row = 0; row < out.length; row++) {
      let sum = 0;
      for (let column = 0; column < below.length; column++) {
        sum += (weights[row * below.length + column] ?? 0) * (below[column] ?? 0);
      }
      out[row] = layer < network.length - 1 ? Math.max(0, sum) : sum;
    }
    layers.push(out);
  }
  return layers;
}

function step(network: Network, input: Float64Array, label: number, rate: number): void {
  const layers = forward(network, input);
  const logits = layers.at(-1) as Float64Array;
  const largest = Math.max(...logits);
  const exponents = logits.map((value) => Math.exp(value - largest));
  const total = exponents.reduce((sum, value) => sum + value, 0);
  let delta = exponents.map((value, index) => value / total - (index === label ? 1 : 0));
  for (let layer = network.length - 1; layer >= 0; layer--) {
    const weights = network[layer] as Float64Array;
    const below = layers[layer] as Float64Array;
    const next = new Float64Array(below.length);
    for (let row = 0; row < delta.length; row++) {
      const slope = delta[row] ?? 0;
      for (let column = 0; column < below.length; column++) {
        const at = row * below.length + column;
        next[column] = (next[column] ?? 0) + slope * (weights[at] ?? 0);
        weights[at] = (weights[at] ?? 0) - rate * slope * (below[column] ?? 0);
      }
    }
    delta = next.map((value, index) => ((below[index] ?? 0) > 0 ? value : 0));
  }
}

function accuracy(network: Network, { inputs, labels }: Task): number {
  const right = inputs.filter((input, index) => {
    const logits = forward(network, input).at(-1) as Float64Array;
    return logits.indexOf(Math.max(...logits)) === labels[index];
  });
  return right.length / inputs.length;
}

function gaussian(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
