/**
 * A detector's answer, checked. Detectors are code that others may write: one that answers with nonsense has failed,
 * as one that throws has, since a mask at the wrong place would let the match pass.
 *
 * @module
 */

import { SEVERITIES, type Finding } from "../core/index.ts";
import { guardError } from "./errors.ts";

/** Returns `answer` if it is a list of findings inside `text`. @throws `guard.answer-invalid`, which counts as a failure */
export function checkAnswer(answer: unknown, text: string, pointer: string): readonly Finding[] {
  if (!Array.isArray(answer) || !answer.every((entry) => isFindingIn(entry, text, pointer))) {
    throw guardError("guard.answer-invalid");
  }
  return answer as readonly Finding[];
}

function isFindingIn(entry: unknown, text: string, pointer: string): boolean {
  if (typeof entry !== "object" || entry === null) return false;
  const { rule, severity, location } = entry as Partial<Finding>;
  if (typeof rule !== "string" || severity === undefined || !SEVERITIES.includes(severity)) return false;
  if (typeof location !== "object" || location === null || location.pointer !== pointer) return false;
  const { start, end } = location;
  return Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= text.length;
}
