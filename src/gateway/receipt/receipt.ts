/**
 * The receipt: the evidence of one request through the gateway. Exactly one for each, whatever became of it.
 *
 * It says who asked what of which model under which policy, what each guard decided and what was not scanned, and it
 * commits to the bytes of request and answer without containing them: a salted commitment cannot be guessed from the
 * log, and can be opened for one receipt without opening another.
 *
 * @module
 */

import {
  encodeStatement,
  PredicateType,
  statement,
  type Action,
  type DetectorRun,
  type Finding,
  type Verdict,
} from "../../core/index.ts";
import type { Committer } from "../../ledger/index.ts";
import type { Principal } from "../identity/principal.ts";
import type { Usage } from "../wire/index.ts";

/**
 * - `served`: the whole answer was sent
 * - `blocked`: a guard stopped the request or the answer
 * - `refused`: authentication, limits or the request's own form stopped it
 * - `failed`: the upstream or the gateway failed
 * - `cancelled`: the client went away
 */
export type Outcome = "served" | "blocked" | "refused" | "failed" | "cancelled";

/** What is known of an exchange; filled in as it goes through the stages. */
export interface Exchange {
  readonly id: string;
  /** Milliseconds since the epoch, and on the clock that never steps. */
  readonly receivedAt: number;
  readonly startedAt: number;
  route?: string;
  principal?: Principal;
  /** Set only once the guards have cleared it: it is the client's own text. */
  model?: string;
  stream?: boolean;
  request?: { readonly bytes: number; readonly sha256: Uint8Array };
  requestVerdict?: GuardRecord;
  responseVerdict?: GuardRecord;
  upstream?: { readonly name: string; status?: number; firstByteMs?: number };
  estimatedInputTokens?: number;
  usage?: Usage | undefined;
  outcome: Outcome;
  /** Code of the error that ended it. */
  error?: string;
  /** Status line that the client got; 0 when it got none. */
  status: number;
  response?: { readonly bytes: number; readonly sha256: Uint8Array };
  /** Requests without a valid key that were turned away before this one without a receipt of their own. */
  unrecordedBefore?: number;
  endedAt?: number;
}

/** A verdict with the list of what the guards could not read. */
export interface GuardRecord {
  readonly verdict: Verdict;
  readonly unscanned: readonly { readonly pointer: string; readonly why: string }[];
}

/** The predicate of a receipt, `https://holdfast.dev/receipt/v1`. */
export interface Receipt {
  readonly id: string;
  readonly receivedAt: string;
  readonly outcome: Outcome;
  readonly error?: string;
  readonly status: number;
  readonly principal: { readonly key: string; readonly app: string } | null;
  readonly route: string | null;
  readonly model: string | null;
  readonly stream: boolean;
  readonly policy: { readonly digest: { readonly sha256: string } };
  readonly request: { readonly bytes: number; readonly commitment: string } | null;
  readonly response: { readonly bytes: number; readonly commitment: string } | null;
  readonly guards: { readonly request: GuardSummary | null; readonly response: GuardSummary | null };
  readonly upstream: { readonly name: string; readonly status: number | null } | null;
  readonly tokens: {
    readonly estimatedInput: number | null;
    readonly input: number | null;
    readonly output: number | null;
  };
  readonly timing: { readonly totalMs: number; readonly firstByteMs: number | null };
  readonly unrecordedBefore?: number;
}

export interface GuardSummary {
  readonly action: Action;
  readonly runs: readonly DetectorRun[];
  readonly findings: readonly {
    readonly rule: string;
    readonly severity: string;
    readonly pointer: string;
    readonly start: number;
    readonly end: number;
  }[];
  /** Findings beyond those listed. */
  readonly more?: number;
  readonly unscanned: readonly { readonly pointer: string; readonly why: string }[];
}

/** Findings and unscanned parts listed in one receipt at most: an entry of the ledger holds 65,535 bytes. */
const LISTED = 40;

/** The entry for the ledger: an in-toto Statement about the exchange, as canonical JSON. */
export function encodeReceipt(exchange: Exchange, policyDigest: string, committer: Committer): Uint8Array {
  const receipt = receiptOf(exchange, policyDigest, committer);
  const subject = {
    name: `request:${exchange.id}`,
    digest: {
      holdfastCommitmentV1: receipt.request?.commitment ?? committer.commit(exchange.id, "request", new Uint8Array()),
    },
  };
  return encodeStatement(statement([subject], PredicateType.receipt, receipt));
}

function receiptOf(exchange: Exchange, policyDigest: string, committer: Committer): Receipt {
  const commit = (field: "request" | "response", part: Exchange["request"]): Receipt["request"] =>
    part === undefined ? null : { bytes: part.bytes, commitment: committer.commit(exchange.id, field, part.sha256) };
  return {
    id: exchange.id,
    receivedAt: new Date(exchange.receivedAt).toISOString(),
    outcome: exchange.outcome,
    ...(exchange.error === undefined ? {} : { error: exchange.error }),
    status: exchange.status,
    principal: exchange.principal === undefined ? null : { key: exchange.principal.keyId, app: exchange.principal.app },
    route: exchange.route ?? null,
    model: exchange.model ?? null,
    stream: exchange.stream ?? false,
    policy: { digest: { sha256: policyDigest } },
    request: commit("request", exchange.request),
    response: commit("response", exchange.response),
    guards: { request: summaryOf(exchange.requestVerdict), response: summaryOf(exchange.responseVerdict) },
    upstream:
      exchange.upstream === undefined
        ? null
        : { name: exchange.upstream.name, status: exchange.upstream.status ?? null },
    tokens: {
      estimatedInput: exchange.estimatedInputTokens ?? null,
      input: exchange.usage?.inputTokens ?? null,
      output: exchange.usage?.outputTokens ?? null,
    },
    timing: {
      totalMs: round((exchange.endedAt ?? exchange.startedAt) - exchange.startedAt),
      firstByteMs: exchange.upstream?.firstByteMs === undefined ? null : round(exchange.upstream.firstByteMs),
    },
    ...(exchange.unrecordedBefore === undefined ? {} : { unrecordedBefore: exchange.unrecordedBefore }),
  };
}

function summaryOf(record: GuardRecord | undefined): GuardSummary | null {
  if (record === undefined) return null;
  const { action, findings, runs } = record.verdict;
  return {
    action,
    runs,
    findings: findings.slice(0, LISTED).map(findingSummary),
    ...(findings.length > LISTED ? { more: findings.length - LISTED } : {}),
    unscanned: record.unscanned.slice(0, LISTED).map(({ pointer, why }) => ({ pointer: safePointer(pointer), why })),
  };
}

function findingSummary({ rule, severity, location }: Finding): GuardSummary["findings"][number] {
  return { rule, severity, pointer: safePointer(location.pointer), start: location.start, end: location.end };
}

/** Names of the protocols' own fields, which a pointer may show. */
const FIELD_NAMES: ReadonlySet<string> = new Set(
  (
    "annotations arguments assistant cache_control choices citations code content context custom data delta description " +
    "developer document embedding encoding_format enum file file_data file_id filename finish_reason format function " +
    "function_call functions id image image_url input input_audio input_schema instructions json_schema items logit_bias " +
    "logprobs max_completion_tokens max_tokens media_type message messages metadata modalities model name names object " +
    "output parameters parts prediction properties reasoning reasoning_content reasoning_effort redacted_thinking refusal " +
    "required response_format role schema service_tier signature source stop stop_sequences store stream strict summary " +
    "system system_fingerprint temperature text thinking title token tokens tool tool_call_id tool_calls tool_choice " +
    "tool_result tool_use tool_use_id tools top_logprobs top_p type url usage user web_search_options"
  ).split(" "),
);

/**
 * A pointer whose foreign parts are masked: the name of an unknown field is the sender's text, and may be the very
 * secret that was found.
 */
export function safePointer(pointer: string): string {
  return pointer
    .split("/")
    .map((part) => (part === "" || /^\d{1,9}$/.test(part) || FIELD_NAMES.has(part) ? part : "*"))
    .join("/");
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
