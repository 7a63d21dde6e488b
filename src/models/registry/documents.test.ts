/** Documents about a version: those that `bom/` writes are taken, and any that says something else is refused. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { modelCard } from "../bom/card.ts";
import { cycloneDxBom } from "../bom/cyclonedx.ts";
import { inspectModel, type Inspection } from "../bom/inspect.ts";
import { spdxDocument } from "../bom/spdx.ts";
import { bomKind, checkDocument, type DocumentKind } from "./documents.ts";
import type { VersionFile } from "./digest.ts";

const code = (expected: string, detail: RegExp) => (error: unknown) =>
  isHoldfastError(error, expected) && detail.test(error.message);
const OPTIONS = { time: 0, datasets: [] };
const OTHER = "0".repeat(64);

let folder: string;
let inspection: Inspection;
let version: { readonly root: string; readonly files: readonly VersionFile[] };

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-documents-"));
  await writeFile(join(folder, "config.json"), '{"architectures":["Bert"]}');
  await writeFile(join(folder, "notes.txt"), "weights");
  inspection = await inspectModel(folder);
  version = {
    root: inspection.root,
    files: inspection.resources.map(({ name, digest, size }) => ({ path: name, digest, size })),
  };
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const check = (kind: DocumentKind, text: string): string => checkDocument(kind, Buffer.from(text), version);
const texts: Readonly<Record<"bom" | "spdx" | "card" | "lineage", () => string>> = {
  bom: () => JSON.stringify(cycloneDxBom(inspection, OPTIONS)),
  spdx: () => JSON.stringify(spdxDocument(inspection, OPTIONS)),
  card: () => modelCard(inspection, OPTIONS),
  lineage: () =>
    JSON.stringify({ one: { root: OTHER }, other: { root: version.root }, lineage: { kinship: "fine-tune" } }),
};

describe("documents about a model", () => {
  it("are taken as they are written here", () => {
    assert.equal(check("bom", texts.bom()), "CycloneDX 1.7");
    assert.equal(check("spdx", texts.spdx()), "SPDX 3.0.1");
    assert.equal(check("card", texts.card()), "model card");
    assert.equal(check("lineage", texts.lineage()), `fine-tune, compared with sha256:${OTHER}`);
    assert.equal(bomKind(Buffer.from(texts.bom())), "bom");
    assert.equal(bomKind(Buffer.from(texts.spdx())), "spdx");
    assert.throws(() => bomKind(Buffer.from("{}")), code("models.document-invalid", /neither/));
  });

  const MISMATCH = "models.document-mismatch";
  const INVALID = "models.document-invalid";
  const spoilt: readonly (readonly [DocumentKind, string, string, RegExp, (text: string) => string])[] = [
    [
      "bom",
      "another root",
      MISMATCH,
      /about sha256:0000/,
      (text) => text.replace(`sha256:${version.root}`, `sha256:${OTHER}`),
    ],
    [
      "bom",
      "a file of another name",
      MISMATCH,
      /evil\.txt/,
      (text) => text.replace('"name":"notes.txt"', '"name":"evil.txt"'),
    ],
    ["bom", "a file of other bytes", MISMATCH, /notes\.txt/, (text) => text.replace(digestOf("notes.txt"), OTHER)],
    ["bom", "no root", INVALID, /not one property/, (text) => text.replace("holdfast:oms:root", "holdfast:oms:toor")],
    [
      "bom",
      "two roots",
      INVALID,
      /not one property/,
      (text) =>
        text.replace(
          '"properties":[{"name":"holdfast:oms:root"',
          '"properties":[{"name":"holdfast:oms:root","value":"x"},{"name":"holdfast:oms:root"',
        ),
    ],
    ["bom", "another format", INVALID, /not CycloneDX/, () => texts.spdx()],
    ["bom", "an end", INVALID, /JSON/, (text) => text.slice(0, 100)],
    ["spdx", "another root", MISMATCH, /about sha256:0000/, (text) => text.replace(version.root, OTHER)],
    [
      "spdx",
      "a file of another name",
      MISMATCH,
      /evil\.txt/,
      (text) => text.replace('"name":"notes.txt"', '"name":"evil.txt"'),
    ],
    ["spdx", "a file of other bytes", MISMATCH, /notes\.txt/, (text) => text.replace(digestOf("notes.txt"), OTHER)],
    ["spdx", "a file without a hash", MISMATCH, /notes\.txt/, (text) => text.replace(hashOf("notes.txt"), "[]")],
    [
      "spdx",
      "another version",
      INVALID,
      /not SPDX 3/,
      (text) => text.replace('"specVersion":"3.0.1"', '"specVersion":"2.3"'),
    ],
    [
      "spdx",
      "two hashes",
      INVALID,
      /not one hash/,
      (text) => text.replace('"verifiedUsing":[', `"verifiedUsing":[${hash(OTHER)},`),
    ],
    ["spdx", "no bill", INVALID, /root element/, (text) => text.replace("software_Sbom", "Bundle")],
    [
      "spdx",
      "another root element",
      INVALID,
      /root element/,
      (text) => text.replace('#model-0"],"element"', '#file-0"],"element"'),
    ],
    [
      "spdx",
      "an element twice",
      INVALID,
      /twice/,
      (text) => text.replace('#file-1","creationInfo"', '#file-0","creationInfo"'),
    ],
    ["card", "another root", MISMATCH, /does not name/, (text) => text.replace(version.root, OTHER)],
    ["lineage", "two others", MISMATCH, /the release has/, (text) => text.replace(version.root, OTHER)],
    ["lineage", "a word of its own", INVALID, /fingerprint/, (text) => text.replace("fine-tune", "trust me")],
    ["lineage", "no root", INVALID, /fingerprint/, (text) => text.replace(OTHER, "x")],
  ];
  const digestOf = (path: string): string => version.files.find((file) => file.path === path)?.digest ?? "";
  const hash = (value: string): string => `{"type":"Hash","algorithm":"sha256","hashValue":"${value}"}`;
  const hashOf = (path: string): string => `[${hash(digestOf(path))}]`;
  for (const [kind, what, expected, detail, spoil] of spoilt) {
    it(`${kind} with ${what} are refused`, () => {
      const right = texts[kind]();
      const wrong = spoil(right);
      assert.notEqual(wrong, right);
      assert.throws(() => check(kind, wrong), code(expected, detail));
    });
  }

  it("that are not text are refused", () => {
    assert.throws(
      () => checkDocument("card", Buffer.from([0xff, 0xfe]), version),
      code("models.document-invalid", /UTF-8/),
    );
  });
});
