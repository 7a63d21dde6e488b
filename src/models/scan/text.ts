/**
 * What `model scan` prints for people: the files that are not clean, each with what was found and where, what to do about
 * each rule once, and a line of numbers.
 *
 * @module
 */

import type { ArtifactVerdict, Style } from "../../core/index.ts";
import type { ReportedFinding, ScannedFile, ScanReport } from "./report.ts";

/** Findings of one file that are listed: a thousand of the same kind help nobody. The rest is counted. */
const LISTED = 20;
const VERDICTS = ["malicious", "suspicious", "inconclusive", "clean", "not-a-model"] as const;

/** The report, without a final newline. */
export function scanText(report: ScanReport, style: Style): string {
  const told = report.files.filter(({ findings }) => findings.some(({ verdict }) => verdict !== "note"));
  return [
    ...told.map((file) => fileBlock(file, style)),
    ...remedies(told, style),
    ...notRead(report, style),
    summary(report, style),
  ].join("\n\n");
}

function fileBlock({ path, verdict, findings }: ScannedFile, style: Style): string {
  const told = findings.filter((finding) => finding.verdict !== "note");
  const listed = told.slice(0, LISTED);
  const width = Math.max(...listed.map(({ rule }) => rule.length));
  const lines = listed.map((finding) => {
    const { rule, why, detail } = finding;
    const what = detail === undefined ? why : `${detail} — ${why}`;
    return `  ${paint(finding.verdict, style)(rule.padEnd(width))}  ${placeOf(finding)}${what}`;
  });
  if (told.length > LISTED) lines.push(style.dim(`  and ${told.length - LISTED} more, in --format json`));
  return [`${style.bold(path)}: ${paint(verdict, style)(verdict)}`, ...lines].join("\n");
}

/** `archive/data.pkl, byte 35: `, as far as it is known. */
function placeOf({ members, offset }: ReportedFinding): string {
  const parts = [
    ...(members.length === 0 ? [] : [members.join(" > ")]),
    ...(offset === undefined ? [] : [`byte ${offset}`]),
  ];
  return parts.length === 0 ? "" : `${parts.join(", ")}: `;
}

function remedies(files: readonly ScannedFile[], style: Style): readonly string[] {
  const byRemedy = new Map<string, Set<string>>();
  for (const { rule, remedy, verdict } of files.flatMap(({ findings }) => findings)) {
    if (verdict !== "note") byRemedy.set(remedy, (byRemedy.get(remedy) ?? new Set()).add(rule));
  }
  if (byRemedy.size === 0) return [];
  const lines = [...byRemedy].flatMap(([remedy, rules]) => [`  ${remedy}`, style.dim(`    ${[...rules].join(", ")}`)]);
  return [["what to do", ...lines].join("\n")];
}

function notRead({ skipped }: ScanReport, style: Style): readonly string[] {
  if (skipped.length === 0) return [];
  return [
    skipped
      .map(({ path, why, incomplete }) => (incomplete ? style.red : style.dim)(`${path}: not read: ${why}`))
      .join("\n"),
  ];
}

function summary({ files, resumed, skipped }: ScanReport, style: Style): string {
  const [only] = files;
  if (only === undefined) return skipped.length === 0 ? "no file to scan" : "no file was scanned";
  const from = resumed === 0 ? "" : `, ${resumed} of them by an earlier scan`;
  if (files.length === 1) {
    const formats = only.formats.length === 0 ? "" : ` (${only.formats.join(", ")})`;
    return `${only.path}: ${paint(only.verdict, style)(only.verdict)}${formats}${from}`;
  }
  const counts = VERDICTS.map((verdict) => ({
    verdict,
    count: files.filter((file) => file.verdict === verdict).length,
  }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => paint(verdict, style)(`${count} ${verdict}`));
  return `${files.length} files scanned${from}: ${counts.join(", ")}`;
}

function paint(verdict: ArtifactVerdict | "note", style: Style): (text: string) => string {
  if (verdict === "malicious" || verdict === "suspicious") return style.red;
  if (verdict === "inconclusive") return style.yellow;
  return verdict === "clean" ? style.green : style.dim;
}
