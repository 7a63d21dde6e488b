/**
 * What a custom rule is: words or a pattern, and what a finding of it says.
 *
 * @module
 */

import type { Finding, Severity } from "../../../core/index.ts";
import { customError } from "./errors.ts";

/** What every custom rule has. */
export interface RuleText {
  /** Lower case, digits and hyphens: the rule is reported as `<detector>.<id>`. */
  readonly id: string;
  /** Why it matters, one sentence. */
  readonly message: string;
  /** Default: `medium`. */
  readonly severity?: Severity;
  readonly remedy?: string;
  readonly references?: readonly string[];
}

/** Finds words and phrases. */
export interface WordRule extends RuleText {
  readonly words: readonly string[];
  /** Upper and lower case, and full-width forms, are told apart. Default: they are not. */
  readonly exact?: boolean;
  /** A word may be part of a longer one. Default: it may not. */
  readonly part?: boolean;
}

/** Finds what a regular expression in RE2's syntax matches. */
export interface PatternRule extends RuleText {
  readonly pattern: string;
  readonly ignoreCase?: boolean;
  /**
   * UTF-16 units of the longest match that is looked for, for a pattern that sets none itself. Of a longer one, so many
   * units are found, or nothing if its end is what tells it.
   */
  readonly longest?: number;
}

export type CustomRule = WordRule | PatternRule;

/** Findings of one kind in one text that are told apart. One more, and the rest of the text counts as one. */
export const MAX_HITS = 256;

const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** @throws `guard.rule-invalid` */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw customError("guard.rule-invalid", { detail: JSON.stringify(name) });
}

export function ruleFinding(detector: string, rule: RuleText, pointer: string, start: number, end: number): Finding {
  return {
    rule: `${detector}.${rule.id}`,
    severity: rule.severity ?? "medium",
    location: { pointer, start, end },
    message: rule.message,
    remedy: rule.remedy ?? "follow the rules that this guard was set up with",
    references: rule.references ?? [],
  };
}
