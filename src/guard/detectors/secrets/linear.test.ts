import assert from "node:assert/strict";
import { test } from "node:test";

import { SECRET_RULES } from "./rules/index.ts";
import { secretsDetector } from "./secrets.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "" } as const;

/** Milliseconds of processor time: what other processes do on the machine does not count. */
function cost(text: string): number {
  const before = process.cpuUsage();
  secretsDetector.detect(text, CONTEXT);
  return process.cpuUsage(before).user / 1000;
}

test("four times the text costs about four times the work, whatever rule the text provokes", () => {
  const pieces = SECRET_RULES.flatMap(({ keywords, shape }) => {
    const [characters, most] = shape[0] ?? ["", 0];
    const filler = Array.from("aA0-_. /=:\"'", (unit) => (new RegExp(`[${characters}]`).test(unit) ? unit : "")).join(
      "",
    );
    return keywords.flatMap((keyword) => [
      `${keyword} `,
      keyword.repeat(4),
      `${keyword.toUpperCase()}${(filler || "a").repeat(most).slice(0, most)}`,
    ]);
  });
  const attack = pieces.join(" ");
  const small = attack.repeat(Math.ceil(200_000 / attack.length));
  const large = small.repeat(4);
  cost(small);
  // A garbage collection may fall into either; the least of three is the work itself.
  const least = (text: string): number => Math.min(cost(text), cost(text), cost(text));
  const ratio = least(large) / Math.max(10, least(small));
  assert.ok(ratio < 10, `four times the text cost ${ratio.toFixed(1)} times the work`);
});

test("a text that is one single class of characters is no trouble", () => {
  for (const unit of ["a", "-", "0", "=", ".", "/", " ", "\\", "://", "eyJ", "token=", "-----BEGIN ", "\u200B", "Ａ"]) {
    const text = unit.repeat(20_000);
    assert.ok(secretsDetector.detect(text, CONTEXT).length <= 257);
  }
});
