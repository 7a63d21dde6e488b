import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Ajv } from "ajv";

import type { Finding } from "../core/index.ts";
import { placed } from "./commands/place.ts";
import { sarifLog, type SarifInput } from "./sarif.ts";

const schema = JSON.parse(
  readFileSync(new URL("../../test/vectors/sarif/sarif-2.1.0-rtm.5.json", import.meta.url), "utf8"),
) as Record<string, unknown>;
// The schema is draft-04: it uses nothing that later drafts read otherwise but these two names, and a pattern with a
// lone bracket, which only expressions without the flag `u` take.
delete schema["$schema"];
delete schema["id"];
const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
ajv.addFormat("uri", (text) => URL.canParse(text));
ajv.addFormat("uri-reference", (text) => !/[\s\\]/.test(text) && URL.canParse(text, "https://example.com/a/"));
ajv.addFormat("date-time", () => false);
const valid = ajv.compile(schema);

const TEXT = "one\n  two words\nthree 😀 four\n";

function finding(rule: string, start: number, end: number, extra: Partial<Finding> = {}): Finding {
  return {
    rule,
    severity: "high",
    location: { pointer: "", start, end },
    message: `${rule} was seen`,
    remedy: "take it out",
    references: ["OWASP-LLM02:2025"],
    ...extra,
  };
}

const INPUT: SarifInput = {
  files: [
    {
      path: "docs/my file#1.md",
      findings: placed(TEXT, [
        finding("secrets.key", TEXT.indexOf("two"), TEXT.indexOf("three") + 5),
        finding("injection.direct", 0, 3, { severity: "medium", confidence: 0.9876 }),
        finding("secrets.key", TEXT.indexOf("four"), TEXT.indexOf("four") + 4),
      ]),
    },
    { path: "/elsewhere/b.txt", findings: placed("x", [finding("unicode.tag", 0, 1, { severity: "info" })]) },
    { path: "clean.txt", findings: [] },
  ],
  notices: [
    { path: "big.log", message: "not read: too large", incomplete: true },
    { path: "", message: "nothing was checked by injection: no weights", incomplete: true },
    { path: "a.png", message: "not read: a binary file", incomplete: false },
  ],
  detectors: [{ id: "secrets", version: "4" }],
  cwd: "/home/me/project",
};

interface Log {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly invocations: readonly [{ readonly executionSuccessful: boolean }];
      readonly results: readonly {
        readonly ruleId: string;
        readonly ruleIndex: number;
        readonly level: string;
        readonly rank?: number;
        readonly locations: readonly [
          {
            readonly physicalLocation: {
              readonly artifactLocation: { readonly uri: string };
              readonly region: unknown;
            };
          },
        ];
        readonly partialFingerprints: Readonly<Record<string, string>>;
      }[];
    },
  ];
}

function log(input: SarifInput): Log["runs"][0] {
  const made = sarifLog(input);
  assert.ok(valid(made), JSON.stringify(valid.errors, null, 2));
  return (made as unknown as Log).runs[0];
}

test("a log is valid against the schema of the standard, and the check can fail", () => {
  log(INPUT);
  log({ files: [], notices: [], detectors: [], cwd: "/" });
  assert.equal(valid({ ...sarifLog(INPUT), version: "2.0.0" }), false);
  assert.equal(valid({ ...sarifLog(INPUT), other: 1 }), false);
});

test("results point at rules and regions", () => {
  const { tool, results } = log(INPUT);
  assert.deepEqual(
    tool.driver.rules.map(({ id }) => id),
    ["injection.direct", "secrets.key", "unicode.tag"],
  );
  assert.deepEqual(
    results.map(({ ruleId, ruleIndex, level, rank }) => [ruleId, ruleIndex, level, rank]),
    [
      ["injection.direct", 0, "warning", 98.8],
      ["secrets.key", 1, "error", undefined],
      ["secrets.key", 1, "error", undefined],
      ["unicode.tag", 2, "note", undefined],
    ],
  );
  assert.deepEqual(results[1]?.locations[0].physicalLocation.region, {
    startLine: 2,
    startColumn: 3,
    endLine: 3,
    endColumn: 6,
    charOffset: 6,
    charLength: 15,
  });
  // The emoji is two units, and columns count units.
  assert.deepEqual(results[2]?.locations[0].physicalLocation.region, {
    startLine: 3,
    startColumn: 10,
    endLine: 3,
    endColumn: 14,
    charOffset: 25,
    charLength: 4,
  });
});

test("paths under the folder are relative and escaped, others are URLs", () => {
  const uris = log(INPUT).results.map(({ locations }) => locations[0].physicalLocation.artifactLocation.uri);
  assert.equal(uris[0], "docs/my%20file%231.md");
  assert.equal(uris[3], "file:///elsewhere/b.txt");
});

test("a fingerprint stays when lines above change, and differs for each finding", () => {
  const before = log(INPUT).results.map(({ partialFingerprints }) => partialFingerprints["holdfast/v1"]);
  assert.equal(new Set(before).size, before.length);
  const moved = INPUT.files.map(({ path, findings }) => ({
    path,
    findings: placed(
      `\n\n${TEXT}`,
      findings.map((one) => ({
        ...one,
        location: { ...one.location, start: one.location.start + 2, end: one.location.end + 2 },
      })),
    ),
  }));
  const after = log({ ...INPUT, files: moved }).results.map((result) => result.partialFingerprints["holdfast/v1"]);
  assert.deepEqual(after, before);
});

test("a run that left something unread was not successful", () => {
  assert.equal(log(INPUT).invocations[0].executionSuccessful, false);
  const notices = INPUT.notices.filter(({ incomplete }) => !incomplete);
  assert.equal(log({ ...INPUT, notices }).invocations[0].executionSuccessful, true);
});
