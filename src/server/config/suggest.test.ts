import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { nearest } from "./suggest.ts";

const KNOWN = ["gateway", "admin", "storage", "counters", "telemetry", "data"];

test("slips of the finger are understood", () => {
  for (const [word, meant] of [
    ["gatway", "gateway"],
    ["gatewya", "gateway"],
    ["Gateway", "gateway"],
    ["telemetryy", "telemetry"],
    ["counter", "counters"],
    ["dat", "data"],
    ["amdin", "admin"],
  ] as const) {
    assert.equal(nearest(word, KNOWN), meant, word);
  }
});

test("words that are like none get no suggestion", () => {
  for (const word of ["wombat", "", "x", "g".repeat(10_000)]) assert.equal(nearest(word, KNOWN), undefined, word);
  assert.equal(nearest("gateway", []), undefined);
});

test("one edit of a word of four letters or more is always near it", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z]{4,12}$/),
      fc.nat(),
      fc.constantFrom("cut", "add", "swap"),
      (word, at, how) => {
        const place = at % (word.length - 1);
        const [head, tail] = [word.slice(0, place), word.slice(place)];
        const edited = {
          cut: head + tail.slice(1),
          add: `${head}q${tail}`,
          swap: head + tail.charAt(1) + tail.charAt(0) + tail.slice(2),
        }[how];
        assert.equal(nearest(edited, [word]), word);
      },
    ),
  );
});
