import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { canonicalJson, decodeStatement, PredicateType, type RecordedObservation } from "../core/index.ts";
import { drainEvidence, migrate, openDb, storageModule, type Db } from "../storage/index.ts";
import { governModule } from "./module.ts";
import { markObservation, newestObservations, recordObservations } from "./store.ts";

async function openTestDb(context: TestContext): Promise<Db> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-govern-"));
  const db = await openDb({ url: "sqlite", home });
  context.after(async () => {
    await db.close();
    await rm(home, { recursive: true, force: true });
  });
  await migrate(db, [storageModule, governModule]);
  return db;
}

const SEEN: RecordedObservation = {
  proof: "ledger.audit-trail",
  control: "G9",
  observedAt: Date.UTC(2026, 10, 23),
  outcome: "holds",
  observed: "12 entries verify — «all»",
  expected: "all verify",
  scope: "this ledger",
};

test("the newest observation of each proof comes back, none from the future, and only of the proofs asked about", async (context) => {
  const db = await openTestDb(context);
  const later = { ...SEEN, observedAt: SEEN.observedAt + 10, outcome: "fails" } as const;
  const other = { ...SEEN, proof: "gateway.limits", control: "R2", outcome: "unknown" } as const;
  await recordObservations(db, [SEEN, later, other]);

  const at = (ms: number): Promise<readonly RecordedObservation[]> => newestObservations(db, [SEEN.proof], ms);
  assert.deepEqual(await at(SEEN.observedAt - 1), []);
  assert.deepEqual(await at(SEEN.observedAt), [SEEN]);
  assert.deepEqual(await at(later.observedAt), [later]);
  assert.deepEqual(await newestObservations(db, ["gateway.limits", "none"], later.observedAt), [other]);
});

test("each observation puts one statement into the outbox, bound to it by digest, and learns its index", async (context) => {
  const db = await openTestDb(context);
  await recordObservations(db, [SEEN]);
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
  assert.deepEqual(said, { ...SEEN, observedAt: "2026-11-23T00:00:00.000Z" });
  assert.deepEqual(evidence.subject, [
    { name: SEEN.proof, digest: { sha256: createHash("sha256").update(canonicalJson(said)).digest("hex") } },
  ]);
  assert.deepEqual(await newestObservations(db, [SEEN.proof], SEEN.observedAt), [{ ...SEEN, ledgerIndex: 41 }]);
});

test("rows and evidence are written together or not at all", async (context) => {
  const db = await openTestDb(context);
  // A lone surrogate has no canonical form: the second statement cannot be made, after the first row was written.
  await assert.rejects(recordObservations(db, [SEEN, { ...SEEN, observed: "\ud800" }]));
  assert.deepEqual(await newestObservations(db, [SEEN.proof], SEEN.observedAt), []);
  assert.equal(await drainEvidence(db, () => assert.fail("nothing waits")), 0);
});

test("marking an id that is no observation's changes nothing", async (context) => {
  const db = await openTestDb(context);
  await recordObservations(db, [SEEN]);
  await markObservation(db, "0190-of-a-key", 7);
  assert.deepEqual(await newestObservations(db, [SEEN.proof], SEEN.observedAt), [SEEN]);
});
