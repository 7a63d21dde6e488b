import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { askedTexts, textQuery, vectorQuery } from "./features.ts";

const SECRET = "0123456789abcdef".repeat(4);
const same = (one: object, other: object): boolean => JSON.stringify(one) === JSON.stringify(other);

describe("what a query looks like to the watch", () => {
  it("is the same for the same text, and another for every other and under another secret", () => {
    const one = textQuery(SECRET, ["Translate this for me, please"]);
    assert.ok(same(one, textQuery(SECRET, ["Translate this for me, please"])));
    assert.ok(!same(one.fingerprint, textQuery(SECRET, ["Translate this for me, pleasE"]).fingerprint));
    assert.ok(!same(one.fingerprint, textQuery("f".repeat(64), ["Translate this for me, please"]).fingerprint));
    assert.ok(!same(textQuery(SECRET, ["a", "b"]).fingerprint, textQuery(SECRET, ["ab"]).fingerprint));
  });

  it("has a feature for each three words in a row, in whatever case and punctuation", () => {
    const one = textQuery(SECRET, ["one two three four five"]);
    assert.equal(one.features.length, 3);
    const other = textQuery(SECRET, ["ONE, two! three four six"]);
    const shared = one.features.filter((feature) => other.features.some((each) => same(feature, each)));
    assert.equal(shared.length, 2);
  });

  it("is bounded for a text without end, and defined for an empty one and half a character", () => {
    // The one word three times, and once cut at the bound.
    assert.ok(textQuery(SECRET, ["word ".repeat(1_000_000)]).features.length <= 2);
    assert.ok(
      textQuery(SECRET, [Array.from({ length: 100_000 }, (_, index) => index).join(" ")]).features.length <= 96,
    );
    for (const text of ["", "\ud800", "\udc00x", "!?"]) assert.ok(textQuery(SECRET, [text]).features.length <= 1);
  });

  it("reads what was asked, and not what the app or the model said", () => {
    const span = (origin: "system" | "user" | "assistant", text: string) => ({ origin, text, pointer: "" });
    const spans = [span("system", "s"), span("user", "u"), span("assistant", "a")];
    assert.deepEqual(askedTexts(spans), ["u"]);
    assert.deepEqual(askedTexts(spans.slice(0, 1)), []);
  });

  it("puts near vectors into one cell and far ones into others, whatever their length", () => {
    for (const length of [2, 8, 200]) {
      const at = (x: number) =>
        vectorQuery(
          SECRET,
          Array.from({ length }, (_, index) => (index === 0 ? x : 0.5)),
        );
      assert.ok(same(at(0.51).features, at(0.52).features), String(length));
      assert.ok(!same(at(0.51).fingerprint, at(0.52).fingerprint));
      assert.ok((at(0.5).point as Float32Array).length <= 16);
    }
    const far = (x: number) => vectorQuery(SECRET, [x, 0.5]);
    assert.ok(!same(far(0.1).features, far(0.9).features));
    for (const x of [1e300, -1e300, 0]) assert.equal(far(x).features.length, 1);
  });
});
