import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { shapiroWilk } from "./normality.ts";

describe("the Shapiro-Wilk statistic", () => {
  // Shapiro and Wilk, Biometrika 1965: weights of eleven men, W = 0.79 (R's shapiro.test: 0.78880).
  it("is that of the published example", () => {
    const w = shapiroWilk([148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236]);
    assert.ok(Math.abs(w - 0.7888) < 5e-4, String(w));
  });

  it("is near 1 for normal numbers, and low for those of a skewed or split kind", () => {
    const spread = (of: (p: number) => number) => Array.from({ length: 400 }, (_, index) => of((index + 0.5) / 400));
    const logistic = spread((p) => Math.log(p / (1 - p)) * 0.6);
    assert.ok(shapiroWilk(logistic) > 0.96);
    assert.ok(shapiroWilk(spread((p) => -Math.log(1 - p))) < 0.85);
    assert.ok(shapiroWilk(spread((p) => (p < 0.5 ? 0 : 10) + p)) < 0.75);
  });

  it("says nothing against few numbers, or equal ones, and refuses too many", () => {
    assert.equal(shapiroWilk([1, 2, 50]), 1);
    assert.equal(shapiroWilk(Array.from({ length: 50 }, () => 3)), 1);
    assert.throws(() => shapiroWilk(Array.from({ length: 5_001 }, (_, index) => index)), RangeError);
  });
});
