/**
 * The report as SARIF 2.1.0. Files of models have no lines: a place is a path, the members inside of it, and a byte.
 *
 * Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0; section numbers below are its.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { resolve, sep } from "node:path";

import { artifactUri, SARIF_SCHEMA, sarifLevel, sarifRule } from "../../core/index.ts";
import type { ReportedFinding, ScannedFile, ScanReport } from "./report.ts";

type Log = Readonly<Record<string, unknown>>;

/** The log as a value. Paths under `cwd` are written relative to it. */
export function scanSarif({ files, skipped }: ScanReport, cwd: string): Log {
  const rules = new Map<string, ReportedFinding>();
  for (const finding of files.flatMap(({ findings }) => findings)) {
    if (!rules.has(finding.rule)) rules.set(finding.rule, finding);
  }
  const order = [...rules.keys()];
  const unread = skipped.filter(({ incomplete }) => incomplete);
  return {
    $schema: SARIF_SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "holdfast",
            rules: [...rules.values()].map((finding) => sarifRule({ ...finding, id: finding.rule })),
          },
        },
        invocations: [
          {
            executionSuccessful: unread.length === 0 && files.every(({ verdict }) => verdict !== "inconclusive"),
            toolExecutionNotifications: skipped.map(({ path, why, incomplete }) => ({
              level: incomplete ? "error" : "note",
              message: { text: `not read: ${why}` },
              locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(path, cwd) } } }],
            })),
          },
        ],
        results: files.flatMap((file) => file.findings.map((finding) => result(file, finding, order, cwd))),
      },
    ],
  };
}

function result({ path }: ScannedFile, finding: ReportedFinding, order: readonly string[], cwd: string): Log {
  const { rule, severity, verdict, why, detail, members, offset } = finding;
  const uri = uriOf(path, cwd);
  const inside = members.join("!");
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([rule, uri, members, detail]))
    .digest("hex");
  return {
    ruleId: rule,
    ruleIndex: order.indexOf(rule),
    level: sarifLevel(severity),
    message: { text: detail === undefined ? why : `${why}: ${detail}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri },
          // 3.30.11: of the file itself; offsets in members are not offsets in it.
          ...(offset === undefined || inside !== "" ? {} : { region: { byteOffset: offset } }),
        },
        ...(inside === "" ? {} : { logicalLocations: [{ name: inside, kind: "member" }] }),
      },
    ],
    partialFingerprints: { "holdfast/v1": fingerprint.slice(0, 32) },
    properties: { verdict, ...(offset === undefined ? {} : { offset }) },
  };
}

function uriOf(path: string, cwd: string): string {
  return artifactUri(resolve(cwd, path).replaceAll(sep, "/"), cwd.replaceAll(sep, "/"));
}
