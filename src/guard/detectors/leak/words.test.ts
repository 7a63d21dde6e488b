import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { LONGEST_WORD, openWords } from "./words.ts";

interface Word {
  readonly text: string;
  readonly hash: string;
  readonly weight: number;
}

function words(pieces: readonly string[]): readonly Word[] {
  const whole = pieces.join("");
  const found: Word[] = [];
  const reader = openWords((start, end, one, two, weight) => {
    found.push({ text: whole.slice(start, end), hash: `${one} ${two}`, weight });
  });
  let length = 0;
  for (const piece of pieces) {
    length += piece.length;
    const open = reader.push(piece);
    assert.ok(open <= length && length - open <= LONGEST_WORD + 1);
  }
  reader.end();
  return found;
}

function texts(text: string): readonly string[] {
  return words([text]).map((word) => word.text);
}

test("words are runs of letters and digits", () => {
  assert.deepEqual(texts("  Don't *stop* at 12.5 %, naïve_one—ok?"), [
    "Don",
    "t",
    "stop",
    "at",
    "12",
    "5",
    "naïve",
    "one",
    "ok",
  ]);
  assert.deepEqual(texts("秘密の鍵 ok สวัสดี"), ["秘", "密", "の", "鍵", "ok", "ส", "วั", "ส", "ดี"]);
  assert.deepEqual(texts(""), []);
  assert.deepEqual(texts("x".repeat(LONGEST_WORD + 3)), ["x".repeat(LONGEST_WORD), "xxx"]);
});

test("the same word has the same hash, however it is written", () => {
  const [plain] = words(["Straße"]);
  for (const other of ["STRAßE", "stra\u00ADße", "ＳＴＲＡße", "s\u200Btraße"]) {
    assert.equal(words([other])[0]?.hash, plain?.hash, other);
  }
  assert.equal(words(["cafe\u0301"])[0]?.hash, words(["CAFÉ"])[0]?.hash);
  assert.equal(words(["ｃａｔ"])[0]?.hash, words(["cat"])[0]?.hash);
  assert.notEqual(words(["cat"])[0]?.hash, words(["act"])[0]?.hash);
  assert.equal(words(["鍵"])[0]?.weight, 3);
});

test("cut anywhere, the words are the same", () => {
  const unit = fc.oneof(
    fc.constantFrom("a", "B", "é", "e\u0301", "\u200B", "鍵", "ดี", "😀", "𝐀", " ", ".", "\uD83D", "x".repeat(70)),
    fc.string({ unit: "binary", maxLength: 2 }),
  );
  fc.assert(
    fc.property(fc.array(fc.array(unit, { maxLength: 8 }), { maxLength: 8 }), (units) => {
      const pieces = units.map((piece) => piece.join(""));
      const whole = pieces.join("");
      assert.deepEqual(words(pieces), words([whole]));
      assert.deepEqual(words(whole.split("")), words([whole]));
    }),
    { numRuns: 150 },
  );
});
