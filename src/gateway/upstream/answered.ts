/**
 * Who answered: whether it is the model that was asked for, and whether it is set up as it was before. A provider that
 * puts another model in its place says so, if at all, only in a field of the answer that nobody reads.
 *
 * A model that names itself cannot be proven right by this; one that names itself otherwise is a finding.
 *
 * Sources: OpenAI API reference, `model` and `system_fingerprint` of a chat completion; the names of dated and moving
 * versions as OpenAI, Anthropic, Google, Mistral and Ollama write them.
 *
 * @module
 */

import { hardest, type Action, type DetectorRun, type Finding, type Verdict } from "../../core/index.ts";

/** Longest name or fingerprint that is looked at. */
const CHARS = 256;

/** A version at the end of a name: a date, a month, a count of three digits, or the latest one. */
const VERSION =
  /[-@](?:latest|20\d{2}-[01]\d-[0-3]\d|20\d{2}[01]\d[0-3]\d|[01]\d-[0-3]\d|[01]\d[0-3]\d|2\d[01]\d|0\d{2})$/;

/**
 * True when an answer that names the model `answered` may be of the model `asked`: the same name, but for its case, the
 * path before it, and a version where the request left the choice of one to the provider.
 *
 * @example
 * ```ts
 * isSameModel("gpt-5", "gpt-5-2026-01-01"); // true
 * isSameModel("gpt-5", "gpt-5-mini"); // false
 * isSameModel("gpt-5-2026-01-01", "gpt-5-2026-06-01"); // false
 * ```
 */
export function isSameModel(asked: string, answered: string): boolean {
  if (asked === answered) return true;
  if (answered.length > CHARS) return false;
  const [one, other] = [plain(asked), plain(answered)];
  if (one === other) return true;
  const family = one.endsWith("-latest") ? one.slice(0, -"-latest".length) : one;
  return other.replace(VERSION, "") === family;
}

/** Without the path of a provider or a hub before it (`models/`, `openai/`), and without Ollama's default tag. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^.*\//, "")
    .replace(/:latest$/, "");
}

/** Fingerprints remembered of one model at most, and models at one upstream. The oldest is forgotten first. */
const FINGERPRINTS = 32;
const MODELS = 256;

/** The fingerprints that the models of one upstream have shown since the gateway started. */
export class Fingerprints {
  readonly #seen = new Map<string, Set<string>>();

  /** True when a model shows one that it has not shown before, and has shown another. */
  isNew(model: string, fingerprint: string): boolean {
    const seen = this.#seen.get(model);
    if (seen === undefined) {
      if (this.#seen.size >= MODELS) forgetFirst(this.#seen);
      this.#seen.set(model, new Set([fingerprint]));
      return false;
    }
    if (seen.has(fingerprint)) return false;
    if (seen.size >= FINGERPRINTS) forgetFirst(seen);
    seen.add(fingerprint);
    return true;
  }
}

function forgetFirst(all: Map<string, unknown> | Set<string>): void {
  const [first] = all.keys();
  if (first !== undefined) all.delete(first);
}

/** What an answer says of who made it: the upstream's own text, not judged yet. */
export interface Answered {
  readonly model: string | undefined;
  readonly fingerprint?: string | undefined;
}

/**
 * What is to be said of who answered, under the upstream's `onModelSwap`.
 *
 * @param asked what the upstream was asked for
 */
export function judgeAnswered(
  upstream: { readonly onModelSwap: "off" | "flag" | "block"; readonly fingerprints: Fingerprints },
  asked: string,
  { model, fingerprint }: Answered,
): Verdict | undefined {
  if (upstream.onModelSwap === "off") return undefined;
  const findings: Finding[] = [];
  let action: Action = "allow";
  if (model !== undefined && model !== "" && !isSameModel(asked, model)) {
    findings.push(MODEL_SWAPPED);
    action = upstream.onModelSwap;
  }
  if (fingerprint !== undefined && fingerprint !== "" && fingerprint.length <= CHARS) {
    if (upstream.fingerprints.isNew(asked, fingerprint)) {
      findings.push(FINGERPRINT_CHANGED);
      action = hardest(action, "flag");
    }
  }
  if (findings.length === 0) return undefined;
  const run: DetectorRun = { detector: "gateway", version: "1", outcome: "ran", findings: findings.length };
  return { action, findings, runs: [run] };
}

/** Both names stand in the receipt: `model` or `upstream.asked`, and `upstream.model`. */
export const MODEL_SWAPPED: Finding = {
  rule: "gateway.model-swapped",
  severity: "medium",
  location: { pointer: "/model", start: 0, end: 0 },
  message: "the answer names another model than the one that was asked for",
  remedy: "ask the provider; where the upstream has names of its own for its models, set its onModelSwap to off",
  references: ["OWASP-LLM03:2025"],
};

const FINGERPRINT_CHANGED: Finding = {
  rule: "gateway.fingerprint-changed",
  severity: "info",
  location: { pointer: "/system_fingerprint", start: 0, end: 0 },
  message: "the model answers with a system fingerprint that it has not shown before",
  remedy: "expect other answers than before: run the evaluations that you rely on again",
  references: ["OWASP-LLM03:2025"],
};
