import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { decodeStatement, fakeClock, isHoldfastError, type FakeClock } from "../../core/index.ts";
import { drainEvidence, migrate, openDb, storageModule, type Db } from "../../storage/index.ts";
import { gatewayMigrations } from "../migrations.ts";
import { newKey } from "./key.ts";
import { authenticator, covers, presentedKey } from "./principal.ts";
import { createKey, findKey, listKeys, revokeKey, rotateKey } from "./store.ts";

let home: string;
let db: Db;
let clock: FakeClock;

before(async () => {
  home = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
  db = await openDb({ url: "sqlite", home });
  await migrate(db, [storageModule, { name: "gateway", migrations: gatewayMigrations }]);
  clock = fakeClock();
});

after(async () => {
  await db.close();
  await rm(home, { recursive: true });
});

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);

/** The predicates of the evidence that waits for the ledger, which it leaves empty. */
async function evidence(): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  await drainEvidence(db, async (entry) => {
    found.push(decodeStatement(entry).predicate as Record<string, unknown>);
    return found.length - 1;
  });
  return found;
}

describe("the key store", () => {
  it("keeps the hash and never the key", async () => {
    await evidence();
    const { id, key } = await createKey(db, { app: "shop", models: ["gpt-5*"], requestsPerMinute: 7 }, clock);
    const stored = await findKey(db, id);
    assert.ok(stored);
    assert.deepEqual(
      [stored.app, stored.models, stored.requestsPerMinute, stored.concurrency],
      ["shop", ["gpt-5*"], 7, undefined],
    );
    const everything = JSON.stringify([await listKeys(db), stored, await evidence()]);
    assert.equal(everything.includes(key.reveal()), false);
    assert.equal(everything.includes(key.reveal().split("_")[2] as string), false);
  });

  it("writes evidence of every change, and of no refused one", async () => {
    await evidence();
    const { id } = await createKey(db, { app: "shop" }, clock);
    const successor = await rotateKey(db, id, 60_000, clock);
    await revokeKey(db, successor.id, clock);
    await revokeKey(db, successor.id, clock);
    await assert.rejects(revokeKey(db, "nobody", clock), code("gateway.key-unknown"));
    await assert.rejects(rotateKey(db, successor.id, 60_000, clock), code("gateway.key-option"));
    assert.deepEqual(
      (await evidence()).map((predicate) => predicate["what"]),
      ["key created", "key rotated", "key revoked"],
    );
  });

  it("refuses what it cannot mean", async () => {
    for (const input of [
      { app: "" },
      { app: "Shop" },
      { app: "a b" },
      { app: "holdfast-probe" },
      { app: "shop", models: [] },
      { app: "shop", models: ["a b"] },
      { app: "shop", models: ["*x"] },
      { app: "shop", expiresAt: clock.now() },
      { app: "shop", expiresAt: Number.NaN },
      { app: "shop", expiresAt: 9e15 },
      { app: "shop", models: Array.from({ length: 201 }, (_, at) => `m${at}`) },
      { app: "shop", requestsPerMinute: 0 },
      { app: "shop", concurrency: 1.5 },
    ]) {
      await assert.rejects(createKey(db, input, clock), code("gateway.key-option"), JSON.stringify(input));
    }
  });
});

describe("authentication", () => {
  const outcome = async (presented: string | undefined, at: FakeClock = clock): Promise<string> => {
    try {
      return (await authenticator(db, at)(presented)).app;
    } catch (error) {
      assert.ok(isHoldfastError(error));
      assert.equal(error.status, 401);
      return error.code;
    }
  };

  it("lets a valid key in and nobody else", async () => {
    const { key, id } = await createKey(db, { app: "shop" }, clock);
    const text = key.reveal();
    assert.equal(await outcome(text), "shop");
    assert.equal(await outcome(undefined), "gateway.key-missing");
    assert.equal(await outcome(""), "gateway.key-missing");
    assert.equal(await outcome("sk-other"), "gateway.key-invalid");
    // Well-formed, but never issued: only the look-up can tell.
    assert.equal(await outcome(newKey().key.reveal()), "gateway.key-invalid");
    await revokeKey(db, id, clock);
    assert.equal(await outcome(text), "gateway.key-revoked");
  });

  it("ends a key when it expires", async () => {
    const time = fakeClock(clock.now());
    const { key } = await createKey(db, { app: "shop", expiresAt: time.now() + 1_000 }, time);
    assert.equal(await outcome(key.reveal(), time), "shop");
    time.advance(1_000);
    assert.equal(await outcome(key.reveal(), time), "gateway.key-expired");
  });

  it("keeps a rotated key for its grace, and not longer than it had", async () => {
    const time = fakeClock(clock.now());
    const old = await createKey(db, { app: "shop", models: ["m"], expiresAt: time.now() + 5_000 }, time);
    const next = await rotateKey(db, old.id, 60_000, time);
    assert.equal(next.oldExpiresAt, time.now() + 5_000);
    assert.equal(await outcome(old.key.reveal(), time), "shop");
    assert.deepEqual((await findKey(db, next.id))?.models, ["m"]);
    assert.equal((await findKey(db, old.id))?.replacedBy, next.id);
    time.advance(5_000);
    assert.equal(await outcome(old.key.reveal(), time), "gateway.key-expired");
  });

  it("follows a revocation within a second", async () => {
    const time = fakeClock(clock.now());
    const { key, id } = await createKey(db, { app: "shop" }, time);
    const authenticate = authenticator(db, time);
    assert.equal((await authenticate(key.reveal())).app, "shop");
    await revokeKey(db, id, time);
    time.advance(1_000);
    await assert.rejects(async () => await authenticate(key.reveal()), code("gateway.key-revoked"));
  });

  it("does not remember without bound", async () => {
    const authenticate = authenticator(db, clock);
    for (let tried = 0; tried < 200; tried++) {
      await assert.rejects(async () => await authenticate(newKey().key.reveal()), code("gateway.key-invalid"));
    }
  });
});

describe("presented keys", () => {
  it("come from either header, and two different ones are refused", () => {
    assert.equal(presentedKey({ authorization: "Bearer hf_1" }), "hf_1");
    assert.equal(presentedKey({ authorization: "bearer   hf_1 " }), "hf_1");
    assert.equal(presentedKey({ "x-api-key": " hf_2 " }), "hf_2");
    assert.equal(presentedKey({ authorization: "Bearer hf_1", "x-api-key": "hf_1" }), "hf_1");
    assert.equal(presentedKey({ authorization: "Basic aGY6aGY=" }), undefined);
    assert.equal(presentedKey({}), undefined);
    assert.throws(
      () => presentedKey({ authorization: "Bearer hf_1", "x-api-key": "hf_2" }),
      code("gateway.header-duplicate"),
    );
  });
});

describe("a scope", () => {
  it("covers exact names and prefixes", () => {
    assert.equal(covers(["gpt-5"], "gpt-5"), true);
    assert.equal(covers(["gpt-5"], "gpt-5-mini"), false);
    assert.equal(covers(["gpt-5*"], "gpt-5-mini"), true);
    assert.equal(covers(["bedrock/*"], "bedrockz/x"), false);
    assert.equal(covers(["*"], "anything"), true);
    assert.equal(covers([], "anything"), false);
  });
});
