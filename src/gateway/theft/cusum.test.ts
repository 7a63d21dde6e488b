import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Cusum } from "./cusum.ts";

const MINUTE = 60_000;

describe("the cumulative sum of volume", () => {
  it("stays at nothing for what is ordinary, for ever", () => {
    const sum = new Cusum(60);
    for (let minute = 0; minute < 5_000; minute++) sum.add(minute * MINUTE, 80);
    assert.equal(sum.at(5_000 * MINUTE), 0);
  });

  it("adds up a small excess that lasts, and a burst at once", () => {
    const slow = new Cusum(60);
    for (let minute = 0; minute < 24; minute++) slow.add(minute * MINUTE, 120);
    assert.ok(slow.at(24 * MINUTE) > 10);
    const burst = new Cusum(60);
    burst.add(0, 60 * 12);
    assert.ok(burst.at(1) > 10);
  });

  it("forgets in silence, also in a long one", () => {
    const sum = new Cusum(60);
    sum.add(0, 600);
    assert.ok(sum.at(1) > 8);
    assert.ok(sum.at(3 * MINUTE) < 6);
    assert.equal(sum.at(1e12), 0);
  });
});
