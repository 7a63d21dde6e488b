import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { Secret } from "../../core/index.ts";
import { openLedger } from "../ledger.ts";
import { adoptKeys, ownVkey, sealKeys, type KeyFiles } from "./keys.ts";

const SECRET = new Secret("0123456789abcdef0123456789abcdef");

function replica(context: TestContext): KeyFiles {
  const root = mkdtempSync(join(tmpdir(), "holdfast-keys-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  return { ledgerKeyFile: join(root, "keys", "ledger.key"), commitmentKeyFile: join(root, "keys", "commitment.key") };
}

test("the keys of the first replica become those of the next, readable by their owner alone", async (context) => {
  const [one, two] = [replica(context), replica(context)];
  assert.equal(await ownVkey(one), undefined);
  const sealed = await sealKeys(one, SECRET);
  await adoptKeys(two, SECRET, sealed);
  assert.equal(await ownVkey(two), await ownVkey(one));
  for (const name of ["ledgerKeyFile", "commitmentKeyFile"] as const) {
    assert.deepEqual(readFileSync(two[name]), readFileSync(one[name]));
    if (process.platform !== "win32") assert.equal(statSync(two[name]).mode & 0o777, 0o600);
  }
  // What lies in the database says nothing of them, and sealing twice gives other bytes.
  const text = readFileSync(one.ledgerKeyFile, "utf8").trim();
  assert.equal(Buffer.from(sealed).includes(text.slice(-20)), false);
  assert.notDeepEqual(await sealKeys(one, SECRET), sealed);
});

test("a wrong secret, a short one and a changed byte open nothing and change nothing", async (context) => {
  const [one, two] = [replica(context), replica(context)];
  const sealed = await sealKeys(one, SECRET);
  const wrong = new Secret("0123456789abcdef0123456789abcdeX");
  await assert.rejects(adoptKeys(two, wrong, sealed), { code: "ledger.secret-wrong" });
  for (const at of [0, 20, 40, sealed.length - 1]) {
    const changed = new Uint8Array(sealed);
    changed[at] = (changed[at] as number) ^ 1;
    await assert.rejects(adoptKeys(two, SECRET, changed), { code: "ledger.secret-wrong" });
  }
  await assert.rejects(adoptKeys(two, SECRET, sealed.subarray(0, 10)), { code: "ledger.secret-wrong" });
  await assert.rejects(sealKeys(two, new Secret("a".repeat(31))), { code: "ledger.secret-short" });
  await assert.rejects(adoptKeys(one, new Secret("short"), sealed), { code: "ledger.secret-short" });
  assert.notEqual(await ownVkey(two), await ownVkey(one));
});

test("a key that has signed a ledger is never replaced", async (context) => {
  const [one, two] = [replica(context), replica(context)];
  const sealed = await sealKeys(one, SECRET);
  await (
    await openLedger({ folder: join(two.ledgerKeyFile, "..", "..", "ledger"), keyFile: two.ledgerKeyFile })
  ).close();
  const before = await ownVkey(two);
  await assert.rejects(adoptKeys(two, SECRET, sealed), { code: "ledger.not-shared" });
  assert.equal(await ownVkey(two), before);
});
