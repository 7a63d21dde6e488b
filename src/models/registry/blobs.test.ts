import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { openBlobs, type BlobStore } from "./blobs.ts";

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
const digestOf = (text: string): string => hash("sha256", text);

let folder: string;
let blobs: BlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-blobs-"));
  blobs = await openBlobs(join(folder, "store"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const incoming = (): Promise<string[]> => readdir(join(folder, "store", "incoming"));
const kept = (): Promise<string[]> => readdir(join(folder, "store", "blobs", "sha256"));
const at = (digest: string): string => join(folder, "store", "blobs", "sha256", digest);
const put = (text: string, options = {}): ReturnType<BlobStore["put"]> => blobs.put([Buffer.from(text)], options);

describe("the store of blobs", () => {
  it("keeps bytes under their digest, unwritable", async () => {
    const { digest, size } = await put("weights");
    assert.deepEqual([digest, size], [digestOf("weights"), 7]);
    assert.equal(Buffer.from(await blobs.read(digest, 7)).toString(), "weights");
    assert.equal((await stat(at(digest))).mode & 0o777, 0o444);
    assert.deepEqual(
      [await blobs.has(digest, 7), await blobs.has(digest, 8), await blobs.has(digestOf("x"))],
      [true, false, false],
    );
    assert.deepEqual(await Promise.all([6, 7, 8].map((said) => blobs.isWhole({ digest, size: said }))), [
      false,
      true,
      false,
    ]);
  });

  it("keeps nothing of what is too long, too short or something else", async () => {
    await assert.rejects(put("weights", { expected: { digest: digestOf("other") } }), code("models.blob-tampered"));
    await assert.rejects(put("weights", { expected: { size: 6 } }), code("models.blob-tampered"));
    await assert.rejects(put("weights", { expected: { size: 8 } }), code("models.blob-tampered"));
    await assert.rejects(put("weights", { limit: 6 }), code("models.limit-exceeded"));
    await assert.rejects(put("weights", { onEnd: () => assert.fail("no") }), code("models.store-unusable"));
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("wei");
      throw new Error("gone");
    }
    await assert.rejects(blobs.put(broken()), code("models.store-unusable"));
    assert.deepEqual([await kept(), await incoming()], [[], []]);
  });

  it("notices bytes that were changed, and heals when the right ones come again", async () => {
    const { digest } = await put("weights");
    await chmod(at(digest), 0o644);
    await writeFile(at(digest), "weighty");
    await assert.rejects(blobs.read(digest, 100), code("models.blob-tampered"));
    const files = [{ path: "a/w", digest, size: 7 }];
    await assert.rejects(blobs.checkout(files, join(folder, "out")), code("models.blob-tampered"));
    await assert.rejects(stat(join(folder, "out")));
    await put("weights");
    await blobs.checkout(files, join(folder, "out"));
    assert.equal(await readFile(join(folder, "out", "a", "w"), "utf8"), "weights");
    await assert.rejects(blobs.read(digestOf("gone"), 100), code("models.blob-missing"));
    await assert.rejects(blobs.read(digest, 6), code("models.limit-exceeded"));
  });

  it("takes files, not links, and shares nothing that can be written with their owner", async () => {
    const file = join(folder, "file");
    await writeFile(file, "weights");
    const { digest } = await blobs.putFile(file);
    await writeFile(file, "changed");
    assert.equal(Buffer.from(await blobs.read(digest, 7)).toString(), "weights");
    await symlink(file, join(folder, "link"));
    await assert.rejects(blobs.putFile(join(folder, "link")), code("models.import-invalid"));
    await assert.rejects(blobs.putFile(folder), code("models.import-invalid"));
  });

  it("writes nothing outside of a folder, nor over one that is there", async () => {
    const { digest } = await put("x");
    for (const path of ["../evil", "/tmp/evil", "a/../../evil"]) {
      await assert.rejects(
        blobs.checkout([{ path, digest, size: 1 }], join(folder, "out")),
        code("models.path-unsafe"),
      );
    }
    await mkdir(join(folder, "there"));
    await assert.rejects(
      blobs.checkout([{ path: "a", digest, size: 1 }], join(folder, "there")),
      code("storage.output-exists"),
    );
    await assert.rejects(blobs.has("../../etc/passwd"), code("models.digest-invalid"));
  });

  it("lends files by links, and takes them away again", async () => {
    const { digest } = await put("x");
    const seen = await blobs.linked([{ path: "a/b", digest, size: 1 }], async (tree) => {
      assert.equal(await readFile(join(tree, "a", "b"), "utf8"), "x");
      return tree;
    });
    await assert.rejects(stat(seen));
    assert.equal(await blobs.has(digest, 1), true);
    const missing = [{ path: "a", digest: digestOf("y"), size: 1 }];
    await assert.rejects(
      blobs.linked(missing, async () => undefined),
      code("models.blob-missing"),
    );
  });

  it("sweeps what crashes left, once it is old", async () => {
    const [old, young] = ["old", "young"].map((name) => join(folder, "store", "incoming", name));
    for (const file of [old, young]) await writeFile(file as string, "x");
    await utimes(old as string, 0, 0);
    await blobs.sweep(Date.now());
    assert.deepEqual(await incoming(), ["young"]);
  });

  it("does not open a store that is a link", async () => {
    await symlink(join(folder, "store"), join(folder, "elsewhere"));
    await assert.rejects(openBlobs(join(folder, "elsewhere")), code("models.store-unusable"));
  });
});
