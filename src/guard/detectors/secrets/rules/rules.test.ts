import assert from "node:assert/strict";
import { test } from "node:test";

import { ALNUM, type Random } from "../form.ts";
import { secretsDetector } from "../secrets.ts";
import { SECRET_RULES } from "./index.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "" } as const;

/** A generator with a seed (mulberry32), so that every run draws the same. */
function seeded(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return (alphabet, length) =>
    Array.from({ length }, () => alphabet.charAt(Math.floor(next() * alphabet.length))).join("");
}

function found(text: string): readonly string[] {
  return secretsDetector.detect(text, CONTEXT).map(({ rule }) => rule);
}

test("there are the 30 commonest formats and more, each with its own id", () => {
  assert.ok(SECRET_RULES.length >= 30);
  assert.equal(new Set(SECRET_RULES.map(({ id }) => id)).size, SECRET_RULES.length);
});

for (const rule of SECRET_RULES) {
  test(`${rule.id}: finds its own form, alone, in prose, code and configuration`, () => {
    const random = seeded(rule.id.length * 7919);
    for (let round = 0; round < 8; round++) {
      const secret = rule.example(random);
      for (const text of [secret, `use ${secret} for it`, `const k = '${secret}';`, `a\\n${secret}\\nb`]) {
        assert.deepEqual(found(text), [`secrets.${rule.id}`], `round ${round} of ${rule.id}`);
      }
    }
  });

  test(`${rule.id}: its parts fit the matcher`, () => {
    const { source, flags } = rule.pattern;
    assert.ok(flags.includes("y"), "anchored");
    assert.ok(!flags.includes("g") && !flags.includes("i"));
    assert.equal(flags.includes("d"), source.includes("(?<secret>"), "indices where there is a group");
    const outside = source.replace(/\\./g, "").replace(/\[[^\]]*\]/g, "c");
    assert.ok(!/[*+]|\{\d+,\}/.test(outside), "every repetition is bounded");
    assert.ok(rule.keywords.every((keyword) => keyword.length > 1 && keyword === keyword.toLowerCase()));
    assert.ok(rule.keywords.every((keyword) => /^[\x20-\x7E]+$/.test(keyword)));
    for (const one of rule.keywords) {
      assert.ok(!rule.keywords.some((other) => other !== one && other.startsWith(one)), "no keyword begins another");
    }
  });
}

test("a token of another's length, in a word, or that stands for one is none", () => {
  const random = seeded(1);
  const body = random(ALNUM, 36);
  assert.deepEqual(found(`ghp_${body.slice(1)}`), []);
  assert.deepEqual(found(`ghp_${body}a`), []);
  assert.deepEqual(found(`xghp_${body}`), []);
  assert.deepEqual(found(`ghp_${"x".repeat(36)}`), []);
  assert.deepEqual(found(["AKIA", "IOSFODNN7EXAMPLE"].join("")), []);
  assert.deepEqual(found(["AKIA", "0189018901890189"].join("")), [], "not base32");
});

test("the AWS secret key of the documentation is a placeholder too", () => {
  assert.deepEqual(found(["aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "EXAMPLEKEY"].join("")), []);
});

test("a checksum decides how loud a finding is", () => {
  const random = seeded(2);
  const rule = SECRET_RULES.find(({ id }) => id === "github-token");
  const right = rule?.example(random) ?? "";
  const wrong = `${right.slice(0, -1)}${right.endsWith("a") ? "b" : "a"}`;
  const severities = [right, wrong].map((text) => secretsDetector.detect(text, CONTEXT)[0]);
  assert.deepEqual(
    severities.map((finding) => finding?.severity),
    ["critical", "medium"],
  );
  assert.match(severities[0]?.message ?? "", /with a right checksum/);
  assert.match(severities[1]?.message ?? "", /with a wrong checksum/);
});
