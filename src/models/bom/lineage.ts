/**
 * Whether two checkpoints come from each other: by their root, by the bytes of their tensors, and where these differ by the
 * correlation of sampled values of tensors that have the same shape, and where there is one the same name (`pairing.ts`).
 *
 * Networks that were trained apart have weights that are uncorrelated place by place, whatever they learned: nothing tells
 * one hidden unit from another. What was trained on from a checkpoint stays near it. So a tensor counts as related when the
 * correlation of its sample is at least {@link RELATED}, or five standard deviations of independence, 5/sqrt(n), where the
 * sample is small; of a full sample {@link RELATED} is eight. Tensors that say nothing are left out: vectors (scales near 1,
 * biases near 0) and those with few different values (masks, position codes of whole numbers).
 *
 * `lineage.long.ts` measures how far apart made pairs lie: medians of 0.89 and more for networks that were trained on,
 * within 0.1 of zero for those that were trained apart.
 *
 * @module
 */

import { mulberry32 } from "../../core/index.ts";
import type { Fingerprint, TensorPrint } from "./fingerprint.ts";
import { correlate, haveCommon, pairsOf, relatedFrom, says, type Pair } from "./pairing.ts";

const KINSHIPS = [
  "identical",
  "same-weights",
  "same-weights-other-precision",
  "fine-tune",
  "shares-parts",
  "unrelated",
  "undecided",
] as const;
export type Kinship = (typeof KINSHIPS)[number];

export function isKinship(value: unknown): value is Kinship {
  return KINSHIPS.some((kinship) => kinship === value);
}

export interface Lineage {
  readonly kinship: Kinship;
  /** In words, what decided. */
  readonly why: string;
  readonly sameArchitecture: boolean;
  readonly sameStructure: boolean;
  /** Share of the larger model's parameters in tensors whose bytes are in both, from 0 to 1. */
  readonly identical: number;
  /** Share of the larger model's parameters in tensors that were put side by side: by name and shape, or by values. */
  readonly matched: number;
  /** Share of the larger model's parameters in tensors that are related and have other names. */
  readonly renamed: number;
  /** Share of the larger model's parameters in tensors that could be judged by their values. */
  readonly judged: number;
  /** Share of the judged parameters in tensors that are related. */
  readonly related: number;
  /** Over judged tensors, weighted by parameters, with an interval of 95 % from resampling the tensors. */
  readonly correlation: { readonly median: number; readonly low: number; readonly high: number } | undefined;
  readonly tensors: readonly TensorKinship[];
}

interface TensorKinship {
  readonly name: string;
  /** Its name in the other model, where that is another one. */
  readonly otherName?: string;
  readonly elements: number;
  readonly identical: boolean;
  /** Pearson's, of the sampled values; `undefined` where it says nothing. */
  readonly correlation: number | undefined;
  /** Whether its bytes or its values say that the two come from each other. */
  readonly related: boolean;
}

/** From this share of related parameters on, one is a fine-tune of the other; below the second they have nothing in common. */
const FINE_TUNE = 0.5;
const PARTS = 0.05;
/** Less of a model than this, and nothing is concluded from its values. */
const MIN_JUDGED = 0.5;
const RESAMPLES = 1_000;

/** Relative rounding of the types that checkpoints are cast to. */
const ROUNDING: ReadonlyMap<string, number> = new Map([
  ["F16", 2 ** -10],
  ["BF16", 2 ** -7],
  ["F32", 2 ** -23],
  ["F64", 2 ** -52],
]);
/** What F16 rounds to nothing. */
const TINY = 2 ** -24;

/** Compares two fingerprints. The order of the two does not matter: which came first cannot be told from weights. */
export function compareFingerprints(one: Fingerprint, other: Fingerprint): Lineage {
  const larger = Math.max(one.parameters, other.parameters, 1);
  const pairs = pairsOf(one, other);
  const tensors = pairs.map(([a, b]) => kinshipOf(a, b));
  const judgedTensors = tensors.filter(({ correlation }) => correlation !== undefined);
  const judged = sizeOf(judgedTensors);
  const numbers = {
    sameArchitecture: one.architecture === other.architecture,
    sameStructure: one.structure === other.structure,
    identical: commonBytes(one, other) / larger,
    matched: sizeOf(tensors) / larger,
    renamed: sizeOf(tensors.filter(({ otherName, related }) => related && otherName !== undefined)) / larger,
    judged: judged / larger,
    related: judged === 0 ? 0 : sizeOf(judgedTensors.filter(({ related }) => related)) / judged,
    correlation: spreadOf(judgedTensors),
    tensors,
  };
  return { ...decide(one, other, pairs, numbers), ...numbers };
}

function decide(
  one: Fingerprint,
  other: Fingerprint,
  pairs: readonly Pair[],
  { identical, judged, related, renamed }: Omit<Lineage, "kinship" | "why">,
): Pick<Lineage, "kinship" | "why"> {
  if (one.root === other.root) return { kinship: "identical", why: "every file is the same" };
  if (one.weights !== undefined && one.weights === other.weights) {
    return { kinship: "same-weights", why: "every tensor has the same bytes; files, names or metadata differ" };
  }
  const named = renamed > 0 ? `, ${percent(renamed)} of the larger model under other names` : "";
  const whole = pairs.length === one.tensors.length && pairs.length === other.tensors.length;
  if (whole && judged >= MIN_JUDGED && pairs.every(isRecast)) {
    return {
      kinship: "same-weights-other-precision",
      why: `every sampled value is the same up to the rounding of the narrower type${named}`,
    };
  }
  if (judged >= MIN_JUDGED && related >= FINE_TUNE) {
    return {
      kinship: "fine-tune",
      why: `${percent(related)} of the compared parameters are in related tensors${named}`,
    };
  }
  if (identical >= PARTS || (judged >= PARTS && related * judged >= PARTS)) {
    return {
      kinship: "shares-parts",
      why: `${percent(Math.max(identical, related * judged))} of the larger model is related${named}`,
    };
  }
  if (judged >= MIN_JUDGED) {
    return { kinship: "unrelated", why: `${percent(related)} of the compared parameters are in related tensors` };
  }
  if (!haveCommon(one, other)) {
    return { kinship: "unrelated", why: "no tensor of one has the name, the shape or the bytes of one of the other" };
  }
  return {
    kinship: "undecided",
    why: `only ${percent(judged)} of the larger model could be compared by values: the rest differs in shape, or is quantised`,
  };
}

function kinshipOf(one: TensorPrint, other: TensorPrint): TensorKinship {
  const { name, elements } = one;
  const identical = one.digest !== undefined && one.digest === other.digest;
  const correlation = says(one) && says(other) ? correlate(one.sample, other.sample) : undefined;
  const related = identical || (correlation ?? 0) >= relatedFrom(one.sample.length);
  return { name, ...(other.name === name ? {} : { otherName: other.name }), elements, identical, correlation, related };
}

/** Whether two tensors hold the same numbers, one of them rounded. */
function isRecast([one, other]: Pair): boolean {
  if (one.digest !== undefined && one.digest === other.digest) return true;
  const rounding = Math.max(ROUNDING.get(one.dtype) ?? -1, ROUNDING.get(other.dtype) ?? -1);
  if (one.dtype === other.dtype || rounding < 0 || one.sample.length === 0) return false;
  return one.sample.every(
    (value, index) => Math.abs(value - (other.sample[index] ?? 0)) <= Math.abs(value) * rounding + TINY,
  );
}

/** Parameters in tensors whose bytes are in both, wherever and under whatever name; constants such as masks are not counted. */
function commonBytes(one: Fingerprint, other: Fingerprint): number {
  const left = new Map<string, number>();
  for (const { digest } of other.tensors) if (digest !== undefined) left.set(digest, (left.get(digest) ?? 0) + 1);
  let common = 0;
  for (const tensor of one.tensors) {
    const count = left.get(tensor.digest ?? "") ?? 0;
    if (count === 0 || (tensor.sample.length > 0 && new Set(tensor.sample).size < 2)) continue;
    left.set(tensor.digest ?? "", count - 1);
    common += tensor.elements;
  }
  return common;
}

function sizeOf(tensors: readonly { readonly elements: number }[]): number {
  return tensors.reduce((sum, { elements }) => sum + elements, 0);
}

function spreadOf(tensors: readonly TensorKinship[]): Lineage["correlation"] {
  if (tensors.length === 0) return undefined;
  const median = weightedMedian(tensors);
  // Seeded: the same resamples for the same input.
  const random = mulberry32(tensors.length);
  const medians: number[] = [];
  for (let round = 0; round < RESAMPLES; round++) {
    medians.push(weightedMedian(tensors.map(() => tensors[Math.floor(random() * tensors.length)] as TensorKinship)));
  }
  medians.sort((a, b) => a - b);
  const low = medians[Math.floor(RESAMPLES * 0.025)] ?? median;
  const high = medians[Math.ceil(RESAMPLES * 0.975) - 1] ?? median;
  return { median, low, high };
}

function weightedMedian(tensors: readonly TensorKinship[]): number {
  const sorted = tensors.toSorted((a, b) => (a.correlation ?? 0) - (b.correlation ?? 0));
  const half = sizeOf(sorted) / 2;
  let reached = 0;
  for (const { elements, correlation } of sorted) {
    reached += elements;
    if (reached >= half) return correlation ?? 0;
  }
  return 0;
}

function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}
