/**
 * The report as tables for people: detectors side by side, every figure with its interval.
 *
 * @module
 */

import { textTable, type Style } from "../../core/index.ts";
import type { ContestantReport, EvasionReport, GroupReport } from "./report.ts";
import type { Estimate } from "./statistics.ts";

/** All tables of a run, below each other. */
export function tables(reports: readonly ContestantReport[], style: Style): string {
  return [
    groupTable(reports, style),
    ...(reports.some(({ evasions }) => evasions.length > 0) ? [evasionTable(reports, style)] : []),
    latencyTable(reports, style),
    ...errorLines(reports, style),
  ].join("\n\n");
}

function groupTable(reports: readonly ContestantReport[], style: Style): string {
  const head = ["GROUP", "DETECTOR", "ATTACKS", "BENIGN", "TPR", "FPR", "AUC", "TPR AT 1 % FPR", "ERRORS"];
  const groups = reports[0]?.groups ?? [];
  const rows = groups.flatMap(({ by, name }, index) =>
    reports.map((report, place): readonly string[] => {
      const group = report.groups[index] as GroupReport;
      const mark = group.against === "run" ? "*" : "";
      return [
        place > 0 ? "" : label(by, name),
        report.name,
        String(group.attacks),
        String(group.benign),
        share(group.tpr),
        share(group.fpr),
        share(group.auc, mark),
        share(group.tprAtOnePercentFpr, mark),
        count(group.errors),
      ];
    }),
  );
  const marked = reports.some((report) => report.groups.some(({ against }) => against === "run"));
  const note = marked
    ? `\n${style.dim("* against the benign rows of the whole run: the group has none of its own")}`
    : "";
  return textTable(head, rows, style) + note;
}

function evasionTable(reports: readonly ContestantReport[], style: Style): string {
  const head = ["EVASION", "DETECTOR", "ATTACKS", "TPR PLAIN", "TPR EVADED", "KEPT", "FPR EVADED", "ERRORS"];
  const overall = reports.map((report) => report.evasions.filter(({ by }) => by === "all"));
  const rows = (overall[0] ?? []).flatMap(({ evasion }, index) =>
    reports.map((report, place): readonly string[] => {
      const entry = overall[place]?.[index] as EvasionReport;
      return [
        place > 0 ? "" : evasion,
        report.name,
        String(entry.attacks),
        share(entry.plain),
        share(entry.evaded),
        share(entry.kept),
        share(entry.fpr),
        count(entry.errors),
      ];
    }),
  );
  return textTable(head, rows, style);
}

function latencyTable(reports: readonly ContestantReport[], style: Style): string {
  const rows = reports.map(({ name, version, threshold, latency }): readonly string[] => [
    name,
    version,
    threshold === null ? "its own" : String(threshold),
    milliseconds(latency.p50),
    milliseconds(latency.p95),
    milliseconds(latency.p99),
  ]);
  return textTable(["DETECTOR", "VERSION", "THRESHOLD", "P50 MS", "P95 MS", "P99 MS"], rows, style);
}

function errorLines(reports: readonly ContestantReport[], style: Style): readonly string[] {
  const lines = reports
    .filter(({ errors }) => errors > 0)
    .map(({ name, errors, reasons }) => {
      const why = Object.entries(reasons).map(([reason, times]) => `${reason} (${times})`);
      return style.red(`${name}: ${errors} ${errors === 1 ? "text was" : "texts were"} not judged: ${why.join(", ")}`);
    });
  return lines.length === 0 ? [] : [lines.join("\n")];
}

function label(by: GroupReport["by"], name: string): string {
  return by === "all" ? name : `${by} ${name}`;
}

function share(estimate: Estimate | undefined, mark = ""): string {
  if (estimate === undefined) return "-";
  const { value, low, high } = estimate;
  return `${digits(value)}${mark} [${digits(low)}, ${digits(high)}]`;
}

/** `.931`, `1.00`: four characters whatever the value, as far as shares go. */
function digits(value: number): string {
  return value < 0.9995 ? value.toFixed(3).slice(1) : value.toFixed(2);
}

function milliseconds(estimate: Estimate | undefined): string {
  if (estimate === undefined) return "-";
  const { value, low, high } = estimate;
  return `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

function count(errors: number): string {
  return errors === 0 ? "-" : String(errors);
}
