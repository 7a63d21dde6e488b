import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemo } from "./memo.ts";

describe("the memo", () => {
  it("makes an entry once, forgets what was not used for long, and never holds more than it may", () => {
    const made: string[] = [];
    const memo = createMemo<string>(4);
    const use = (text: string): string =>
      memo.of("", text, () => {
        made.push(text);
        return text.toUpperCase();
      });
    // The last two are always there, and so is what is used again and again.
    assert.deepEqual(["a", "b", "a", "c", "a", "d", "a", "e", "d"].map(use), "A B A C A D A E D".split(" "));
    assert.deepEqual(made, ["a", "b", "c", "d", "e"]);
    use("b");
    assert.equal(made.at(-1), "b");
    for (let at = 0; at < 100; at++) {
      use(String(at % 7));
      assert.ok(memo.size <= 4);
    }
  });

  it("knows of a text within its scope alone", () => {
    const memo = createMemo<string>(4);
    const use = (scope: string, made: string): string => memo.of(scope, "text", () => made);
    assert.deepEqual([use("one", "1"), use("two", "2"), use("one", "3")], ["1", "2", "1"]);
  });
});
