/**
 * Finding: one thing that a detector or rule saw.
 *
 * A finding never contains the matched content: it is stored and shown, and what matched may be the secret itself.
 *
 * @module
 */

/** From worst to least, with the meaning that SARIF viewers and issue trackers share. */
export const SEVERITIES = ["critical", "high", "medium", "low", "info"] as const;

export type Severity = (typeof SEVERITIES)[number];

/** Where in the subject: an RFC 6901 JSON Pointer to the field, and UTF-16 offsets in its decoded text. */
export interface Location {
  /** `""` is the whole document, `/messages/0/content` a field of it. */
  readonly pointer: string;
  /** First UTF-16 code unit of the match. */
  readonly start: number;
  /** One past the last UTF-16 code unit of the match. */
  readonly end: number;
}

export interface Finding {
  /** Stable id of the rule, `detector.rule`: `secrets.aws-access-key-id`. */
  readonly rule: string;
  readonly severity: Severity;
  readonly location: Location;
  /** Why it matters, one sentence, without the matched content. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Ids in public catalogues, each with its year or version: `OWASP-LLM02:2025`, `AML.T0051`. */
  readonly references: readonly string[];
  /** Calibrated probability that it is what it says, from 0 to 1. Of classifiers; a rule is certain of what it matched. */
  readonly confidence?: number;
}

/** True when `severity` is as bad as `threshold`, or worse. */
export function isAtLeast(severity: Severity, threshold: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(threshold);
}
