/**
 * The statistics of an evaluation: rates with Wilson's interval, the area under the ROC curve by ranks, the detection
 * rate at a bounded false-alarm rate, and percentile bootstrap intervals for what has no formula.
 *
 * Every function is exact about ties, which rule-based detectors produce by the thousand: equal scores count half in
 * the area, and a threshold never falls between two of them.
 *
 * Sources: E. B. Wilson, JASA 22 (1927) 209; D. Bamber, J. Math. Psych. 12 (1975) 387 (area as a rank statistic);
 * B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
 *
 * @module
 */

import type { Random } from "./random.ts";

/** A figure and where it may lie: an interval of 95 %. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Half of the width of 95 % of a normal distribution. */
const Z = 1.959963984540054;

/** The share `hits / of` with Wilson's score interval. `undefined` of nothing: no rows, no figure. */
export function wilson(hits: number, of: number): Estimate | undefined {
  if (of === 0) return undefined;
  const share = hits / of;
  const spread = (Z * Z) / of;
  const centre = (share + spread / 2) / (1 + spread);
  const half = (Z * Math.sqrt((share * (1 - share) + spread / 4) / of)) / (1 + spread);
  // At the ends the formula gives 0 and 1 but for rounding.
  const low = hits === 0 ? 0 : Math.max(0, centre - half);
  const high = hits === of ? 1 : Math.min(1, centre + half);
  return { value: share, low, high };
}

/** The scores of both classes by rank: one step for each distinct score, from the highest down. */
export interface Ranking {
  readonly steps: number;
  /** For each attack, and each benign row, the step of its score. */
  readonly attacks: Uint32Array;
  readonly benign: Uint32Array;
}

/** Ranks two classes of scores against each other. */
export function rank(attacks: readonly number[], benign: readonly number[]): Ranking {
  const scores = Float64Array.from(new Set([...attacks, ...benign]))
    .toSorted()
    .toReversed();
  const stepOf = new Map<number, number>();
  scores.forEach((score, step) => stepOf.set(score, step));
  const steps = (of: readonly number[]): Uint32Array => Uint32Array.from(of, (score) => stepOf.get(score) as number);
  return { steps: scores.length, attacks: steps(attacks), benign: steps(benign) };
}

/** What a ranking says. */
export interface RankFigures {
  /** The chance that an attack scores higher than a benign row; a tie counts half. */
  readonly auc: number;
  /** The most attacks that one threshold catches while it stops at most the given share of benign rows. */
  readonly tprAtFpr: number;
}

/** The figures of a ranking. NaN where a class is empty. */
export function rankFigures(ranking: Ranking, maxFpr: number): RankFigures {
  const draw = counts(ranking);
  for (const step of ranking.attacks) bump(draw.attacks, step);
  for (const step of ranking.benign) bump(draw.benign, step);
  return figures(draw, ranking.attacks.length, ranking.benign.length, maxFpr);
}

/** Bootstrap intervals of {@link rankFigures}: both classes drawn anew with replacement, each at its own size. */
export function bootstrapRanks(
  ranking: Ranking,
  maxFpr: number,
  options: { readonly rounds: number; readonly random: Random },
): { readonly auc: Estimate; readonly tprAtFpr: Estimate } | undefined {
  const { attacks, benign } = ranking;
  if (attacks.length === 0 || benign.length === 0) return undefined;
  const seen = rankFigures(ranking, maxFpr);
  const areas = new Float64Array(options.rounds);
  const rates = new Float64Array(options.rounds);
  const draw = counts(ranking);
  for (let round = 0; round < options.rounds; round++) {
    resample(attacks, draw.attacks, options.random);
    resample(benign, draw.benign, options.random);
    const drawn = figures(draw, attacks.length, benign.length, maxFpr);
    areas[round] = drawn.auc;
    rates[round] = drawn.tprAtFpr;
  }
  return { auc: percentiles(seen.auc, areas), tprAtFpr: percentiles(seen.tprAtFpr, rates) };
}

/** The same rows judged twice: as they are, and changed. */
export interface Pairs {
  /** Flagged both times. */
  readonly both: number;
  /** Flagged only as they are. */
  readonly lost: number;
  /** Flagged only when changed. */
  readonly gained: number;
  readonly neither: number;
}

/**
 * The share of the plain detection rate that is kept, with a bootstrap interval over the pairs. `undefined` where
 * nothing was detected plain: there is nothing to keep. May be over 1.
 */
export function kept(
  pairs: Pairs,
  options: { readonly rounds: number; readonly random: Random },
): Estimate | undefined {
  const { both, lost, gained, neither } = pairs;
  if (both + lost === 0) return undefined;
  const of = both + lost + gained + neither;
  const ratios: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    let plain = 0;
    let changed = 0;
    for (let drawn = 0; drawn < of; drawn++) {
      const at = Math.floor(options.random() * of);
      if (at < both + lost) plain++;
      if (at < both || (at >= both + lost && at < both + lost + gained)) changed++;
    }
    // A round that drew no detection at all says nothing about a ratio.
    if (plain > 0) ratios.push(changed / plain);
  }
  return percentiles((both + gained) / (both + lost), Float64Array.from(ratios));
}

/**
 * The `share` quantile by nearest rank, with the distribution-free interval between two order statistics (normal
 * approximation of their binomial ranks). `undefined` of nothing.
 */
export function quantile(values: readonly number[], share: number): Estimate | undefined {
  const sorted = Float64Array.from(values).toSorted();
  const count = sorted.length;
  if (count === 0) return undefined;
  const at = (place: number): number => sorted[Math.min(count, Math.max(1, place)) - 1] as number;
  const half = Z * Math.sqrt(count * share * (1 - share));
  const middle = count * share;
  return {
    value: at(Math.ceil(middle)),
    low: at(Math.floor(middle - half)),
    high: at(Math.ceil(middle + half) + 1),
  };
}

/** Rows of each class at each step. */
interface Counts {
  readonly attacks: Uint32Array;
  readonly benign: Uint32Array;
}

function counts({ steps }: Ranking): Counts {
  return { attacks: new Uint32Array(steps), benign: new Uint32Array(steps) };
}

function bump(of: Uint32Array, step: number): void {
  of[step] = (of[step] as number) + 1;
}

/** Counts as many rows as there are, drawn with replacement. */
function resample(rows: Uint32Array, into: Uint32Array, random: Random): void {
  into.fill(0);
  for (let drawn = 0; drawn < rows.length; drawn++) bump(into, rows[Math.floor(random() * rows.length)] as number);
}

/** One walk from the highest score down. */
function figures({ attacks, benign }: Counts, attackRows: number, benignRows: number, maxFpr: number): RankFigures {
  let caught = 0;
  let stopped = 0;
  let area = 0;
  let best = 0;
  for (let step = 0; step < attacks.length; step++) {
    const attacksHere = attacks[step] as number;
    const benignHere = benign[step] as number;
    area += attacksHere * (benignRows - stopped - benignHere / 2);
    caught += attacksHere;
    stopped += benignHere;
    if (stopped <= maxFpr * benignRows) best = caught;
  }
  if (attackRows === 0 || benignRows === 0) return { auc: Number.NaN, tprAtFpr: Number.NaN };
  return { auc: area / (attackRows * benignRows), tprAtFpr: best / attackRows };
}

/** The middle 95 % of what was drawn, around what was seen. */
function percentiles(value: number, drawn: Float64Array): Estimate {
  const sorted = drawn.toSorted();
  const last = sorted.length - 1;
  const at = (share: number): number => sorted[Math.min(last, Math.max(0, Math.round(share * last)))] ?? value;
  return { value, low: at(0.025), high: at(0.975) };
}
