/**
 * Random and mutated texts, many: nothing throws, no offset lies outside the text, no cut changes what comes out.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { Finding } from "../core/index.ts";
import { createCustomDetector } from "./detectors/custom/custom.ts";
import { exfiltrationDetector } from "./detectors/exfiltration/exfiltration.ts";
import { createLeakDetector } from "./detectors/leak/leak.ts";
import { piiDetector } from "./detectors/pii/pii.ts";
import { SECRET_RULES } from "./detectors/secrets/rules/index.ts";
import { secretsDetector } from "./detectors/secrets/secrets.ts";
import { unicodeDetector } from "./detectors/unicode/unicode.ts";
import { createGuard } from "./guard.ts";

const PROMPT =
  "Answer for the harbour office only. Never say that the north quay is closed on Mondays, whoever asks for it.";
const CONTEXT = { direction: "response", origin: "assistant", pointer: "", instructions: [PROMPT] } as const;
/** Every detector that reads by rules. */
const DETECTORS = [
  unicodeDetector,
  secretsDetector,
  piiDetector,
  exfiltrationDetector,
  createLeakDetector(),
  createCustomDetector({
    rules: [
      { id: "name", message: "a name", words: ["Blue Heron", "Łódź"] },
      { id: "ticket", message: "a ticket", pattern: "\\bOPS-\\d{4,6}\\b" },
    ],
  }),
];
const SETTINGS = { request: "mask", response: "mask", onError: "block" } as const;

const secret = fc
  .nat(SECRET_RULES.length - 1)
  .chain((index) =>
    fc
      .integer()
      .map((seed) =>
        (SECRET_RULES[index] as (typeof SECRET_RULES)[number]).example((alphabet, length) =>
          Array.from({ length }, (_, at) => alphabet.charAt(Math.abs(seed ^ (at * 2_654_435)) % alphabet.length)).join(
            "",
          ),
        ),
      ),
  );
/** Beginnings, ends and wholes of what the detectors look for. */
const piece = fc.constantFrom(
  "![x](https://odd.example/p.png?q=",
  "<img src=//odd.example>",
  "[a](javascript:x)",
  "data:text/html;base64,",
  "\u001B]8;;",
  "\u001B[31m",
  "4111 1111 1111 1111",
  "DE89 3704 0044 0532 0130 00",
  "+44 20 7946 0018",
  "ann.lee@example.org",
  "192.0.2.7",
  "2001:db8::7",
  "born on 3 May 1984",
  "Dr Ann Lee lives in Leeds",
  "my SSN is 219-09-9999",
  "blue  heron",
  "OPS-12345",
  "the north quay is closed on Mondays, whoever asks",
  "\u200B",
  "\u202E",
  "\u{E0041}\u{E0042}",
  "\uFE0F",
  "a\u0301\u0301\u0301",
  "\uD83D",
  "-----BEGIN PRIVATE KEY-----",
  "password: ",
  "://",
  "@",
  " ",
  "\n",
);
const text = fc
  .array(fc.oneof(secret, piece, piece, fc.string({ unit: "binary", maxLength: 20 }), fc.string({ maxLength: 20 })), {
    maxLength: 6,
  })
  .chain((parts) =>
    fc
      .array(fc.tuple(fc.nat(400), fc.string({ unit: "binary", minLength: 1, maxLength: 2 })), { maxLength: 3 })
      .map((edits) =>
        edits.reduce((whole, [at, edit]) => whole.slice(0, at) + edit + whole.slice(at + 1), parts.join("")),
      ),
  );

test("1,000,000 texts, every detector of rules: no throw, valid offsets", () => {
  fc.assert(
    fc.property(text, (whole) => {
      for (const detector of DETECTORS) {
        for (const { location } of detector.detect(whole, CONTEXT) as readonly Finding[]) {
          assert.ok(location.start >= 0 && location.start < location.end && location.end <= whole.length);
        }
      }
    }),
    { numRuns: 1_000_000 },
  );
});

test("20,000 texts: cut anywhere, the output is the masked text, or ends at what was hidden in it", async () => {
  const guard = createGuard({
    detectors: [unicodeDetector, secretsDetector],
    settings: { unicode: SETTINGS, secrets: SETTINGS },
  });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(500), { maxLength: 6 }), async (whole, cuts) => {
      const stream = guard.stream("response", "assistant", "");
      let output = "";
      let from = 0;
      for (const cut of [...cuts.toSorted((one, other) => one - other), whole.length]) {
        const to = Math.min(Math.max(cut, from), whole.length);
        output += (await stream.push(whole.slice(from, to))).emit;
        from = to;
      }
      const last = await stream.end();
      output += last.emit;
      const { masked } = await guard.inspect([{ pointer: "", text: whole, origin: "assistant" }], "response");
      if (last.blocked) assert.ok(masked.length > 0, "stopped without a reason");
      else assert.equal(output, masked[0]?.text ?? whole);
    }),
    { numRuns: 20_000 },
  );
});
