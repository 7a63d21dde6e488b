import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { canonicalJson } from "./canonical.ts";
import { isHoldfastError } from "./errors.ts";

const refuses = (value: unknown): void => {
  assert.throws(
    () => canonicalJson(value),
    (error) => isHoldfastError(error, "core.canonical-unsupported"),
  );
};

describe("canonicalJson (RFC 8785)", () => {
  it("writes the example of section 3.2.2 as section 3.2.4 has it", () => {
    const value = {
      numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/",
      literals: [null, true, false],
    };
    const expected =
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
    assert.equal(canonicalJson(value), expected);
  });

  it("sorts names by UTF-16 code units (section 3.2.3)", () => {
    const value = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    const expected =
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
      '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}';
    assert.equal(canonicalJson(value), expected);
  });

  it("writes numbers as appendix B has them", () => {
    const vectors: [number, string][] = [
      [0, "0"],
      [-0, "0"],
      [Number.MIN_VALUE, "5e-324"],
      [-Number.MIN_VALUE, "-5e-324"],
      [Number.MAX_VALUE, "1.7976931348623157e+308"],
      [9007199254740992, "9007199254740992"],
      [295147905179352830000, "295147905179352830000"],
      [9.999999999999997e22, "9.999999999999997e+22"],
      [1e23, "1e+23"],
      [1.0000000000000001e23, "1.0000000000000001e+23"],
      [999999999999999700000, "999999999999999700000"],
      [1e21, "1e+21"],
      [9.999999999999997e-7, "9.999999999999997e-7"],
      [0.000001, "0.000001"],
      [333333333.3333332, "333333333.3333332"],
    ];
    for (const [value, text] of vectors) assert.equal(canonicalJson(value), text);
  });

  it("is the same for any order of names, and says the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        assert.equal(canonicalJson(shuffled(JSON.parse(text))), text);
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("leaves undefined members out, and refuses what JSON cannot say", () => {
    assert.equal(canonicalJson({ a: undefined, b: 1 }), '{"b":1}');
    for (const value of [Number.NaN, Infinity, -Infinity, undefined, 1n, Symbol("s"), () => 1, new Date(), new Map()]) {
      refuses(value);
    }
    refuses("\ud800");
    refuses({ "\udfff": 1 });
    refuses([undefined]);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    refuses(cycle);
  });
});

/** The same value with the names of its objects in the opposite order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toReversed();
  // fromEntries, not assignment: the name may be __proto__.
  return Object.fromEntries(entries.map(([name, member]) => [name, shuffled(member)]));
}
