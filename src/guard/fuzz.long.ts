/**
 * Random and mutated texts, many: nothing throws, no offset lies outside the text, no cut changes what comes out.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { SECRET_RULES } from "./detectors/secrets/rules/index.ts";
import { secretsDetector } from "./detectors/secrets/secrets.ts";
import { unicodeDetector } from "./detectors/unicode/unicode.ts";
import { createGuard } from "./guard.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "" } as const;
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
const text = fc
  .array(fc.oneof(secret, fc.string({ unit: "binary", maxLength: 20 }), fc.string({ maxLength: 20 })), { maxLength: 6 })
  .chain((parts) =>
    fc
      .array(fc.tuple(fc.nat(400), fc.string({ unit: "binary", minLength: 1, maxLength: 2 })), { maxLength: 3 })
      .map((edits) =>
        edits.reduce((whole, [at, edit]) => whole.slice(0, at) + edit + whole.slice(at + 1), parts.join("")),
      ),
  );

test("250,000 texts: no throw, valid offsets", () => {
  fc.assert(
    fc.property(text, (whole) => {
      for (const detector of [unicodeDetector, secretsDetector]) {
        for (const { location } of detector.detect(whole, CONTEXT)) {
          assert.ok(location.start >= 0 && location.start < location.end && location.end <= whole.length);
        }
      }
    }),
    { numRuns: 250_000 },
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
