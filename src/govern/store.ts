/**
 * Observations as they are kept: a row to answer from, and in the same transaction the evidence that goes to the
 * ledger. One never exists without the other.
 *
 * @module
 */

import { createHash } from "node:crypto";

import {
  canonicalJson,
  PredicateType,
  statement,
  uuidv7,
  type RecordedObservation,
  type Statement,
} from "../core/index.ts";
import { enqueueEvidence, sql, type Db } from "../storage/index.ts";

/** The predicate of {@link PredicateType.observation}. */
interface ObservationPredicate extends Omit<RecordedObservation, "ledgerIndex" | "observedAt"> {
  /** UUIDv7. The same evidence delivered twice has the same id. */
  readonly id: string;
  /** RFC 3339, in UTC. */
  readonly observedAt: string;
}

/** The evidence of one observation: its subject is the proof, bound to the canonical form of what was observed. */
function observationStatement(id: string, observation: RecordedObservation): Statement<ObservationPredicate> {
  const { proof, control, outcome, observed, expected, scope } = observation;
  const observedAt = new Date(observation.observedAt).toISOString();
  const said = { proof, control, observedAt, outcome, observed, expected, scope };
  const digest = createHash("sha256").update(canonicalJson(said)).digest("hex");
  return statement([{ name: proof, digest: { sha256: digest } }], PredicateType.observation, { id, ...said });
}

/** Keeps observations, all or none. They are in the ledger once the outbox has been drained. */
export async function recordObservations(db: Db, observations: readonly RecordedObservation[]): Promise<void> {
  await db.transaction(async (tx) => {
    for (const observation of observations) {
      const { proof, control, observedAt, outcome, observed, expected, scope } = observation;
      const id = uuidv7();
      await tx.execute(sql`
        insert into observations (id, proof, control, observed_at, outcome, observed, expected, scope)
        values (${id}, ${proof}, ${control}, ${observedAt}, ${outcome}, ${observed}, ${expected}, ${scope})`);
      await enqueueEvidence(tx, observationStatement(id, observation));
    }
  });
}

/** Notes where in the ledger the evidence of an observation stands. Other evidence's ids are none of its rows. */
export async function markObservation(db: Db, id: string, ledgerIndex: number): Promise<void> {
  await db.execute(sql`update observations set ledger_index = ${ledgerIndex} where id = ${id}`);
}

/** The newest observation of each of `proofs` that was made at or before `at`. */
export async function newestObservations(
  db: Db,
  proofs: readonly string[],
  at: number,
): Promise<readonly RecordedObservation[]> {
  const newest: RecordedObservation[] = [];
  for (const proof of proofs) {
    const [row] = await db.query<Row>(sql`
      select proof, control, observed_at, outcome, observed, expected, scope, ledger_index
      from observations where proof = ${proof} and observed_at <= ${at}
      order by observed_at desc, id desc limit 1`);
    if (row !== undefined) newest.push(fromRow(row));
  }
  return newest;
}

interface Row {
  readonly proof: string;
  readonly control: string;
  readonly observed_at: number | bigint;
  readonly outcome: RecordedObservation["outcome"];
  readonly observed: string;
  readonly expected: string;
  readonly scope: string;
  readonly ledger_index: number | bigint | null;
}

function fromRow(row: Row): RecordedObservation {
  const { proof, control, outcome, observed, expected, scope } = row;
  const observation = { proof, control, observedAt: Number(row.observed_at), outcome, observed, expected, scope };
  return row.ledger_index === null ? observation : { ...observation, ledgerIndex: Number(row.ledger_index) };
}
