/**
 * The authorizer: whether a principal may ask a model, by the policies of a folder. Where policies are configured, what
 * none of them permits is denied; the scope of a key (its models, its app) binds besides, and neither widens the other.
 *
 * @module
 */

import { gatewayError } from "../errors.ts";
import { loadCedar, type CedarAnswer } from "./cedar.ts";
import type { AuthorizationConfig } from "./config.ts";
import { problemLine, readPolicies, textsOf } from "./policies.ts";
import { cedarQuestion, type Question } from "./question.ts";

export type Decision = CedarAnswer;

export interface Authorizer {
  /** SHA-256 of the policies, for receipts. */
  readonly digest: string;
  /** Decides one question. Never throws: what cannot be decided is an error, and an error denies. */
  decide(question: Question): Decision;
}

/**
 * Opens the authorizer of the configuration; undefined where it names no policies. The engine is loaded only then.
 *
 * @throws `gateway.policy-invalid` with the first problem of the policies and the number of others
 *
 * @example
 * ```ts
 * const authorizer = await openAuthorizer({ policies: "policies" });
 * authorizer?.decide({ principal, action: "infer", model: "gpt-5", upstream: "openai", facts }).decision; // "deny"
 * ```
 */
export async function openAuthorizer({
  policies: folder,
}: Pick<AuthorizationConfig, "policies">): Promise<Authorizer | undefined> {
  if (folder === undefined) return undefined;
  const cedar = await loadCedar();
  const read = readPolicies(folder, cedar);
  const [first, ...others] = read.errors;
  if (first !== undefined) {
    const more = others.length === 0 ? "" : ` (and ${others.length} more: run \`holdfast policy check\`)`;
    throw gatewayError("gateway.policy-invalid", { detail: `${folder}: ${problemLine(first)}${more}` });
  }
  const evaluate = cedar.prepare(textsOf(read.policies));
  return { digest: read.digest, decide: (question) => evaluate(cedarQuestion(question)) };
}
