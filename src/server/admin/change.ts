/**
 * Evidence of changes to who may use the admin API. It names tokens and sessions by their public ids; no secret, and no
 * name of a person, is in it.
 *
 * @module
 */

import { hash } from "node:crypto";

import { canonicalJson, PredicateType, statement, uuidv7 } from "../../core/index.ts";
import { enqueueEvidence, type Db } from "../../storage/index.ts";

/** Writes the evidence of a change to `subject`, in the transaction of the change. */
export async function recordChange(
  tx: Db,
  subject: string,
  change: Readonly<Record<string, string>>,
  at: number,
): Promise<void> {
  const predicate = { id: uuidv7(), at: new Date(at).toISOString(), ...change };
  const digest = { sha256: hash("sha256", canonicalJson(predicate)) };
  await enqueueEvidence(tx, statement([{ name: subject, digest }], PredicateType.change, predicate));
}
