import assert from "node:assert/strict";
import { test } from "node:test";

import { SECRET_RULES } from "./rules/index.ts";
import { secretsDetector } from "./secrets.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "" } as const;
/** Long enough for a square to show, short enough for every rule to get its turn. */
const LENGTH = 128 * 1024;

/** Milliseconds of processor time, the least of two: what the machine does besides does not count. */
function cost(text: string): number {
  const once = (): number => {
    const before = process.cpuUsage();
    secretsDetector.detect(text, CONTEXT);
    return process.cpuUsage(before).user / 1000;
  };
  return Math.min(once(), once());
}

for (const rule of SECRET_RULES) {
  test(`${rule.id}: a text made to provoke it costs four times a quarter of it`, () => {
    const random = (alphabet: string, length: number): string =>
      Array.from({ length }, (_, at) => alphabet.charAt((at * 7 + 3) % alphabet.length)).join("");
    const whole = rule.example(random);
    // The first keywords stand for the rest: some rules have hundreds, of one length and one shape.
    const attacks = rule.keywords
      .slice(0, 2)
      .flatMap((keyword) => [
        `${keyword} `,
        `${keyword}${"a".repeat(rule.shape.reduce((sum, [, most]) => sum + most, 0))}! `,
      ]);
    for (const attack of [...attacks, `${whole.slice(0, -1)}! `, whole.slice(0, whole.length >> 1)]) {
      const large = attack.repeat(Math.ceil(LENGTH / attack.length)).slice(0, LENGTH);
      // Under ten milliseconds the clock and the collector weigh more than the work.
      const quarter = Math.max(10, cost(large.slice(0, LENGTH / 4)));
      const ratio = cost(large) / quarter;
      assert.ok(ratio < 12, `${ratio.toFixed(1)} times the work for four times the text`);
    }
  });
}
