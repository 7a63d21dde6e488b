import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { maskRange, maskText, type Region } from "./mask.ts";
import { atOnce, STEP } from "./pace.ts";

const withoutX = (text: string): string => text.replaceAll("x", "");

function label(start: number, end: number, rule = "r"): Region {
  return { start, end, rule, strip: undefined };
}

test("a label takes the place of its region, others keep their place", () => {
  assert.equal(atOnce(maskText("abcdef", [label(1, 3)])), "a[masked:r]def");
  assert.equal(atOnce(maskText("abcdef", [label(0, 6)])), "[masked:r]");
  assert.equal(atOnce(maskText("abcdef", [])), "abcdef");
});

test("regions that overlap become one under the first; neighbours stay two", () => {
  assert.equal(atOnce(maskText("abcdef", [label(2, 6, "b"), label(1, 3, "a")])), "a[masked:a]");
  assert.equal(atOnce(maskText("abcdef", [label(1, 3, "a"), label(3, 5, "b")])), "a[masked:a][masked:b]f");
  assert.equal(atOnce(maskText("abcdef", [label(1, 5, "a"), label(2, 3, "b")])), "a[masked:a]f");
});

test("a strip region keeps what its detector keeps, and gives way to a label", () => {
  const strip: Region = { start: 1, end: 5, rule: "s", strip: withoutX };
  assert.equal(atOnce(maskText("xaxbxcx", [strip])), "xabcx");
  assert.equal(atOnce(maskText("xaxbxcx", [strip, label(2, 4)])), "xa[masked:r]cx");
});

test("the pieces of a text mask to the pieces of the masked text", () => {
  const region = fc
    .tuple(fc.nat(20), fc.nat(20), fc.constantFrom("a", "b"), fc.boolean())
    .map(([one, other, rule, strips]): Region => {
      const [start, end] = one < other ? [one, other] : [other, one + 1];
      return { start, end, rule, strip: strips ? withoutX : undefined };
    });
  fc.assert(
    fc.property(fc.array(region, { maxLength: 5 }), fc.array(fc.nat(21), { maxLength: 4 }), (regions, cuts) => {
      const text = "xaxbxcxdxexfxgxhxixjx";
      const places = [0, ...cuts.toSorted((one, other) => one - other), text.length];
      let out = "";
      for (let index = 0; index + 1 < places.length; index++) {
        const [from, to] = [places[index] as number, places[index + 1] as number];
        out += maskRange(text, 0, from, to, regions);
      }
      assert.equal(out, atOnce(maskText(text, regions)));
    }),
  );
});

test("a long text is masked in steps, which never cut a character in two", () => {
  const stripMarks = (text: string): string => text.replaceAll("\u{E0041}", "");
  for (const lead of ["", "a"]) {
    const text = `${lead}${"\u{E0041}".repeat(2 * STEP)}b`;
    const region: Region = { start: 0, end: text.length, rule: "s", strip: stripMarks };
    const steps = maskText(text, [region]);
    assert.equal(steps.next().done, false);
    assert.equal(atOnce(steps), `${lead}b`);
  }
});
