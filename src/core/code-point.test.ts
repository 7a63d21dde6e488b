import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { codePointAt } from "./code-point.ts";

test("is what the language says, for any text", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "\uD83D", "\uDE00", "é", "鍵", "🜁")), fc.nat(20), (parts, at) => {
      const text = parts.join("");
      const said = Array.from(text.slice(at))[0]?.codePointAt(0);
      assert.equal(codePointAt(text, at), said);
    }),
  );
});

test("never reads past the end of a slice, however hot the caller is", () => {
  const whole = "abcdefghijklmnopq\u{f89c7}rstuvwxyz0123456789";
  let wrong = 0;
  const last = (text: string): number => codePointAt(text, text.length - 1) as number;
  for (let round = 0; round < 50_000; round++) if (last(whole.slice(0, 18)) > 0xffff) wrong += 1;
  assert.equal(wrong, 0);
});
