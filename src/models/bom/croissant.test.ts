import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { existsSync, globSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { isHoldfastError } from "../../core/index.ts";
import { readDataset, type Dataset } from "./croissant.ts";

/** Descriptions of the Croissant project itself, where they are at hand. */
const CORPUS = fileURLToPath(new URL("../../../../shared/data/bom/croissant/datasets", import.meta.url));

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-croissant-"));
  await mkdir(join(folder, "set"));
  await writeFile(join(folder, "set", "train.csv"), "a,b\n1,2\n");
  await writeFile(join(folder, "outside.csv"), "secret");
  await symlink("../outside.csv", join(folder, "set", "link.csv"));
});
after(() => rm(folder, { recursive: true }));

const TRAIN = hash("sha256", "a,b\n1,2\n", "hex");

function describeSet(distribution: unknown, more: Readonly<Record<string, unknown>> = {}): Promise<Dataset> {
  return write(JSON.stringify({ "@type": "sc:Dataset", name: "set", distribution, ...more }));
}

async function write(text: string): Promise<Dataset> {
  const path = join(folder, "set", "croissant.json");
  await writeFile(path, text);
  return readDataset(path);
}

const file = (contentUrl: string, sha256: string | undefined, more = {}): unknown => ({
  "@type": "cr:FileObject",
  "@id": contentUrl,
  contentUrl,
  sha256,
  ...more,
});

async function states(...files: readonly unknown[]): Promise<readonly string[]> {
  return (await describeSet(files)).files.map(({ state }) => state);
}

describe("a data set described in Croissant", () => {
  it("gives its name, version, licence, creators, and what it says on responsible use", async () => {
    const set = await describeSet([], {
      version: 1.1,
      "sc:license": { "@type": "CreativeWork", name: "CC BY 4.0" },
      creator: [{ "@type": "Person", name: "Ada" }, "Bob"],
      conformsTo: "http://mlcommons.org/croissant/1.1",
      "rai:dataBiases": ["only English"],
    });
    assert.deepEqual([set.version, set.licences, set.creators], ["1.1", ["CC BY 4.0"], ["Ada", "Bob"]]);
    assert.deepEqual(set.rai, [["dataBiases", "only English"]]);
  });

  it("checks the files beside it by their digest, in either case", async () => {
    assert.deepEqual(await states(file("train.csv", TRAIN), file("./train.csv", TRAIN.toUpperCase())), [
      "matches",
      "matches",
    ]);
  });

  it("is an error where a file is another one", async () => {
    await assert.rejects(
      describeSet([file("train.csv", "0".repeat(64))]),
      (error: unknown) => isHoldfastError(error, "models.dataset-mismatch") && error.message.includes("train.csv"),
    );
  });

  it("says of the rest that it was not checked", async () => {
    assert.deepEqual(
      await states(
        file("https://example.org/train.csv", TRAIN),
        file("gone.csv", TRAIN),
        file("train.csv", "https://github.com/mlcommons/croissant/issues/80"),
        file("train.csv", undefined),
        file("inner.csv", TRAIN, { containedIn: { "@id": "a.zip" } }),
      ),
      ["elsewhere", "missing", "no digest", "no digest", "inside an archive"],
    );
  });

  it("never reads what lies outside of its folder", async () => {
    const secret = hash("sha256", "secret", "hex");
    assert.deepEqual(
      await states(file("../outside.csv", secret), file(join(folder, "outside.csv"), secret), file("link.csv", secret)),
      ["elsewhere", "elsewhere", "elsewhere"],
    );
  });

  const broken: readonly (readonly [string, string])[] = [
    ["no JSON", "{"],
    ["a list", "[]"],
    ["another type", '{"@type":"sc:Person","name":"x"}'],
    ["a name twice", '{"@type":"sc:Dataset","name":"x","name":"y"}'],
    ["brackets without end", "[".repeat(100_000)],
  ];
  for (const [what, text] of broken) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(write(text), (error: unknown) => isHoldfastError(error, "models.dataset-invalid"));
    });
  }

  it("refuses a file that is not there", async () => {
    await assert.rejects(readDataset(join(folder, "none.json")), (error: unknown) =>
      isHoldfastError(error, "models.bom-unreadable"),
    );
  });

  it(
    "reads the project's own descriptions",
    { skip: existsSync(CORPUS) ? false : "no corpus of Croissant here" },
    async () => {
      const paths = globSync("*/*/metadata.json", { cwd: CORPUS });
      assert.ok(paths.length > 30);
      for (const path of paths) {
        // Their data lies elsewhere, or was not taken along: nothing of it may count as checked.
        const set = await readDataset(join(CORPUS, path));
        assert.ok(set.name !== "" && set.files.every(({ state }) => state !== "matches"), path);
      }
    },
  );
});
