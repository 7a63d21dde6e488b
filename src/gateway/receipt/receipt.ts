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
  PredicateType,
  STATEMENT_TYPE,
  type Action,
  type AdmissionAnswer,
  type DetectorRun,
  type Statement,
  type Verdict,
} from "../../core/index.ts";
import type { AuthorizationRecord } from "../authorize/permit.ts";
import type { BudgetLease, BudgetRecord } from "../budget/lease.ts";
import type { Principal } from "../identity/principal.ts";
import type { PredictionRecord } from "../predict/answer.ts";
import type { ExtractionRecord } from "../theft/finding.ts";
import type { Attempt } from "../upstream/attempts.ts";
import type { Unscanned, Usage } from "../wire/index.ts";

/**
 * - `served`: the whole answer was sent
 * - `blocked`: a guard stopped the request or the answer
 * - `refused`: authentication, limits or the request's own form stopped it
 * - `failed`: the upstream or the gateway failed
 * - `cancelled`: the client went away
 */
type Outcome = "served" | "blocked" | "refused" | "failed" | "cancelled";

/** What is known of an exchange; filled in as it goes through the stages. */
export interface Exchange {
  readonly id: string;
  /** Milliseconds since the epoch, and on the clock that never steps. */
  readonly receivedAt: number;
  readonly startedAt: number;
  route?: string;
  principal?: Principal;
  /** What the policies said; left out where there are none, or none was asked. */
  authorization?: AuthorizationRecord;
  /** What was reserved for it; left out where no budget binds it. */
  budget?: BudgetLease;
  /** How hard the watch over extraction answers; left out: as everyone. */
  extraction?: ExtractionRecord;
  /** Of a predictive model; left out for others. */
  prediction?: PredictionRecord;
  /** Set only once the guards have cleared it: it is the client's own text. */
  model?: string;
  /** What was asked of which MCP server; left out elsewhere. */
  mcp?: McpRecord;
  /** What admission said of the model that was asked last; left out where nothing was asked. */
  release?: AdmissionAnswer;
  stream?: boolean;
  request?: Committed;
  requestVerdict?: GuardRecord;
  responseVerdict?: GuardRecord;
  /** The one that was asked last: whose answer it is, if it is anyone's. */
  upstream?: Attempt & {
    /** What it was asked for, where that is not `model`: a name of the configuration. */
    readonly asked?: string;
    /** What it says that it is. */
    model?: string;
  };
  /** Those that were asked before it, in order. */
  attempts?: Attempt[];
  usage?: Usage | undefined;
  outcome: Outcome;
  /** Code of the error that ended it. */
  error?: string;
  /** Status line that the client got; 0 when it got none. */
  status: number;
  response?: Committed;
  /** Requests without a valid key that were turned away before this one without a receipt of their own. */
  unrecordedBefore?: number;
  endedAt?: number;
}

/** What was asked of an MCP server: names of the configuration, of the protocol and of approved definitions alone. */
interface McpRecord {
  /** What the client's context took in with the answer; left out where that is nothing for a model to read. */
  readonly context?: "untrusted" | "findings";
  /** Digest of the tool's approved definition. */
  readonly definition?: string;
  readonly method?: string;
  readonly server: string;
  readonly tool?: string;
}

/** A verdict with the list of what the guards could not read. */
interface GuardRecord {
  readonly verdict: Verdict;
  readonly unscanned: readonly Unscanned[];
}

/**
 * The predicate of a receipt, `https://holdfast.dev/receipt/v1`. Members stand in alphabetical order: see
 * {@link encodeReceipt}.
 */
export interface Receipt {
  /** What the policies said, by those that decided or failed; left out where none was asked. */
  readonly authorization?:
    | {
        readonly decision: AuthorizationRecord["decision"];
        /** Policies beyond those listed. */
        readonly morePolicies?: number | undefined;
        readonly policies: readonly string[];
      }
    | undefined;
  /** What was reserved and settled of each budget that binds the request; left out where none does. */
  readonly budgets?: readonly BudgetRecord[] | undefined;
  readonly error?: string | undefined;
  /** The stage of its key or app in the watch over extraction; left out where there is none. */
  readonly extraction?: ExtractionRecord | undefined;
  readonly guards: { readonly request: GuardSummary | null; readonly response: GuardSummary | null };
  readonly id: string;
  readonly mcp?: McpRecord | undefined;
  readonly model: string | null;
  readonly outcome: Outcome;
  readonly policy: { readonly digest: { readonly sha256: string } };
  /** What a predictive model of the gateway's own was asked, and how much its answer says. */
  readonly prediction?:
    | {
        readonly answers: PredictionRecord["answers"];
        readonly model: { readonly sha256: string };
        readonly rows: number;
      }
    | undefined;
  readonly principal: { readonly app: string; readonly key: string } | null;
  readonly receivedAt: string;
  /** The release that was served, or would have been, by its digest; left out where admission is off. */
  readonly release?:
    | {
        readonly admitted: boolean;
        readonly digest: { readonly sha256: string } | null;
        readonly model: string | null;
        readonly why?: string | undefined;
      }
    | undefined;
  readonly request: Committed | null;
  readonly response: Committed | null;
  readonly route: string | null;
  readonly status: number;
  readonly stream: boolean;
  readonly timing: { readonly firstByteMs: number | null; readonly totalMs: number };
  /** As the upstream reports them. */
  readonly tokens: { readonly input: number | null; readonly output: number | null };
  readonly unrecordedBefore?: number | undefined;
  /**
   * Who was asked last. `asked` is for what, where that is not the request's `model`; `model` is what says that it
   * answered. `attempts` are those before it, in order, and why each failed.
   */
  readonly upstream: {
    readonly asked?: string | undefined;
    readonly attempts?:
      | readonly { readonly error: string | null; readonly name: string; readonly status: number | null }[]
      | undefined;
    readonly model: string | null;
    readonly name: string;
    readonly status: number | null;
  } | null;
}

/** Bytes that are not here, only committed to. */
interface Committed {
  readonly bytes: number;
  readonly commitment: string;
}

interface GuardSummary {
  readonly action: Action;
  readonly findings: readonly {
    readonly end: number;
    readonly pointer: string;
    readonly rule: string;
    readonly severity: string;
    readonly start: number;
  }[];
  /** Findings beyond those listed. */
  readonly moreFindings?: number | undefined;
  /** Unscanned parts beyond those listed. */
  readonly moreUnscanned?: number | undefined;
  readonly runs: readonly DetectorRun[];
  readonly unscanned: readonly Unscanned[];
}

/** Findings and unscanned parts listed in one receipt at most: an entry of the ledger holds 65,535 bytes. */
const LISTED = 40;

/**
 * The entry for the ledger: an in-toto Statement about the exchange, as canonical JSON.
 *
 * This runs once for every request, so it does not go through `canonicalJson`: what is built here has its members in
 * canonical order, and then `JSON.stringify` is canonical JSON (RFC 8785 is defined by it). A test holds the two
 * against each other.
 */
export function encodeReceipt(exchange: Exchange, policyDigest: string): Uint8Array {
  const predicate = receiptOf(exchange, policyDigest);
  const digest: Record<string, string> =
    predicate.request === null ? { sha256: NOTHING } : { holdfastCommitmentV1: predicate.request.commitment };
  const entry: Statement<Receipt> = {
    _type: STATEMENT_TYPE,
    predicate,
    predicateType: PredicateType.receipt,
    subject: [{ digest, name: `request:${exchange.id}` }],
  };
  return Buffer.from(JSON.stringify(entry), "utf8");
}

/** SHA-256 of no bytes: the digest of a request that had none. */
const NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function receiptOf(exchange: Exchange, policyDigest: string): Receipt {
  const { model, principal, upstream, usage } = exchange;
  return {
    authorization: decisionOf(exchange.authorization),
    budgets: exchange.budget?.records,
    error: exchange.error,
    extraction: extractionOf(exchange.extraction),
    guards: { request: summaryOf(exchange.requestVerdict), response: summaryOf(exchange.responseVerdict) },
    id: exchange.id,
    mcp: mcpOf(exchange.mcp),
    model: wellFormed(model),
    outcome: exchange.outcome,
    policy: { digest: { sha256: policyDigest } },
    prediction: predictionOf(exchange.prediction),
    principal: principal === undefined ? null : { app: principal.app, key: principal.keyId },
    receivedAt: new Date(exchange.receivedAt).toISOString(),
    release: releaseOf(exchange.release),
    request: exchange.request ?? null,
    response: exchange.response ?? null,
    route: exchange.route ?? null,
    status: exchange.status,
    stream: exchange.stream ?? false,
    timing: {
      firstByteMs: upstream?.firstByteMs === undefined ? null : round(upstream.firstByteMs),
      totalMs: round((exchange.endedAt ?? exchange.startedAt) - exchange.startedAt),
    },
    tokens: { input: usage?.inputTokens ?? null, output: usage?.outputTokens ?? null },
    unrecordedBefore: exchange.unrecordedBefore,
    upstream:
      upstream === undefined
        ? null
        : {
            asked: upstream.asked?.toWellFormed(),
            attempts: exchange.attempts?.map(({ error, name, status }) => ({
              error: error ?? null,
              name,
              status: status ?? null,
            })),
            model: wellFormed(upstream.model),
            name: upstream.name,
            status: upstream.status ?? null,
          },
  };
}

/** Ids of policies that are listed in one receipt at most. */
const POLICIES_LISTED = 20;

function decisionOf(record: AuthorizationRecord | undefined): Receipt["authorization"] {
  if (record === undefined) return undefined;
  const { decision, policies } = record;
  return {
    decision,
    morePolicies: policies.length > POLICIES_LISTED ? policies.length - POLICIES_LISTED : undefined,
    policies: policies.slice(0, POLICIES_LISTED),
  };
}

function extractionOf(record: ExtractionRecord | undefined): Receipt["extraction"] {
  if (record === undefined) return undefined;
  const { alarms, distinct, kind, scope, stage } = record;
  return { alarms, distinct, kind, scope, stage };
}

function releaseOf(answer: AdmissionAnswer | undefined): Receipt["release"] {
  if (answer === undefined) return undefined;
  const { admitted, release, why } = answer;
  const digest = release === undefined ? null : { sha256: release.digest };
  return { admitted, digest, model: release?.model ?? null, why };
}

function predictionOf(record: PredictionRecord | undefined): Receipt["prediction"] {
  if (record === undefined) return undefined;
  const { answers, model, rows } = record;
  return { answers, model: { sha256: model }, rows };
}

/** In alphabetical order, in whatever order it was filled in. */
function mcpOf(record: McpRecord | undefined): McpRecord | undefined {
  if (record === undefined) return undefined;
  const { context, definition, method, server, tool } = record;
  return {
    ...(context === undefined ? {} : { context }),
    ...(definition === undefined ? {} : { definition }),
    ...(method === undefined ? {} : { method }),
    server,
    ...(tool === undefined ? {} : { tool }),
  };
}

/** A lone surrogate has no canonical form. */
function wellFormed(text: string | undefined): string | null {
  return text === undefined ? null : text.toWellFormed();
}

function summaryOf(record: GuardRecord | undefined): GuardSummary | null {
  if (record === undefined) return null;
  const { action, findings, runs } = record.verdict;
  const { unscanned } = record;
  return {
    action,
    findings: findings.slice(0, LISTED).map(({ rule, severity, location }) => ({
      end: location.end,
      pointer: safePointer(location.pointer),
      rule,
      severity,
      start: location.start,
    })),
    moreFindings: findings.length > LISTED ? findings.length - LISTED : undefined,
    moreUnscanned: unscanned.length > LISTED ? unscanned.length - LISTED : undefined,
    runs: runs.map(runInOrder),
    unscanned: unscanned.slice(0, LISTED).map(({ kind, pointer, size, why }) => ({
      kind,
      pointer: safePointer(pointer),
      size,
      why,
    })),
  };
}

function runInOrder({ detector, findings, outcome, version, why }: DetectorRun): DetectorRun {
  return why === undefined ? { detector, findings, outcome, version } : { detector, findings, outcome, version, why };
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
  const parts = pointer.split("/").map((part) => {
    return part === "" || OWN_PARTS.test(part) || FIELD_NAMES.has(part) ? part : "*";
  });
  // Deep places are shown by their two ends: an entry of the ledger has room for so much.
  if (parts.length > SHOWN_PARTS) parts.splice(SHOWN_PARTS / 2, parts.length - SHOWN_PARTS, "…");
  return parts.join("/");
}

/** Indices, and the parts that the reader of the protocols makes itself (`wire/walk.ts`). */
const OWN_PARTS = /^(?:\d{1,9}|#(?:\d{1,9}|names|head|decoded|rank\d{1,9}|rest))$/;
/** Parts of a pointer that are shown at most. */
const SHOWN_PARTS = 12;

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
