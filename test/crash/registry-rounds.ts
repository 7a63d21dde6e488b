/**
 * Kills one of two processes that publish, approve, move an alias and roll it back, at random moments, and checks after
 * each round that the registry is in a state that somebody was told of, and in none between: everything acknowledged is
 * there, every change has its evidence, and the alias is where its last move left it.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { once } from "node:events";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { decodeStatement, systemClock } from "../../src/core/index.ts";
import { aliasHistory, findAlias } from "../../src/models/registry/alias.ts";
import { openOperators, publicKeyText } from "../../src/models/registry/decision.ts";
import { registryMigrations } from "../../src/models/registry/migrations.ts";
import {
  findVersion,
  lastChange,
  listReleases,
  readEvents,
  standingOf,
  type Registry,
} from "../../src/models/registry/store.ts";
import { migrate, openDb, sql, storageModule, type Db } from "../../src/storage/index.ts";

const CHILD = fileURLToPath(new URL("./registry-child.ts", import.meta.url));

export interface RegistryRounds {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly changes: number;
  readonly releases: number;
}

export async function registryRounds(rounds: number, seed: number): Promise<RegistryRounds> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-registry-kill-"));
  try {
    const keys: Record<string, { key: string }> = {};
    for (const name of ["alice", "bob"]) {
      const { privateKey } = generateKeyPairSync("ed25519");
      await writeFile(join(home, `${name}.key`), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
      keys[name] = { key: publicKeyText(privateKey) };
    }
    const rules = { approvals: 2, drillMaxMs: 5_000 };
    const made = await openDb({ url: "sqlite", home });
    await migrate(made, [storageModule, { name: "models", migrations: registryMigrations }]);
    await made.close();
    const acknowledged = new Set<string>();
    let last = { changes: 0, releases: 0 };
    for (let round = 0; round < rounds; round++) {
      // Every fourth round has a second writer, which is killed at another moment.
      const writers = round % 4 === 3 ? [0, 1] : [0];
      await Promise.all(
        writers.map((writer) => {
          const random = hash("sha256", `${seed} ${round} ${writer}`, "buffer").readUInt32BE(0) / 2 ** 32;
          return killOne(home, `${round}-${writer}`, random, (line) => acknowledged.add(line));
        }),
      );
      const db = await openDb({ url: "sqlite", home });
      try {
        last = await check({ db, clock: systemClock, operators: openOperators(keys), rules }, home, acknowledged);
      } finally {
        await db.close();
      }
    }
    return { rounds, acknowledged: acknowledged.size, ...last };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Steps that a writer takes before it may be killed, at most: two turns of its loop, a rollback among them every third. */
const MOST_STEPS = 14;

/**
 * Runs a writer and kills it within the step after a random one, a few milliseconds into it. Whole lines alone count as
 * acknowledged.
 */
async function killOne(home: string, writer: string, random: number, onLine: (line: string) => void): Promise<void> {
  const child = spawn(process.execPath, [CHILD, home, writer], { stdio: ["ignore", "pipe", "inherit"] });
  let rest = "";
  let steps = Math.floor(random * MOST_STEPS);
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "open") onLine(line);
      if (steps-- === 0) setTimeout(() => child.kill("SIGKILL"), ((random * 1_000) % 1) * 20);
    }
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL", `writer ${writer} ended by itself`);
}

async function check(
  registry: Registry,
  home: string,
  acknowledged: ReadonlySet<string>,
): Promise<{ changes: number; releases: number }> {
  const { db, operators, rules } = registry;
  const releases = new Map((await listReleases(db)).map((release) => [release.digest, release]));
  const events = await readEvents(db, operators);
  const standings = new Map([...releases].map(([digest, release]) => [digest, standingOf(events, release, rules)]));
  const history = await aliasHistory(db, "bot", "prod");
  for (const line of acknowledged) {
    const [what, first = "", second = ""] = line.split(" ");
    if (what === "published") assert.ok(releases.has(first), `lost: ${line}`);
    else if (what === "approved") {
      assert.ok(
        standings.get(first)?.approvals.some(({ by }) => by === second),
        `lost: ${line}`,
      );
    } else assert.equal(history[Number(first) - 1]?.to, second, `lost: ${line}`);
  }

  // The alias is where its last move left it, and every move is one from the one before to a release that is approved.
  const alias = await findAlias(db, "bot", "prod");
  assert.equal(alias?.sequence ?? 0, history.length);
  assert.equal(alias?.release, history.at(-1)?.to);
  let newest = 0;
  for (const [index, { from, to, how, sequence }] of history.entries()) {
    const number = releases.get(to)?.number ?? 0;
    assert.equal(sequence, index + 1);
    assert.equal(from, history[index - 1]?.to);
    assert.equal(standings.get(to)?.state, "approved");
    assert.equal(how === "alias", number > newest, `move ${sequence}`);
    newest = Math.max(newest, number);
  }
  assert.equal(alias?.newest ?? 0, newest);

  // Numbers have no gap, and every file of every version is there, whole.
  assert.deepEqual(
    [...releases.values()].map(({ number }) => number),
    [...releases].map((_, index) => index + 1),
  );
  for (const { model, weights } of releases.values()) {
    for (const { digest } of (await findVersion(db, model, weights.root))?.files ?? []) {
      assert.equal(hash("sha256", await readFile(join(home, "models", "blobs", "sha256", digest))), digest);
    }
  }
  const changes = await lastChange(db);
  assert.deepEqual(
    await sequences(db),
    Array.from({ length: changes }, (_, index) => index + 1),
  );
  return { changes, releases: releases.size };
}

/** The sequence of changes, as the evidence that waits for the ledger tells it. */
async function sequences(db: Db): Promise<readonly unknown[]> {
  const rows = await db.query<{ entry: Uint8Array }>(sql`select entry from storage_outbox order by position`);
  return rows.map(({ entry }) => (decodeStatement(entry).predicate as Record<string, unknown>)["sequence"]);
}
