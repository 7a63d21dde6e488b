import assert from "node:assert/strict";
import { test } from "node:test";

import { addHash, filterBytes, hasHash, measuredChance, openFilter, planFilter, type Filter } from "./filter.ts";
import { mix } from "./words.ts";

/** A filter of the first `items` of a fixed sequence of hashes. */
function filled(items: number, chance: number): Filter {
  const filter = openFilter(planFilter(items, chance));
  for (let item = 0; item < items; item++) addHash(filter, mix(2 * item + 1), mix(2 * item + 2));
  return filter;
}

test("what was added is there", () => {
  const filter = filled(20_000, 1e-4);
  for (let item = 0; item < 20_000; item++) assert.ok(hasHash(filter, mix(2 * item + 1), mix(2 * item + 2)));
});

test("what was not added passes as often as the filter says of itself", () => {
  for (const chance of [0.05, 0.01, 0.001]) {
    const filter = filled(20_000, chance);
    const stated = measuredChance(filter);
    assert.ok(stated <= chance * 1.1, `${stated} for ${chance}`);
    const tries = 400_000;
    let passed = 0;
    for (let item = 1_000_000; item < 1_000_000 + tries; item++) {
      if (hasHash(filter, mix(2 * item + 1), mix(2 * item + 2))) passed += 1;
    }
    // Five standard deviations: the sequence is fixed, so the test is too.
    const deviation = Math.sqrt(stated * (1 - stated) * tries);
    assert.ok(Math.abs(passed - stated * tries) <= 5 * deviation, `${passed / tries} where ${stated} was stated`);
  }
});

test("a filter is no larger than its rate needs", () => {
  // A Bloom filter needs 1.44 log2(1 / rate) bits for each; blocks of 512 bits cost some more at low rates.
  for (const [chance, most] of [
    [0.01, 11.5],
    [1e-4, 25],
    [1e-6, 41],
  ] as const) {
    const bits = (filterBytes(planFilter(1_000_000, chance)) * 8) / 1_000_000;
    assert.ok(bits >= 1.44 * Math.log2(1 / chance) && bits <= most, `${bits} bits for ${chance}`);
  }
  assert.equal(planFilter(0, 0.01).blocks, 1);
});

test("an empty filter knows nothing", () => {
  const filter = openFilter(planFilter(10, 0.01));
  assert.equal(measuredChance(filter), 0);
  assert.ok(!hasHash(filter, 1, 2));
});
