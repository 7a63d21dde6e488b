/**
 * Why a question is answered as it is: the decision, and beside it what every single policy says to it. A policy that
 * permits and is not reached, or whose condition fails, is what an operator looks for when a request is denied.
 *
 * @module
 */

import type { Cedar } from "./cedar.ts";
import type { Decision } from "./authorizer.ts";
import { textsOf, type Policy } from "./policies.ts";
import { cedarQuestion, type Question } from "./question.ts";

/** What one policy says to one question. */
interface PolicyOpinion {
  readonly id: string;
  readonly effect: Policy["effect"];
  readonly file: string;
  readonly line: number;
  /** `applies`: who, what and every condition fit. `failed`: it could not be evaluated, which denies by itself. */
  readonly says: "applies" | "does not apply" | "failed";
}

export interface Explanation {
  /** `gpt-5 at openai`, `server mail`, `tool send of mail`. */
  readonly what: string;
  readonly decision: Decision["decision"];
  /** One sentence. */
  readonly why: string;
  readonly policies: readonly PolicyOpinion[];
}

/**
 * Explains one question.
 *
 * @example
 * ```ts
 * const { decision, why } = explain(cedar, policies, { principal, action: "infer", model: "gpt-5", upstream: "openai", facts });
 * // "deny", "no policy permits it"
 * ```
 */
export function explain(cedar: Cedar, policies: readonly Policy[], question: Question): Explanation {
  const asked = cedarQuestion(question);
  const { decision, reasons, errors } = cedar.prepare(textsOf(policies))(asked);
  const opinions = policies.map(({ id, effect, file, line, text }): PolicyOpinion => {
    const alone = cedar.prepare({ [id]: text })(asked);
    const says = alone.decision === "error" ? "failed" : alone.reasons.includes(id) ? "applies" : "does not apply";
    return { id, effect, file, line, says };
  });
  return {
    what: whatOf(question),
    decision,
    why: sentence(decision, reasons, errors),
    policies: opinions,
  };
}

function whatOf(question: Question): string {
  if (question.action === "useServer") return `server ${question.server}`;
  if (question.action === "callTool") return `tool ${question.tool} of ${question.server}`;
  return question.upstream === undefined ? question.model : `${question.model} at ${question.upstream}`;
}

function sentence(decision: Decision["decision"], reasons: readonly string[], errors: readonly string[]): string {
  if (decision === "allow") return `permitted by ${reasons.join(", ")}`;
  if (decision === "deny") return reasons.length === 0 ? "no policy permits it" : `forbidden by ${reasons.join(", ")}`;
  if (errors.length === 0) return "the question cannot be evaluated, which denies";
  return `${errors.join(", ")} failed, which denies whatever the others say`;
}
