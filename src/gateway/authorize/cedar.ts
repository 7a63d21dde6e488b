/**
 * Cedar, as far as the gateway speaks to it: policies in, checked; questions in, decisions out. The engine is a
 * WebAssembly module of 4 MB that is loaded when policies are first used, and not at all where none are.
 *
 * Two things differ from what Cedar does by itself, both towards denial:
 *
 * - A policy that fails while it is evaluated is left out by Cedar, so that a `forbid` with a mistake forbids nothing.
 *   Here any such failure denies.
 * - Whatever the engine cannot take in denies.
 *
 * Source: Cedar 4.5 (docs.cedarpolicy.com/auth/authorization.html), «skip on error».
 *
 * @module
 */

import { hash } from "node:crypto";

import type { CedarValueJson, EntityJson, TypeAndId, ValidationError } from "@cedar-policy/cedar-wasm/nodejs";
import type * as CedarEngine from "@cedar-policy/cedar-wasm/nodejs";

import { canonicalJson } from "../../core/index.ts";
import { SCHEMA } from "./schema.ts";

/** A question in Cedar's words. */
export interface CedarQuestion {
  readonly principal: TypeAndId;
  readonly action: string;
  readonly resource: TypeAndId;
  readonly context: Record<string, CedarValueJson>;
  readonly entities: EntityJson[];
}

/** Policies by their ids, in Cedar's own text. */
export type CedarPolicies = Readonly<Record<string, string>>;

export interface CedarAnswer {
  readonly decision: "allow" | "deny" | "error";
  /** The policies that decided: those that forbid, or else those that permit. */
  readonly reasons: readonly string[];
  /** The policies that failed; empty where the question itself could not be taken in. */
  readonly errors: readonly string[];
}

/** What is wrong with policies, with the place in the text of the policy. */
export interface CedarProblem {
  /** Undefined: of the text as a whole. */
  readonly policy: string | undefined;
  readonly message: string;
  readonly help: string | undefined;
  /** Offset in the UTF-8 bytes of the text that was judged: of the policy, where one is named. */
  readonly at: number | undefined;
}

/** One policy of a text. */
export interface CedarPolicy {
  readonly text: string;
  /** Where it begins in the whole text, in UTF-16 code units. */
  readonly start: number;
  readonly effect: "permit" | "forbid";
  /** Of its annotation `@id("…")`. */
  readonly id: string | undefined;
}

export interface Cedar {
  /** Takes a text apart into its policies. Returns the problems where it is none. */
  parse(text: string): { readonly policies: readonly CedarPolicy[] } | { readonly problems: readonly CedarProblem[] };
  /** Checks policies against the schema: what would fail, and what can never apply. */
  validate(policies: CedarPolicies): {
    readonly errors: readonly CedarProblem[];
    readonly warnings: readonly CedarProblem[];
  };
  /** Keeps valid policies ready, for many questions. */
  prepare(policies: CedarPolicies): (question: CedarQuestion) => CedarAnswer;
}

type Engine = typeof CedarEngine;

/** Loads the engine. The second call costs nothing. */
export async function loadCedar(): Promise<Cedar> {
  const engine = await import("@cedar-policy/cedar-wasm/nodejs");
  return {
    parse: (text) => parse(engine, text),
    validate: (policies) => validate(engine, policies),
    prepare: (policies) => prepare(engine, policies),
  };
}

function parse(engine: Engine, text: string): ReturnType<Cedar["parse"]> {
  let answer;
  try {
    answer = engine.policySetTextToParts(text);
  } catch {
    // Expressions nested so deeply that the engine runs out of its stack. It does not recover: nothing may start on it.
    return { problems: [{ policy: undefined, message: "the engine cannot read it", help: undefined, at: undefined }] };
  }
  if (answer.type === "failure") return { problems: answer.errors.map((error) => problemOf(undefined, error)) };
  if (answer.policy_templates.length > 0) {
    const message = "templates (?principal, ?resource) are not supported: name who and what";
    return { problems: [{ policy: undefined, message, help: undefined, at: undefined }] };
  }
  const policies = answer.policies.map((policy) => {
    const parsed = engine.policyToJson(policy);
    if (parsed.type === "failure") throw new TypeError("the engine does not read its own policy");
    // An annotation without a value is null.
    const id = parsed.json.annotations?.["id"] ?? undefined;
    return { text: policy, start: text.indexOf(policy), effect: parsed.json.effect, id };
  });
  // The engine orders them as texts, policy10 before policy2.
  return { policies: policies.toSorted((one, other) => one.start - other.start) };
}

function validate(engine: Engine, policies: CedarPolicies): ReturnType<Cedar["validate"]> {
  const answer = engine.validate({
    schema: SCHEMA,
    policies: { staticPolicies: { ...policies } },
    validationSettings: { mode: "strict" },
  });
  if (answer.type === "failure") {
    return { errors: answer.errors.map((error) => problemOf(undefined, error)), warnings: [] };
  }
  return {
    errors: answer.validationErrors.map(({ policyId, error }) => problemOf(policyId, error)),
    warnings: answer.validationWarnings.map(({ policyId, error }) => problemOf(policyId, error)),
  };
}

function prepare(engine: Engine, policies: CedarPolicies): (question: CedarQuestion) => CedarAnswer {
  // The engine keeps what was prepared for as long as it lives: the same policies are kept once.
  const id = hash("sha256", canonicalJson(policies));
  const answer = engine.preparsePolicySet(id, { staticPolicies: { ...policies } });
  if (answer.type === "failure") throw new TypeError("policies were prepared before they were checked");
  return (question) => evaluate(engine, id, question);
}

function evaluate(engine: Engine, preparsedPolicySetId: string, question: CedarQuestion): CedarAnswer {
  let answer;
  try {
    // Without the schema: the question is made by `question.ts` alone, and its test holds every form of it against the
    // schema, which takes the engine half as long again.
    answer = engine.statefulIsAuthorized({
      ...question,
      action: { type: "Action", id: question.action },
      validateRequest: false,
      preparsedPolicySetId,
    });
  } catch {
    // Text that is not Unicode, or a fault of the engine's own: nothing was decided.
    return { decision: "error", reasons: [], errors: [] };
  }
  if (answer.type === "failure") return { decision: "error", reasons: [], errors: [] };
  const { decision, diagnostics } = answer.response;
  const errors = diagnostics.errors.map(({ policyId }) => policyId);
  return { decision: errors.length > 0 ? "error" : decision, reasons: diagnostics.reason, errors };
}

function problemOf(policy: string | undefined, error: ValidationError["error"]): CedarProblem {
  return {
    policy,
    message: error.message,
    help: error.help ?? undefined,
    at: error.sourceLocations?.[0]?.start,
  };
}
