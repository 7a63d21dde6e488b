/** The proofs of the registry: each holds while the thing is so, and fails as soon as it is not. */

import assert from "node:assert/strict";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";

import {
  approveText,
  deciders,
  openFixture,
  operatorsConfig,
  publishText,
  type Fixture,
} from "../../../test/registry/fixture.ts";
import type { Observation } from "../../core/index.ts";
import { sql } from "../../storage/index.ts";
import { moveAlias } from "./alias.ts";
import { decide, type Action } from "./decision.ts";
import { drillRollback } from "./drill.ts";
import { decideGrant } from "./grant.ts";
import { observeGrants, observeRollback, observeScanned, observeSigned } from "./proofs.ts";
import { openStore, type RegistryServices } from "./services.ts";
import type { Release } from "./store.ts";

interface Place {
  readonly fixture: Fixture;
  readonly services: RegistryServices;
  readonly releases: readonly [Release, Release];
}

/** A model with two approved releases, the newer one in production, and granted to one app. */
async function setUp(t: TestContext): Promise<Place> {
  const fixture = await openFixture();
  const home = await mkdtemp(join(tmpdir(), "holdfast-proofs-"));
  t.after(async () => {
    await fixture[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true });
  });
  const { registry, clock, db } = fixture;
  const services = {
    clock,
    home,
    db: async () => db,
    source: { env: {}, cwd: home },
    config: {
      gateway: { admission: "enforce" as const },
      models: { registry: { approvals: 2, drillMaxMs: 600_000, operators: operatorsConfig() } },
    },
  };
  const blobs = await openStore(services);
  const releases: Release[] = [];
  for (const text of ["one", "two"]) {
    await blobs.put([Buffer.from(text)]);
    releases.push(await approveText(registry, "bot", text));
  }
  const [one, two] = releases as [Release, Release];
  for (const [at, { digest }] of releases.entries()) {
    const move = { do: "alias", model: "bot", alias: "prod", release: digest, sequence: at + 1 } as const;
    await moveAlias(registry, await by(fixture, move));
  }
  await decideGrant(registry, await by(fixture, { do: "grant", model: "bot", app: "shop", user: "*" }));
  return { fixture, services, releases: [one, two] };
}

const by = async <A extends Action>({ clock }: Fixture, action: A): ReturnType<typeof decide<A>> =>
  await decide(deciders.alice, action, clock);
const seen = ({ outcome, observed }: Observation): string => `${outcome}: ${observed}`;

it("M4: a rollback that was drilled, in time, and found all parts", async (t) => {
  const { fixture, services, releases } = await setUp(t);
  assert.match(seen(await observeRollback(services)), /^unknown: bot@prod was not drilled/);
  const drilled = async (): Promise<string> => {
    fixture.clock.advance(1);
    await drillRollback(services);
    return seen(await observeRollback(services));
  };
  assert.match(await drilled(), /^holds: 1 aliases, the slowest rollback took \d+\.\d ms/);
  const version = await fixture.db.query<{ files: string }>(
    sql`select files from registry_versions where root = ${releases[0].weights.root}`,
  );
  const digest = /"digest":"([0-9a-f]{64})"/.exec(version[0]?.files ?? "")?.[1] ?? "";
  const blob = join(services.home, "models", "blobs", "sha256", digest);
  await rename(blob, `${blob}.away`);
  assert.match(await drilled(), /^fails: bot@prod: the blob of weights\.safetensors is gone/);
  await rename(`${blob}.away`, blob);
  assert.match(await drilled(), /^holds/);
  await fixture.db.execute(sql`update registry_drills set ms = 600001`);
  assert.match(seen(await observeRollback(services)), /^fails: bot@prod: 600001 ms/);
});

it("M5: signed by whom the configuration names, unchanged, and nothing else is served", async (t) => {
  const { fixture, services } = await setUp(t);
  await publishText(fixture.registry, "bot", "in quarantine");
  assert.match(seen(await observeSigned(services)), /^holds: 2 of 3 releases are approved, all signed; 1 blobs read/);
  // Whose signature counts is asked when it is looked at: what another one signed is approved no more.
  const strict = { ...services.config.models.registry, signers: ["key:other"] };
  const other = { ...services, config: { ...services.config, models: { registry: strict } } };
  assert.match(seen(await observeSigned(other)), /^holds: 0 of 3 releases are approved/);
  await fixture.db.execute(sql`update registry_aliases set sequence = 7`);
  assert.match(seen(await observeSigned(services)), /^fails: bot@prod is where no operator/);
});

it("M7: denied to whom it is not granted, and granted by operators alone", async (t) => {
  const { fixture, services } = await setUp(t);
  assert.match(
    seen(await observeGrants(services)),
    /^holds: 1 grants, each to one app; an app without one was denied all 2/,
  );
  await fixture.db.execute(sql`update registry_grants set app = 'thief'`);
  assert.match(seen(await observeGrants(services)), /^fails: bot is granted to thief by no operator/);
  await fixture.db.execute(sql`update registry_grants set app = 'shop'`);
  await decideGrant(fixture.registry, await by(fixture, { do: "grant", model: "bot", app: "*", user: "*" }));
  assert.match(
    seen(await observeGrants(services)),
    /^fails: bot is granted to every app; .* would be served to any app/,
  );
});

it("M10: scanned before it was approved, and pinned", async (t) => {
  const { fixture, services } = await setUp(t);
  assert.match(seen(await observeScanned(services)), /^holds: 2 of 2 releases are approved, all found clean before/);
  await fixture.db.execute(sql`update registry_versions set source = '{"kind":"huggingface"}'`);
  assert.match(seen(await observeScanned(services)), /^fails: .* is not pinned/);
});
