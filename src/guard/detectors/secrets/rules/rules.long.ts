/**
 * Every rule's made-up secret, cut at every place: the findings are those of the whole.
 *
 * @module
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { secretsDetector } from "../secrets.ts";
import { SECRET_RULES } from "./index.ts";
import { seeded } from "./seeded.ts";

const CONTEXT = { direction: "response", origin: "assistant", pointer: "" } as const;

for (const rule of SECRET_RULES) {
  test(`${rule.id}: is found at every cut`, () => {
    for (let seed = 1; seed <= 3; seed++) {
      const text = `It is: ${rule.example(seeded(seed * 7919))}\nand more.`;
      const whole = secretsDetector.detect(text, CONTEXT);
      assert.ok(whole.length > 0);
      for (let cut = 1; cut < text.length; cut++) {
        const scan = secretsDetector.open(CONTEXT);
        void scan.push(text.slice(0, cut));
        void scan.push(text.slice(cut));
        void scan.end();
        assert.deepEqual(
          scan.hits.map(({ finding }) => finding),
          whole,
          `cut at ${cut}`,
        );
      }
    }
  });
}
