import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { canonicalJson, fakeClock, isHoldfastError } from "../../../core/index.ts";
import { generateKey, type KeyPair } from "../age/keys.ts";
import { auditSet } from "./audit.ts";
import { openDataKey } from "./data-key.ts";
import { createManifest, decodeManifest, encodeManifest, isSafePath, type SetManifest } from "./manifest.ts";
import { rotateSet, shredSet } from "./rotate.ts";
import { sealFolder } from "./seal.ts";
import { unsealFolder } from "./unseal.ts";

const CONTENT: Readonly<Record<string, Uint8Array>> = {
  "config.json": Buffer.from("{}"),
  "empty.txt": new Uint8Array(),
  "weights/a.bin": randomBytes(70_000),
  "weights/b.bin": randomBytes(70_000),
  "weights/ünï/日本.txt": Buffer.from("names"),
};

let folder = "";
let keys: KeyPair;
let sealed = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-set-"));
  keys = await generateKey();
  for (const [path, bytes] of Object.entries(CONTENT)) {
    await mkdir(join(folder, "model", path, ".."), { recursive: true });
    await writeFile(join(folder, "model", path), bytes);
  }
  sealed = join(folder, "model.sealed");
  await sealFolder(join(folder, "model"), sealed, { recipients: [keys.recipient] });
});
after(() => rm(folder, { recursive: true, force: true }));

let made = 0;
/** A copy of the set that a test may spoil. */
async function copy(): Promise<string> {
  const to = join(folder, `copy-${made++}`);
  await cp(sealed, to, { recursive: true });
  return to;
}

async function rejects(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isHoldfastError(error), String(error));
    assert.equal(error.code, code);
    return true;
  });
}

async function unseals(set: string, identities = [keys.identity]): Promise<void> {
  const to = join(folder, `out-${made++}`);
  await unsealFolder(set, to, { identities });
  const found = (await readdir(to, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  assert.equal(found.length, Object.keys(CONTENT).length);
  for (const [path, bytes] of Object.entries(CONTENT))
    assert.deepEqual(await readFile(join(to, path)), Buffer.from(bytes));
}

async function failsToUnseal(set: string, code: string): Promise<void> {
  const to = join(folder, `out-${made++}`);
  await rejects(unsealFolder(set, to, { identities: [keys.identity] }), code);
  await assert.rejects(stat(to), { code: "ENOENT" });
}

describe("a sealed set", () => {
  it("gives the folder back, and passes its audit without a key", async () => {
    await unseals(sealed);
    const audit = await auditSet(sealed);
    assert.deepEqual([audit.ok, audit.files, audit.key, audit.problems], [true, 5, "present", []]);
    assert.equal(audit.manifestDigest, hash("sha256", await readFile(join(sealed, "manifest.json")), "hex"));
  });

  it("tells what happened to a file, by audit and by unsealing", async () => {
    const path = "files/weights/a.bin.age";
    const cases: readonly [what: string, spoil: (set: string) => Promise<void>, code: string][] = [
      ["missing", (set) => rm(join(set, path)), "seal.set-altered"],
      ["of another size", (set) => appendFile(join(set, path), "x"), "seal.set-altered"],
      ["altered", (set) => flip(join(set, path), 70_000), "seal.payload-invalid"],
      ["altered", (set) => flip(join(set, path), 170), "seal.set-altered"],
    ];
    for (const [what, spoil, code] of cases) {
      const set = await copy();
      await spoil(set);
      assert.deepEqual((await auditSet(set)).problems, [{ path, what }]);
      await failsToUnseal(set, code);
    }
    const set = await copy();
    await writeFile(join(set, "files", "more.age"), "x");
    assert.deepEqual((await auditSet(set)).problems, [{ path: "files/more.age", what: "not in the manifest" }]);
  });

  it("does not take one of its files for another", async () => {
    const set = await copy();
    const [a, b, between] = ["files/weights/a.bin.age", "files/weights/b.bin.age", "files/between"];
    await rename(join(set, a), join(set, between));
    await rename(join(set, b), join(set, a));
    await rename(join(set, between), join(set, b));
    assert.equal((await auditSet(set)).problems.length, 2);
    await failsToUnseal(set, "seal.set-altered");
  });

  it("does not open with a manifest that was written without its key", async () => {
    const set = await copy();
    const manifest = decodeManifest(await readFile(join(set, "manifest.json")));
    const fewer: SetManifest = { ...manifest, files: manifest.files.slice(1) };
    await writeFile(join(set, "manifest.json"), encodeManifest(fewer));
    await failsToUnseal(set, "seal.manifest-unproven");
    const stranger = createManifest(manifest, (await generateKey()).identity);
    await writeFile(join(set, "manifest.json"), encodeManifest(stranger));
    await failsToUnseal(set, "seal.manifest-unproven");
  });

  it("is rotated by its key file alone", async () => {
    const set = await copy();
    const next = await generateKey();
    const before = await auditSet(set);
    await rotateSet(set, { identities: [keys.identity], recipients: [next.recipient] });
    assert.deepEqual(await auditSet(set), before);
    await failsToUnseal(set, "seal.no-match");
    await unseals(set, [next.identity]);
    await rejects(rotateSet(set, { identities: [keys.identity], recipients: [keys.recipient] }), "seal.no-match");
    const strong = await generateKey({ postQuantum: true });
    const weaker = rotateSet(set, { identities: [next.identity], recipients: [strong.recipient] });
    await rejects(weaker, "seal.quantum-mixed");
    // The key of another set does not belong here.
    await cp(join(sealed, "key.age"), join(set, "key.age"));
    const other = join(folder, "other.sealed");
    await sealFolder(join(folder, "model"), other, { recipients: [keys.recipient] });
    await cp(join(other, "key.age"), join(set, "key.age"));
    await rejects(
      rotateSet(set, { identities: [keys.identity], recipients: [next.recipient] }),
      "seal.manifest-unproven",
    );
  });

  it("cannot be read once its key is shredded, and still be audited", async () => {
    const set = await copy();
    const before = await auditSet(set);
    const keyDigest = hash("sha256", await readFile(join(set, "key.age")), "hex");
    const clock = fakeClock();
    const shredded = await shredSet(set, { clock });
    assert.deepEqual(shredded, {
      id: before.id,
      shreddedAt: "2026-01-01T00:00:00.000Z",
      manifestDigest: before.manifestDigest,
      keyDigest,
    });
    await failsToUnseal(set, "seal.shredded");
    assert.deepEqual(await auditSet(set), { ...before, key: "shredded" });
    assert.equal(await shredSet(set, { clock }), undefined);
    // Whoever removes the note has no key either.
    await rm(join(set, "shredded.json"));
    await failsToUnseal(set, "seal.key-file-missing");
  });

  it("may keep its key apart", async () => {
    const set = join(folder, "apart.sealed");
    const keyFile = join(folder, "apart.key.age");
    await sealFolder(join(folder, "model"), set, { recipients: [keys.recipient], keyFile });
    assert.equal((await auditSet(set)).key, "elsewhere");
    await failsToUnseal(set, "seal.key-file-missing");
    await unsealFolder(set, join(folder, "apart"), { identities: [keys.identity], keyFile });
    await rejects(shredSet(set), "seal.key-file-missing");
    await shredSet(set, { keyFile });
    await assert.rejects(stat(keyFile), { code: "ENOENT" });
    await failsToUnseal(set, "seal.shredded");
  });

  it("is post-quantum throughout where its recipients are", async () => {
    const strong = await generateKey({ postQuantum: true });
    const set = join(folder, "strong.sealed");
    await sealFolder(join(folder, "model"), set, { recipients: [strong.recipient] });
    assert.match(
      await readFile(join(set, "files/config.json.age"), "latin1"),
      /^age-encryption.org\/v1\n-> mlkem768x25519 /,
    );
    await unseals(set, [strong.identity]);
  });

  it("opens in two steps as any age files do", async () => {
    const dataKey = await openDataKey(join(sealed, "key.age"), [keys.identity]);
    assert.match(dataKey.reveal(), /^AGE-SECRET-KEY-1/);
  });

  it("is not made of what is no file, of nothing, or over something", async () => {
    const from = await mkdtemp(join(folder, "odd-"));
    const to = `${from}.sealed`;
    const options = { recipients: [keys.recipient] };
    await rejects(sealFolder(from, to, options), "seal.source-empty");
    await symlink("/etc/hostname", join(from, "link"));
    await rejects(sealFolder(from, to, options), "seal.source-kind");
    await rejects(sealFolder(join(folder, "model"), sealed, options), "storage.output-exists");
    await rejects(sealFolder(join(folder, "model"), to, { recipients: ["age1no"] }), "seal.recipient-invalid");
    await rejects(auditSet(from), "seal.set-missing");
    await assert.rejects(stat(to), { code: "ENOENT" });
  });
});

describe("a manifest", () => {
  it("is refused where its paths would leave the folder, or it is malformed in any other way", async () => {
    const manifest = decodeManifest(await readFile(join(sealed, "manifest.json")));
    const [first] = manifest.files;
    assert.ok(first);
    const bad: readonly unknown[] = [
      null,
      [],
      { ...manifest, version: 2 },
      { ...manifest, more: 1 },
      { ...manifest, id: "../.." },
      { ...manifest, mac: "00" },
      { ...manifest, files: [] },
      { ...manifest, files: "files" },
      { ...manifest, files: manifest.files.toReversed() },
      { ...manifest, files: [first, first] },
      { ...manifest, files: [null] },
      { ...manifest, files: [{ ...first, size: -1 }] },
      { ...manifest, files: [{ ...first, size: 1.5 }] },
      { ...manifest, files: [{ ...first, sha256: "00" }] },
      { ...manifest, files: [{ ...first, more: 1 }] },
      ...["", "/etc/x", "../x", "a/../../x", "a//b", "./a", "a/.", "a\\b", "a\nb", "a/\u0000", "a/"].map((path) => ({
        ...manifest,
        files: [{ ...first, path }],
      })),
    ];
    for (const value of bad) {
      assert.throws(
        () => decodeManifest(Buffer.from(JSON.stringify(value))),
        { code: "seal.manifest-invalid" },
        JSON.stringify(value),
      );
    }
    assert.throws(() => decodeManifest(Buffer.from("{")), { code: "seal.manifest-invalid" });
    assert.deepEqual(decodeManifest(Buffer.from(canonicalJson(manifest))), manifest);
  });

  it("takes no path that a folder could be left by", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom("..", ".", "", "a", "\\", "b c"), fc.string()), { maxLength: 5 }),
        (names) => {
          const path = names.join("/");
          if (!isSafePath(path)) return;
          assert.ok(join("/root/set", path).startsWith("/root/set/"));
          assert.ok(!path.split("/").includes(".."));
        },
      ),
    );
  });
});

async function flip(path: string, position: number): Promise<void> {
  await using file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
  buffer.writeUInt8(buffer.readUInt8(0) ^ 1);
  await file.write(buffer, 0, 1, position);
}
