/** Admission with the real gateway: what is not approved and granted is not served, and what is revoked soon no more. */

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { systemClock, type ReleaseAdmission } from "../../src/core/index.ts";
import { gatewayModule } from "../../src/gateway/index.ts";
import { openAdmission } from "../../src/models/index.ts";
import { moveAlias } from "../../src/models/registry/alias.ts";
import { decide, openOperators, type Action } from "../../src/models/registry/decision.ts";
import { decideGrant, listGrants } from "../../src/models/registry/grant.ts";
import { registryMigrations } from "../../src/models/registry/migrations.ts";
import { publish, recordScan, recordSignature, revoke } from "../../src/models/registry/releases.ts";
import type { Registry, Release } from "../../src/models/registry/store.ts";
import { migrate, sql, storageModule, type Db } from "../../src/storage/index.ts";
import { perceptron } from "../predict/onnx.ts";
import { approveBy, deciders, operatorsConfig, signText } from "../registry/fixture.ts";
import { startHarness, type Answer, type Harness, type HarnessOptions } from "./harness.ts";

const CHAT = "/v1/chat/completions";
const chat = { model: "fake-model", messages: [{ role: "user", content: "Hello" }] };
const REVOKED_WITHIN_MS = 2_000;

interface Place {
  readonly harness: Harness;
  readonly registry: Registry;
  /** Makes the database of the registry fail. */
  away: boolean;
}

async function start(t: TestContext, config: Record<string, unknown>, options: HarnessOptions = {}): Promise<Place> {
  const place = { away: false } as { -readonly [Key in keyof Place]: Place[Key] };
  const opened: { close(): Promise<void> }[] = [];
  const harness = await startHarness({
    ...options,
    config: { releases: { "fake-openai/fake-model": "bot@prod" }, ...config },
    releases: async (db): Promise<ReleaseAdmission> => {
      await migrate(db, [storageModule, gatewayModule, { name: "models", migrations: registryMigrations }]);
      const failing: Db = {
        ...db,
        query: async (statement) => {
          if (place.away) throw new Error("away");
          return await db.query(statement);
        },
      };
      const registry = { approvals: 2, drillMaxMs: 5_000, operators: operatorsConfig() };
      const admission = openAdmission({ db: failing, clock: systemClock, config: registry });
      opened.push(admission);
      return admission;
    },
  });
  t.after(async () => {
    for (const one of opened) await one.close();
    await harness.close();
  });
  place.harness = harness;
  place.registry = {
    db: harness.db,
    clock: systemClock,
    operators: openOperators(operatorsConfig()),
    rules: { approvals: 2, drillMaxMs: 5_000 },
  };
  return place;
}

const by = async <A extends Action>(action: A): ReturnType<typeof decide<A>> =>
  await decide(deciders.alice, action, systemClock);
const pointTo = async ({ registry }: Place, { digest }: Release, sequence: number): Promise<unknown> =>
  await moveAlias(registry, await by({ do: "alias", model: "bot", alias: "prod", release: digest, sequence }));
const grantTo = async ({ registry }: Place, app: string, user = "*"): Promise<unknown> =>
  await decideGrant(registry, await by({ do: "grant", model: "bot", app, user }));
const revokeOne = async ({ registry }: Place, { model, digest }: Release): Promise<unknown> =>
  await revoke(registry, await by({ do: "revoke", model, release: digest, reason: "leaked" }));

async function approved(place: Place, text: string): Promise<Release> {
  const { release } = await signText(place.registry, "bot", text);
  await approveBy(place.registry, release, deciders.alice, deciders.bob);
  return release;
}

/** How long a slow machine may take to come to an answer that a fast one has at once, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Asks until the answer has this status, and these words. */
async function until(place: Place, status: number, words = /./, path = CHAT, body: unknown = chat): Promise<Answer> {
  for (const began = performance.now(); ; await delay(20)) {
    const answer = await place.harness.post(path, body);
    if (answer.status === status && words.test(answer.text)) return answer;
    assert.ok(performance.now() - began < PATIENCE_MS, `${answer.status} ${answer.text}`);
  }
}

/** Asks until it is refused. What was asked for later than the promised time was not served. */
async function untilRevoked(place: Place, path = CHAT, body: unknown = chat): Promise<number> {
  for (const began = performance.now(); ; await delay(20)) {
    const asked = performance.now() - began;
    const answer = await place.harness.post(path, body);
    if (answer.status === 403) return asked;
    assert.ok(answer.status === 503 || asked < REVOKED_WITHIN_MS, `served ${asked} ms after it was revoked`);
    assert.ok(asked < PATIENCE_MS);
  }
}

describe("admission by the gateway", () => {
  it("serves what is approved and granted, says so in the receipt, and stops within 2 s of a revocation", async (t) => {
    const place = await start(t, { admission: "enforce" });
    const { harness } = place;
    const refused = await harness.post(CHAT, chat);
    assert.deepEqual([refused.status, refused.json.error?.code], [403, "gateway.release-refused"]);
    assert.deepEqual((await harness.receipt(refused.headers.get("x-request-id"))).release, {
      admitted: false,
      digest: null,
      model: null,
      why: "unknown",
    });
    assert.equal(harness.upstream.requests.length, 0);

    const { release } = await signText(place.registry, "bot", "weights");
    await approveBy(place.registry, release, deciders.alice);
    await assert.rejects(pointTo(place, release, 1));
    await approveBy(place.registry, release, deciders.bob);
    await pointTo(place, release, 1);
    await until(place, 403, /not granted to this app/);
    await grantTo(place, "another-app");
    assert.notEqual((await harness.post(CHAT, chat)).status, 200);
    await grantTo(place, "test");
    const served = await until(place, 200);
    const receipt = await harness.receipt(served.headers.get("x-request-id"));
    assert.deepEqual(receipt.release, { admitted: true, digest: { sha256: release.digest }, model: "bot" });

    await revokeOne(place, release);
    t.diagnostic(`a revoked release was refused after ${(await untilRevoked(place)).toFixed(0)} ms`);
    await until(place, 403, /its release is revoked/);
  });

  it("ends a stream whose release is revoked while it flows", async (t) => {
    const place = await start(t, { admission: "enforce" }, { script: { delayMs: 25, repeat: 10_000 } });
    const release = await approved(place, "weights");
    await pointTo(place, release, 1);
    await grantTo(place, "test");
    await until(place, 200, /./);
    const streaming = place.harness.post(CHAT, { ...chat, stream: true });
    await delay(300);
    await revokeOne(place, release);
    // The script would go on for minutes.
    assert.match((await streaming).text, /gateway\.release-refused|gateway\.release-unchecked/);
  });

  it("follows the alias to another release, and the digest in the configuration nowhere", async (t) => {
    const place = await start(t, { admission: "enforce" });
    const one = await approved(place, "one");
    const two = await approved(place, "two");
    await pointTo(place, one, 1);
    await grantTo(place, "test");
    const first = await until(place, 200);
    const served = async ({ headers }: Answer): Promise<string | undefined> =>
      (await place.harness.receipt(headers.get("x-request-id"))).release?.digest?.sha256;
    assert.equal(await served(first), one.digest);
    await pointTo(place, two, 2);
    while ((await served(await until(place, 200))) !== two.digest) await delay(20);
  });

  it("refuses a model that the configuration names no release for, and asks only upstreams that are admitted", async (t) => {
    const place = await start(t, {
      admission: "enforce",
      models: {
        both: [
          { upstream: "fake-openai", model: "other-model" },
          { upstream: "fake-openai", model: "fake-model", weight: 0 },
        ],
      },
    });
    await pointTo(place, await approved(place, "weights"), 1);
    await grantTo(place, "test");
    await until(place, 200);
    assert.match((await place.harness.post(CHAT, { ...chat, model: "other-model" })).text, /names no release/);
    await until(place, 200, /./, CHAT, { ...chat, model: "both" });
    assert.equal(place.harness.upstream.requests.at(-1)?.json?.["model"], "fake-model");
  });

  it("admits nothing while the registry cannot be read", async (t) => {
    const place = await start(t, { admission: "enforce" });
    await pointTo(place, await approved(place, "weights"), 1);
    await grantTo(place, "test");
    await until(place, 200);
    place.away = true;
    await until(place, 503, /gateway\.release-unchecked/);
    place.away = false;
    await until(place, 200);
  });

  it("follows no alias and no grant that only the database says", async (t) => {
    const place = await start(t, { admission: "enforce" });
    const one = await approved(place, "one");
    const two = await approved(place, "two");
    await pointTo(place, one, 1);
    await grantTo(place, "test");
    await until(place, 200);
    const { db } = place.harness;
    const poke = sql`update registry_changes set value = value + 1`;
    await db.execute(sql`update registry_aliases set release_digest = ${two.digest}`);
    await db.execute(poke);
    await until(place, 403, /no such release/);
    await db.execute(sql`update registry_aliases set release_digest = ${one.digest}`);
    await decideGrant(place.registry, await by({ do: "ungrant", model: "bot", app: "test", user: "*" }));
    await until(place, 403, /not granted/);
    await grantTo(place, "another-app");
    await db.execute(sql`update registry_grants set app = 'test'`);
    await db.execute(poke);
    assert.deepEqual(
      (await listGrants(db)).map(({ app }) => app),
      ["test"],
    );
    await delay(1_000);
    assert.notEqual((await place.harness.post(CHAT, chat)).status, 200);
  });

  it("with warn serves all the same, and says so in log and receipt", async (t) => {
    const place = await start(t, { admission: "warn" });
    const answer = await place.harness.post(CHAT, chat);
    await place.harness.post(CHAT, chat);
    assert.equal(answer.status, 200);
    const { release } = await place.harness.receipt(answer.headers.get("x-request-id"));
    assert.deepEqual(release, { admitted: false, digest: null, model: null, why: "unknown" });
    const warnings = place.harness.logged.filter((line) => line.includes("admission would refuse"));
    assert.equal(warnings.length, 1);
  });

  it("with off asks nothing", async (t) => {
    const place = await start(t, {});
    place.away = true;
    const answer = await place.harness.post(CHAT, chat);
    assert.equal(answer.status, 200);
    assert.equal((await place.harness.receipt(answer.headers.get("x-request-id"))).release, undefined);
  });

  it("knows models from disk by the digest of their file", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-admission-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const bytes = perceptron([{ weights: [[1, -1]], bias: [0, 0] }]);
    const other = perceptron([{ weights: [[1, -2]], bias: [0, 0] }]);
    await writeFile(join(folder, "irises.onnx"), bytes);
    await writeFile(join(folder, "other.onnx"), other);
    const place = await start(t, {
      admission: "enforce",
      predict: {
        models: {
          irises: { file: join(folder, "irises.onnx") },
          other: { file: join(folder, "other.onnx") },
          named: { file: join(folder, "other.onnx"), release: "bot@prod" },
        },
      },
    });
    const files = [{ path: "irises.onnx", digest: hash("sha256", bytes), size: bytes.length }];
    const { version, release } = await publish(place.registry, { model: "bot", files, source: {} }, {}, "dave");
    const infer = { inputs: [{ name: "inputs", shape: [1, 1], datatype: "FP32", data: [1] }] };
    assert.equal((await place.harness.post("/v2/models/irises/infer", infer)).status, 403);
    await recordScan(place.registry, version, { verdict: "clean", scanner: "test" }, "s");
    await recordSignature(place.registry, version, { identity: "k", method: "key", signature: "0".repeat(64) }, "v");
    await approveBy(place.registry, release, deciders.alice, deciders.bob);
    await pointTo(place, release, 1);
    await grantTo(place, "test");
    const served = await until(place, 200, /./, "/v2/models/irises/infer", infer);
    const receipt = await place.harness.receipt(served.headers.get("x-request-id"));
    assert.deepEqual(receipt.release?.digest, { sha256: release.digest });
    // Another file, and another file under the name of the release.
    assert.equal((await place.harness.post("/v2/models/other/infer", infer)).status, 403);
    assert.equal((await place.harness.post("/v2/models/named/infer", infer)).status, 403);
    await revokeOne(place, release);
    await untilRevoked(place, "/v2/models/irises/infer", infer);
  });
});
