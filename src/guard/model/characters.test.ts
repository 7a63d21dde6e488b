import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCharacterClass } from "./characters.ts";

describe("a character class", () => {
  it("is what the regular expression is", () => {
    for (const pattern of ["[abc]", "[\\u0000-\\u0008\\u000b]", "[a\\u2028-\\u202f!z]", "[\\ud800-\\udfff]", "[]"]) {
      const { has, runs } = readCharacterClass(pattern);
      const expression = new RegExp(pattern);
      for (let unit = 0; unit < 0x10000; unit++) assert.equal(has(unit), expression.test(String.fromCharCode(unit)));
      assert.equal(runs, false);
    }
    assert.equal(readCharacterClass("[\\u0020]+").runs, true);
  });

  it("refuses what it does not read", () => {
    for (const pattern of [
      "",
      "a",
      "[a",
      "a]",
      "[^a]",
      "[z-a]",
      "[a-]",
      "[-a]",
      "[\\s]",
      "[\\u12]",
      "[a]*",
      "[a][b]",
      "[\ud83d\ude00]",
    ]) {
      assert.throws(() => readCharacterClass(pattern), { code: "guard.model-invalid" }, pattern);
    }
  });
});
