/**
 * What `guard check` prints for people: findings by file, what to do about each rule once, and what was not read.
 *
 * @module
 */

import { SEVERITIES, type Severity, type Style } from "../../core/index.ts";
import type { CheckReport } from "./check.ts";
import type { SkippedSource } from "./files.ts";
import type { PlacedFinding } from "./place.ts";

/** Names of skipped files that are listed for each reason. */
const LISTED = 5;

/** The report, without a final newline. */
export function findingsText(report: CheckReport, style: Style): string {
  const blocks = [
    ...report.texts.filter(({ findings }) => findings.length > 0).map((entry) => fileBlock(entry, style)),
    ...remedies(report, style),
    ...notRead(report, style),
    summary(report, style),
  ];
  return blocks.join("\n\n");
}

function fileBlock({ path, findings }: CheckReport["texts"][number], style: Style): string {
  const places = findings.map(({ line, column }) => `${line}:${column}`);
  const place = widest(places);
  const rule = widest(findings.map((finding) => finding.rule));
  const severity = widest(SEVERITIES);
  const lines = findings.map((finding, index) =>
    [
      `  ${(places[index] as string).padEnd(place)}`,
      paint(finding.severity, style)(finding.severity.padEnd(severity)),
      finding.rule.padEnd(rule),
      finding.message + sure(finding),
    ].join("  "),
  );
  return [style.bold(path), ...lines].join("\n");
}

function sure({ confidence }: PlacedFinding): string {
  return confidence === undefined ? "" : ` (probability ${confidence.toFixed(2)})`;
}

/** What to do, once for each rule. */
function remedies({ texts }: CheckReport, style: Style): readonly string[] {
  const byRule = new Map(texts.flatMap(({ findings }) => findings.map(({ rule, remedy }) => [rule, remedy] as const)));
  if (byRule.size === 0) return [];
  const rule = widest([...byRule.keys()]);
  const lines = [...byRule].map(([name, remedy]) => style.dim(`  ${name.padEnd(rule)}  ${remedy}`));
  return [["what to do", ...lines].join("\n")];
}

function notRead({ texts, skipped, missing }: CheckReport, style: Style): readonly string[] {
  const lines = [
    ...missing.map(({ detector, why }) => style.red(`nothing was checked by ${detector}: ${why}`)),
    ...texts.flatMap(({ path, unchecked }) =>
      unchecked.map(({ detector, why }) => style.red(`${path}: not checked by ${detector}: ${why}`)),
    ),
    ...skippedLines(skipped, style),
  ];
  return lines.length === 0 ? [] : [lines.join("\n")];
}

/** What was not read, by reason: what had to be read in full, the rest by its first names. */
function skippedLines(skipped: readonly SkippedSource[], style: Style): readonly string[] {
  const needed = skipped.filter(({ incomplete }) => incomplete);
  const byReason = Map.groupBy(
    skipped.filter(({ incomplete }) => !incomplete),
    ({ why }) => why,
  );
  return [
    ...needed.map(({ path, why }) => style.red(`${path}: not read: ${why}`)),
    ...[...byReason].map(([why, entries]) => {
      const names = entries.slice(0, LISTED).map(({ path }) => path);
      const more = entries.length > LISTED ? `, and ${entries.length - LISTED} more` : "";
      return style.dim(`not read, ${why}: ${names.join(", ")}${more}`);
    }),
  ];
}

function summary({ texts, detectors }: CheckReport, style: Style): string {
  const all = texts.flatMap(({ findings }) => findings);
  const by = `by ${detectors.map(({ id }) => id).join(", ")}`;
  if (texts.length === 0) return "no text to check";
  const [only] = texts;
  const where = texts.length === 1 && only !== undefined ? only.path : `${texts.length} texts`;
  if (all.length === 0) return `${where}: nothing found ${by}`;
  const counts = SEVERITIES.map((severity) => ({
    severity,
    count: all.filter((one) => one.severity === severity).length,
  }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => paint(severity, style)(`${count} ${severity}`));
  const hit = texts.filter(({ findings }) => findings.length > 0).length;
  const places = texts.length === 1 ? where : `${hit} of ${where}`;
  return `${all.length} ${all.length === 1 ? "finding" : "findings"} in ${places} ${by}: ${counts.join(", ")}`;
}

function paint(severity: Severity, style: Style): (text: string) => string {
  if (severity === "critical" || severity === "high") return style.red;
  return severity === "medium" ? style.yellow : style.dim;
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0);
}
