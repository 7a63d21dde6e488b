import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";

import { isHoldfastError } from "../core/index.ts";
import { catalogJsonSchema, loadCatalog, readCatalog } from "./catalog.ts";

const SOURCE = new URL("../../catalog/controls.yaml", import.meta.url);
const SCHEMA = new URL("../../catalog/controls.schema.json", import.meta.url);

function upTo(letter: string, last: number): string[] {
  return Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
}

test("the catalogue holds every practice, each once, in the order of the stages", async () => {
  const { controls, stages } = await loadCatalog();
  const expected = [
    ...upTo("G", 9),
    ...upTo("D", 9),
    ...upTo("M", 12),
    ...upTo("R", 14),
    ...upTo("V", 2),
    ...upTo("I", 4),
    ...upTo("P", 4),
    ...upTo("T", 3),
  ];
  assert.equal(expected.length, 57);
  assert.deepEqual(
    controls.map((control) => control.id),
    expected,
  );
  const order = controls.map((control) => stages.findIndex((stage) => stage.id === control.stage));
  assert.deepEqual(
    order,
    order.toSorted((one, other) => one - other),
  );
});

test("every text is one or more whole sentences, and no two controls ask the same", async () => {
  const { controls } = await loadCatalog();
  for (const { id, title, question, test: check, proof } of controls) {
    assert.match(question, /^[A-Z].*\?$/s, id);
    assert.match(check, /^[A-Z].*\.$/s, id);
    assert.match(proof, /^[A-Z].*\.$/s, id);
    assert.doesNotMatch(title, /[.?]$/, id);
  }
  for (const field of ["title", "question"] as const) {
    assert.equal(new Set(controls.map((control) => control[field])).size, controls.length, field);
  }
});

test("the schema file is the one that the definition makes, and the catalogue is valid under it", async () => {
  const stored = JSON.parse(await readFile(SCHEMA, "utf8")) as Record<string, unknown>;
  assert.deepEqual(stored, JSON.parse(JSON.stringify(catalogJsonSchema())));
  const validate = new Ajv2020({ strict: false, formats: { date: true, uri: true } }).compile(stored);
  assert.equal(validate(parse(await readFile(SOURCE, "utf8"))), true, JSON.stringify(validate.errors));
});

const GOOD = `
edition: 2026-11-23
guides: { S1: { title: a guide, sections: its rules } }
frameworks: { ATLAS: { title: mitigations, version: "1", date: 2026-05-05, url: https://example.org } }
stages: [{ id: design, title: Design }]
controls:
  - &one { id: G1, stage: design, title: T, question: Q?, test: T., proof: P., sources: [S1-1], references: [AML.M0001] }
`;

test("a catalogue that is not as it must be is refused, and the message says where", () => {
  assert.equal(readCatalog(GOOD).controls.length, 1);
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["not YAML", "{", /not YAML/],
    ["empty", "", /govern|expected/i],
    ["an unknown field", GOOD.replace("title: T,", "title: T, owner: me,"), /controls\.0/],
    ["a lower-case id", GOOD.replace("id: G1", "id: g1"), /controls\.0\.id/],
    ["a reference without a version", GOOD.replace("AML.M0001", "C1.1.1"), /controls\.0\.references\.0/],
    ["an unknown stage", GOOD.replace("stage: design", "stage: later"), /G1: no stage later/],
    ["an unknown guide", GOOD.replace("[S1-1]", "[S2-1]"), /G1: no guide S2-1/],
    ["a control without a source", GOOD.replace("[S1-1]", "[]"), /controls\.0\.sources/],
    ["the same stage twice", GOOD.replace("[{ id", "[{ id: design, title: D }, { id"), /design occurs twice/],
    [
      "the same control twice",
      `${GOOD}${GOOD.slice(GOOD.indexOf("  - &one")).replace("&one ", "")}`,
      /G1 occurs twice/,
    ],
    ["an alias", `${GOOD}  - *one\n`, /not YAML/],
  ];
  for (const [what, text, expected] of cases) {
    assert.throws(
      () => readCatalog(text),
      (error) => isHoldfastError(error, "govern.catalog-invalid") && expected.test(error.message),
      what,
    );
  }
});

test("a catalogue that is missing is an error of its own", async () => {
  await assert.rejects(loadCatalog(pathToFileURL("/nowhere/controls.yaml")), { code: "govern.catalog-invalid" });
});
