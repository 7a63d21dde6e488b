import assert from "node:assert/strict";
import { createHash, hash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";

import { isHoldfastError } from "../../../core/index.ts";
import { openBlobs, type BlobStore } from "../blobs.ts";
import { importFiles } from "./import.ts";

const code = (expected: string, detail?: RegExp) => (error: unknown) =>
  isHoldfastError(error, expected) && (detail === undefined || detail.test(error.message));
const COMMIT = "a1b2c3d4".repeat(5);
const sha256 = (text: string): string => hash("sha256", text);
const gitSha1 = (text: string): string =>
  createHash("sha1")
    .update(`blob ${Buffer.byteLength(text)}\0`)
    .update(text)
    .digest("hex");

let folder: string;
let blobs: BlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-import-"));
  blobs = await openBlobs(join(folder, "store"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(...pairs: readonly (readonly [string, string])[]): Promise<void> {
  for (const [name, text] of pairs) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const kept = (): Promise<string[]> => readdir(join(folder, "store", "blobs", "sha256"));
const take = (name: string, options = {}): ReturnType<typeof importFiles> =>
  importFiles(blobs, join(folder, name), options);

describe("import of plain files", () => {
  it("takes every file once, without the signature and what git keeps", async () => {
    await write(["m/weights.bin", "w"], ["m/sub/config.json", "{}"], ["m/.git/HEAD", "x"], ["m/model.sig", "{}"]);
    const { files, source, signature } = await take("m");
    assert.deepEqual(
      files.map(({ path }) => path),
      ["sub/config.json", "weights.bin"],
    );
    assert.deepEqual(source, { kind: "files", name: "m" });
    assert.equal(signature?.digest, sha256("{}"));
    assert.equal((await take("m/weights.bin")).files[0]?.path, "weights.bin");
  });

  it("refuses links, pointers of LFS, names that fall together, and a revision", async () => {
    await write(
      ["a/weights.bin", "w"],
      ["b/weights.bin", `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1\n`],
    );
    await symlink("/etc/passwd", join(folder, "a", "link"));
    await assert.rejects(take("a"), code("models.symlink"));
    await write(["x/weights.bin", "# xet version 0\nfilesize = 1\nhash = '0'\n"]);
    await assert.rejects(take("x"), code("models.import-invalid", /Xet/));
    await assert.rejects(take("b"), code("models.import-invalid", /pointer of git LFS/));
    await write(["c/A.bin", "1"], ["c/a.bin", "2"]);
    await assert.rejects(take("c"), code("models.path-unsafe"));
    await write(["d/a.bin", "1"]);
    await assert.rejects(take("d", { revision: COMMIT }), code("models.options-invalid"));
    assert.deepEqual(await kept(), []);
  });
});

describe("import from a cache of the Hugging Face hub", () => {
  const CACHE = "models--acme--bot";
  async function cache(weights: string, config: string, names = [sha256("weights"), gitSha1("{}")]): Promise<void> {
    await write(
      [`${CACHE}/blobs/${names[0]}`, weights],
      [`${CACHE}/blobs/${names[1]}`, config],
      [`${CACHE}/refs/main`, COMMIT],
    );
    const snapshot = join(folder, CACHE, "snapshots", COMMIT);
    await mkdir(join(snapshot, "sub"), { recursive: true });
    await symlink(`../../blobs/${names[0]}`, join(snapshot, "weights.bin"));
    await symlink(`../../../blobs/${names[1]}`, join(snapshot, "sub", "config.json"));
  }

  it("is pinned by its commit, and every digest is checked", async () => {
    await cache("weights", "{}");
    for (const name of [CACHE, `${CACHE}/snapshots/${COMMIT}`]) {
      const { files, source, checked } = await take(name);
      assert.deepEqual(
        files.map(({ path }) => path),
        ["sub/config.json", "weights.bin"],
      );
      assert.deepEqual(source, { kind: "huggingface", repository: "acme/bot", commit: COMMIT });
      assert.equal(checked, 2);
    }
    await assert.rejects(take(CACHE, { revision: "0".repeat(40) }), code("models.import-invalid", /no snapshot/));
    await assert.rejects(take(CACHE, { revision: "../../x" }), code("models.import-invalid", /not a revision/));
    await assert.rejects(
      take(`${CACHE}/snapshots/${COMMIT}`, { revision: "0".repeat(40) }),
      code("models.import-invalid"),
    );
  });

  it("takes what signing leaves out for no part of the model", async () => {
    await cache("weights", "{}");
    const before = await take(CACHE);
    const attributes = sha256("*.bin filter=lfs");
    await write([`${CACHE}/blobs/${attributes}`, "*.bin filter=lfs"]);
    const snapshot = join(folder, CACHE, "snapshots", COMMIT);
    await symlink(`../../blobs/${attributes}`, join(snapshot, ".gitattributes"));
    await mkdir(join(snapshot, ".github"));
    await symlink(`../../../blobs/${attributes}`, join(snapshot, ".github", "ci.yml"));
    assert.deepEqual(await take(CACHE), before);
    await symlink(`../../../blobs/${attributes}`, join(snapshot, "sub", ".gitattributes"));
    assert.equal((await take(CACHE)).files.length, before.files.length + 1);
  });

  it("notices a blob that was overwritten under its name", async () => {
    await cache("weighty", "{}");
    await assert.rejects(take(CACHE), code("models.blob-tampered", /weights\.bin/));
  });

  it("notices the same of a small file, whose name is git's", async () => {
    await cache("weights", "[]");
    await assert.rejects(take(CACHE), code("models.blob-tampered", /config\.json/));
  });

  it("follows no link out of its blobs", async () => {
    await cache("weights", "{}");
    const snapshot = join(folder, CACHE, "snapshots", COMMIT);
    await symlink("/etc/passwd", join(snapshot, "out.txt"));
    await assert.rejects(take(CACHE), code("models.import-invalid", /leads out/));
    await rm(join(snapshot, "out.txt"));
    await symlink("../../blobs/gone", join(snapshot, "gone.txt"));
    await assert.rejects(take(CACHE), code("models.import-invalid", /leads out/));
    await rm(join(snapshot, "gone.txt"));
    await write([`${CACHE}/blobs/latest`, "x"]);
    await symlink("../../blobs/latest", join(snapshot, "latest.txt"));
    await assert.rejects(take(CACHE), code("models.import-invalid", /not named by a digest/));
  });
});

describe("import of a cache that somebody changed", () => {
  const CACHE = "models--acme--bot";
  it("takes no file that was put in the place of a link, but for the signature", async () => {
    const blob = sha256("weights");
    await write([`${CACHE}/blobs/${blob}`, "weights"], [`${CACHE}/refs/main`, COMMIT]);
    const snapshot = join(folder, CACHE, "snapshots", COMMIT);
    await write([`${CACHE}/snapshots/${COMMIT}/model.sig`, "{}"]);
    await symlink(`../../blobs/${blob}`, join(snapshot, "weights.bin"));
    const { files, signature } = await take(CACHE);
    assert.deepEqual([files.map(({ path }) => path), signature?.digest], [["weights.bin"], sha256("{}")]);
    await write([`${CACHE}/snapshots/${COMMIT}/config.json`, "{}"]);
    await assert.rejects(take(CACHE), code("models.import-invalid", /config\.json is no link to a blob/));
    // As plain files it may come, without a claim about its commit. Links are refused there.
    await assert.rejects(take(`${CACHE}/snapshots/${COMMIT}`, { kind: "files" }), code("models.symlink"));
  });

  it("follows a ref to the commit that it names now, and to nothing else", async () => {
    const other = "b".repeat(40);
    await write([`${CACHE}/blobs/${sha256("1")}`, "1"], [`${CACHE}/blobs/${sha256("2")}`, "2"]);
    for (const [commit, text] of [
      [COMMIT, "1"],
      [other, "2"],
    ] as const) {
      await mkdir(join(folder, CACHE, "snapshots", commit), { recursive: true });
      await symlink(`../../blobs/${sha256(text)}`, join(folder, CACHE, "snapshots", commit, "w.bin"));
    }
    for (const commit of [COMMIT, other]) {
      await write([`${CACHE}/refs/main`, `${commit}\n`]);
      assert.equal((await take(CACHE)).source["commit"], commit);
      assert.equal((await take(CACHE, { revision: COMMIT })).source["commit"], COMMIT);
    }
    for (const ref of ["../../../etc", `${COMMIT}/..`, "main", ""]) {
      await write([`${CACHE}/refs/main`, ref]);
      await assert.rejects(take(CACHE), code("models.import-invalid", /not a commit/), ref);
    }
  });

  it("refuses a folder behind a link", async () => {
    await write(["elsewhere/w.bin", "w"], [`${CACHE}/refs/main`, COMMIT], [`${CACHE}/blobs/x`, ""]);
    await mkdir(join(folder, CACHE, "snapshots"), { recursive: true });
    await symlink(join(folder, "elsewhere"), join(folder, CACHE, "snapshots", COMMIT));
    await assert.rejects(take(CACHE), code("models.import-invalid", /no snapshot/));
    await rm(join(folder, CACHE, "snapshots", COMMIT));
    await mkdir(join(folder, CACHE, "snapshots", COMMIT));
    await symlink(join(folder, "elsewhere"), join(folder, CACHE, "snapshots", COMMIT, "sub"));
    await assert.rejects(take(CACHE), code("models.import-invalid", /sub leads out/));
  });
});

describe("import of weights in several files", () => {
  const index = (...shards: readonly string[]): string =>
    JSON.stringify({ weight_map: Object.fromEntries(shards.map((name, at) => [`t${at}`, name])) });
  const [one, two] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;

  it("wants all of them, or none", async () => {
    await write(["m/model.safetensors.index.json", index(one, two, one)], [`m/${one}`, "1"], [`m/${two}`, "2"]);
    // Of another format that was left out of the download.
    await write(["m/pytorch_model.bin.index.json", index("pytorch_model-00001-of-00001.bin")]);
    assert.equal((await take("m")).files.length, 4);
    await rm(join(folder, "m", two));
    await assert.rejects(
      take("m"),
      code("models.import-invalid", /names 2 files, of which 1 are not there, such as .*00002-of/),
    );
    await write(["m/sub/model.safetensors.index.json", index(two)], [`m/${two}`, "2"], [`m/sub/${one}`, "1"]);
    assert.equal((await take("m")).files.length, 6);
    await write(["m/model.safetensors.index.json", "{"]);
    await assert.rejects(take("m"), code("models.import-invalid", /index\.json: .*JSON/));
  });
});

describe("import from a folder that the hub's client downloaded to", () => {
  const meta = (name: string, etag: string, commit = COMMIT): readonly [string, string] => [
    `l/.cache/huggingface/download/${name}.metadata`,
    `${commit}\n${etag}\n1700000000.0\n`,
  ];

  it("checks the digest of each file, and that all are of one commit", async () => {
    await write(
      ["l/w.bin", "weights"],
      ["l/config.json", "{}"],
      meta("w.bin", sha256("weights")),
      meta("config.json", gitSha1("{}")),
    );
    const { files, source, checked } = await take("l");
    assert.deepEqual([files.length, source["commit"], checked], [2, COMMIT, 2]);
    await write(meta("config.json", gitSha1("{}"), "0".repeat(40)));
    await assert.rejects(take("l"), code("models.import-invalid", /2 commits/));
    await write(meta("config.json", gitSha1("[]")));
    await assert.rejects(take("l"), code("models.blob-tampered", /config\.json/));
    await write(["l/extra.bin", "planted"]);
    await assert.rejects(take("l"), code("models.import-invalid", /extra\.bin/));
  });
});

describe("import of a folder of MLflow", () => {
  const mlmodel = (data: string): string =>
    `flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n  sklearn:\n    pickled_model: ${data}\nrun_id: abc123\nmlflow_version: 3.1.0\n`;

  it("records flavours and run, and wants what they load to be there", async () => {
    await write(["f/MLmodel", mlmodel("model.pkl")], ["f/model.pkl", "x"]);
    const { files, source } = await take("f");
    assert.equal(files.length, 2);
    assert.deepEqual(
      [source["kind"], source["run"], source["flavours"]],
      ["mlflow", "abc123", "python_function sklearn"],
    );
    await write(["f/MLmodel", mlmodel("other.pkl")]);
    await assert.rejects(take("f"), code("models.import-invalid", /other\.pkl/));
    await write(["f/MLmodel", mlmodel("../../etc/passwd")]);
    await assert.rejects(take("f"), code("models.path-unsafe"));
    await write(["f/MLmodel", "a: &a [1]\nb: [*a, *a]\n"]);
    await assert.rejects(take("f"), code("models.import-invalid", /YAML|flavour/));
    await write(["f/MLmodel", "run_id: x\n"]);
    await assert.rejects(take("f"), code("models.import-invalid", /flavour/));
  });
});
