/**
 * The custom detector: words, phrases and regular expressions of one's own.
 *
 * Exact in streams: words are held back while one may be coming, patterns as far as their longest match goes.
 *
 * @module
 */

import type { DetectContext, Detector, Direction, Scan } from "../../detector.ts";
import { joinScans, readByScan } from "../../scan.ts";
import { customError } from "./errors.ts";
import { compilePattern, openPatternScan } from "./pattern.ts";
import { checkName, type CustomRule, type PatternRule, type WordRule } from "./rule.ts";
import { compileWords, openWordScan } from "./words.ts";

export interface CustomOptions {
  /** The detector's id, for several of them in one guard. Default: `custom`. */
  readonly id?: string;
  /** Default: both. */
  readonly directions?: readonly Direction[];
  /** Also read what the text spells in base64 and the like. Default: false. */
  readonly views?: boolean;
  readonly rules: readonly CustomRule[];
}

/**
 * Makes a detector of rules.
 *
 * @throws `guard.rule-invalid`, `guard.rules-too-large`, `guard.pattern-invalid`, `guard.pattern-too-large`,
 *   `guard.pattern-unbounded`
 *
 * @example
 * ```ts
 * import { createCustomDetector } from "holdfast/guard";
 *
 * const detector = createCustomDetector({
 *   rules: [
 *     { id: "project-name", message: "the name of a project that is not public", words: ["Blue Heron"] },
 *     { id: "ticket", message: "a number of an internal ticket", pattern: "\\bOPS-\\d{4,6}\\b", severity: "low" },
 *   ],
 * });
 * const context = { direction: "response", origin: "assistant", pointer: "/content" } as const;
 * detector.detect("blue  heron: see OPS-12345", context); // custom.project-name, custom.ticket
 * ```
 */
export function createCustomDetector(options: CustomOptions): Detector {
  const { id = "custom", directions = ["request", "response"], views = false, rules } = options;
  for (const name of [id, ...rules.map((rule) => rule.id)]) checkName(name);
  if (new Set(rules.map((rule) => rule.id)).size < rules.length) {
    throw customError("guard.rule-invalid", { detail: "two rules have the same id" });
  }
  const wordRules = rules.filter((rule): rule is WordRule => "words" in rule);
  const finder = wordRules.length === 0 ? undefined : compileWords(wordRules);
  const patterns = rules.filter((rule): rule is PatternRule => "pattern" in rule).map(compilePattern);

  const open = ({ pointer }: DetectContext): Scan =>
    joinScans([
      ...(finder === undefined ? [] : [openWordScan(finder, id, pointer)]),
      ...patterns.map((pattern) => openPatternScan(pattern, id, pointer)),
    ]);
  return {
    id,
    version: "1.0.0",
    directions,
    longestMatch: Math.max(finder?.longest ?? 0, ...patterns.map(({ longest, cut }) => (cut ? 2 : 1) * longest + 2)),
    cost: "cheap",
    reads: views ? "views" : "text",
    ...readByScan(open),
    open,
  };
}
