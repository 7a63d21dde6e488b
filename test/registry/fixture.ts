/**
 * A registry for tests: a database of its own, three operators with keys, and a clock that stands still.
 */

import { generateKeyPairSync, hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { decodeStatement, fakeClock, type FakeClock, type Statement } from "../../src/core/index.ts";
import { decide, openOperators, publicKeyText, type Decider } from "../../src/models/registry/decision.ts";
import type { VersionFile } from "../../src/models/registry/digest.ts";
import { registryMigrations } from "../../src/models/registry/migrations.ts";
import { approve, publish, recordScan, recordSignature, type Published } from "../../src/models/registry/releases.ts";
import { readStanding, type Registry, type Release } from "../../src/models/registry/store.ts";
import { drainEvidence, migrate, openDb, sql, storageModule, type Db } from "../../src/storage/index.ts";

export const OPERATORS = ["alice", "bob", "carol"] as const;
export type OperatorName = (typeof OPERATORS)[number];

export interface Fixture extends AsyncDisposable {
  readonly home: string;
  readonly db: Db;
  readonly clock: FakeClock;
  readonly registry: Registry;
  readonly deciders: Readonly<Record<OperatorName, Decider>>;
  /** Empties the registry. */
  reset(): Promise<void>;
  /** Statements that wait for the ledger, which are taken out. */
  evidence(): Promise<Statement<Record<string, unknown>>[]>;
}

const keys = Object.fromEntries(
  OPERATORS.map((name) => [name, { name, key: generateKeyPairSync("ed25519").privateKey }]),
) as unknown as Readonly<Record<OperatorName, Decider>>;

/** The operators as the configuration names them. */
export function operatorsConfig(): Record<OperatorName, { key: string }> {
  return Object.fromEntries(OPERATORS.map((name) => [name, { key: publicKeyText(keys[name].key) }])) as Record<
    OperatorName,
    { key: string }
  >;
}

export const deciders = keys;

export async function openFixture(url = "sqlite"): Promise<Fixture> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-registry-"));
  const db = await openDb({ url, home });
  await migrate(db, [storageModule, { name: "models", migrations: registryMigrations }]);
  const clock = fakeClock(Date.UTC(2026, 10, 28));
  const operators = openOperators(operatorsConfig());
  return {
    home,
    db,
    clock,
    registry: { db, clock, operators, rules: { approvals: 2, drillMaxMs: 5_000 } },
    deciders: keys,
    async reset() {
      await drainEvidence(db, async () => 0);
      await db.transaction(async (tx) => {
        await tx.execute(sql`update registry_changes set value = 0`);
        await tx.execute(sql`delete from registry_versions`);
        await tx.execute(sql`delete from registry_releases`);
        await tx.execute(sql`delete from registry_attachments`);
        await tx.execute(sql`delete from registry_events`);
        await tx.execute(sql`delete from registry_aliases`);
        await tx.execute(sql`delete from registry_moves`);
        await tx.execute(sql`delete from registry_grants`);
        await tx.execute(sql`delete from registry_decisions`);
        await tx.execute(sql`delete from registry_drills`);
      });
    },
    async evidence() {
      const found: Statement<Record<string, unknown>>[] = [];
      await drainEvidence(db, async (entry) => {
        found.push(decodeStatement(entry) as Statement<Record<string, unknown>>);
        return found.length - 1;
      });
      return found;
    },
    async [Symbol.asyncDispose]() {
      await db.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A file of a version, from its text. */
export function fileOf(path: string, text: string): VersionFile {
  return { path, digest: hash("sha256", text), size: Buffer.byteLength(text) };
}

/** A release in quarantine. */
export async function publishText(
  registry: Registry,
  model: string,
  text: string,
  by = "dave",
  extras: { readonly prompt?: string } = {},
): Promise<Published> {
  const files = [fileOf("weights.safetensors", text)];
  return await publish(registry, { model, files, source: { kind: "files" } }, extras, by);
}

/** … scanned and signed. */
export async function signText(registry: Registry, model: string, text: string, by = "dave"): Promise<Published> {
  const published = await publishText(registry, model, text, by);
  await recordScan(registry, published.version, { verdict: "clean", scanner: "test 1" }, "scanner");
  const report = { identity: "key:abc", method: "key", signature: hash("sha256", "sig") };
  await recordSignature(registry, published.version, report, "verifier");
  return published;
}

export async function approveBy(registry: Registry, release: Release, ...who: readonly Decider[]): Promise<void> {
  for (const decider of who) {
    const { basis } = await readStanding(registry, release);
    const action = { do: "approve", model: release.model, release: release.digest, basis } as const;
    await approve(registry, await decide(decider, action, registry.clock));
  }
}

/** … approved by alice and bob. */
export async function approveText(registry: Registry, model: string, text: string): Promise<Release> {
  const { release } = await signText(registry, model, text);
  await approveBy(registry, release, keys.alice, keys.bob);
  return release;
}
