import assert from "node:assert/strict";
import { test } from "node:test";

import { concerns, detectSecretsCases, gitleaksCases, measure, wilson, type SecretCase } from "./cases.ts";

function texts(cases: readonly SecretCase[]): readonly (readonly [boolean, string])[] {
  return cases.map(({ secret, text }) => [secret, text] as const);
}

test("reads the literals of Go's lists, maps and appends, and leaves out what is made at run time", () => {
  const source = [
    "// tps := []string{`a comment`}",
    "func Rule() {",
    '  tps := utils.GenerateSampleSecrets("x", "y")',
    '  tps = append(tps, `raw \\n`, secrets.NewSecret(`[a-z]`), "joined" +',
    '    " and \\"escaped\\"\\n")',
    "  fps := []string{",
    '    "one", // why: "quoted"',
    "    `two",
    "lines`,",
    "  }",
    '  more := map[string]string{"file": "x"}',
    "}",
    'fps := map[string]string{"a.yml": `value`, "b.p12": ""}',
  ].join("\n");
  assert.deepEqual(texts(gitleaksCases("x", source)), [
    [true, "raw \\n"],
    [true, 'joined and "escaped"\n'],
    [false, "one"],
    [false, "two\nlines"],
    [false, "value"],
  ]);
});

test("reads the tuples of Python's tests, joined, formatted and commented", () => {
  const source = [
    "NAME = 'word'",
    "@pytest.mark.parametrize('payload, should_flag', [",
    "  ('plain', True),",
    "  # ('commented', True),",
    "  ('it\\'s' \"joined\", False),",
    "  (r'raw\\n', True,),",
    "  ('key={name}'.format(name=NAME), True),",
    "  ('at run time {secret}', True),",
    '  ("""long',
    'one""", False),',
    "])",
    "call('argument', other)",
  ].join("\n");
  assert.deepEqual(texts(detectSecretsCases("x", source)), [
    [true, "plain"],
    [false, "it'sjoined"],
    [true, "raw\\n"],
    [true, "key=word"],
    [false, "long\none"],
  ]);
});

test("Wilson's interval", () => {
  const { rate, low, high } = wilson(8, 10);
  assert.equal(rate, 0.8);
  assert.ok(Math.abs(low - 0.4902) < 0.0005 && Math.abs(high - 0.9433) < 0.0005);
  assert.deepEqual([wilson(0, 0).low, wilson(0, 0).high], [0, 1]);
});

test("counts recall, and alarms strictly and by the rule asked; a text with both labels is set aside", () => {
  const one = (text: string, secret: boolean, family = "slack"): SecretCase => ({ text, secret, family, half: "dev" });
  const cases = [
    one("found", true),
    one("missed", true),
    one("found", false),
    one("slack", false),
    one("other", false),
    one("quiet", false),
    one("other", false, "generic"),
  ];
  const rules: Readonly<Record<string, readonly string[]>> = {
    found: ["secrets.slack-token"],
    slack: ["secrets.slack-token"],
    other: ["secrets.github-token"],
  };
  const { recall, alarms, alarmsByRule, aside } = measure(cases, (text) => rules[text] ?? []);
  assert.deepEqual([recall.hits, recall.of], [1, 2]);
  assert.deepEqual([alarms.hits, alarms.of], [3, 4]);
  assert.deepEqual([alarmsByRule.hits, alarmsByRule.of], [2, 4]);
  assert.equal(aside, 1);
});

test("a vendor's case speaks of its own rules, a general one of all", () => {
  assert.equal(concerns("secrets.google-api-key", "gcp"), true);
  assert.equal(concerns("secrets.github-token", "gitlab_token"), false);
  assert.equal(concerns("secrets.1password-secret-key", "1password"), true);
  assert.equal(concerns("secrets.jwt", "curl"), true);
});
