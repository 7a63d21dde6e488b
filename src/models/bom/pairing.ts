/**
 * Which tensors of two checkpoints are to be compared: those of the same name and shape, and of the rest those of the same
 * shape whose values are nearest. Renaming a model's tensors does not hide where it comes from.
 *
 * The nearest of many is nearer by chance: of a full sample of independent values the highest of a million correlations
 * stays under 0.16, and the threshold is {@link RELATED}.
 *
 * @module
 */

import type { Fingerprint, TensorPrint } from "./fingerprint.ts";

export type Pair = readonly [TensorPrint, TensorPrint];

/** From this correlation on, a tensor counts as related. */
export const RELATED = 0.25;
const DEVIATIONS = 5;
/** Of a sample: fewer values, or fewer different ones, say nothing. */
const MIN_VALUES = 64;
const MIN_DISTINCT = 16;
/** Comparisons of values at most: a second. Tensors of shapes that would need more are left without a partner. */
const MOST_COMPARISONS = 1_000_000;

/** All pairs: by name and shape, then by values. Which of the two models comes first changes only the pairs' own order. */
export function pairsOf(one: Fingerprint, other: Fingerprint): readonly Pair[] {
  const byName = new Map(other.tensors.map((tensor) => [tensor.name, tensor]));
  const named = one.tensors.flatMap((tensor): Pair[] => {
    const found = byName.get(tensor.name);
    return found !== undefined && String(found.shape) === String(tensor.shape) ? [[tensor, found]] : [];
  });
  const taken = new Set(named.flat());
  const left = [one, other].map(({ tensors }) => tensors.filter((tensor) => !taken.has(tensor) && says(tensor)));
  const [ofOne, ofOther] = left.map(byShape) as [Map<string, TensorPrint[]>, Map<string, TensorPrint[]>];
  const byValues: Pair[] = [];
  let comparisons = 0;
  for (const [shape, group] of ofOne) {
    const opposite = ofOther.get(shape) ?? [];
    comparisons += group.length * opposite.length;
    if (comparisons > MOST_COMPARISONS) break;
    for (const pair of nearest(group, opposite)) byValues.push(pair);
  }
  return [...named, ...byValues];
}

/** Whether the two have a name or a shape of a matrix in common: then they may have more that was not seen. */
export function haveCommon(one: Fingerprint, other: Fingerprint): boolean {
  const names = new Set(other.tensors.map(({ name }) => name));
  const shapes = new Set(other.tensors.filter(isMatrix).map(({ shape }) => String(shape)));
  return one.tensors.some((tensor) => names.has(tensor.name) || (isMatrix(tensor) && shapes.has(String(tensor.shape))));
}

/** Whether the values of a tensor could tell two checkpoints apart. */
export function says(tensor: TensorPrint): boolean {
  const { sample } = tensor;
  if (!isMatrix(tensor) || sample.length < MIN_VALUES) return false;
  const distinct = new Set<number>();
  for (const value of sample) {
    if (!Number.isFinite(value)) return false;
    distinct.add(value);
  }
  return distinct.size >= MIN_DISTINCT;
}

/** From this correlation on, samples of so many values are related. */
export function relatedFrom(values: number): number {
  return Math.max(RELATED, DEVIATIONS / Math.sqrt(values));
}

/** Pearson's correlation of two samples of the same places. */
export function correlate(one: ArrayLike<number>, other: ArrayLike<number>): number | undefined {
  const [a, b] = [normalised(one), normalised(other)];
  return a === undefined || b === undefined ? undefined : dot(a, b);
}

function isMatrix({ shape }: TensorPrint): boolean {
  return shape.filter((size) => size > 1).length >= 2;
}

function byShape(tensors: readonly TensorPrint[]): Map<string, TensorPrint[]> {
  return Map.groupBy(tensors, ({ shape }) => String(shape));
}

/** Of one shape: the nearest first, each once; then those that are left, in their order. */
function nearest(group: readonly TensorPrint[], opposite: readonly TensorPrint[]): readonly Pair[] {
  const samples = opposite.map(({ sample }) => normalised(sample));
  const near: { readonly correlation: number; readonly pair: Pair }[] = [];
  for (const tensor of group) {
    const own = normalised(tensor.sample);
    for (const [at, other] of opposite.entries()) {
      const sample = samples[at];
      const correlation = own === undefined || sample === undefined ? 0 : dot(own, sample);
      if (correlation >= relatedFrom(tensor.sample.length)) near.push({ correlation, pair: [tensor, other] });
    }
  }
  near.sort((a, b) => b.correlation - a.correlation);
  const taken = new Set<TensorPrint>();
  const pairs: Pair[] = [];
  for (const { pair } of near) {
    if (taken.has(pair[0]) || taken.has(pair[1])) continue;
    for (const tensor of pair) taken.add(tensor);
    pairs.push(pair);
  }
  const rest = opposite.filter((tensor) => !taken.has(tensor));
  for (const [at, tensor] of group.filter((one) => !taken.has(one)).entries()) {
    const other = rest[at];
    if (other !== undefined) pairs.push([tensor, other]);
  }
  return pairs;
}

/** Around 0 and of length 1, so that a product is a correlation; undefined where all values are the same. */
function normalised(values: ArrayLike<number>): Float64Array | undefined {
  const result = Float64Array.from(values);
  let mean = 0;
  for (const value of result) mean += value / result.length;
  let squares = 0;
  for (const [at, value] of result.entries()) {
    result[at] = value - mean;
    squares += (value - mean) ** 2;
  }
  const length = Math.sqrt(squares);
  if (!(length > 0) || !Number.isFinite(length)) return undefined;
  for (const [at, value] of result.entries()) result[at] = value / length;
  return result;
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  const count = Math.min(one.length, other.length);
  for (let at = 0; at < count; at++) sum += (one[at] as number) * (other[at] as number);
  return Math.min(1, Math.max(-1, sum));
}
