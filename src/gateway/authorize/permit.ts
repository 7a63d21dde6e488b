/**
 * The stage between the guards and the upstream: of those who may serve a request, only those stay whose model the
 * policies permit this principal. It stands after the guards because policies may ask what the guards found.
 *
 * Every candidate is judged by the model that it would really be asked for. Where that goes by a name of the gateway's
 * own, the name must be permitted beside it: neither opens the way to the other.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";

import type { Verdict } from "../../core/index.ts";
import type { TextSpan } from "../../guard/index.ts";
import { gatewayError } from "../errors.ts";
import type { Principal } from "../identity/principal.ts";
import type { Candidate } from "../upstream/routing.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import type { RequestFacts } from "./question.ts";
import type { PolicyAction } from "./schema.ts";

/** What the receipt says of the decision. */
export interface AuthorizationRecord {
  readonly decision: Decision["decision"];
  /** Ids of the policies that decided, or that failed. Empty where nothing permitted. */
  readonly policies: readonly string[];
}

/** A request, as far as policies may ask about it. */
export interface PermitRequest {
  readonly principal: Principal;
  readonly action: PolicyAction;
  /** The model's name as the client wrote it. */
  readonly model: string;
  readonly candidates: readonly Candidate[];
  readonly facts: RequestFacts;
}

/** Characters of a model's name that policies are asked about. */
const MODEL_CHARS = 512;

/**
 * Those of the candidates that the policies permit, in their order, with what is to be recorded. Without any candidate
 * the model itself is judged.
 *
 * @throws `gateway.policy-denied`, `gateway.policy-error`; the record of the denial is told to `record` before
 */
export function permit(
  authorizer: Authorizer,
  request: PermitRequest,
  record: (decided: AuthorizationRecord) => void,
): readonly Candidate[] {
  const { candidates, model } = request;
  const judged =
    candidates.length === 0
      ? [{ candidate: undefined, decision: decide(authorizer, request, model, undefined) }]
      : candidates.map((candidate) => ({ candidate, decision: decideCandidate(authorizer, request, candidate) }));
  const allowed = judged.filter(({ decision }) => decision.decision === "allow");
  if (allowed.length > 0) {
    record(recordOf(allowed.map(({ decision }) => decision)));
    return allowed.flatMap(({ candidate }) => (candidate === undefined ? [] : [candidate]));
  }
  const decided = recordOf(judged.map(({ decision }) => decision));
  record(decided);
  throw gatewayError(decided.decision === "error" ? "gateway.policy-error" : "gateway.policy-denied");
}

/** Characters of a tool's name that policies are asked about. */
const TOOL_CHARS = 512;

/**
 * Whether a principal may use a server of tools, and where one is named, call this tool of it.
 *
 * @throws `gateway.policy-denied`, `gateway.policy-error`; what was decided is told to `record` before
 */
export function permitTool(
  authorizer: Authorizer,
  request: ToolRequest,
  record: (decided: AuthorizationRecord) => void,
): void {
  const decided = recordOf(decideTool(authorizer, request));
  record(decided);
  if (decided.decision === "allow") return;
  throw gatewayError(decided.decision === "error" ? "gateway.policy-error" : "gateway.policy-denied");
}

/** A request to a server of tools, as far as policies may ask about it. */
export interface ToolRequest {
  readonly principal: Principal;
  readonly server: string;
  readonly tool: string | undefined;
  readonly facts: RequestFacts;
}

/** Decisions about a listing's models between two breaths of the event loop. */
const DECISIONS_AT_ONCE = 25;

/**
 * Whether a listing may show a model: when one of its actions is permitted on one of those who serve it. Without policies
 * everything may be shown.
 */
export function mayList(
  authorizer: Authorizer | undefined,
  principal: Principal,
  actions: readonly PolicyAction[],
  { address, now }: Pick<RequestFacts, "address" | "now">,
): (model: string, candidates: readonly Candidate[]) => Promise<boolean> {
  let asked = 0;
  return async (model, candidates) => {
    if (authorizer === undefined) return true;
    if (++asked % DECISIONS_AT_ONCE === 0) await setImmediate();
    const facts = { address, now, requested: model, stream: false, hasUnread: false, ...NOTHING_READ };
    return actions.some((action) => {
      const request = { principal, action, model, candidates, facts };
      return candidates.some((one) => decideCandidate(authorizer, request, one).decision === "allow");
    });
  };
}

/** Whether a listing may show a tool of a server: when it may be called. Without policies every tool may be shown. */
export function mayListTool(
  authorizer: Authorizer | undefined,
  principal: Principal,
  server: string,
  { address, now }: Pick<RequestFacts, "address" | "now">,
): (tool: string) => Promise<boolean> {
  let asked = 0;
  return async (tool) => {
    if (authorizer === undefined) return true;
    if (++asked % DECISIONS_AT_ONCE === 0) await setImmediate();
    const facts = { address, now, requested: tool, stream: false, hasUnread: false, ...NOTHING_READ };
    return decideTool(authorizer, { principal, server, tool, facts }).every(({ decision }) => decision === "allow");
  };
}

const NOTHING_READ = { origins: [], dataClasses: [], rules: [], unchecked: [] };

/** What policies may ask of a request, out of what its guards said. */
export function factsOf(
  parsed: {
    readonly model: string;
    readonly stream: boolean;
    readonly spans: readonly TextSpan[];
    readonly unscanned: readonly unknown[];
  },
  verdict: Verdict,
  address: string,
  now: number,
): RequestFacts {
  const rules = verdict.findings.map(({ rule }) => rule);
  return {
    now,
    address,
    requested: parsed.model,
    stream: parsed.stream,
    origins: unique(parsed.spans.map(({ origin }) => origin)),
    dataClasses: unique(rules.map((rule) => rule.slice(0, Math.max(rule.indexOf("."), 0)) || rule)),
    rules: unique(rules),
    unchecked: unique(verdict.runs.flatMap(({ detector, outcome }) => (outcome === "error" ? [detector] : []))),
    hasUnread: parsed.unscanned.length > 0,
  };
}

/** The decision about a server, and where a tool is named the one about it. */
function decideTool(authorizer: Authorizer, { principal, server, tool, facts }: ToolRequest): readonly Decision[] {
  const use = authorizer.decide({ principal, action: "useServer", server, facts });
  if (tool === undefined) return [use];
  if (tool.length > TOOL_CHARS) return [use, UNDECIDABLE];
  return [use, authorizer.decide({ principal, action: "callTool", server, tool, facts })];
}

function decideCandidate(authorizer: Authorizer, request: PermitRequest, { target, model }: Candidate): Decision {
  const real = decide(authorizer, request, model, target.name);
  if (real.decision !== "allow" || model === request.model) return real;
  const alias = decide(authorizer, request, request.model, target.name);
  return alias.decision === "allow" ? { ...alias, reasons: unique([...real.reasons, ...alias.reasons]) } : alias;
}

function decide(
  authorizer: Authorizer,
  { principal, action, facts }: PermitRequest,
  model: string,
  upstream: string | undefined,
): Decision {
  if (model.length > MODEL_CHARS) return UNDECIDABLE;
  return authorizer.decide({ principal, action, model, upstream, facts });
}

const UNDECIDABLE: Decision = { decision: "error", reasons: [], errors: [] };

/** Several decisions as one: an error before a denial, a denial before what permits. */
function recordOf(decisions: readonly Decision[]): AuthorizationRecord {
  const has = (one: Decision["decision"]): boolean => decisions.some(({ decision }) => decision === one);
  const decision = has("error") ? "error" : has("deny") ? "deny" : "allow";
  const deciding = decisions.filter((one) => one.decision === decision);
  const policies = deciding.flatMap(({ reasons, errors }) => (decision === "error" ? errors : reasons));
  return { decision, policies: unique(policies) };
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
