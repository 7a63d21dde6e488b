/**
 * Verdict: the decision that a policy makes from findings.
 *
 * @module
 */

import type { Finding } from "./finding.ts";

/** What may happen to traffic, from mildest to hardest. */
export const ACTIONS = ["allow", "flag", "mask", "tokenise", "block"] as const;

export type Action = (typeof ACTIONS)[number];

/** What may be said of an artifact. What was not scanned is never `clean`; `not-a-model` holds nothing that loads. */
export const ARTIFACT_VERDICTS = ["clean", "suspicious", "malicious", "inconclusive", "not-a-model"] as const;

export type ArtifactVerdict = (typeof ARTIFACT_VERDICTS)[number];

/** What one detector did with one subject. «Could not check» is a result of its own. */
export interface DetectorRun {
  readonly detector: string;
  readonly version: string;
  readonly outcome: "ran" | "not-scanned" | "error";
  /** Why it was not scanned, or which error: a code or a fixed sentence, never foreign text. */
  readonly why?: string;
  readonly findings: number;
}

/** The decision about one message of traffic. */
export interface Verdict {
  readonly action: Action;
  readonly findings: readonly Finding[];
  readonly runs: readonly DetectorRun[];
}

/** The harder of two actions. */
export function hardest(one: Action, other: Action): Action {
  return ACTIONS.indexOf(one) >= ACTIONS.indexOf(other) ? one : other;
}
