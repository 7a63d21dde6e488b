/**
 * Publishes, approves, moves aliases and rolls back until it is killed. What was acknowledged goes to standard output, one
 * line each, with one synchronous write.
 *
 *     node registry-child.ts <home> <writer>
 */

import { writeSync } from "node:fs";
import { join } from "node:path";

import { isHoldfastError, systemClock } from "../../src/core/index.ts";
import { findAlias, moveAlias, previousRelease } from "../../src/models/registry/alias.ts";
import { openBlobs } from "../../src/models/registry/blobs.ts";
import { decide, openOperators, publicKeyText, readDecider } from "../../src/models/registry/decision.ts";
import { approve, publish, recordScan, recordSignature } from "../../src/models/registry/releases.ts";
import { readStanding, type Registry, type Release } from "../../src/models/registry/store.ts";
import { openDb } from "../../src/storage/index.ts";

const [home = "", writer = ""] = process.argv.slice(2);
const MODEL = "bot";
const acknowledge = (...words: readonly string[]): void => void writeSync(1, `${words.join(" ")}\n`);

const [alice, bob] = ["alice", "bob"].map((name) => readDecider(name, join(home, `${name}.key`)));
if (alice === undefined || bob === undefined) throw new Error("no operators");
const db = await openDb({ url: "sqlite", home });
const registry: Registry = {
  db,
  clock: systemClock,
  operators: openOperators(
    Object.fromEntries([alice, bob].map(({ name, key }) => [name, { key: publicKeyText(key) }])),
  ),
  rules: { approvals: 2, drillMaxMs: 5_000 },
};
const blobs = await openBlobs(join(home, "models"));
acknowledge("open");

for (let turn = 0; ; turn++) {
  const path = `weights-${writer}-${turn}.bin`;
  const blob = await blobs.put([Buffer.from(`${writer} ${turn} `.repeat(2_000))]);
  const { version, release } = await publish(
    registry,
    { model: MODEL, files: [{ path, ...blob }], source: { kind: "files" } },
    {},
    "dave",
  );
  acknowledge("published", release.digest);
  await recordScan(registry, version, { verdict: "clean", scanner: "crash 1" }, "scanner");
  const report = { identity: "key", method: "key", signature: "0".repeat(64) };
  await recordSignature(registry, version, report, "verifier");
  for (const decider of [alice, bob]) {
    const { basis } = await readStanding(registry, release);
    const action = { do: "approve", model: MODEL, release: release.digest, basis } as const;
    await approve(registry, await decide(decider, action, systemClock));
    acknowledge("approved", release.digest, decider.name);
  }
  await move("alias", async () => release);
  if (turn % 3 === 2) await move("rollback", async () => await previousRelease(registry, MODEL, "prod"));
}

/** Another writer may have been first: then this move is not made. */
async function move(how: "alias" | "rollback", to: () => Promise<Release>): Promise<void> {
  try {
    const sequence = ((await findAlias(db, MODEL, "prod"))?.sequence ?? 0) + 1;
    const { digest } = await to();
    const action = { do: how, model: MODEL, alias: "prod", release: digest, sequence } as const;
    await moveAlias(registry, await decide(alice as NonNullable<typeof alice>, action, systemClock));
    acknowledge("moved", String(sequence), digest);
  } catch (error) {
    const lost = ["models.decision-stale", "models.alias-not-newer", "models.rollback-impossible"];
    if (!isHoldfastError(error) || !lost.includes(error.code)) throw error;
  }
}
