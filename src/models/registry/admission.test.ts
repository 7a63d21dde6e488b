/** Admission in memory: a database that goes back takes nothing back with it. */

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { approveText, deciders, openFixture, operatorsConfig, type Fixture } from "../../../test/registry/fixture.ts";
import { sql } from "../../storage/index.ts";
import { openAdmission, type OpenAdmission } from "./admission.ts";
import { moveAlias } from "./alias.ts";
import { decide } from "./decision.ts";
import { decideGrant } from "./grant.ts";
import { revoke } from "./releases.ts";
import type { Release } from "./store.ts";

async function setUp(t: TestContext): Promise<{ fixture: Fixture; admission: OpenAdmission; releases: Release[] }> {
  const fixture = await openFixture();
  const { registry, clock, db } = fixture;
  const releases = [await approveText(registry, "bot", "one"), await approveText(registry, "bot", "two")];
  await move(fixture, releases[0] as Release, 1);
  const grant = { do: "grant", model: "bot", app: "shop", user: "*" } as const;
  await decideGrant(registry, await decide(deciders.bob, grant, clock));
  const admission = openAdmission({
    db,
    clock,
    config: { approvals: 2, drillMaxMs: 5_000, operators: operatorsConfig() },
  });
  t.after(async () => {
    await admission.close();
    await fixture[Symbol.asyncDispose]();
  });
  await admission.open();
  return { fixture, admission, releases };
}

async function move({ registry, clock }: Fixture, { digest }: Release, sequence: number): Promise<void> {
  const action = { do: "alias", model: "bot", alias: "prod", release: digest, sequence } as const;
  await moveAlias(registry, await decide(deciders.alice, action, clock));
}

/** What the alias is answered, once it is this. */
async function until(admission: OpenAdmission, wanted: RegExp): Promise<void> {
  for (let tries = 0; ; tries++) {
    const answer = admission.judge({ reference: "bot@prod" }, { app: "shop" });
    const said = answer.admitted ? answer.release?.digest : answer.why;
    if (wanted.test(said ?? "")) return;
    assert.ok(tries < 600, `${said} is not ${wanted.source}`);
    await delay(20);
  }
}

it("an alias that was moved on does not go back with its row, however well that was signed once", async (t) => {
  const { fixture, admission, releases } = await setUp(t);
  const [one, two] = releases as [Release, Release];
  await until(admission, new RegExp(one.digest));
  const [row] = await fixture.db.query<{ envelope: string; moved_at: number }>(
    sql`select envelope, moved_at from registry_aliases`,
  );
  assert.ok(row);
  await move(fixture, two, 2);
  await until(admission, new RegExp(two.digest));
  await fixture.db.execute(sql`update registry_aliases
    set release_digest = ${one.digest}, sequence = 1, envelope = ${row.envelope}, moved_at = ${row.moved_at}`);
  await fixture.db.execute(sql`update registry_changes set value = value + 1`);
  await until(admission, /^unknown$/);
});

it("what was revoked stays so, though nothing says it any more", async (t) => {
  const { fixture, admission, releases } = await setUp(t);
  const [one] = releases as [Release, Release];
  await until(admission, new RegExp(one.digest));
  const action = { do: "revoke", model: "bot", release: one.digest, reason: "leaked" } as const;
  await revoke(fixture.registry, await decide(deciders.alice, action, fixture.clock));
  await until(admission, /^revoked$/);
  await fixture.db.execute(sql`delete from registry_events where event like '%revoked%'`);
  await fixture.db.execute(sql`update registry_changes set value = value + 1`);
  // Several looks.
  await delay(800);
  await until(admission, /^revoked$/);
});
