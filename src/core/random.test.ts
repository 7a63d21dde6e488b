import assert from "node:assert/strict";
import { test } from "node:test";

import { mulberry32 } from "./random.ts";

test("the numbers follow from the seed alone, and lie from 0 to below 1", () => {
  const draw = (seed: number): readonly number[] => {
    const random = mulberry32(seed);
    return Array.from({ length: 1_000 }, () => random());
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  assert.ok(draw(7).every((number) => number >= 0 && number < 1));
  assert.equal(new Set(draw(7)).size, 1_000);
});
