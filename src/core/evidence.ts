/**
 * Evidence: an in-toto Statement v1 about a Subject. In the ledger it stands as canonical JSON, covered by the
 * ledger's signed checkpoint; where it stands alone it is signed, in a DSSE envelope (`dsse.ts`).
 *
 * Sources: in-toto attestation framework v1, `spec/v1/statement.md`; DSSE v1.0.2, `envelope.md`.
 *
 * @module
 */

import { canonicalJson } from "./canonical.ts";
import { coreError } from "./errors.ts";
import { parseJson } from "./json.ts";
import type { ResourceDescriptor } from "./subject.ts";

export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
export const STATEMENT_MEDIA_TYPE = "application/vnd.in-toto+json";

/** Predicate types of Holdfast, one for each kind of evidence. The version changes when the meaning does. */
export const PredicateType = {
  /** One request through the gateway. */
  receipt: "https://holdfast.dev/receipt/v1",
  /** One answer of a proof to its question. */
  observation: "https://holdfast.dev/observation/v1",
  /** One change of state by an operator: a key made, rotated, revoked. */
  change: "https://holdfast.dev/change/v1",
  /** One step of a model's release in the registry: imported, scanned, signed, approved, revoked, moved, granted. */
  registry: "https://holdfast.dev/registry/v1",
} as const;

/** in-toto Statement v1. */
export interface Statement<Predicate = unknown> {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: readonly ResourceDescriptor[];
  readonly predicateType: string;
  readonly predicate: Predicate;
}

/** Puts subjects and a predicate into a Statement. */
export function statement<Predicate>(
  subject: readonly ResourceDescriptor[],
  predicateType: string,
  predicate: Predicate,
): Statement<Predicate> {
  return { _type: STATEMENT_TYPE, subject, predicateType, predicate };
}

const utf8 = new TextEncoder();

/** The bytes of a Statement as they stand in the ledger and in an envelope: canonical JSON in UTF-8. */
export function encodeStatement(value: Statement): Uint8Array {
  return utf8.encode(canonicalJson(value));
}

/**
 * Reads the bytes of a Statement. The predicate is foreign data until its own reader has checked it.
 *
 * @throws `core.evidence-invalid` when the shape is not Statement v1, and the errors of `parseJson`
 */
export function decodeStatement(bytes: Uint8Array): Statement {
  const value = parseJson(bytes);
  if (!isStatement(value)) throw coreError("core.evidence-invalid", { detail: "not an in-toto Statement v1" });
  return value;
}

function isStatement(value: unknown): value is Statement {
  if (typeof value !== "object" || value === null) return false;
  const candidate = value as Record<string, unknown>;
  return (
    candidate["_type"] === STATEMENT_TYPE &&
    typeof candidate["predicateType"] === "string" &&
    Array.isArray(candidate["subject"]) &&
    candidate["subject"].every((subject: unknown) => typeof subject === "object" && subject !== null)
  );
}
