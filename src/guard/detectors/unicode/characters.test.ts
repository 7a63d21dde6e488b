import assert from "node:assert/strict";
import { test } from "node:test";

import { belongs, isPlainAscii, kindOf, nextHidden, stripHidden, tagSequence, takesSelector } from "./characters.ts";

test("every character that Unicode ignores by default has a kind, and nothing that is seen has one", () => {
  // Lone and reserved members, and the one that is drawn as a blank letter cell in its script, stand in the table too.
  const seen: string[] = [];
  const missed: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    const ignored = /\p{Default_Ignorable_Code_Point}/u.test(character);
    const control = /[\p{Cc}\uFFF9-\uFFFB]/u.test(character) && !/[\t\n\f\r\u0085]/.test(character);
    const kind = kindOf(code);
    if ((ignored || control) && kind === undefined) missed.push(code.toString(16));
    if (!ignored && !control && kind !== undefined) seen.push(code.toString(16));
  }
  assert.deepEqual({ missed, seen }, { missed: [], seen: [] });
});

test("the search finds what the kinds name, over all of Unicode", () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const text = `ab${String.fromCodePoint(code)}c`;
    const expected = kindOf(code) === undefined ? -1 : 2;
    if (nextHidden(text, 0) !== expected) assert.fail(`U+${code.toString(16)}`);
    if (stripHidden(text) !== (expected === -1 ? text : "abc")) assert.fail(`strip U+${code.toString(16)}`);
  }
});

test("the search starts where it is told, and reads lone surrogates as seen", () => {
  assert.equal(nextHidden("\u200Ba\u200B", 1), 2);
  assert.equal(nextHidden("\uDB40", 0), -1);
  assert.equal(nextHidden("\uDB40a", 0), -1);
});

test("plain ASCII is printable with the usual white space", () => {
  assert.equal(isPlainAscii("a~ \t\n\f\r"), true);
  for (const other of ["\u0000", "\u001B", "\u007F", "é", "\u200B", "😀"]) assert.equal(isPlainAscii(other), false);
});

test("only the three flags that emoji fonts have are well-formed tag sequences", () => {
  const flag = "\u{1F3F4}";
  const tags = (text: string): string =>
    Array.from(text, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");
  for (const region of ["gbeng", "gbsct", "gbwls"]) {
    assert.equal(tagSequence(`${flag}${tags(region)}\u{E007F}`, 2, flag), 12);
    assert.equal(tagSequence(tags(region), 0, "a"), 0, "without the black flag before it");
  }
  assert.equal(tagSequence(tags("gbe"), 0, flag), undefined, "may still become one");
  assert.equal(tagSequence(`${tags("gbe")}x`, 0, flag), 0);
  assert.equal(tagSequence(`${tags("usca")}\u{E007F}`, 0, flag), 0);
});

test("selectors belong behind what has variants", () => {
  const cases: readonly [base: string, selector: number, takes: boolean][] = [
    ["❤", 0xfe0f, true],
    ["1", 0xfe0f, true],
    ["a", 0xfe0f, false],
    ["葛", 0xe0100, true],
    ["葛", 0xe01ef, false],
    ["a", 0xe0100, false],
    ["∩", 0xfe00, true],
    ["0", 0xfe00, true],
    ["a", 0xfe00, false],
    ["。", 0xfe01, true],
    ["", 0xfe00, false],
  ];
  for (const [base, selector, takes] of cases)
    assert.equal(takesSelector(base, selector), takes, `${base} ${selector}`);
});

test("zero-width characters belong where their script uses them", () => {
  const cases: readonly [code: number, before: string, after: string, does: boolean][] = [
    [0x200c, "ی", "خ", true],
    [0x200c, "a", "b", false],
    [0x200d, "\u094D", "ष", true],
    [0x200d, "👩", "💻", true],
    [0x200d, "👩", "a", false],
    [0x200d, "a", "💻", false],
    [0x200b, "ก", "ข", true],
    [0x200b, "/", "a", true],
    [0x200b, "a", "b", false],
    [0x200f, "א", " ", true],
    [0x200e, "a", " ", false],
    [0x2062, "2", "x", true],
    [0x2062, "a", "b", false],
    [0x1160, "\u1100", "\u11A8", true],
    [0x3164, "a", "b", false],
    [0x180e, "\u1820", "\u1820", true],
    [0x2060, "a", "b", false],
  ];
  for (const [code, before, after, does] of cases) {
    assert.equal(belongs(code, before, after), does, `U+${code.toString(16)} between ${before} and ${after}`);
  }
});
