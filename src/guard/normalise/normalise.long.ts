/**
 * A million disguised, malformed and damaged texts: nothing throws, nothing hangs, and every part of every view leads
 * to a part of the text.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { disguised } from "./disguised.test.ts";
import { deriveViews } from "./index.ts";

const INPUTS = 1_000_000;
/** In one run of the generator, which then starts from the next seed. */
const CHUNK = 10_000;

test(`${INPUTS} texts`, { timeout: 3_600_000 }, () => {
  for (let seed = 1; seed <= INPUTS / CHUNK; seed++) {
    fc.assert(
      fc.property(disguised, fc.nat(), fc.nat(), (text, one, other) => {
        const { views, unread } = deriveViews(text);
        for (const { start, end } of unread) assert.ok(start >= 0 && start <= end && end <= text.length);
        for (const view of views) {
          const from = one % (view.text.length + 1);
          const { start, end } = view.locate(from, from + (other % (view.text.length + 1 - from)));
          assert.ok(start >= 0 && start <= end && end <= text.length);
        }
      }),
      { numRuns: CHUNK, seed },
    );
  }
});
