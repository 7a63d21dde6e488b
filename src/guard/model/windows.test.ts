import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { LONGEST_WINDOW, SHARED, WINDOW, windowsOf } from "./windows.ts";

const TEXT = fc.string({
  unit: fc.constantFrom(...Array.from("abc  \n"), "\ud83d\ude00"),
  minLength: 900,
  maxLength: 6000,
});

describe("windows", () => {
  it("are the text itself, up to a window and a little more", () => {
    assert.deepEqual([...windowsOf("")], [{ start: 0, end: 0 }]);
    for (const length of [1, WINDOW, WINDOW + 40]) {
      assert.deepEqual([...windowsOf("x".repeat(length))], [{ start: 0, end: length }]);
    }
    assert.equal([...windowsOf("x".repeat(WINDOW + 41))].length, 2);
  });

  it("holds every short stretch whole in some window", () => {
    fc.assert(
      fc.property(TEXT, (text) => {
        const windows = [...windowsOf(text)];
        assert.equal(windows[0]?.start, 0);
        assert.equal(windows.at(-1)?.end, text.length);
        for (let start = 0; start + SHARED <= text.length; start++) {
          assert.ok(windows.some((window) => window.start <= start && start + SHARED <= window.end));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("cuts no pair of surrogates, and no word where there is white space near", () => {
    fc.assert(
      fc.property(TEXT, (text) => {
        for (const { start, end } of windowsOf(text)) {
          assert.ok(end - start <= LONGEST_WINDOW);
          assert.equal(text.slice(start, end).isWellFormed(), true);
        }
      }),
    );
    const words = "seven77 ".repeat(500);
    for (const { start, end } of windowsOf(words)) {
      assert.match(words.slice(start, end), /^seven77 .* seven77 ?$/);
    }
  });
});
