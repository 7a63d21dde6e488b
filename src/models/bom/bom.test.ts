import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";

import { gguf, made, noise, safetensors } from "../../../test/models/checkpoints.ts";
import { readDataset, type Dataset } from "./croissant.ts";
import { cycloneDxBom } from "./cyclonedx.ts";
import type { BomOptions } from "./document.ts";
import { inspectModel, type Inspection } from "./inspect.ts";
import { spdxDocument } from "./spdx.ts";

const VECTORS = fileURLToPath(new URL("../../../test/vectors/", import.meta.url));
/** Documents of the CycloneDX project, valid and invalid, where they are at hand. */
const CORPUS = fileURLToPath(
  new URL("../../../../shared/data/bom/cyclonedx/tools/src/test/resources/1.7", import.meta.url),
);
const OPTIONS: BomOptions = { time: 1_800_000_000, datasets: [] };

let folder = "";
let full: Inspection;
let bare: Inspection;
let dataset: Dataset;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-bom-"));
  const tensors = [made("a.weight", [4, 8], noise(32, 1)), made("a.bias", [4], noise(4, 2), "F16")];
  await put("full/model.safetensors", safetensors(tensors));
  await put("full/config.json", '{"architectures":["BertModel"],"model_type":"bert"}');
  await put("full/LICENSE", readFileSync(new URL("../../../LICENSE", import.meta.url)));
  await put("full/README.md", CARD);
  await put("full/broken.gguf", "GGUF????");
  await put("bare/model.gguf", gguf(tensors));
  await put("set/croissant.json", JSON.stringify(SET));
  await put("set/train.csv", "a,b\n");
  full = await inspectModel(join(folder, "full"));
  bare = await inspectModel(join(folder, "bare"));
  dataset = await readDataset(join(folder, "set/croissant.json"));
});
after(() => rm(folder, { recursive: true }));

const SET = {
  "@type": "sc:Dataset",
  name: "set",
  version: "1.0",
  url: "https://example.org/a set",
  license: ["https://creativecommons.org/licenses/by/4.0/", "house rules"],
  "rai:dataBiases": "only English",
  distribution: [{ "@type": "cr:FileObject", contentUrl: "train.csv", sha256: hash("sha256", "a,b\n", "hex") }],
};

const CARD = `---
license: apache-2.0
datasets: [squad]
base_model: google/bert
pipeline_tag: question-answering
co2_eq_emissions: 12.5
model-index:
- results:
  - {task: {type: qa}, dataset: {name: SQuAD}, metrics: [{type: f1, value: 0.9}]}
---
## Limitations
Not for law.
## Risks
Wrong answers.
`;

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, path), content);
}

function schema(path: string): object {
  return JSON.parse(readFileSync(join(VECTORS, path), "utf8")) as object;
}

function cycloneDx(): ValidateFunction {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ["spdx", "jsf-0.82", "cryptography-defs"]) ajv.addSchema(schema(`cyclonedx/${name}.schema.json`));
  return ajv.compile(schema("cyclonedx/bom-1.7.schema.json"));
}

const validCycloneDx = cycloneDx();
const validSpdx = new Ajv2020({ strict: false }).compile(schema("spdx/schema-v3.0.1.json"));

function assertValid(validate: ValidateFunction, value: unknown): void {
  const ok = validate(JSON.parse(JSON.stringify(value)));
  assert.ok(ok, JSON.stringify(validate.errors?.slice(0, 3)));
}

const everything = (): BomOptions => ({
  ...OPTIONS,
  version: "1.2",
  supplier: "Example Ltd",
  downloadLocation: "https://example.org/model",
  released: "2026-01-02T03:04:05Z",
  datasets: [dataset],
  signature: { path: "model sig.json", sha256: "a".repeat(64) },
});

describe("the bill of materials in CycloneDX", () => {
  it("is valid by the schema of 1.7, with much and with little in it", () => {
    for (const inspection of [full, bare]) {
      assertValid(validCycloneDx, cycloneDxBom(inspection, OPTIONS));
      assertValid(validCycloneDx, cycloneDxBom(inspection, everything()));
    }
  });

  it(
    "is judged by a validator that tells valid from invalid",
    { skip: existsSync(CORPUS) ? false : "no corpus of CycloneDX here" },
    () => {
      const paths = globSync("*.json", { cwd: CORPUS });
      assert.ok(paths.length > 20);
      // A time that is none is refused by a check of formats, which is not asked here; JSON signatures, which no document
      // of ours has, are refused whole by this validator.
      const beyond = /^(?:invalid-metadata-timestamp|valid-attestation|valid-signatures)/;
      for (const path of paths.filter((name) => !beyond.test(name))) {
        const ok = validCycloneDx(JSON.parse(readFileSync(join(CORPUS, path), "utf8")));
        assert.equal(ok, path.startsWith("valid-"), path);
      }
    },
  );

  it("says what is known, and how", () => {
    const bom = plain(cycloneDxBom(full, everything()));
    const model = bom["metadata"]["component"];
    assert.equal(model["type"], "machine-learning-model");
    assert.deepEqual(model["licenses"], [{ license: { id: "Apache-2.0", acknowledgement: "declared" } }]);
    assert.deepEqual(model["evidence"], { licenses: [{ license: { id: "Apache-2.0" } }] });
    assert.deepEqual(model["pedigree"]["ancestors"][0]["name"], "google/bert");
    const card = model["modelCard"];
    assert.equal(card["modelParameters"]["task"], "question-answering");
    assert.equal(card["modelParameters"]["modelArchitecture"], "BertModel");
    assert.deepEqual(card["modelParameters"]["datasets"], [{ ref: "data:0" }, { type: "dataset", name: "squad" }]);
    assert.deepEqual(card["quantitativeAnalysis"]["performanceMetrics"], [
      { type: "f1", value: "0.9", slice: "SQuAD" },
    ]);
    assert.deepEqual(card["considerations"]["technicalLimitations"], ["Not for law."]);
    assert.ok(card["properties"].some((one: Plain) => one["name"] === "holdfast:parameters" && one["value"] === "36"));
    assert.deepEqual(
      model["externalReferences"].map((one: Plain) => one["type"]),
      ["distribution", "digital-signature"],
    );
  });

  it("has every file with the digest that the root is made of", () => {
    const bom = plain(cycloneDxBom(full, OPTIONS));
    const files = bom["components"].filter((one: Plain) => one["type"] === "file");
    assert.deepEqual(
      files.map((one: Plain) => [one["name"], one["hashes"][0]["content"]]),
      full.resources.map(({ name, digest }) => [name, digest]),
    );
    const root = hash("sha256", Buffer.concat(full.resources.map(({ digest }) => Buffer.from(digest, "hex"))), "hex");
    assert.ok(JSON.stringify(bom).includes(`sha256:${root}`));
  });

  it("says that it is not complete where a file could not be read", () => {
    assert.equal(full.unread[0]?.path, "broken.gguf");
    assert.equal(plain(cycloneDxBom(full, OPTIONS))["compositions"][0]["aggregate"], "incomplete");
    assert.equal(plain(cycloneDxBom(bare, OPTIONS))["compositions"][0]["aggregate"], "complete");
  });

  it("names references once each, and nothing that is not there", () => {
    const bom = plain(cycloneDxBom(full, everything()));
    const refs: readonly string[] = JSON.stringify(bom).match(/"bom-ref":"[^"]*"/g) ?? [];
    assert.equal(new Set(refs).size, refs.length);
    for (const ref of bom["dependencies"][0]["dependsOn"]) assert.ok(refs.includes(`"bom-ref":"${ref}"`), ref);
  });
});

describe("the bill of materials in SPDX", () => {
  it("is valid by the schema of 3.0.1, with much and with little in it", () => {
    for (const inspection of [full, bare]) {
      assertValid(validSpdx, spdxDocument(inspection, OPTIONS));
      assertValid(validSpdx, spdxDocument(inspection, everything()));
    }
  });

  it("is judged by a validator that refuses what is no SPDX", () => {
    const document = plain(spdxDocument(full, OPTIONS));
    document["@graph"].find((one: Plain) => one["type"] === "Relationship")["relationshipType"] = "likes";
    assert.equal(validSpdx(document), false);
  });

  it("claims the AI profile only where all is known that it demands", () => {
    const profiles = (inspection: Inspection, options: BomOptions): readonly string[] =>
      plain(spdxDocument(inspection, options))["@graph"].at(-1)["profileConformance"];
    assert.ok(!profiles(bare, OPTIONS).includes("ai"));
    assert.ok(profiles(bare, everything()).includes("ai"));
    assert.ok(!profiles(full, everything()).includes("ai"), "of its base nothing is known but the name");
  });

  it("relates the model to files, data, licences and its base", () => {
    const elements: readonly Plain[] = plain(spdxDocument(full, everything()))["@graph"];
    const related = elements.filter((one) => one["type"] === "Relationship").map((one) => one["relationshipType"]);
    for (const kind of ["contains", "trainedOn", "hasDeclaredLicense", "hasConcludedLicense", "descendantOf"]) {
      assert.ok(related.includes(kind), kind);
    }
    const ids = new Set(elements.map((one) => one["spdxId"]));
    for (const one of elements.filter((one) => one["type"] === "Relationship")) {
      for (const to of one["to"]) assert.ok(ids.has(to) || to.startsWith("https://spdx.org/"), to);
    }
  });

  it("concludes no licence where declaration and text differ, or there is no text", () => {
    const concluded = (inspection: Inspection): unknown =>
      plain(spdxDocument(inspection, OPTIONS))["@graph"].find(
        (one: Plain) => one["relationshipType"] === "hasConcludedLicense",
      )["to"];
    assert.deepEqual(concluded(bare), ["https://spdx.org/rdf/3.0.1/terms/Licensing/NoAssertion"]);
    assert.notDeepEqual(concluded(full), concluded(bare));
  });
});

describe("both", () => {
  it("are the same bytes for the same inputs, and others for others", async () => {
    const again = await inspectModel(join(folder, "full"));
    for (const write of [cycloneDxBom, spdxDocument]) {
      assert.equal(JSON.stringify(write(full, everything())), JSON.stringify(write(again, everything())));
      assert.notEqual(JSON.stringify(write(full, OPTIONS)), JSON.stringify(write(full, { ...OPTIONS, time: 1 })));
      assert.notEqual(JSON.stringify(write(full, OPTIONS)), JSON.stringify(write(bare, OPTIONS)));
    }
    const serial = (time: number): unknown => plain(cycloneDxBom(full, { ...OPTIONS, time }))["serialNumber"];
    assert.notEqual(serial(1), serial(2));
  });

  it("stay valid whatever foreign text stands in the facts", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((value) => value.trim() !== "");
    fc.assert(
      fc.property(
        text,
        text,
        fc.constantFrom("licence", "base model", "data set", "task", "tag", "risk"),
        (value, name, topic) => {
          const facts = [{ topic, value, basis: "declared", where: `${name} field` } as const];
          const inspection: Inspection = {
            ...bare,
            name,
            facts,
            licences: {
              declared: [{ id: "LicenseRef-x", name, listed: false, where: value }],
              detected: [],
              findings: [],
            },
          };
          assertValid(validCycloneDx, cycloneDxBom(inspection, OPTIONS));
          assertValid(validSpdx, spdxDocument(inspection, OPTIONS));
        },
      ),
      { numRuns: 30 },
    );
  });
});

// Documents are looked into by name here, whatever their shape.
// oxlint-disable-next-line typescript/no-explicit-any
type Plain = Record<string, any>;

function plain(value: unknown): Plain {
  return JSON.parse(JSON.stringify(value)) as Plain;
}
