import assert from "node:assert/strict";
import { test } from "node:test";

import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";

import { expectation, fieldsAt, schemaAt, type JsonSchema } from "./expectation.ts";
import { readConfig } from "./read.ts";
import { configJsonSchema } from "./schema.ts";
import { configTemplate } from "./template.ts";

const schema = configJsonSchema();
const text = configTemplate(schema, "./holdfast.schema.json");

test("the template is valid, means exactly the defaults, and fits its schema", () => {
  const { config, problems } = readConfig(text, "holdfast.yaml");
  assert.deepEqual(problems, []);
  assert.deepEqual(config, readConfig("", "holdfast.yaml").config);
  const validate = new Ajv2020({ strict: false, formats: { uri: true } }).compile(schema);
  assert.equal(validate(parse(text)), true, JSON.stringify(validate.errors));
  assert.equal(validate({ gatway: {} }), false);
});

test("editors find the schema in its first line", () => {
  assert.equal(text.split("\n")[0], "# yaml-language-server: $schema=./holdfast.schema.json");
});

test("every field stands in the template under its description", () => {
  const missing: string[] = [];
  const walk = (node: JsonSchema, path: readonly string[]): void => {
    for (const name of fieldsAt(node, [])) {
      const field = schemaAt(node, [name]) as JsonSchema;
      if (typeof field["description"] !== "string" && field["properties"] === undefined)
        missing.push([...path, name].join("."));
      if (!new RegExp(`^[ #]*${name}:`, "m").test(text)) missing.push(`${[...path, name].join(".")} in the template`);
      walk(field, [...path, name]);
    }
  };
  walk(schema, []);
  assert.deepEqual(missing, []);
});

test("the examples in comments are valid once uncommented", () => {
  const examples = text
    // A section that is left out shows its fields, and is no example.
    .replace(/^ {2}# (?:tls|login):\n(?: {2}#.*\n)*/gm, "")
    .replace(/^ {2}(?:(?:upstreams|budgets|hosts): \[\]|models: \{\})$/gm, "")
    .replace(/^(\s*)# (?=(upstreams|models|budgets|hosts):$| +(- )?[\w-]+)/gm, "$1");
  const { config, problems } = readConfig(examples, "holdfast.yaml");
  assert.deepEqual(problems, []);
  assert.equal(config?.gateway.upstreams.length, 2);
  assert.deepEqual(
    config.gateway.models["fast"]?.map(({ upstream }) => upstream),
    config.gateway.upstreams.map(({ name }) => name),
  );
  assert.deepEqual(
    config.gateway.budgets.map(({ name }) => name),
    ["shop-monthly", "each-key-daily"],
  );
  assert.deepEqual(config.admin.hosts, ["holdfast.example.org"]);
});

test("what a field takes is said in words", () => {
  assert.equal(expectation({ type: "integer", minimum: 1 }), "a whole number of at least 1");
  assert.equal(expectation({ type: "integer", maximum: 9 }), "a whole number of at most 9");
  assert.equal(
    expectation({ type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    "a whole number of at least 1",
  );
  assert.equal(expectation({ enum: ["a", 1] }), 'one of "a", 1');
  assert.equal(expectation({ anyOf: [{ type: "string" }, { type: "boolean" }] }), "a text or true or false");
  assert.equal(expectation({ type: "array", minItems: 1 }), "a list of at least 1");
  assert.equal(expectation(undefined), "another value");
});
