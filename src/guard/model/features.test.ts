import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { slowFeatures } from "../../../test/guard-model/features.ts";
import { readFeatures } from "./features.ts";

const fast = (text: string): readonly number[] => Array.from(readFeatures(text).buckets).toSorted((a, b) => a - b);

describe("features of the cheap stage", () => {
  it("are those of the definition, for each of these", () => {
    for (const text of [
      "",
      " ",
      "a",
      "Hello, world!",
      "snake_case x2 3.14",
      "\tTabs\n\nand \u00a0 other \u3000 space\u2028",
      "na\u00efve CAF\u00c9 \uff26\uff35\uff2c\uff2c \ufb01ne \u00bd",
      "\u4f60\u597d\uff0c\u4e16\u754c",
      "\ud83d\ude00 \ud800 \udc00 \u{1d408}\u{10348}\u{10348}x",
      "I\u0307stanbul \u0130 \u03a3\u0391\u03a3",
      "\u001c\u0085\ufeffx\u200by",
      "ab".repeat(1500),
      "\ufdfa".repeat(200),
      "x ".repeat(1500),
    ]) {
      assert.deepEqual(fast(text), slowFeatures(text), JSON.stringify(text.slice(0, 40)));
    }
  });

  it("are those of the definition, for any text", () => {
    const pool = Array.from("ab_ 1.!\n\u00e4\u0416");
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(...pool), maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 20 }).map((codes) => String.fromCodePoint(...codes)),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (parts) => {
        const whole = parts.join("");
        assert.deepEqual(fast(whole), slowFeatures(whole));
      }),
    );
  });

  it("says when a text goes on behind what it reads", () => {
    assert.equal(readFeatures("x".repeat(2048)).whole, true);
    assert.equal(readFeatures("x".repeat(2049)).whole, false);
    // One character that stands for 18.
    assert.equal(readFeatures("\ufdfa".repeat(113)).whole, true);
    assert.equal(readFeatures("\ufdfa".repeat(114)).whole, false);
  });
});
