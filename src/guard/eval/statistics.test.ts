import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { seededRandom, seedOf } from "./random.ts";
import { bootstrapRanks, kept, quantile, rank, rankFigures, wilson, type Estimate } from "./statistics.ts";

const ROUNDS = { rounds: 1_000, random: seededRandom(7) };

function near(actual: number | undefined, expected: number, within = 5e-4): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= within, `${String(actual)} is not ${expected}`);
}

test("Wilson's interval has the published values", () => {
  // Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
  for (const [hits, of, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const interval = wilson(hits, of);
    near(interval?.low, low);
    near(interval?.high, high);
    near(interval?.value, hits / of);
  }
  assert.deepEqual(wilson(20, 20)?.high, 1);
  assert.equal(wilson(0, 0), undefined);
});

test("the area is that of a worked example, and ties count half", () => {
  // 0.9 and 0.6 beat 0.7/0.3/0.1: 3 + 2 of 6 pairs, then one tie.
  near(rankFigures(rank([0.9, 0.6], [0.7, 0.3, 0.1]), 0.01).auc, 5 / 6, 1e-12);
  near(rankFigures(rank([1, 0], [1, 0]), 0.01).auc, 0.5, 1e-12);
  near(rankFigures(rank([2, 2, 2], [2, 2]), 0.01).auc, 0.5, 1e-12);
  assert.ok(Number.isNaN(rankFigures(rank([], [1]), 0.01).auc));
});

test("the area is the share of pairs, whatever the scores", () => {
  const score = fc.integer({ min: 0, max: 6 });
  const scores = fc.array(score, { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(scores, scores, fc.constantFrom(0, 0.1, 0.5), (attacks, benign, maxFpr) => {
      let pairs = 0;
      for (const attack of attacks)
        for (const other of benign) pairs += attack > other ? 1 : attack === other ? 0.5 : 0;
      const figures = rankFigures(rank(attacks, benign), maxFpr);
      near(figures.auc, pairs / (attacks.length * benign.length), 1e-9);
      // By its definition: the best of all thresholds that are some row's score, or over all of them.
      let best = 0;
      for (const threshold of new Set([...attacks, ...benign])) {
        const stopped = benign.filter((one) => one >= threshold).length;
        if (stopped > maxFpr * benign.length) continue;
        best = Math.max(best, attacks.filter((one) => one >= threshold).length / attacks.length);
      }
      near(figures.tprAtFpr, best, 1e-9);
    }),
  );
});

test("a threshold does not fall between equal scores", () => {
  // Catching one of the attacks at 1 means stopping all four benign rows there.
  assert.equal(rankFigures(rank([1, 1, 1], [1, 1, 1, 1, 0]), 0.5).tprAtFpr, 0);
  assert.equal(rankFigures(rank([1, 1, 2], [1, 1, 1, 1, 0]), 0.5).tprAtFpr, 1 / 3);
  // 1 % of 99 rows is less than one row: none may be stopped.
  const benign = Array.from({ length: 99 }, (_, at) => at);
  assert.equal(rankFigures(rank([98.5, 50], benign), 0.01).tprAtFpr, 0.5);
});

test("bootstrap intervals are as wide as theory says, and repeat", () => {
  const random = seededRandom(1);
  const attacks = Array.from({ length: 200 }, () => random() + 0.5);
  const benign = Array.from({ length: 300 }, () => random());
  const draw = (): ReturnType<typeof bootstrapRanks> =>
    bootstrapRanks(rank(attacks, benign), 0.01, { rounds: 1_000, random: seededRandom(3) });
  const first = draw();
  assert.deepEqual(draw(), first);
  const { auc } = first as { auc: Estimate };
  // Hanley and McNeil, Radiology 143 (1982) 29: the standard error of an area of this size.
  const a = auc.value;
  const q1 = a / (2 - a);
  const q2 = (2 * a * a) / (1 + a);
  const error = Math.sqrt((a * (1 - a) + 199 * (q1 - a * a) + 299 * (q2 - a * a)) / (200 * 300));
  const width = (auc.high - auc.low) / (2 * 1.96 * error);
  assert.ok(width > 0.7 && width < 1.3, `width ${width}`);
  assert.equal(bootstrapRanks(rank([1], []), 0.01, ROUNDS), undefined);
});

test("what is kept is a ratio of rates over the same rows", () => {
  const estimate = kept({ both: 90, lost: 10, gained: 5, neither: 95 }, ROUNDS);
  near(estimate?.value, 0.95, 1e-12);
  assert.ok(estimate !== undefined);
  assert.ok(estimate.low > 0.85 && estimate.low < 0.93, String(estimate.low));
  assert.ok(estimate.high > 0.97 && estimate.high < 1.03, String(estimate.high));
  assert.equal(kept({ both: 0, lost: 0, gained: 3, neither: 9 }, ROUNDS), undefined);
  assert.deepEqual(kept({ both: 4, lost: 0, gained: 0, neither: 4 }, ROUNDS), { value: 1, low: 1, high: 1 });
});

test("quantiles are some row's value, with order statistics around them", () => {
  const values = Array.from({ length: 100 }, (_, at) => 100 - at);
  // 50 -/+ 1.96 * 5, rounded outwards.
  assert.deepEqual(quantile(values, 0.5), { value: 50, low: 40, high: 61 });
  assert.deepEqual(quantile(values, 0.99), { value: 99, low: 97, high: 100 });
  assert.deepEqual(quantile([3], 0.95), { value: 3, low: 3, high: 3 });
  assert.equal(quantile([], 0.5), undefined);
});

test("draws are even, and differ by seed", () => {
  const random = seededRandom(seedOf("evasion", "leet", 12));
  const bins = new Uint32Array(10);
  for (let drawn = 0; drawn < 10_000; drawn++) {
    const value = random();
    assert.ok(value >= 0 && value < 1);
    const bin = Math.floor(value * 10);
    bins[bin] = (bins[bin] as number) + 1;
  }
  // 3.3 standard deviations of a bin on each side.
  for (const bin of bins) assert.ok(bin > 900 && bin < 1_100, String(bins));
  assert.notEqual(seededRandom(1)(), seededRandom(2)());
  assert.notEqual(seedOf("a", "b"), seedOf("ab"));
  assert.equal(seedOf("a", 1), seedOf("a", 1));
});
