/**
 * What an application gets when the guard blocks: a Holdfast error with the verdict.
 *
 * @module
 */

import { isHoldfastError, type HoldfastError, type Verdict } from "../../core/index.ts";
import type { Direction } from "../detector.ts";
import { useError } from "./errors.ts";

/** `guard.blocked`, with what the guard saw. None of the text is in it. */
export interface GuardBlockedError extends HoldfastError<"guard.blocked"> {
  readonly verdict: Verdict;
  readonly direction: Direction;
}

/** The error for a verdict that blocks. */
export function blockedError(verdict: Verdict, direction: Direction): GuardBlockedError {
  const rules = [...new Set(verdict.findings.map(({ rule }) => rule))];
  const failed = verdict.runs.filter(({ outcome }) => outcome === "error").map(({ detector }) => detector);
  const why = [...rules, ...failed.map((detector) => `${detector} failed`)].slice(0, MOST_NAMED).join(", ");
  const error = useError("guard.blocked", { detail: `${direction} (${why})` });
  return Object.assign(error, { verdict, direction });
}

/**
 * True for the error that an integration throws when the guard blocks.
 *
 * @example
 * ```ts
 * import { isGuardBlocked } from "holdfast/guard";
 *
 * try {
 *   throw new Error("something else");
 * } catch (error) {
 *   if (isGuardBlocked(error)) console.log(error.verdict.findings.map(({ rule }) => rule));
 * }
 * ```
 */
export function isGuardBlocked(error: unknown): error is GuardBlockedError {
  return isHoldfastError(error, "guard.blocked") && "verdict" in error;
}

/** Rules that the message names. */
const MOST_NAMED = 5;
