import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { windowAt, WINDOWS } from "./window.ts";

describe("windows of the calendar", () => {
  it("begin and end in UTC", () => {
    const at = Date.UTC(2028, 1, 29, 13, 59, 58, 7);
    assert.deepEqual(windowAt("minute", at), {
      start: Date.UTC(2028, 1, 29, 13, 59),
      end: Date.UTC(2028, 1, 29, 14),
    });
    assert.deepEqual(windowAt("hour", at), { start: Date.UTC(2028, 1, 29, 13), end: Date.UTC(2028, 1, 29, 14) });
    assert.deepEqual(windowAt("day", at), { start: Date.UTC(2028, 1, 29), end: Date.UTC(2028, 2, 1) });
    assert.deepEqual(windowAt("month", at), { start: Date.UTC(2028, 1), end: Date.UTC(2028, 2) });
    assert.deepEqual(windowAt("month", Date.UTC(2026, 11, 31, 23, 59, 59, 999)), {
      start: Date.UTC(2026, 11),
      end: Date.UTC(2027, 0),
    });
    assert.deepEqual(windowAt("total", at), { start: 0, end: Number.POSITIVE_INFINITY });
  });

  it("hold every moment in exactly one", () => {
    const moment = fc.integer({ min: 0, max: Date.UTC(2200, 0) });
    fc.assert(
      fc.property(moment, fc.constantFrom(...WINDOWS), (at, window) => {
        const { start, end } = windowAt(window, at);
        assert.ok(start <= at && at < end);
        assert.deepEqual(windowAt(window, start), { start, end });
        if (Number.isFinite(end)) assert.equal(windowAt(window, end).start, end);
        if (window !== "total") assert.ok(windowAt(window, start - 1).end === start);
      }),
    );
  });
});
