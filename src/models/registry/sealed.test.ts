/** The store sealed: nothing lies there in the clear, everything comes out as it went in, and what was altered does not. */

import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";

import { openFixture, publishText } from "../../../test/registry/fixture.ts";
import { isHoldfastError, type Observation, type Secret } from "../../core/index.ts";
import { generateKey, type KeyPair } from "../seal/age/keys.ts";
import { openSealed } from "../seal/open.ts";
import { openDataKey } from "../seal/set/data-key.ts";
import { withStore } from "./at-rest.ts";
import { openBlobs, type BlobStore } from "./blobs.ts";
import { sealedForm, type Form } from "./form.ts";
import { rotateStoreKey, storeForm } from "./store-key.ts";

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);

let folder: string;
let store: string;
let key: KeyPair;
let form: () => Promise<Form>;
before(async () => {
  key = await generateKey();
  form = async () => sealedForm(key.identity, key.recipient);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-sealed-"));
  store = join(folder, "store");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(store, "blobs", "sha256", name);
const names = (): Promise<string[]> => readdir(join(store, "blobs", "sha256"));
async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts).toString("latin1");
}

describe("a sealed store", () => {
  let blobs: BlobStore;
  beforeEach(async () => {
    blobs = await openBlobs(store, form);
  });

  it("holds age files that its key opens, and gives back what went in", async () => {
    const content = randomBytes(200_000);
    const source = join(folder, "weights.bin");
    await writeFile(source, content);
    const blob = await blobs.putFile(source);
    assert.deepEqual(blob, { digest: hash("sha256", content), size: content.length });
    assert.deepEqual(await names(), [`${blob.digest}.age`]);
    assert.equal((await stat(at(`${blob.digest}.age`))).mode & 0o777, 0o444);
    await using sealed = await openSealed(at(`${blob.digest}.age`), { identities: [key.identity] });
    assert.deepEqual(Buffer.from(await sealed.read(0, content.length)), content);

    assert.deepEqual([await blobs.has(blob.digest, 200_000), await blobs.has(blob.digest, 1)], [true, false]);
    assert.equal(await blobs.isWhole(blob), true);
    assert.deepEqual(Buffer.from(await blobs.read(blob.digest, 200_000)), content);
    assert.equal(await textOf(blobs.part(blob.digest, 65_530, 20)), content.toString("latin1", 65_530, 65_550));
    const files = [
      { path: "sub/w.bin", ...blob },
      { path: "again.bin", ...blob },
    ];
    await blobs.checkout(files, join(folder, "out"));
    assert.deepEqual(await readFile(join(folder, "out", "sub", "w.bin")), content);
    const lent = await blobs.linked(files, async (tree) => {
      assert.deepEqual(await readFile(join(tree, "again.bin")), content);
      return tree;
    });
    await assert.rejects(stat(lent));
    assert.deepEqual(await readdir(join(store, "incoming")), []);
  });

  it("writes nothing in the clear while bytes pass through", async () => {
    const secret = "a sentence that must not lie there";
    const text = await blobs.passing([Buffer.from(secret)], {}, async (read) => {
      const [file = ""] = await readdir(join(store, "incoming"));
      assert.doesNotMatch(await readFile(join(store, "incoming", file), "latin1"), /sentence/);
      return (await textOf(read())) + (await textOf(read()));
    });
    assert.equal(text, secret + secret);
    assert.deepEqual([await names(), await readdir(join(store, "incoming"))], [[], []]);
  });

  it("notices what was altered, cut off, exchanged or sealed by somebody else, and heals", async () => {
    const one = await blobs.put([Buffer.from("one")]);
    const two = await blobs.put([Buffer.from("two")]);
    const file = at(`${one.digest}.age`);
    const right = await readFile(file);
    const other = await openBlobs(join(folder, "other"), async () => {
      const stranger = await generateKey();
      return sealedForm(stranger.identity, stranger.recipient);
    });
    await other.put([Buffer.from("one")]);
    await chmod(file, 0o644);
    for (const spoil of [
      () => writeFile(file, Buffer.from(right).fill(1, right.length - 1)),
      () => writeFile(file, right.subarray(0, -1)),
      () => writeFile(file, Buffer.concat([right, Buffer.from("x")])),
      () => writeFile(file, "one"),
      () => copyFile(at(`${two.digest}.age`), file),
      () => copyFile(join(folder, "other", "blobs", "sha256", `${one.digest}.age`), file),
    ]) {
      await spoil();
      assert.equal(await blobs.isWhole(one), false);
      await assert.rejects(blobs.read(one.digest, 100), code("models.blob-tampered"));
      const files = [{ path: "w", ...one }];
      await assert.rejects(blobs.checkout(files, join(folder, "out")), code("models.blob-tampered"));
      await assert.rejects(
        blobs.linked(files, async () => assert.fail("nothing is lent")),
        code("models.blob-tampered"),
      );
    }
    await blobs.put([Buffer.from("one")]);
    assert.equal(await blobs.isWhole(one), true);
  });

  it("reads what lay there before, and seals it", async () => {
    const clear = await openBlobs(store);
    const old = await clear.put([Buffer.from("from before")]);
    const bad = await clear.put([Buffer.from("to be altered")]);
    const young = await blobs.put([Buffer.from("young")]);
    assert.equal(Buffer.from(await blobs.read(old.digest, 100)).toString(), "from before");
    assert.deepEqual(await blobs.census(), { sealed: 1, clear: 2 });
    await chmod(at(bad.digest), 0o644);
    await writeFile(at(bad.digest), "altered");
    await assert.rejects(
      blobs.sealRest(() => undefined),
      code("models.blob-tampered"),
    );
    await blobs.put([Buffer.from("to be altered")]);
    await blobs.sealRest(() => undefined);
    assert.deepEqual(await blobs.census(), { sealed: 3, clear: 0 });
    for (const blob of [old, bad, young]) assert.equal(await blobs.isWhole(blob), true);
    // A name alone seals nothing.
    await writeFile(at(`${"0".repeat(64)}.age`), "in the clear");
    assert.deepEqual(await blobs.census(), { sealed: 3, clear: 1 });
    // And who has not got the key is told so.
    await assert.rejects((await openBlobs(store)).read(old.digest, 100), code("models.store-sealed"));
  });
});

describe("the key of a store", () => {
  const source = (): { env: Readonly<Record<string, string>>; cwd: string } => ({ env: {}, cwd: folder });
  const reader = async (name: string): Promise<{ recipient: string; identity: Secret }> => {
    const pair = await generateKey();
    await writeFile(join(folder, name), `${pair.identity.reveal()}\n`, { mode: 0o600 });
    return pair;
  };

  it("is made once, sealed to whom the configuration names, and given to others without writing blobs again", async () => {
    const alice = await reader("alice.key");
    const bob = await reader("bob.key");
    const mine = { to: [alice.recipient], with: "alice.key" };
    const opened = (config: typeof mine): Promise<BlobStore> =>
      openBlobs(store, () => storeForm(store, config, source()));
    // Both find no key, and one makes it.
    const [one, other] = [await opened(mine), await opened(mine)];
    const [blob] = await Promise.all([one.put([Buffer.from("weights")]), other.put([Buffer.from("other")])]);
    for (const blobs of [one, other])
      assert.deepEqual([await blobs.isWhole(blob), (await blobs.census()).sealed], [true, 2]);
    const file = join(store, "key.age");
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    await assert.rejects(openDataKey(file, [bob.identity]), code("seal.no-match"));
    const before = await readFile(at(`${blob.digest}.age`));

    const { recipients } = await rotateStoreKey(store, { ...mine, to: [bob.recipient] }, source());
    assert.equal(recipients, 1);
    assert.deepEqual(await readFile(at(`${blob.digest}.age`)), before);
    await assert.rejects((await opened(mine)).has(blob.digest), code("seal.no-match"));
    const his = await opened({ to: [bob.recipient], with: "bob.key" });
    assert.equal(Buffer.from(await his.read(blob.digest, 100)).toString(), "weights");
  });

  it("is not made where it could not be opened again", async () => {
    const alice = await reader("alice.key");
    await reader("bob.key");
    const blobs = await openBlobs(store, () => storeForm(store, { to: [alice.recipient], with: "bob.key" }, source()));
    await assert.rejects(blobs.put([Buffer.from("weights")]), code("seal.no-match"));
    assert.deepEqual([await names(), (await readdir(store)).includes("key.age")], [[], false]);
  });

  it("is not opened by a secret key in the configuration, which no error repeats", async () => {
    const { recipient, identity } = await reader("alice.key");
    await assert.rejects(
      storeForm(store, { to: [recipient], with: identity.reveal() }, source()),
      (error) => code("seal.key-invalid")(error) && !String(error).includes(identity.reveal()),
    );
  });
});

describe("the proof that models are sealed at rest", () => {
  it("is the store's beside that of the sets", async () => {
    await using fixture = await openFixture();
    const pair = await generateKey();
    await writeFile(join(folder, "store.key"), `${pair.identity.reveal()}\n`, { mode: 0o600 });
    const seal = { to: [pair.recipient], with: "store.key" };
    let sets: Observation = { outcome: "unknown", observed: "no set", expected: "sets", scope: "sets" };
    const proof = withStore({ id: "x", control: "M6", question: "?", freshFor: 1, observe: async () => sets });
    const observe = async (named: readonly string[], registry: object): Promise<Observation> =>
      await proof.observe({
        clock: fixture.clock,
        home: folder,
        db: async () => fixture.db,
        source: { env: {}, cwd: folder },
        config: {
          gateway: { admission: "off" },
          models: { seal: { sets: named }, registry: { approvals: 2, drillMaxMs: 5_000, operators: {}, ...registry } },
        },
      });
    // No model, and nothing to say of the store.
    assert.equal((await observe([], { seal })).observed, "no set");
    await publishText(fixture.registry, "bot", "weights");
    const clear = await openBlobs(join(folder, "models"));
    await clear.put([Buffer.from("weights")]);
    const unset = await observe([], {});
    assert.deepEqual([unset.outcome, /models\.registry\.seal is not set/.test(unset.observed)], ["fails", true]);
    assert.match((await observe([], { seal })).observed, /1 blobs of the registry lie in the clear/);
    const blobs = await openBlobs(join(folder, "models"), () =>
      storeForm(join(folder, "models"), seal, { env: {}, cwd: folder }),
    );
    await blobs.sealRest(() => undefined);
    assert.equal((await observe([], { seal })).outcome, "holds");
    // With sets it holds as they do, and no better.
    assert.equal((await observe(["a.sealed"], { seal })).outcome, "unknown");
    sets = { ...sets, outcome: "holds" };
    assert.equal((await observe(["a.sealed"], { seal })).outcome, "holds");
    assert.equal((await observe(["a.sealed"], {})).outcome, "fails");
    sets = { ...sets, outcome: "fails" };
    assert.equal((await observe(["a.sealed"], { seal })).outcome, "fails");
  });
});
