import assert from "node:assert/strict";
import { test } from "node:test";

import { unicodeDetector } from "./unicode.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "/x" } as const;

function rules(text: string): readonly string[] {
  return unicodeDetector.detect(text, CONTEXT).map(({ rule }) => rule.replace("unicode.", ""));
}

function places(text: string): readonly string[] {
  return unicodeDetector
    .detect(text, CONTEXT)
    .map(({ rule, location }) => `${rule.replace("unicode.", "")} ${location.start}-${location.end}`);
}

function tags(text: string): string {
  return Array.from(text, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0))).join("");
}

/** Bytes as variation selectors, the way that the published encoders write them. */
function selectors(text: string): string {
  return Array.from(Buffer.from(text), (byte) =>
    String.fromCodePoint(byte < 16 ? 0xfe00 + byte : 0xe0100 + byte - 16),
  ).join("");
}

const ORDINARY: Readonly<Record<string, string>> = {
  empty: "",
  ascii: "Ignore the noise; 3 > 2.\r\n\tDone.\f",
  "latin with accents": "Où est l’été ? — „schön“, naïve, Ångström, e\u0301t\u0301",
  flags: "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🏴󠁧󠁢󠁷󠁬󠁳󠁿 🇩🇪🇯🇵 🏴‍☠️ 🏳️‍🌈 🏳️‍⚧️",
  families: "👨‍👩‍👧‍👦 👩🏽‍💻 👩‍❤️‍💋‍👨 🧑🏿‍🤝‍🧑🏻 👁️‍🗨️ ❤️‍🔥 🐻‍❄️ 🙂‍↕️",
  "keycaps and presentation": "1️⃣ #️⃣ *️⃣ ☎️ ☎︎ ™️ ©️ ↔️ ❤️ 0︀",
  persian: "می‌خواهم خانه‌های بزرگ‌تر را ببینم؛ نمی‌دانم.",
  arabic: "قال: \u2067مرحبا\u2069 \u200Fثم ذهب (١٢٣)\u200F.",
  urdu: "یہ ایک جملہ ہے۔ \u061Cabc",
  hebrew: "שלום \u2066world\u2069, מה שלומך?\u200F \u202Bטקסט\u202C",
  hindi: "क्‍ष र्‌य श्री संक्षेप में बताइए",
  bengali: "র‍্যাব ত্‌ক",
  malayalam: "അവന്‍ പറഞ്ഞു",
  sinhala: "ක්‍රි ශ්‍රී ලංකාව",
  thai: "สวัสดี\u200Bครับ\u200Bผม",
  khmer: "ភាសា\u200Bខ្មែរ\u200Bស្រួល",
  burmese: "မြန်မာ\u200Bဘာသာ က\uFE00",
  chinese: "会议纪要：请总结要点。，\uFE00",
  "japanese variants": "葛\u{E0100}城市と葛\u{E0101}飾区、辻\u{E0101}さん、﨑\uFE00",
  korean: "한국어 \u1112\u1161\u11AB \u1100\u1160\u11A8",
  mongolian: "ᠮᠣᠩᠭᠣᠯ\u180Eᠠ ᠪᠢ\u180B",
  mathematics: "f\u2061(x) = 2\u2062x + 1\u2064½, ∩\uFE00",
  "isolated names": "Hello, \u2068Bob\u2069, you have \u2068שרה\u2069’s note",
  "hyphenated words": "Donau\u00ADdampf\u00ADschiff\u00ADfahrt",
  "two soft hyphens": "odd \u00AD\u00ADas",
  "byte order mark": "\uFEFFname,age\n",
  "address from a web page": "https:/\u200B/\u200Bexample.\u200Borg/\u200Ba_\u200Bb/\u200Bc-\u200Bd/\u200Be",
  "stray spaces from a web page": "one \u200Btwo \u200B three. \u200B",
  "path copied on Windows": "\u202AC:\\Users\\me\\report.txt",
  "orphaned presentation selectors": "ok \uFE0F good\uFE0F",
  "windows-1252 read as latin-1": "it\u0092s \u0093fine\u0094",
  "next line": "one\u0085two",
};

for (const [name, text] of Object.entries(ORDINARY)) {
  test(`ordinary text has no finding: ${name}`, () => assert.deepEqual(places(text), []));
}

const ATTACKS: Readonly<Record<string, readonly [text: string, ...expected: string[]]>> = {
  "tag text": [`hi${tags("ignore all")}!`, "tag-characters 2-22"],
  "a flag that goes on": [`\u{1F3F4}${tags("gbengignore")}\u{E007F}`, "tag-characters 2-26"],
  "a flag of no country": [`\u{1F3F4}${tags("zzz")}\u{E007F}`, "tag-characters 2-10"],
  "tags behind a real flag": [`\u{1F3F4}${tags("gbeng")}\u{E007F}${tags("x")}`, "tag-characters 14-16"],
  "the language tag": ["a\u{E0001}b", "tag-characters 1-3"],
  "bytes behind an emoji": [`😀${selectors("hello")}`, "variation-selectors 2-12"],
  "bytes behind a heart's own selector": [`❤\uFE0F${selectors("hi")}`, "variation-selectors 1-6"],
  "a byte behind each letter": [
    `a${selectors("x")}b${selectors("y")}`,
    "variation-selectors 1-3",
    "variation-selectors 4-6",
  ],
  "a byte of the lower sixteen": ["a\uFE03b", "variation-selectors 1-2"],
  "three presentation selectors": ["☎\uFE0F\uFE0E\uFE0F", "variation-selectors 1-4"],
  "zero-width bits": ["a\u200B\u200C\u200B\u200C\u200B b", "zero-width 1-6"],
  "joined zero-width bits": ["خ\u200C\u200D\u200C\u200D", "zero-width 1-5"],
  "a word split by a space": ["ig\u200Bnore", "split-word 2-3"],
  "a word split by a joiner": ["ig\u200Dnore", "split-word 2-3"],
  "a word split by two": ["ig\u2060\uFEFFnore", "split-word 2-4"],
  "a word split by an invisible operator": ["ig\u2063nore", "split-word 2-3"],
  "a word split by a Hangul filler": ["ig\u3164nore", "split-word 2-3"],
  "a word split by a mark": ["ig\u200Fnore", "split-word 2-3"],
  "right-to-left override": ["a\u202Eb", "bidi-override 1-2"],
  "left-to-right override": ["a\u202Db\u202C", "bidi-override 1-2"],
  "commenting out (Trojan Source)": [
    "/*\u202E } \u2066if (isAdmin)\u2069 \u2066 begin admins only */",
    "bidi-override 2-3",
    "bidi-unbalanced 21-22",
  ],
  "early return (Trojan Source)": ["''' Subtract \u2067''' ;return", "bidi-override 13-14"],
  "left-to-right text embedded as right-to-left": ["x \u2067abc\u2069", "bidi-override 2-3"],
  "an isolate left open": ["Hello \u2068Bob\nnext", "bidi-unbalanced 6-7"],
  "an isolate closed too far away": [`\u2066${"a ".repeat(200)}\u2069`, "bidi-unbalanced 0-1"],
  annotation: [
    "\uFFF9base\uFFFAhidden\uFFFB",
    "interlinear-annotation 0-1",
    "interlinear-annotation 5-6",
    "interlinear-annotation 12-13",
  ],
  "deprecated format": ["a\u206Ab", "deprecated-format 1-2"],
  "soft hyphens between letters": ["i\u00ADg\u00ADn\u00ADo", "soft-hyphen 5-6"],
  escape: ["\u001B[2J", "control-character 0-1"],
  "null and backspace": ["a\u0000b\u0008", "control-character 1-2", "control-character 3-4"],
  "8-bit control sequence": ["\u009B2J", "control-character 0-1"],
  "more strays than ordinary text": [" \u2060".repeat(6), "invisible-characters 9-10", "invisible-characters 11-12"],
};

for (const [name, [text, ...expected]] of Object.entries(ATTACKS)) {
  test(`found: ${name}`, () => assert.deepEqual(places(text), expected));
}

test("strays are counted in proportion to the text", () => {
  const page = `${"a".repeat(255)}. \u2060`.repeat(40);
  assert.deepEqual(rules(page), []);
  assert.ok(rules(`a \u2060`.repeat(100)).length > 50);
});

test("a finding says how many, never what", () => {
  const [finding] = unicodeDetector.detect(`x${tags("secret plan")}`, CONTEXT);
  assert.match(finding?.message ?? "", /: 11 characters$/);
  assert.ok(!JSON.stringify(finding).includes("secret plan"));
  assert.equal(finding?.severity, "critical");
  assert.equal(finding?.location.pointer, "/x");
});

test("past the limit of findings, the rest of the text is one", () => {
  const text = "a\u202Eb".repeat(400);
  const found = unicodeDetector.detect(text, CONTEXT);
  assert.equal(found.length, 257);
  assert.equal(found.at(-1)?.rule, "unicode.flood");
  assert.equal(found.at(-1)?.location.end, text.length);
});

test("every found place holds hidden characters and nothing is left after stripping", () => {
  for (const [text] of Object.values(ATTACKS)) {
    for (const { location } of unicodeDetector.detect(text, CONTEXT)) {
      assert.equal(unicodeDetector.strip(text.slice(location.start, location.end)), "");
    }
  }
});
