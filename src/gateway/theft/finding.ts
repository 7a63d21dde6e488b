/**
 * What a receipt says of the watch over extraction: the stage that a key or its app is in, as a finding.
 *
 * @module
 */

import { hardest, type Finding, type Severity, type Verdict } from "../../core/index.ts";
import type { Alarm } from "./watch.ts";

/** From mildest to hardest: each does what those before it do. */
export const STAGES = ["observe", "slow", "coarsen", "refuse"] as const;

export type Stage = (typeof STAGES)[number];

/** What is watched apart: what can be taken of a model by asking differs with what it answers. */
export type Kind = "text" | "embeddings" | "predictions";

/** Of an exchange whose key or app is in a stage. */
export interface ExtractionRecord {
  readonly alarms: readonly Alarm[];
  /** Different queries in the window, about: the standard error is 2.3 %. */
  readonly distinct: number;
  readonly kind: Kind;
  readonly scope: "app" | "key";
  readonly stage: Stage;
}

const SAYS: Readonly<Record<Stage, readonly [severity: Severity, message: string]>> = {
  observe: ["info", "it asked a model so many different things that a copy of it could be trained on the answers"],
  slow: ["low", "it asked a model for very much, and is answered slowly"],
  coarsen: ["medium", "it asked a model for very much, and is answered coarsely"],
  refuse: ["high", "it asked a model for so much that it is not answered any more"],
};

/** @returns the verdict with the finding of the stage, if there is one */
export function withExtraction(verdict: Verdict, record: ExtractionRecord | undefined): Verdict {
  if (record === undefined) return verdict;
  return {
    action: hardest(verdict.action, record.stage === "refuse" ? "block" : "flag"),
    findings: [...verdict.findings, findingOf(record)],
    runs: [...verdict.runs, { detector: "theft", version: "1", outcome: "ran", findings: 1 }],
  };
}

/** A verdict of the watch alone: of a request that no other guard got to see. */
export function extractionVerdict(record: ExtractionRecord): Verdict {
  return withExtraction({ action: "allow", findings: [], runs: [] }, record);
}

function findingOf({ alarms, scope, stage }: ExtractionRecord): Finding {
  const [severity, message] = SAYS[stage];
  return {
    rule: `theft.${stage}`,
    severity,
    location: { pointer: "", start: 0, end: 0 },
    message: alarms.length === 0 ? message : `${message}; its queries look made up (${alarms.join(", ")})`,
    remedy: `find out what the ${scope} is for; where that is honest use, raise its stages under gateway.extraction`,
    references: ["AML.T0024", ...AISVS],
  };
}

/** OWASP AISVS: limits on each principal sized to extraction, alerts with what an analyst needs, and analysis of query patterns. */
const AISVS = ["v1.0-C11.5.1", "v1.0-C11.5.2", "v1.0-C11.5.3"];
