import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { Exit, fakeClock, type CommandResult, type FakeClock, type Observation, type Style } from "../core/index.ts";
import { migrate, openDb, storageModule } from "../storage/index.ts";
import { runPosture } from "./command.ts";
import { observeDue } from "./due.ts";
import { governModule } from "./module.ts";
import type { BoundProof } from "./observe.ts";
import { observeAndRecord, type GovernServices, type readPosture } from "./posture.ts";

const HOUR = 3_600_000;
const plain = (text: string): string => text;
const PLAIN: Style = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };

/** Services with two proofs, for G9 and R1, whose answers the test sets. */
async function setUp(context: TestContext): Promise<{
  services: GovernServices;
  clock: FakeClock;
  answers: Record<string, Observation["outcome"]>;
  asked: string[];
}> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-posture-"));
  const db = await openDb({ url: "sqlite", home });
  context.after(async () => {
    await db.close();
    await rm(home, { recursive: true, force: true });
  });
  await migrate(db, [storageModule, governModule]);

  const clock = fakeClock();
  const answers: Record<string, Observation["outcome"]> = { "ledger.audit-trail": "holds", "gateway.auth": "holds" };
  const asked: string[] = [];
  const make = (id: string, control: string, freshFor: number): BoundProof => ({
    id,
    control,
    question: `Does ${id} hold?`,
    freshFor,
    observe: async () => {
      asked.push(id);
      return { outcome: answers[id] ?? "unknown", observed: `saw ${id}`, expected: "as it should be", scope: "a test" };
    },
  });
  const proofs = [make("ledger.audit-trail", "G9", 24 * HOUR), make("gateway.auth", "R1", HOUR)];
  const services: GovernServices = {
    clock,
    db: async () => db,
    proofs: () => proofs,
    check: (options) => observeAndRecord(services, options),
  };
  return { services, clock, answers, asked };
}

function run(services: GovernServices, control?: string, check = false): Promise<CommandResult> {
  const progress = (): void => undefined;
  return runPosture({ services, args: { control }, rest: [], options: { check }, progress });
}

test("before anything was observed nothing holds, and the command does not read as clean", async (context) => {
  const { services } = await setUp(context);
  const result = await run(services);
  assert.equal(result.exit, Exit.incomplete);
  const text = result.text(PLAIN);
  assert.match(text, /57 controls, 0 hold, 0 fail, 0 stale, 57 without evidence/);
  assert.equal(text.split("\n").filter((line) => line.startsWith("  · no evidence")).length, 57);
});

test("--check asks the proofs; the exit code says whether those that are proven hold", async (context) => {
  const { services, clock, answers } = await setUp(context);
  const clean = await run(services, undefined, true);
  assert.equal(clean.exit, Exit.clean);
  assert.match(clean.text(PLAIN), /✓ holds {8}G9 {3}Detailed audit trails {2}0 s ago/);
  assert.match(clean.text(PLAIN), /2 hold, 0 fail, 0 stale, 55 without evidence/);

  clock.advance(HOUR + 1);
  const stale = await run(services);
  assert.equal(stale.exit, Exit.incomplete);
  assert.match(stale.text(PLAIN), /~ stale {8}R1 /);

  answers["gateway.auth"] = "fails";
  const fails = await run(services, undefined, true);
  assert.equal(fails.exit, Exit.findings);
  assert.match(fails.text(PLAIN), /✗ fails {8}R1 /);

  answers["gateway.auth"] = "unknown";
  clock.advance(1);
  const unknown = await run(services, undefined, true);
  assert.equal(unknown.exit, Exit.incomplete);
  assert.match(unknown.text(PLAIN), /· no evidence {2}R1 /);
});

test("one control is shown with its question, what was observed, and where that stands in the ledger", async (context) => {
  const { services, asked } = await setUp(context);
  const result = await run(services, "g9", true);
  assert.equal(result.exit, Exit.clean);
  assert.deepEqual(asked, ["ledger.audit-trail"]);
  const text = result.text(PLAIN);
  for (const part of [
    /^G9 {2}Detailed audit trails/,
    /saw ledger\.audit-trail/,
    /scope {7}a test/,
    /not in the ledger yet/,
  ]) {
    assert.match(text, part);
  }
  assert.deepEqual((result.data as { counts: unknown }).counts, { holds: 1, fails: 0, stale: 0, "no evidence": 0 });
});

test("a control without a proof says so, and there was nothing to do", async (context) => {
  const { services, asked } = await setUp(context);
  const result = await run(services, "T1", true);
  assert.equal(result.exit, Exit.nothing);
  assert.match(result.text(PLAIN), /no part of this version has a proof for it/);
  assert.deepEqual(asked, []);
});

test("an unknown control is refused before anything is asked", async (context) => {
  const { services, asked } = await setUp(context);
  for (const check of [false, true]) {
    await assert.rejects(run(services, "G99", check), { code: "govern.control-unknown", exit: Exit.usage });
  }
  assert.deepEqual(asked, []);
});

test("the machine's answer holds the whole catalogue, the counts and the observations", async (context) => {
  const { services } = await setUp(context);
  const { data } = await run(services, undefined, true);
  const posture = data as Awaited<ReturnType<typeof readPosture>>["posture"] & { edition: string };
  assert.equal(posture.controls.length, 57);
  assert.match(posture.edition, /^\d{4}-\d\d-\d\d$/);
  const audit = posture.controls.find(({ control }) => control.id === "G9");
  assert.equal(audit?.proofs[0]?.latest?.observed, "saw ledger.audit-trail");
  assert.doesNotThrow(() => JSON.stringify(data));
});

test("the job asks what is due: all at its start, then what has used up its share of freshness or did not hold", async (context) => {
  const { services, clock, answers, asked } = await setUp(context);
  await observeDue(services, 0);
  assert.deepEqual(asked.splice(0), ["ledger.audit-trail", "gateway.auth"]);
  await observeDue(services, 0.4);
  assert.deepEqual(asked.splice(0), []);
  clock.advance(0.4 * HOUR);
  await observeDue(services, 0.4);
  assert.deepEqual(asked.splice(0), ["gateway.auth"]);
  answers["ledger.audit-trail"] = "fails";
  clock.advance(24 * HOUR);
  await observeDue(services, 0.4);
  asked.splice(0);
  clock.advance(1);
  await observeDue(services, 0.4);
  assert.deepEqual(asked, ["ledger.audit-trail"], "one that fails is asked again at the next look");
});
