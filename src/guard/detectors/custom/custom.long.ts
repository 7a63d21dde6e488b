/**
 * Custom rules at length: 50,000 texts against words and patterns of every kind.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Finding } from "../../../core/index.ts";
import { createCustomDetector } from "./custom.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "" } as const;
const message = "found";
const detector = createCustomDetector({
  rules: [
    { id: "phrase", message, words: ["blue heron", "鍵", "c++"] },
    { id: "part", message, words: ["ro", "on b"], part: true },
    { id: "exact", message, words: ["Heron"], exact: true },
    { id: "bounded", message, pattern: "\\b[a-c]{2,4}\\b|[😀é]{1,3}" },
    { id: "cut", message, pattern: "x[^y]*y", longest: 12 },
    { id: "greedy", message, pattern: "(?:ab)+", longest: 5 },
    { id: "ends", message, pattern: "^.|.$" },
  ],
});

test("50,000 texts: no throw, valid offsets, the same in pieces", () => {
  const unit = fc.oneof(
    fc.constantFrom(
      "blue",
      "heron",
      "Heron",
      " ",
      "  ",
      "\n",
      "鍵",
      "ro",
      "on b",
      "ab",
      "x",
      "y",
      "c++",
      "😀",
      "\uD83D",
      "é",
    ),
    fc.string({ unit: "binary", maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 24 }), fc.nat(60), (units, cut) => {
      const whole = units.join("");
      const found = detector.detect(whole, CONTEXT) as readonly Finding[];
      for (const { location } of found) {
        assert.ok(location.start >= 0 && location.start < location.end && location.end <= whole.length);
      }
      const scan = detector.open?.(CONTEXT);
      void scan?.push(whole.slice(0, cut));
      void scan?.push(whole.slice(cut));
      void scan?.end();
      assert.deepEqual(
        scan?.hits.map(({ finding }) => finding),
        found,
      );
    }),
    { numRuns: 50_000 },
  );
});
