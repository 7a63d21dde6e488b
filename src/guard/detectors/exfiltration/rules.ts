/**
 * The rules of the exfiltration detector: what each is called, how bad it is, why it matters.
 *
 * @module
 */

import type { Finding, Severity } from "../../../core/index.ts";

interface RuleEntry {
  readonly severity: Severity;
  readonly message: string;
  readonly references: readonly string[];
}

/** Improper output handling and sensitive information disclosure; MITRE ATLAS, exfiltration by an AI agent's tools. */
const OUTPUT = ["OWASP-LLM05:2025", "OWASP-LLM02:2025", "AML.T0077"];
const TERMINAL = ["OWASP-LLM05:2025", "CWE-150"];
const SCRIPT = ["OWASP-LLM05:2025", "CWE-79"];

export const EXFILTRATION_RULES = {
  "image-data": {
    severity: "critical",
    message: "an image from a host that is not allowed, whose address carries data: it is fetched without a click",
    references: OUTPUT,
  },
  image: {
    severity: "high",
    message: "an image or style from a host that is not allowed: it is fetched without a click",
    references: OUTPUT,
  },
  "tracking-pixel": {
    severity: "high",
    message: "an invisible image from a host that is not allowed",
    references: OUTPUT,
  },
  "link-data": {
    severity: "high",
    message: "a link to a host that is not allowed, whose address carries data",
    references: OUTPUT,
  },
  link: { severity: "low", message: "a link to a host that is not allowed", references: OUTPUT },
  template: {
    severity: "medium",
    message: "an address with a place to fill in, which asks a model to put data into it",
    references: OUTPUT,
  },
  "disguised-host": {
    severity: "medium",
    message: "an address written so that its host looks like another",
    references: OUTPUT,
  },
  "active-content": {
    severity: "high",
    message: "HTML that runs or loads something as soon as it is shown",
    references: SCRIPT,
  },
  "event-handler": { severity: "high", message: "an HTML event handler, which runs script", references: SCRIPT },
  "script-url": { severity: "high", message: "an address that runs script when it is opened", references: SCRIPT },
  "data-url": { severity: "high", message: "a data: address of a kind that can run script", references: SCRIPT },
  "data-image": { severity: "low", message: "an image inside a data: address", references: OUTPUT },
  "file-url": {
    severity: "medium",
    message: "a file: address, which can send a login to a file server",
    references: OUTPUT,
  },
  "unclosed-address": {
    severity: "high",
    message: "an address longer than the limit of 2,048 characters",
    references: OUTPUT,
  },
  "overlong-tag": {
    severity: "medium",
    message: "an HTML tag longer than the limit of 4,096 characters or 64 attributes, which hides what comes behind",
    references: SCRIPT,
  },
  "terminal-link": {
    severity: "high",
    message: "a terminal escape sequence that makes a link to a host that is not allowed",
    references: TERMINAL,
  },
  "terminal-clipboard": {
    severity: "critical",
    message: "a terminal escape sequence that reads or writes the clipboard",
    references: TERMINAL,
  },
  "terminal-control": {
    severity: "medium",
    message: "a terminal escape sequence that moves, erases, hides or commands",
    references: TERMINAL,
  },
  flood: {
    severity: "high",
    message: "more places that could carry data out than the limit of 256; all from here on counts as one",
    references: OUTPUT,
  },
} as const satisfies Readonly<Record<string, RuleEntry>>;

/** A rule's id after `exfiltration.`. */
export type ExfiltrationRule = keyof typeof EXFILTRATION_RULES;

/** What is reported of a tool's or document's text: nobody sees it rendered, so what counts is what it makes of a model's answer. */
export const REQUEST_RULES: ReadonlySet<ExfiltrationRule> = new Set([
  "image-data",
  "link-data",
  "template",
  "disguised-host",
  "unclosed-address",
  "terminal-link",
  "terminal-clipboard",
  "terminal-control",
  "flood",
]);

/** Text that a rule speaks about. Offsets in the text that was read. */
export interface Sighting {
  readonly rule: ExfiltrationRule;
  readonly start: number;
  readonly end: number;
  /** It was cut at a limit and goes on as long as the address does. */
  readonly grows?: boolean;
}

/** Too little text to say: everything before `from` is judged. */
interface Wait {
  readonly waitFrom: number;
}

/** Nothing to report of the text before `passTo`. */
interface Pass {
  readonly passTo: number;
}

/** What a reader makes of the text at a place. `undefined`: nothing of its kind stands there. */
export type Reading = Sighting | Wait | Pass | undefined;

const REMEDY = "show the text without it, or add the host to the allow list if it may be shown";

export function exfiltrationFinding(rule: ExfiltrationRule, pointer: string, start: number, end: number): Finding {
  const { severity, message, references } = EXFILTRATION_RULES[rule];
  return {
    rule: `exfiltration.${rule}`,
    severity,
    location: { pointer, start, end },
    message,
    remedy: REMEDY,
    references,
  };
}
