/**
 * Random and mutated texts, many: nothing throws, no finding lies outside the text, nothing takes long, and no cut changes
 * what is found.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { createPiiDetector } from "./pii.ts";
import { RECOGNISERS } from "./recognisers/index.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "" } as const;
const detector = createPiiDetector({ entities: "all" });

/** Of 32-bit multiply and rotate: the same texts every time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return (state >>> 4) % below;
  };
}

const WORDS = [
  ..."my name is dr. mr Anna Miller of de la in Paris York Street 12 Apt. 4 +49 (0)30 call phone born 1985 @ . , : - / \n \n\n IL Ltd".split(
    " ",
  ),
  "😀",
  "é",
  "中",
  "\u200b",
  "\ud800",
  "x".repeat(40),
  "1".repeat(20),
  "A".repeat(300),
];

function textOf(next: (below: number) => number): string {
  let text = "";
  for (let parts = 1 + next(8); parts > 0; parts--) {
    const kind = next(10);
    if (kind < 6) text += WORDS[next(WORDS.length)];
    else if (kind < 8) text += String.fromCharCode(next(kind === 6 ? 128 : 0x10000));
    else {
      const row = RECOGNISERS[next(RECOGNISERS.length)] as (typeof RECOGNISERS)[number];
      const example = next(4) > 0 ? (EXAMPLES.get(row) as string) : WORDS[next(WORDS.length)];
      text += example;
    }
    if (next(3) > 0) text += " ";
  }
  const at = next(text.length + 1);
  return next(3) === 0 ? text.slice(0, at) + String.fromCharCode(next(0x3000)) + text.slice(at + next(2)) : text;
}

const seeded = generator(1);
const EXAMPLES = new Map(
  RECOGNISERS.map((row) => [
    row,
    row.example((alphabet, length) => Array.from({ length }, () => alphabet.charAt(seeded(alphabet.length))).join("")),
  ]),
);

test("150,000 texts: no throw, findings in order, inside the text, none over another", () => {
  const next = generator(20_260);
  for (let run = 0; run < 150_000; run++) {
    const text = textOf(next);
    let end = 0;
    for (const { location } of detector.detect(text, CONTEXT)) {
      assert.ok(location.start >= end && location.start < location.end && location.end <= text.length, text);
      end = location.end;
    }
  }
});

test("2,000 texts: cut anywhere, the findings are those of the whole", () => {
  const next = generator(7);
  for (let run = 0; run < 2_000; run++) {
    const text = Array.from({ length: 1 + next(12) }, () => textOf(next)).join(next(2) === 0 ? " " : "\n");
    const scan = detector.open(CONTEXT);
    for (let at = 0; at < text.length;) {
      const to = Math.min(text.length, at + next(60));
      const settled = scan.push(text.slice(at, to)) as number;
      assert.ok(settled <= to);
      at = to;
    }
    void scan.end();
    assert.deepEqual(
      scan.hits.map(({ finding }) => finding),
      detector.detect(text, CONTEXT),
    );
  }
});

test("no text makes a step long: 512 units of the worst take under 31 ms", () => {
  const cost = (unit: string): number => {
    const text = unit.repeat(Math.ceil(20_000 / unit.length)).slice(0, 20_000);
    detector.detect(text.slice(0, 2000), CONTEXT);
    const began = process.cpuUsage().user;
    detector.detect(text, CONTEXT);
    return (process.cpuUsage().user - began) / text.length;
  };
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...WORDS, "0", "1 ", "A-", "a.", "A ", ":", "(", "0-", "Aa"), {
        minLength: 1,
        maxLength: 4,
      }),
      (units) => {
        // Microseconds a unit; a step reads 512 of them.
        assert.ok(cost(units.join("")) < 60, JSON.stringify(units));
      },
    ),
    { numRuns: 30, seed: 5 },
  );
});
