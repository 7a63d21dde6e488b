import assert from "node:assert/strict";
import { test } from "node:test";

import { ALNUM } from "../form.ts";
import { secretsDetector } from "../secrets.ts";
import { SECRET_RULES } from "./index.ts";
import { seeded } from "./seeded.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "" } as const;

function found(text: string): readonly string[] {
  return secretsDetector.detect(text, CONTEXT).map(({ rule }) => rule);
}

test("there are 222 families and more, each with its own id", () => {
  assert.ok(SECRET_RULES.length >= 222);
  assert.equal(new Set(SECRET_RULES.map(({ id }) => id)).size, SECRET_RULES.length);
});

function ignoringCase(keyword: string): RegExp {
  return new RegExp(keyword.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "gi");
}

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

  test(`${rule.id}: is found when every unit comes alone, and nothing of it leaves before`, () => {
    const text = `a "${rule.example(seeded(rule.id.length * 104_729))}" b`;
    const [whole] = secretsDetector.detect(text, CONTEXT);
    assert.ok(whole !== undefined);
    const scan = secretsDetector.open(CONTEXT);
    for (const unit of text) {
      const settled = Number(scan.push(unit));
      assert.ok(scan.hits.length > 0 || settled <= whole.location.start, "it was let go before it was known");
    }
    void scan.end();
    assert.deepEqual(
      scan.hits.map(({ finding }) => finding),
      [whole],
    );
  });

  test(`${rule.id}: is not found when it is altered`, () => {
    const example = rule.example(seeded(rule.id.length * 15_485_863));
    const [finding] = secretsDetector.detect(example, CONTEXT);
    assert.ok(finding !== undefined);
    // Another character in the middle of every keyword: what is left is no such thing.
    const broken = rule.keywords.reduce((text, keyword) => text.replaceAll(ignoringCase(keyword), "¦"), example);
    assert.ok(!found(broken).includes(`secrets.${rule.id}`), `without its keyword: ${broken.length}`);
    // The same, with what stands for a secret in its place.
    const { start, end } = finding.location;
    const secret = example.slice(start, end);
    const prefix = rule.keywords.find((keyword) => secret.toLowerCase().startsWith(keyword))?.length ?? 0;
    const stand = secret.slice(0, prefix) + secret.slice(prefix).replace(/[A-Za-z0-9]/g, "x");
    if (rule.grow !== undefined) return;
    assert.ok(
      !found(example.slice(0, start) + stand + example.slice(end)).includes(`secrets.${rule.id}`),
      "placeholder",
    );
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
