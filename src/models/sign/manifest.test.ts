import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Worker } from "node:worker_threads";
import fc from "fast-check";
import { isHoldfastError } from "../../core/index.ts";
import { digestStretch } from "./digest.ts";
import { hashModel, rootOf } from "./manifest.ts";
import { nameInModel, sortByBytes, walkModel, type ModelFile } from "./walk.ts";

let home = "";
before(() => {
  home = mkdtempSync(join(tmpdir(), "manifest-"));
});
after(() => rmSync(home, { recursive: true, force: true }));

let folders = 0;
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = join(home, `model-${folders++}`);
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const rejects = (promise: Promise<unknown>, code: string): Promise<void> =>
  assert.rejects(promise, (error) => isHoldfastError(error, code));

describe("hashModel", () => {
  it("names files by their path, in byte order, and hashes the raw digests to the root", async () => {
    const folder = folderOf({ "a/b": "1", "a-b": "2", "\u{1F600}": "3", "\uFF5E": "4", é: "5", Z: "", "a:b": "6" });
    const { resources, root, name, single, size } = await hashModel(folder);
    assert.deepEqual(
      resources.map((resource) => resource.name),
      ["Z", "a-b", "a/b", "a:b", "é", "\uFF5E", "\u{1F600}"],
    );
    assert.deepEqual(resources[0], { name: "Z", algorithm: "sha256", digest: sha256(""), size: 0 });
    const raw = ["", "2", "1", "6", "5", "4", "3"].map((text) => Buffer.from(sha256(text), "hex"));
    assert.equal(root, sha256(Buffer.concat(raw)));
    assert.deepEqual([name, single, size], [`model-${folders - 1}`, false, 6]);
  });

  it("has the basename as the name of a single file, however the path is written", async () => {
    const folder = folderOf({ "weights.bin": "w" });
    for (const path of [join(folder, "weights.bin"), `${folder}/./weights.bin`, `${folder}//weights.bin`]) {
      const { resources, single, name } = await hashModel(path);
      assert.deepEqual([single, name, resources.map((one) => one.name)], [true, "weights.bin", ["weights.bin"]]);
    }
  });

  it("leaves the defaults out at the root, and only there", async () => {
    const folder = folderOf({
      ".git/config": "",
      ".gitignore": "",
      ".gitattributes": "",
      ".github/x/y": "",
      ".gitmodules": "m",
      "sub/.git/config": "s",
      ".gitx": "x",
    });
    const { resources, ignored, serialization } = await hashModel(folder);
    assert.deepEqual(
      resources.map((one) => one.name),
      [".gitmodules", ".gitx", "sub/.git/config"],
    );
    assert.deepEqual(ignored, [".git", ".gitattributes", ".github", ".gitignore"]);
    assert.deepEqual(serialization.ignorePaths, ignored);
  });

  it("ignores exact paths with all below them, and no others", async () => {
    const folder = folderOf({ "cache/x": "", "cache-2": "", "sub/cache": "", "a/b/c": "", "a/bc": "", keep: "" });
    const { resources, ignored } = await hashModel(folder, { ignorePaths: ["cache", "a/b", "absent"] });
    assert.deepEqual(
      resources.map((one) => one.name),
      ["a/bc", "cache-2", "keep", "sub/cache"],
    );
    assert.deepEqual(ignored, ["a/b", "cache"]);
  });

  it("refuses ignored paths that a manifest may not name", async () => {
    const folder = folderOf({ a: "" });
    for (const path of ["*", "a?", "[a]", "/a", "../a", "a/../b", "a/", "./a", "", "a//b", "\ud800", "a\0"]) {
      await rejects(hashModel(folder, { ignorePaths: [path] }), "models.ignore-path-invalid");
    }
  });

  it("refuses symbolic links wherever they are, unless they are ignored", async () => {
    const folder = folderOf({ "sub/a": "" });
    symlinkSync("a", join(folder, "sub", "link"));
    await rejects(hashModel(folder), "models.symlink");
    assert.equal((await hashModel(folder, { ignorePaths: ["sub/link"] })).resources.length, 1);
    for (const target of [folder, join(folder, "sub", "a"), join(folder, "absent")]) {
      const link = join(home, "link");
      symlinkSync(target, link);
      await rejects(hashModel(link), "models.symlink");
      rmSync(link);
    }
  });

  it("refuses what is neither file nor folder", { skip: process.platform === "win32" }, async () => {
    const folder = folderOf({ a: "" });
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await rejects(hashModel(folder), "models.special-file");
  });

  it("refuses names that are not UTF-8", { skip: process.platform !== "linux" }, async () => {
    const folder = folderOf({ a: "" });
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x66, 0xff])]), "");
    await rejects(hashModel(folder), "models.name-not-utf8");
  });

  it("keeps a byte order mark and unnormalised letters in names", async () => {
    const folder = folderOf({ "\uFEFFa": "", "e\u0301": "", "\u00e9": "" });
    const { resources } = await hashModel(folder);
    assert.deepEqual(
      resources.map((one) => one.name),
      ["e\u0301", "\u00e9", "\uFEFFa"],
    );
  });

  it("refuses a model without files", async () => {
    const folder = folderOf({ ".git/x": "" });
    mkdirSync(join(folder, "empty"));
    await rejects(hashModel(folder), "models.model-empty");
    await rejects(hashModel(folderOf({ a: "" }), { method: "shards" }), "models.model-empty");
    await rejects(hashModel(join(home, "absent")), "models.model-missing");
    await rejects(hashModel(join(folderOf({ a: "" }), "a", "b")), "models.model-missing");
  });

  it("cuts files into shards, in the order of the names as texts", async () => {
    const folder = folderOf({ "f:1": "0123456789a", empty: "" });
    const { resources, serialization } = await hashModel(folder, { method: "shards", shardSize: 2 });
    assert.deepEqual(
      resources.map(({ name, size }) => [name, size]),
      [
        ["f:1:0:2", 2],
        ["f:1:10:11", 1],
        ["f:1:2:4", 2],
        ["f:1:4:6", 2],
        ["f:1:6:8", 2],
        ["f:1:8:10", 2],
      ],
    );
    assert.equal(resources[1]?.digest, sha256("a"));
    assert.equal(resources[1]?.algorithm, "sha256-sharded-2");
    assert.deepEqual(serialization.method === "shards" && serialization.shardSize, 2);
    const whole = await hashModel(folder, { method: "shards" });
    assert.deepEqual(
      whole.resources.map(({ name, algorithm, digest }) => [name, algorithm, digest]),
      [["f:1:0:11", "sha256-sharded-1000000000", sha256("0123456789a")]],
    );
  });

  it("refuses more files than the limit", async () => {
    const folder = folderOf({ a: "", b: "", "c/d": "" });
    assert.equal((await walkModel(folder, { maxFiles: 3 })).files.length, 3);
    await rejects(walkModel(folder, { maxFiles: 2 }), "models.too-many-files");
  });

  it("refuses shard sizes that are no positive whole number, and more shards than the limit", async () => {
    const folder = folderOf({ a: Buffer.alloc(1_500_001) });
    for (const shardSize of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      await rejects(hashModel(folder, { method: "shards", shardSize }), "models.shard-size-invalid");
    }
    await rejects(hashModel(folder, { method: "shards", shardSize: 1 }), "models.too-many-files");
  });

  it("hashes the same on threads as without, large files and many small ones, and tells how far it is", async () => {
    const files: Record<string, Uint8Array> = { big: Buffer.alloc(9_000_001, 7), exact: Buffer.alloc(256 * 1024, 1) };
    for (let index = 0; index < 300; index++) files[`small/${index}`] = Buffer.from(`content ${index}`);
    const folder = folderOf(files);
    const seen: [number, number][] = [];
    const { resources, size } = await hashModel(folder, {
      threads: 2,
      progress: (done, total) => seen.push([done, total]),
    });
    for (const { name, digest } of resources) assert.equal(digest, sha256(files[name] as Uint8Array), name);
    assert.equal(resources.length, 302);
    assert.deepEqual(seen.at(-1), [size, size]);
    const shards = await hashModel(folder, { method: "shards", shardSize: 1_000_000, threads: 3 });
    assert.equal(shards.resources.find((one) => one.name === "big:9000000:9000001")?.digest, sha256("\x07"));
  });

  it("gives large files to a thread each, and says so when a thread ends", async () => {
    const folder = folderOf({ a: "", b: "" });
    for (const name of ["a", "b"]) truncateSync(join(folder, name), 20_000_000);
    const batches: number[] = [];
    const count = (worker: Worker): void => {
      const place = batches.push(0) - 1;
      worker.on("message", () => (batches[place] = (batches[place] ?? 0) + 1));
    };
    process.on("worker", count);
    try {
      await hashModel(folder, { threads: 2 });
      assert.deepEqual(batches.splice(0), [1, 1]);
      // Of many, each thread has the next one already.
      for (const name of ["c", "d", "e", "f"]) writeFileSync(join(folder, name), Buffer.alloc(9_000_000));
      await hashModel(folder, { threads: 2 });
      assert.equal(batches.length, 2);
      assert.equal(
        batches.reduce((sum, one) => sum + one, 0),
        6,
      );
    } finally {
      process.off("worker", count);
    }
    process.once("worker", (worker) => void worker.terminate());
    await rejects(hashModel(folder, { threads: 2 }), "models.hashing-failed");
  });

  it("hashes BLAKE2b with 512 bits", async () => {
    const { resources } = await hashModel(folderOf({ abc: "abc" }), { hashType: "blake2b" });
    // RFC 7693 appendix A.
    assert.match(resources[0]?.digest ?? "", /^ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1/);
    assert.equal(resources[0]?.digest.length, 128);
    assert.equal(resources[0]?.algorithm, "blake2b");
  });

  it("refuses a hash algorithm that it does not have", async () => {
    await rejects(hashModel(folderOf({ a: "" }), { hashType: "md5" as never }), "models.hash-unsupported");
  });

  it("refuses a file that changes while it is hashed, and one that changed since it was listed", async () => {
    // Read at once, in pieces, and in pieces ahead of the hash.
    for (const [size, ahead] of [
      [100_000, false],
      [600_000, false],
      [3_000_000, true],
    ] as const) {
      const folder = folderOf({ big: Buffer.alloc(size, "x") });
      const place = join(folder, "big");
      const listed = (await walkModel(folder)).files[0] as ModelFile;
      const stretch = { ...listed, from: 0, to: size };
      const digest = sha256(Buffer.alloc(size, "x"));
      assert.deepEqual(await digestStretch(stretch, "sha256", { ahead }), { digest });
      const fault = { code: "models.file-changed" };
      if (size > 100_000) {
        const read = (): void => appendFileSync(place, "x");
        assert.deepEqual(await digestStretch(stretch, "sha256", { read, ahead }), fault);
        const nothing = (): void => assert.fail("nothing of it is read");
        assert.deepEqual(await digestStretch(stretch, "sha256", { read: nothing, ahead }), fault);
      } else {
        appendFileSync(place, "x");
        assert.deepEqual(await digestStretch(stretch, "sha256"), fault);
      }
      truncateSync(place, size - 1);
      const shorter = (await walkModel(folder)).files[0] as ModelFile;
      assert.deepEqual(await digestStretch({ ...shorter, from: 0, to: size }, "sha256", { ahead }), fault);
      rmSync(place);
      symlinkSync("/dev/zero", place);
      const fallen = await digestStretch(stretch, "sha256", { ahead });
      assert.deepEqual(fallen, { code: "models.file-unreadable", reason: "ELOOP" }, "a link is not followed");
    }
  });

  it("gives the same digest in pieces of any size, read ahead or not", async () => {
    for (const size of [0, 1, 262_144, 262_145, 1_048_576, 1_048_577, 2_097_152, 3_333_333]) {
      const bytes = randomBytes(size);
      const listed = (await walkModel(folderOf({ file: bytes }))).files[0] as ModelFile;
      for (const from of [0, Math.min(size, 7)]) {
        const digest = sha256(bytes.subarray(from));
        for (const ahead of [true, false]) {
          let counted = 0;
          const read = (count: number): void => void (counted += count);
          const stretch = { ...listed, from, to: size };
          assert.deepEqual(await digestStretch(stretch, "sha256", { ahead, read }), { digest });
          assert.equal(counted, size - from);
        }
      }
    }
  });

  it("ends when it is told to, with the reason", async () => {
    const folder = folderOf({ big: Buffer.alloc(64 * 1024 * 1024) });
    const abort = new AbortController();
    const outcome = hashModel(folder, { signal: abort.signal });
    setTimeout(() => abort.abort(new Error("enough")), 10);
    await assert.rejects(outcome, /enough/);
    await assert.rejects(hashModel(folder, { signal: AbortSignal.abort(new Error("before")) }), /before/);
  });
});

describe("names", () => {
  it("are sorted by code points, which is the order of UTF-8 bytes", () => {
    const name = fc.string({ unit: "binary", minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(name), (names) => {
        const byPoints = names.toSorted((one, other) => {
          const [left, right] = [Array.from(one), Array.from(other)];
          for (let at = 0; at < Math.min(left.length, right.length); at++) {
            const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
            if (difference !== 0) return difference;
          }
          return left.length - right.length;
        });
        assert.deepEqual(
          sortByBytes(names, (one) => one),
          byPoints,
        );
      }),
    );
  });

  it("give the same manifest whatever the order in which files were made", async () => {
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
      .filter((text) => !/[/\0]/.test(text) && !text.startsWith("."));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 8 }), async (names) => {
        const pairs = names.map((one) => [one, one] as const);
        const one = await hashModel(folderOf(Object.fromEntries(pairs)));
        const other = await hashModel(folderOf(Object.fromEntries(pairs.toReversed())));
        assert.equal(one.root, other.root);
        assert.deepEqual(one.resources.map((resource) => resource.name).toSorted(), names.toSorted());
        assert.equal(one.root, rootOf(one.resources));
      }),
      { numRuns: 40 },
    );
  });

  it("of paths inside a model are relative to it", () => {
    assert.equal(nameInModel("/m", "/m/a/b"), "a/b");
    assert.equal(nameInModel("/m", "/m/..a"), "..a");
    for (const elsewhere of ["/m", "/", "/mm", "/m/../x"]) assert.equal(nameInModel("/m", elsewhere), undefined);
  });
});
