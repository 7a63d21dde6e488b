import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../../core/index.ts";
import type { Detector } from "../../detector.ts";
import { createCustomDetector } from "./custom.ts";
import { MAX_LONGEST, MAX_PROGRAM } from "./pattern.ts";
import { MAX_HITS, type CustomRule } from "./rule.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "/y" } as const;

function detectorOf(...rules: readonly Omit<CustomRule, "message">[]): Detector {
  return createCustomDetector({ rules: rules.map((rule) => ({ message: "found", ...rule }) as CustomRule) });
}

function places(detector: Detector, text: string): readonly string[] {
  const found = detector.detect(text, CONTEXT);
  assert.ok(Array.isArray(found));
  return found.map(
    ({ rule, location }) => `${rule.replace("custom.", "")} ${text.slice(location.start, location.end)}`,
  );
}

function words(...list: readonly string[]): Detector {
  return detectorOf({ id: "w", words: list } as Omit<CustomRule, "message">);
}

function pattern(source: string, more: object = {}): Detector {
  return detectorOf({ id: "p", pattern: source, ...more } as Omit<CustomRule, "message">);
}

test("words in any case and width, whole, with any white space between", () => {
  const detector = words("Blue Heron", "heron", "naïve", "C++", "鍵", "İstanbul");
  assert.deepEqual(places(detector, "BLUE  heron"), ["w BLUE  heron", "w heron"]);
  assert.deepEqual(places(detector, "blue\n\theron,"), ["w blue\n\theron", "w heron"]);
  assert.deepEqual(places(detector, "ｂｌｕｅ　ｈｅｒｏｎ"), ["w ｂｌｕｅ　ｈｅｒｏｎ", "w ｈｅｒｏｎ"]);
  assert.deepEqual(places(detector, `blue${" ".repeat(9)}heron`), ["w heron"]);
  assert.deepEqual(places(detector, "blueheron herons theron _heron heron1 blue-heron"), ["w heron"]);
  assert.deepEqual(places(detector, "NAÏVE: I write c++."), ["w NAÏVE", "w c++"]);
  assert.deepEqual(places(detector, "秘密の鍵です"), ["w 鍵"], "scripts without spaces have no whole words");
  assert.deepEqual(places(detector, "𝐀heron heron𝐀 heron😀"), ["w heron"]);
});

test("exact words, and parts of words", () => {
  const exact = detectorOf({ id: "e", words: ["Acme Corp"], exact: true } as Omit<CustomRule, "message">);
  assert.deepEqual(places(exact, "acme corp Acme\nCorp ACME CORP Ａcme Corp"), ["e Acme\nCorp"]);
  const part = detectorOf({ id: "p", words: ["secret"], part: true } as Omit<CustomRule, "message">);
  assert.deepEqual(places(part, "topSecrets"), ["p Secret"]);
});

test("words in words: every rule has its own", () => {
  const detector = detectorOf(
    { id: "one", words: ["he", "she", "hers"], part: true } as Omit<CustomRule, "message">,
    { id: "two", words: ["ushers"] } as Omit<CustomRule, "message">,
  );
  assert.deepEqual(places(detector, "ushers"), ["two ushers", "one she", "one he", "one hers"]);
});

test("patterns: matches in order, that do not overlap", () => {
  assert.deepEqual(places(pattern("\\bOPS-\\d{4,6}\\b"), "OPS-1234, OPS-123, xOPS-1234, OPS-1234567, OPS-999999"), [
    "p OPS-1234",
    "p OPS-999999",
  ]);
  assert.deepEqual(places(pattern("aa"), "aaaaa"), ["p aa", "p aa"]);
  assert.deepEqual(places(pattern("x?"), "axbxx"), ["p x", "p x", "p x"]);
  assert.deepEqual(places(pattern("^ab|cd$"), "ab cd ab cd"), ["p ab", "p cd"]);
  assert.deepEqual(places(pattern("straße", { ignoreCase: true }), "STRAßE"), ["p STRAßE"]);
  assert.deepEqual(places(pattern("[😀-😎]{2}"), "😀😁😂"), ["p 😀😁"]);
});

test("a pattern without a longest match needs one, and is cut there", () => {
  const detector = pattern("a[^b]*b", { longest: 10 });
  assert.deepEqual(places(detector, "a12b 12 a1b"), ["p a12b", "p a1b"]);
  assert.deepEqual(places(detector, `a${"x".repeat(8)}b`), [`p a${"x".repeat(8)}b`], "as long as allowed");
  assert.deepEqual(places(detector, `a${"x".repeat(9)}b`), [`p a${"x".repeat(9)}`], "one longer is cut");
  assert.deepEqual(places(detector, `a${"x".repeat(30)}b`), [], "its end is too far away");
  assert.deepEqual(places(pattern("x+", { longest: 4 }), "x".repeat(10)), ["p xxxx", "p xxxx", "p xx"]);
});

test("the longest match is read off the pattern", () => {
  for (const [source, longest] of [
    ["abc", 3],
    ["a{2,5}b?", 6],
    ["(?:ab|cde)(?:f|)", 4],
    ["\\bx\\b$", 1],
    ["[😀x]", 2],
    [".", 2],
    ["(?i)k", 1],
    ["(a(b(c)?)?)?d", 4],
  ] as const) {
    assert.equal(pattern(source).longestMatch, longest + 2, source);
  }
});

test("what cannot run in linear time, is too large, or has no end, is refused with its name", () => {
  const cases: readonly (readonly [string, object, string])[] = [
    ["(?=a)b", {}, "guard.pattern-invalid"],
    ["(?<!a)b", {}, "guard.pattern-invalid"],
    ["(a)\\1", {}, "guard.pattern-invalid"],
    ["(?>a)b", {}, "guard.pattern-invalid"],
    ["a++", {}, "guard.pattern-invalid"],
    ["(", {}, "guard.pattern-invalid"],
    ["(?:(?:a{10}){10}){10}", {}, "guard.pattern-too-large"],
    [`a{${MAX_PROGRAM}}`, {}, "guard.pattern-too-large"],
    ["a+", {}, "guard.pattern-unbounded"],
    ["(?:ab)*c", {}, "guard.pattern-unbounded"],
    ["a+", { longest: MAX_LONGEST + 1 }, "guard.pattern-unbounded"],
    ["a+", { longest: 0 }, "guard.pattern-unbounded"],
    ["a+", { longest: 1.5 }, "guard.pattern-unbounded"],
    ["", {}, "guard.rule-invalid"],
    ["^$", {}, "guard.rule-invalid"],
    ["\\b", {}, "guard.rule-invalid"],
  ];
  for (const [source, more, code] of cases) {
    assert.throws(
      () => pattern(source, more),
      (error) => isHoldfastError(error, code),
      source,
    );
  }
  assert.doesNotThrow(() => pattern("a+", { longest: MAX_LONGEST }));
});

test("rules and lists that are none are refused", () => {
  const rule = { message: "m", words: ["x"] };
  for (const rules of [
    [{ ...rule, id: "Upper" }],
    [{ ...rule, id: "" }],
    [
      { ...rule, id: "a" },
      { ...rule, id: "a" },
    ],
    [{ id: "a", message: "m", words: ["x", "  "] }],
  ]) {
    assert.throws(
      () => createCustomDetector({ rules }),
      (error) => isHoldfastError(error, "guard.rule-invalid"),
    );
  }
  assert.throws(
    () => createCustomDetector({ id: "a.b", rules: [] }),
    (error) => isHoldfastError(error, "guard.rule-invalid"),
  );
  const many = Array.from({ length: 4000 }, (_, at) => String.fromCharCode(0x4e00 + at).repeat(20) + String(at));
  assert.throws(
    () => words(...many),
    (error) => isHoldfastError(error, "guard.rules-too-large"),
  );
});

test("a finding says what the rule says, and none of the text", () => {
  const detector = createCustomDetector({
    id: "house",
    directions: ["request"],
    views: true,
    rules: [{ id: "a", message: "why", remedy: "how", severity: "low", references: ["X"], words: ["heron"] }],
  });
  assert.deepEqual(detector.detect("a heron", CONTEXT), [
    {
      rule: "house.a",
      severity: "low",
      location: { pointer: "/y", start: 2, end: 7 },
      message: "why",
      remedy: "how",
      references: ["X"],
    },
  ]);
  assert.deepEqual([detector.directions, detector.reads], [["request"], "views"]);
});

test("past the limit of findings, the rest of the text belongs to the last", () => {
  for (const detector of [words("heron"), pattern("heron"), pattern("hero+n", { longest: 9 })]) {
    const text = "heron ".repeat(MAX_HITS + 44);
    const found = places(detector, text);
    assert.equal(found.length, MAX_HITS + 1);
    assert.ok(text.endsWith(found.at(-1)?.slice(2) ?? "none"));
  }
});

test("patterns made to be slow take no longer than others", () => {
  for (const [detector, unit] of [
    [pattern("(?:x+x+)+y", { longest: 200 }), "x"],
    [pattern("(?:a?){60}a{60}b"), "a"],
    [pattern("(?:a|a|a){1,100}b"), "a"],
  ] as const) {
    // Backtracking would take longer than the universe has; this ends within the time of a test.
    assert.ok(places(detector, unit.repeat(5000)).length <= MAX_HITS + 1);
  }
});

/** Findings of a text in pieces. Checks that what is found had not left. */
function inPieces(detector: Detector, pieces: readonly string[]): readonly unknown[] {
  const scan = detector.open?.(CONTEXT);
  assert.ok(scan !== undefined);
  let settled = 0;
  let length = 0;
  let known: readonly unknown[] = [];
  const check = (): void => {
    for (const hit of scan.hits) if (!known.includes(hit)) assert.ok(hit.opening.location.start >= settled);
    known = [...scan.hits];
  };
  for (const piece of pieces) {
    const next = scan.push(piece);
    length += piece.length;
    assert.ok(typeof next === "number" && next >= settled && next <= length);
    check();
    settled = next;
  }
  void scan.end();
  check();
  return scan.hits.map(({ finding }) => finding);
}

test("cut anywhere, the findings are those of the whole", () => {
  const detector = detectorOf(
    { id: "one", words: ["blue heron", "heron", "鍵", "on a"] } as Omit<CustomRule, "message">,
    { id: "two", words: ["ro", "o"], part: true } as Omit<CustomRule, "message">,
    { id: "three", pattern: "\\b[a-c]{2,4}\\b" } as Omit<CustomRule, "message">,
    { id: "four", pattern: "x[^y]*y", longest: 12 } as Omit<CustomRule, "message">,
    { id: "five", pattern: "(?:ab)+", longest: 5 } as Omit<CustomRule, "message">,
    { id: "six", pattern: "^.|.$" } as Omit<CustomRule, "message">,
  );
  const unit = fc.constantFrom(
    "blue",
    "heron",
    " ",
    "  ",
    "鍵",
    "on",
    "a",
    "b",
    "ab",
    "x",
    "y",
    ".",
    "😀",
    "\uD83D",
    "é",
    "          ",
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 40 }), fc.array(fc.nat(90), { maxLength: 6 }), (units, cuts) => {
      const whole = units.join("");
      const found = detector.detect(whole, CONTEXT);
      const ends = [...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
      assert.deepEqual(
        inPieces(
          detector,
          ends.map((end, at) => whole.slice(ends[at - 1] ?? 0, end)),
        ),
        found,
      );
      assert.deepEqual(inPieces(detector, whole.split("")), found);
    }),
    { numRuns: 200 },
  );
});
