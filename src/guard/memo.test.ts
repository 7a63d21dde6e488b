import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemo } from "./memo.ts";

describe("the memo", () => {
  it("makes an entry once, and forgets the one that was used longest ago", () => {
    const made: string[] = [];
    const memo = createMemo<string>(2);
    const use = (text: string): string =>
      memo.of("", text, () => {
        made.push(text);
        return text.toUpperCase();
      });
    assert.deepEqual(["a", "b", "a", "c", "a", "b"].map(use), ["A", "B", "A", "C", "A", "B"]);
    assert.deepEqual(made, ["a", "b", "c", "b"]);
    assert.equal(memo.size, 2);
  });

  it("knows of a text within its scope alone", () => {
    const memo = createMemo<string>(4);
    const use = (scope: string, made: string): string => memo.of(scope, "text", () => made);
    assert.deepEqual([use("one", "1"), use("two", "2"), use("one", "3")], ["1", "2", "1"]);
  });
});
