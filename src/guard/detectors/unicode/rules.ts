/**
 * The rules of the Unicode detector as data: what each means, how bad it is, what to do.
 *
 * `critical` and `high` are what only smuggling and display attacks produce. `medium` breaks words apart for a filter
 * while a model reads on. `low` is untidy text that hides little.
 *
 * @module
 */

import type { Finding, Severity } from "../../../core/index.ts";

interface UnicodeRule {
  readonly severity: Severity;
  readonly message: string;
  readonly references: readonly string[];
}

/** Prompt injection, and prompt obfuscation (MITRE ATLAS), in the year's numbering of OWASP. */
const SMUGGLING = ["OWASP-LLM01:2025", "AML.T0051", "AML.T0068"];
const TROJAN_SOURCE = ["CVE-2021-42574", "OWASP-LLM01:2025", "AML.T0068"];
const REMEDY = "remove the characters, or mask them, if the text must pass";

const UNICODE_RULES = {
  "tag-characters": {
    severity: "critical",
    message: "Unicode tag characters carry text that people do not see and models read",
    references: SMUGGLING,
  },
  "variation-selectors": {
    severity: "high",
    message: "variation selectors where they select nothing, which can carry hidden bytes",
    references: SMUGGLING,
  },
  "zero-width": {
    severity: "high",
    message: "a run of invisible characters, which can carry hidden bits",
    references: SMUGGLING,
  },
  "split-word": {
    severity: "medium",
    message: "an invisible character inside a word, which hides the word from filters",
    references: SMUGGLING,
  },
  "invisible-characters": {
    severity: "medium",
    message: "more invisible characters than ordinary text of this length carries",
    references: SMUGGLING,
  },
  "bidi-override": {
    severity: "high",
    message:
      "a bidirectional override or a right-to-left embedding of left-to-right text shows another order than is read",
    references: TROJAN_SOURCE,
  },
  "bidi-unbalanced": {
    severity: "medium",
    message: "a bidirectional isolate that is not closed near by in its paragraph",
    references: TROJAN_SOURCE,
  },
  "interlinear-annotation": {
    severity: "medium",
    message: "interlinear annotation characters, which hide text from some readers",
    references: SMUGGLING,
  },
  "deprecated-format": {
    severity: "medium",
    message: "deprecated format characters (U+206A to U+206F), which no ordinary text has",
    references: SMUGGLING,
  },
  "soft-hyphen": {
    severity: "low",
    message: "soft hyphens closer together than hyphenation puts them",
    references: SMUGGLING,
  },
  "control-character": {
    severity: "medium",
    message: "a control character that ordinary text does not have",
    references: SMUGGLING,
  },
  flood: {
    severity: "high",
    message: "more places with hidden characters than the limit of 256; all from here on counts as hidden",
    references: SMUGGLING,
  },
} as const satisfies Record<string, UnicodeRule>;

export type UnicodeRuleId = keyof typeof UNICODE_RULES;

/** A finding of `id`. `detail` adds a number, never the text. */
export function unicodeFinding(id: UnicodeRuleId, pointer: string, start: number, end: number, detail = ""): Finding {
  const { severity, message, references } = UNICODE_RULES[id];
  return {
    rule: `unicode.${id}`,
    severity,
    location: { pointer, start, end },
    message: message + detail,
    remedy: REMEDY,
    references,
  };
}
