/**
 * What is the same in every log of ours in SARIF, for code hosts, editors and issue trackers.
 *
 * Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0; section numbers below are its.
 *
 * @module
 */

import { isAtLeast, type Severity } from "./finding.ts";

export const SARIF_SCHEMA =
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/** What code hosts sort by: the range of CVSS scores that goes by the severity's name. */
const SCORES: Readonly<Record<Severity, string>> = {
  critical: "9.5",
  high: "8.0",
  medium: "5.5",
  low: "2.0",
  info: "0.0",
};

/** The level of a result (3.27.10). */
export function sarifLevel(severity: Severity): "error" | "warning" | "note" {
  if (isAtLeast(severity, "high")) return "error";
  return isAtLeast(severity, "medium") ? "warning" : "note";
}

/** A rule that found something, as the log describes it (3.49). */
export function sarifRule(rule: {
  readonly id: string;
  readonly severity: Severity;
  readonly why: string;
  readonly remedy: string;
  readonly references: readonly string[];
}): Readonly<Record<string, unknown>> {
  return {
    id: rule.id,
    shortDescription: { text: rule.why },
    help: { text: rule.remedy },
    defaultConfiguration: { level: sarifLevel(rule.severity) },
    properties: { tags: ["security", ...rule.references], "security-severity": SCORES[rule.severity] },
  };
}

/**
 * Where a file lies, as a log says it (3.4.3): a relative reference where it lies below `folder`, so that the log means the
 * same on another machine, and else the file's URL. Every name is escaped, a colon too, which would end a scheme (RFC 3986
 * section 4.2).
 *
 * @param file its absolute path, with `/` between names whatever the system
 * @param folder in the same form
 */
export function artifactUri(file: string, folder: string): string {
  const top = folder.endsWith("/") ? folder : `${folder}/`;
  const inside = file.startsWith(top);
  const escaped = (inside ? file.slice(top.length) : file)
    .split("/")
    .map((name) => encodeURIComponent(name.toWellFormed()))
    .join("/");
  if (inside) return escaped;
  // On Windows a path begins with a drive.
  return escaped.startsWith("/") ? `file://${escaped}` : `file:///${escaped.replace("%3A", ":")}`;
}
