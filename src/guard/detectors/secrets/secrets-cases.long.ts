/**
 * The secrets detector on public cases: recall and false alarms with their intervals, and the alarms in ordinary text.
 *
 * The data does not lie in this repository. `HOLDFAST_TEXT_DATA` names a folder that holds `gitleaks_rules` (its Go rule
 * files), `detect_secrets_tests` (its Python plugin tests) and the benign sets; without it each measurement is skipped,
 * by name. The rules were written with gitleaks' cases in sight, so that those measure nothing new; the `test` half of
 * detect-secrets' was counted only when they were done.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { detectSecretsCases, gitleaksCases, measure, wilson, type Interval, type SecretCase } from "./cases.ts";
import { secretsDetector } from "./secrets.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "" } as const;
const DATA = process.env["HOLDFAST_TEXT_DATA"] ?? "";

function find(text: string): readonly string[] {
  return secretsDetector.detect(text, CONTEXT).map(({ rule }) => rule);
}

/** Why a set cannot be measured; false: it can. */
function missing(set: string): string | false {
  if (DATA === "") return `set HOLDFAST_TEXT_DATA to the folder that holds ${set}`;
  return existsSync(join(DATA, set)) ? false : `there is no ${set} in HOLDFAST_TEXT_DATA`;
}

function casesOf(
  set: string,
  name: RegExp,
  read: (family: string, source: string) => readonly SecretCase[],
): readonly SecretCase[] {
  return readdirSync(join(DATA, set)).flatMap((file) => {
    const family = name.exec(file)?.groups?.["family"];
    return family === undefined ? [] : read(family, readFileSync(join(DATA, set, file), "utf8"));
  });
}

function shown({ hits, of, rate, low, high }: Interval): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return `${hits}/${of} = ${percent(rate)} [${percent(low)}, ${percent(high)}]`;
}

function report(context: TestContext, name: string, cases: readonly SecretCase[]): ReturnType<typeof measure> {
  const measured = measure(cases, find);
  context.diagnostic(
    `${name}: recall ${shown(measured.recall)}; false alarms, any finding ${shown(measured.alarms)}, ` +
      `of the rule asked ${shown(measured.alarmsByRule)}; set aside ${measured.aside}`,
  );
  return measured;
}

test("gitleaks' literal cases", { skip: missing("gitleaks_rules") }, (context) => {
  const cases = casesOf("gitleaks_rules", /^(?<family>\w+)\.go$/, gitleaksCases);
  for (const half of ["dev", "test"]) {
    report(
      context,
      `gitleaks, ${half} half`,
      cases.filter((one) => one.half === half),
    );
  }
  const { recall, alarms } = report(context, "gitleaks", cases);
  assert.ok(recall.rate >= 0.95 && alarms.rate <= 0.02);
});

test("detect-secrets' literal cases", { skip: missing("detect_secrets_tests") }, (context) => {
  // An address of the network is no secret.
  const cases = casesOf("detect_secrets_tests", /^tests__plugins__(?<family>\w+)_test\.py$/, detectSecretsCases).filter(
    ({ family }) => family !== "ip_public",
  );
  for (const half of ["dev", "test"]) {
    report(
      context,
      `detect-secrets, ${half} half`,
      cases.filter((one) => one.half === half),
    );
  }
  report(context, "detect-secrets", cases);
  // Values of one repeated character, which its tests use and which stand for secrets everywhere else.
  const { recall, alarms } = report(
    context,
    "detect-secrets without placeholders",
    cases.filter(({ text }) => !/([A-Zx])\1{5}|EXAMPLE|abcdefghij|1234567890/.test(text)),
  );
  assert.ok(recall.rate >= 0.9 && alarms.rate <= 0.04);
});

for (const set of ["clinc_oos", "banking77", "self_instruct", "prompts_chat"]) {
  test(`ordinary text: ${set}`, { skip: missing(set) }, (context) => {
    // Line by line as it stands in the file, in CSV and JSON: no kinder than the text alone.
    const lines = readdirSync(join(DATA, set))
      .filter((file) => /\.(?:csv|jsonl?)$/.test(file))
      .flatMap((file) => readFileSync(join(DATA, set, file), "utf8").split("\n"))
      .filter((line) => line.trim() !== "");
    const alarming = lines.filter((line) => find(line).length > 0);
    context.diagnostic(`${set}: false alarms ${shown(wilson(alarming.length, lines.length))}`);
    assert.equal(alarming.length, 0);
  });
}
