import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, it } from "node:test";

import { canonicalJson, decodeStatement, PredicateType, type RecordedObservation } from "../core/index.ts";
import { onEachDatabase } from "../../test/servers/databases.ts";
import { drainEvidence, migrate, storageModule, type Db } from "../storage/index.ts";
import { governModule } from "./module.ts";
import { markObservation, newestObservations, recordObservations } from "./store.ts";

/** An observation of a proof that no other test has. */
function seen(proof: string): RecordedObservation {
  return {
    proof,
    control: "G9",
    observedAt: Date.UTC(2026, 10, 23),
    outcome: "holds",
    observed: "12 entries verify — «all»",
    expected: "all verify",
    scope: "this ledger",
  };
}

/** Takes out what earlier tests left waiting. */
async function emptyOutbox(db: Db): Promise<void> {
  await drainEvidence(db, async () => 0);
}

onEachDatabase("observations", (stage) => {
  before(async () => {
    await migrate(stage().db, [storageModule, governModule]);
  });

  it("the newest observation of each proof comes back, none from the future, and only of the proofs asked about", async () => {
    const { db } = stage();
    const one = seen("test.newest");
    const later = { ...one, observedAt: one.observedAt + 10, outcome: "fails" } as const;
    const other = { ...one, proof: "test.other", control: "R2", outcome: "unknown" } as const;
    await recordObservations(db, [one, later, other]);

    const at = (ms: number): Promise<readonly RecordedObservation[]> => newestObservations(db, [one.proof], ms);
    assert.deepEqual(await at(one.observedAt - 1), []);
    assert.deepEqual(await at(one.observedAt), [one]);
    assert.deepEqual(await at(later.observedAt), [later]);
    assert.deepEqual(await newestObservations(db, ["test.other", "none"], later.observedAt), [other]);
  });

  it("each observation puts one statement into the outbox, bound to it by digest, and learns its index", async () => {
    const { db } = stage();
    const one = seen("test.evidence");
    await emptyOutbox(db);
    await recordObservations(db, [one]);
    const entries: Uint8Array[] = [];
    const count = await drainEvidence(
      db,
      async (entry) => entries.push(entry) + 40,
      (id, index) => markObservation(db, id, index),
    );
    assert.equal(count, 1);

    const evidence = decodeStatement(entries[0] as Uint8Array);
    assert.equal(evidence.predicateType, PredicateType.observation);
    const { id, ...said } = evidence.predicate as { id: string } & Record<string, unknown>;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(said, { ...one, observedAt: "2026-11-23T00:00:00.000Z" });
    assert.deepEqual(evidence.subject, [
      { name: one.proof, digest: { sha256: createHash("sha256").update(canonicalJson(said)).digest("hex") } },
    ]);
    assert.deepEqual(await newestObservations(db, [one.proof], one.observedAt), [{ ...one, ledgerIndex: 41 }]);
  });

  it("rows and evidence are written together or not at all", async () => {
    const { db } = stage();
    const one = seen("test.together");
    await emptyOutbox(db);
    // A lone surrogate has no canonical form: the second statement cannot be made, after the first row was written.
    await assert.rejects(recordObservations(db, [one, { ...one, observed: "\ud800" }]));
    assert.deepEqual(await newestObservations(db, [one.proof], one.observedAt), []);
    assert.equal(await drainEvidence(db, () => assert.fail("nothing waits")), 0);
  });

  it("marking an id that is no observation's changes nothing", async () => {
    const { db } = stage();
    const one = seen("test.mark");
    await recordObservations(db, [one]);
    await markObservation(db, "0190-of-a-key", 7);
    assert.deepEqual(await newestObservations(db, [one.proof], one.observedAt), [one]);
  });
});
