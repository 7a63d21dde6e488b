/**
 * The rollback drill: puts an alias back to its last release, on a scratch copy of the registry, by the very code that would
 * do it in earnest, and takes the time. The copy is thrown away; what was seen stays, as a row for the proof of control M4
 * and as evidence.
 *
 * @module
 */

import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isHoldfastError, PredicateType, statement, uuidv7 } from "../../core/index.ts";
import { enqueueEvidence, migrate, openDb, sql, storageModule, type Db } from "../../storage/index.ts";
import { findAlias, listAliases, moveAlias, previousRelease, type Alias } from "./alias.ts";
import type { BlobStore } from "./blobs.ts";
import { decide, openOperators, publicKeyText, type Decider } from "./decision.ts";
import { PARTS, releaseDigest, type Sha256 } from "./digest.ts";
import { registryMigrations } from "./migrations.ts";
import { openRegistry, openStore, type RegistryServices } from "./services.ts";
import { findRelease, findVersion, type Registry, type Release } from "./store.ts";

export interface Drill {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `name@alias`. */
  readonly alias: string;
  readonly from: Sha256;
  readonly to: Sha256;
  readonly ms: number;
  /** Empty where all went well. */
  readonly problem: string;
}

/** The operator of scratch copies: has no place in a configuration, whose names have no `:`. */
const DRILLER = "drill:";

/** Drills the rollback of every alias that has somewhere to go back to. The job of the server. */
export async function drillRollback(services: RegistryServices): Promise<void> {
  const registry = await openRegistry(services);
  const { operators } = services.config.models.registry;
  const { privateKey } = generateKeyPairSync("ed25519");
  const driller: Decider = { name: DRILLER, key: privateKey };
  const all = { ...operators, [DRILLER]: { key: publicKeyText(privateKey) } };
  const blobs = await openStore(services);
  for (const alias of await listAliases(registry.db)) {
    if (await hasPrevious(registry, alias)) {
      const drill = await onCopy(registry.db, (db) =>
        drillOne({ ...registry, db, operators: openOperators(all) }, blobs, alias, driller),
      );
      await record(registry, drill);
    }
  }
}

/** The newest drill of every alias. */
export async function newestDrills(db: Db): Promise<readonly Drill[]> {
  const rows = await db.query<Drill>(sql`select d.id, d.drilled_at as "at", d.alias, d.from_digest as "from",
      d.to_digest as "to", d.ms, d.problem from registry_drills d
    where d.drilled_at = (select max(o.drilled_at) from registry_drills o where o.alias = d.alias) order by d.alias`);
  return rows;
}

/** Whether a rollback of an alias has somewhere to go. */
export async function hasPrevious(registry: Registry, { model, alias }: Alias): Promise<boolean> {
  try {
    await previousRelease(registry, model, alias);
    return true;
  } catch (error) {
    if (isHoldfastError(error, "models.rollback-impossible")) return false;
    throw error;
  }
}

async function drillOne(
  registry: Registry,
  blobs: BlobStore,
  { model, alias, release: from, sequence }: Alias,
  driller: Decider,
): Promise<Drill> {
  const began = performance.now();
  const to = await previousRelease(registry, model, alias);
  const action = { do: "rollback", model, alias, release: to.digest, sequence: sequence + 1 } as const;
  await moveAlias(registry, await decide(driller, action, registry.clock));
  const ms = performance.now() - began;
  const problem = await wrongAfter(registry, blobs, to, (await findAlias(registry.db, model, alias))?.release);
  return { id: uuidv7(), at: registry.clock.now(), alias: `${model}@${alias}`, from, to: to.digest, ms, problem };
}

/** What is not as it was in the release that was gone back to: its digest over all parts, and the blobs of each. */
async function wrongAfter({ db }: Registry, blobs: BlobStore, to: Release, now: Sha256 | undefined): Promise<string> {
  const release = now === undefined ? undefined : await findRelease(db, now);
  if (release?.digest !== to.digest || releaseDigest(release) !== to.digest) return "the alias is at another release";
  const version = await findVersion(db, release.model, release.weights.root);
  for (const { path, digest, size } of version?.files ?? []) {
    if (!(await blobs.has(digest, size))) return `the blob of ${path} is gone`;
  }
  for (const part of PARTS) {
    const digest = release[part];
    if (digest !== null && !(await blobs.has(digest))) return `the blob of its ${part} is gone`;
  }
  return version === undefined ? "its weights are gone" : "";
}

/** Runs `use` on a copy of the registry's tables in a database of its own, which is removed afterwards. */
async function onCopy<T>(db: Db, use: (copy: Db) => Promise<T>): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-drill-"));
  try {
    const copy = await openDb({ url: "sqlite", home });
    try {
      await migrate(copy, [storageModule, { name: "models", migrations: registryMigrations }]);
      await copyTables(db, copy);
      return await use(copy);
    } finally {
      await copy.close();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

type Row = Readonly<Record<string, string | number | bigint | null>>;
const of = (row: Row, name: string): string | number | bigint | null => row[name] ?? null;

async function copyTables(from: Db, to: Db): Promise<void> {
  const [versions, releases, events, aliases, moves] = await from.transaction(async (tx) => [
    await tx.query<Row>(sql`select * from registry_versions`),
    await tx.query<Row>(sql`select * from registry_releases`),
    await tx.query<Row>(sql`select * from registry_events`),
    await tx.query<Row>(sql`select * from registry_aliases`),
    await tx.query<Row>(sql`select * from registry_moves`),
  ]);
  await to.transaction(async (tx) => {
    for (const row of versions ?? []) {
      await tx.execute(sql`insert into registry_versions (model, root, manifest, files, bytes, source, created_at)
        values (${of(row, "model")}, ${of(row, "root")}, ${of(row, "manifest")}, ${of(row, "files")}, ${of(row, "bytes")},
          ${of(row, "source")}, ${of(row, "created_at")})`);
    }
    for (const row of releases ?? []) {
      await tx.execute(sql`insert into registry_releases (digest, model, number, root, prompt, policy, tools, created_at)
        values (${of(row, "digest")}, ${of(row, "model")}, ${of(row, "number")}, ${of(row, "root")}, ${of(row, "prompt")},
          ${of(row, "policy")}, ${of(row, "tools")}, ${of(row, "created_at")})`);
    }
    for (const row of events ?? []) {
      await tx.execute(sql`insert into registry_events (position, id, model, root, release_digest, event, envelope)
        values (${of(row, "position")}, ${of(row, "id")}, ${of(row, "model")}, ${of(row, "root")},
          ${of(row, "release_digest")}, ${of(row, "event")}, ${of(row, "envelope")})`);
    }
    for (const row of aliases ?? []) {
      await tx.execute(sql`insert into registry_aliases
          (model, alias, release_digest, sequence, newest, moved_at, envelope)
        values (${of(row, "model")}, ${of(row, "alias")}, ${of(row, "release_digest")}, ${of(row, "sequence")},
          ${of(row, "newest")}, ${of(row, "moved_at")}, ${of(row, "envelope")})`);
    }
    for (const row of moves ?? []) {
      await tx.execute(sql`insert into registry_moves (model, alias, sequence, id, how, from_digest, to_digest, moved_by, moved_at)
        values (${of(row, "model")}, ${of(row, "alias")}, ${of(row, "sequence")}, ${of(row, "id")}, ${of(row, "how")},
          ${of(row, "from_digest")}, ${of(row, "to_digest")}, ${of(row, "moved_by")}, ${of(row, "moved_at")})`);
    }
  });
}

async function record({ db }: Registry, drill: Drill): Promise<void> {
  const { id, at, alias, from, to, ms, problem } = drill;
  await db.transaction(async (tx) => {
    await tx.execute(sql`insert into registry_drills (id, drilled_at, alias, from_digest, to_digest, ms, problem)
      values (${id}, ${at}, ${alias}, ${from}, ${to}, ${ms}, ${problem})`);
    await enqueueEvidence(
      tx,
      statement([{ name: `alias:${alias}`, digest: { sha256: from } }], PredicateType.registry, {
        id,
        at: new Date(at).toISOString(),
        what: "rollback drilled",
        from,
        to,
        ms: Math.round(ms * 1000) / 1000,
        problem,
      }),
    );
  });
}
