import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { cleanedView, hiddenView, isDisguised, type View } from "./views.ts";

function tags(text: string): string {
  return Array.from(text, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");
}

/** The original's piece that each character of the view came from. */
function origins(view: View, text: string): readonly string[] {
  const made = view.add(text);
  return Array.from({ length: made.length }, (_, at) => text.slice(view.startOf(at), view.endOf(at + 1)));
}

test("every character whose compatibility form is printable ASCII is read as that", () => {
  const missed: string[] = [];
  for (let code = 0x80; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    const form = character.normalize("NFKC");
    if (/^[\x20-\x7E]+$/.test(form) && cleanedView().add(character) !== form) missed.push(code.toString(16));
  }
  assert.deepEqual(missed, []);
});

test("the cleaned view drops what is not seen and reads look-alike forms as ASCII", () => {
  const disguises: Readonly<Record<string, string>> = {
    "a\u200Bb\u{E0041}c\uFE0F": "abc",
    ＡＫＩＡ: "AKIA",
    𝐀𝕂𝙸𝓐: "AKIA",
    "Ⓐⓚ①": "Ak1",
    "A\u0336K\u0301": "AK",
    "ﬁ…": "fi...",
    "é中\u094D": "é中\u094D",
    "\u001Ba": "a",
  };
  for (const [text, plain] of Object.entries(disguises)) {
    assert.equal(cleanedView().add(text), plain);
    assert.equal(isDisguised(text, 0, text.length), plain !== text);
  }
  assert.equal(isDisguised("plain text\n", 0, 11), false);
});

test("the hidden view is what tags spell, wherever they stand", () => {
  assert.equal(hiddenView().add(`a${tags("se")}b\u{E0001}é${tags("cret")}\u{E007F}`), "secret");
  assert.equal(hiddenView().add("none"), "");
});

test("each character of a view knows where it came from", () => {
  assert.deepEqual(origins(cleanedView(), "a\u200Bｂ𝐂ﬁd"), ["a", "ｂ", "𝐂", "ﬁ", "ﬁ", "d"]);
  assert.deepEqual(origins(hiddenView(), `xy${tags("o")}z${tags("k")}`), [tags("o"), tags("k")]);
});

test("a view of pieces is the view of the whole, with the same origins", () => {
  const unit = fc.constantFrom("a", "é", "\u200B", "Ａ", "𝐁", "ﬁ", "😀", "\u{E0041}", "中", "\u0301");
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 30 }), fc.constantFrom(cleanedView, hiddenView), (units, open) => {
      const text = units.join("");
      const whole = open();
      const expected = whole.add(text);
      const pieces = open();
      assert.equal(units.map((piece) => pieces.add(piece)).join(""), expected);
      assert.equal(pieces.length, expected.length);
      for (let at = 0; at <= expected.length; at++) assert.equal(pieces.startOf(at), whole.startOf(at));
      for (let at = 1; at <= expected.length; at++) assert.equal(pieces.endOf(at), whole.endOf(at));
      assert.equal(pieces.startOf(expected.length), text.length);
    }),
  );
});

test("forgetting keeps what is ahead", () => {
  const view = cleanedView();
  for (let at = 0; at < 5000; at++) {
    view.add("a\u200B");
    view.forget(view.length - 1);
  }
  assert.equal(view.startOf(4999), 9998);
  assert.equal(view.endOf(5000), 9999);
});
