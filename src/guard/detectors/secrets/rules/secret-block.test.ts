import assert from "node:assert/strict";
import { test } from "node:test";

import { secretBlock } from "./secret-block.ts";

/** How much of `text` belongs to the block. */
function taken(text: string): string {
  const belongs = secretBlock();
  let end = 0;
  while (end < text.length && belongs(text.charCodeAt(end))) end += 1;
  return text.slice(0, end);
}

test("takes the entries that are indented as the first is, and what is further in", () => {
  const rest = "\n  user: YWJj\n  key: |\n    YWJj\n    YWJj\n";
  assert.equal(taken(`${rest}type: Opaque\n`), rest);
  assert.equal(taken(`${rest}---\nkind: Pod`), rest);
  assert.equal(taken("\r\n  a: YWJj\r\nkind: Secret"), "\r\n  a: YWJj\r\n");
});

test("ends where a list's entry is indented less, and at the brace of JSON", () => {
  assert.equal(taken("\n      b: YWJj\n    kind: Secret\n"), "\n      b: YWJj\n    ");
  assert.equal(taken('", "b": "YWJj" }, "kind": "Secret"'), '", "b": "YWJj" ');
});

test("takes empty lines along, and all of a block at the end of a text", () => {
  assert.equal(taken("\n\n  b: YWJj\n\n"), "\n\n  b: YWJj\n\n");
});
