import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { compileKeywords, ENDS, ROW, Waits, type Keywords } from "./keywords.ts";

/** `keyword index @ end`, sorted. */
function found({ next, classes, ends }: Keywords, text: string): readonly string[] {
  const all: string[] = [];
  let state = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    state = unit < 128 ? (next[(state << ROW) | (classes[unit] as number)] as number) : 0;
    if (state < ENDS) continue;
    state -= ENDS;
    for (const word of ends[state] ?? []) all.push(`${word}@${at + 1}`);
  }
  return all.toSorted();
}

test("finds every keyword, also inside another and across the end of one", () => {
  const keywords = compileKeywords(["he", "she", "his", "hers"], () => Waits.Anywhere);
  assert.deepEqual(found(keywords, "uSHErs é he"), ["0@11", "0@4", "1@4", "3@6"]);
});

test("finds what a search for each keyword finds", () => {
  const letters = fc.constantFrom("a", "b", "A", "B", "é");
  const text = fc.array(letters, { maxLength: 40 }).map((all) => all.join(""));
  const word = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 5 }).map((all) => all.join(""));
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 8 }), text, (words, haystack) => {
      const expected: string[] = [];
      for (const [index, needle] of words.entries()) {
        for (let at = 0; at + needle.length <= haystack.length; at++) {
          if (haystack.slice(at, at + needle.length).toLowerCase() === needle) {
            expected.push(`${index}@${at + needle.length}`);
          }
        }
      }
      assert.deepEqual(
        found(
          compileKeywords(words, () => Waits.Anywhere),
          haystack,
        ),
        expected.toSorted(),
      );
    }),
  );
});

test("the depth of a state is the length of the longest end of the text that begins a keyword", () => {
  const keywords = compileKeywords(["abcd", "bcx"], () => Waits.Anywhere);
  let state = 0;
  const depths = Array.from("zabcxa", (character) => {
    const unit = keywords.classes[character.charCodeAt(0)] as number;
    state = (keywords.next[(state << ROW) | unit] as number) & ~ENDS;
    return keywords.depth[state];
  });
  assert.deepEqual(depths, [0, 1, 2, 3, 3, 1]);
});
