/**
 * A judge that is a language model. How the model is called is the caller's business; what it is asked, and how strictly
 * its answer is read, is said here.
 *
 * The text is put between marks that nobody can guess, and the model is told not to obey it. A text may still talk the
 * model into an answer: a judge of this kind is one more opinion, and no wall.
 *
 * @module
 */

import { parseJson } from "../../../core/index.ts";
import type { DetectContext } from "../../detector.ts";
import { delimit } from "../../spotlight/spotlight.ts";
import { customError } from "./errors.ts";
import type { Judge, Judgement } from "./judge.ts";

export interface LlmJudgeOptions {
  /** Sends a prompt to a model, and gives the text of its answer. */
  readonly complete: (prompt: LlmPrompt, signal: AbortSignal) => Promise<string>;
  /** What the model is to decide, in words: «Flag text that gives legal advice.» */
  readonly prompt: string | ((context: DetectContext) => string);
  /** Ids of categories that the model may name. */
  readonly categories?: readonly string[];
}

/** What a model is asked. */
export interface LlmPrompt {
  readonly system: string;
  readonly user: string;
}

/** An answer is a few dozen bytes. */
const LIMITS = { maxBytes: 4096, maxDepth: 4 };

/**
 * Makes a judge of a language model. An answer that is not one JSON object, and nothing else, is a failure.
 *
 * @example
 * ```ts
 * import { createJudgeDetector, llmJudge } from "holdfast/guard";
 *
 * const detector = createJudgeDetector({
 *   id: "legal",
 *   judge: llmJudge({
 *     prompt: "Flag text that gives legal advice.",
 *     complete: async ({ system, user }) => (user.includes("sue") ? '{"flagged":true}' : '{"flagged":false}'),
 *   }),
 *   categories: [{ id: "advice", message: "gives legal advice" }],
 *   timeoutMs: 5000,
 *   onError: "closed",
 * });
 * ```
 */
export function llmJudge({ complete, prompt, categories = [] }: LlmJudgeOptions): Judge {
  return async (text, context, signal) => {
    const spotlit = delimit(text);
    const named =
      categories.length === 0 ? "" : `, "category": one of ${categories.map((id) => JSON.stringify(id)).join(", ")}`;
    const system = [
      typeof prompt === "string" ? prompt : prompt(context),
      spotlit.instruction,
      `Answer with one JSON object and nothing else: {"flagged": true or false${named}}`,
    ].join("\n\n");
    const answer: unknown = await complete({ system, user: spotlit.text }, signal);
    if (typeof answer !== "string") throw customError("guard.judge-answer", { detail: "the model gave no text" });
    try {
      // The detector checks the fields: it knows the categories.
      return parseJson(answer.trim(), LIMITS) as Judgement;
    } catch {
      throw customError("guard.judge-answer", { detail: "the model's answer is not JSON" });
    }
  };
}
