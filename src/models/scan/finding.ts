/**
 * What a scan says: findings of rules, each with its place in the file, and the verdict that follows from them.
 *
 * @module
 */

import type { ArtifactVerdict, Severity } from "../../core/index.ts";

/** A rule, as data. Findings name it; SARIF and the documentation list it. */
export interface ScanRule {
  /** `format.what`: `pickle.global-denied`. Never changes its meaning. */
  readonly id: string;
  readonly severity: Severity;
  /** What a finding makes of the file. `note`: nothing, it is said for information. */
  readonly verdict: "malicious" | "suspicious" | "inconclusive" | "note";
  /** Why it matters, one sentence, lower case, without a full stop. */
  readonly why: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Ids with their year or version: `AML.T0010`, `OWASP-LLM03:2025`, `CVE-2025-1944`. */
  readonly references: readonly string[];
}

export interface ScanFinding {
  readonly rule: ScanRule;
  /** The file and, inside it, the members that lead to the place: `["archive/data.pkl"]`; empty for the file itself. */
  readonly members: readonly string[];
  /** Bytes from the start of the innermost member or file, where that is known. */
  readonly offset?: number;
  /** What was seen there: a global's name, a limit with its number. Printable, at most 200 characters. */
  readonly detail?: string;
}

/**
 * The verdict of one file: the worst that a finding makes of it. A file that no reader knows, and that holds nothing
 * that runs, is not a model.
 */
export function verdictOf(findings: readonly ScanFinding[], known: boolean): ArtifactVerdict {
  const found = new Set(findings.map(({ rule }) => rule.verdict));
  if (found.has("malicious")) return "malicious";
  if (found.has("suspicious")) return "suspicious";
  if (found.has("inconclusive")) return "inconclusive";
  return known ? "clean" : "not-a-model";
}
