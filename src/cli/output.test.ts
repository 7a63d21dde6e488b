import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { CommandResult } from "../core/index.ts";
import { createOutput, writeResult } from "./output.ts";

function print(
  result: CommandResult,
  format: "text" | "json",
  isTTY = false,
  env: Record<string, string> = {},
): string {
  let printed = "";
  const stream = {
    isTTY,
    write: (text: string) => {
      printed += text;
    },
  };
  writeResult(createOutput(stream, format, env), result);
  return printed;
}

const RESULT: CommandResult = { data: { a: 1, big: 12n }, text: (style) => `${style.red("✗ no")}\nsecond` };

test("text for people, one line of JSON for machines", () => {
  assert.equal(print(RESULT, "text"), "✗ no\nsecond\n");
  assert.equal(print(RESULT, "json"), '{"a":1,"big":"12"}\n');
  assert.equal(print({ data: null, text: () => "" }, "text"), "");
});

test("colours appear only where they show or are asked for", () => {
  const coloured = "\u001b[31m✗ no\u001b[39m\nsecond\n";
  assert.equal(print(RESULT, "text", true), coloured);
  assert.equal(print(RESULT, "text", false, { FORCE_COLOR: "1" }), coloured);
  assert.equal(print(RESULT, "text", true, { FORCE_COLOR: "1", NO_COLOR: "1" }), coloured);
  const plain = "✗ no\nsecond\n";
  assert.equal(print(RESULT, "text", true, { NO_COLOR: "1" }), plain);
  assert.equal(print(RESULT, "text", true, { FORCE_COLOR: "0" }), plain);
  assert.equal(print(RESULT, "text", true, { TERM: "dumb" }), plain);
  assert.equal(print(RESULT, "text", true, { NO_COLOR: "", FORCE_COLOR: "" }), coloured);
});

test("whatever foreign text a result holds, the terminal gets lines, printable text and our own colours", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.boolean(), (foreign, isTTY) => {
      for (const format of ["text", "json"] as const) {
        const printed = print({ data: { foreign }, text: (style) => style.bold(foreign) }, format, isTTY);
        const rest = printed.replaceAll("\u001b[1m", "").replaceAll("\u001b[22m", "");
        // oxlint-disable-next-line no-control-regex
        assert.doesNotMatch(rest, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/);
        if (format === "json") assert.deepEqual(JSON.parse(printed), { foreign });
      }
    }),
  );
});

test("an escape sequence in foreign text is shown, not obeyed", () => {
  assert.equal(print({ data: null, text: () => "a\u001b[2Jb\u009b5n" }, "text", true), "a\\u001b[2Jb\\u009b5n\n");
});
