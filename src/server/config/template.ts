/**
 * The commented `holdfast.yaml` that `holdfast init` writes, made from the schema, so that no field is missing from it
 * and no comment is out of date.
 *
 * @module
 */

import { stringify } from "yaml";

import { expectation, type JsonSchema } from "./expectation.ts";

/** Lists and maps whose first entry nobody should have to guess. They stand commented out under the empty default. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  "gateway.upstreams": [
    {
      name: "openai",
      protocol: "openai",
      url: "https://api.openai.com/v1",
      key: { env: "OPENAI_API_KEY" },
      models: ["gpt-*"],
    },
    { name: "local", protocol: "openai", url: "http://127.0.0.1:11434/v1", models: ["*"] },
  ],
  "gateway.models": {
    fast: [
      { upstream: "openai", model: "gpt-5-mini", weight: 1 },
      { upstream: "local", model: "llama3", weight: 0 },
    ],
  },
  "gateway.budgets": [
    { name: "shop-monthly", what: "money", limit: 200, window: "month", who: { app: ["shop"] } },
    { name: "each-key-daily", what: "tokens", limit: 2_000_000, window: "day", per: ["key"] },
  ],
  "admin.hosts": ["holdfast.example.org"],
};

/**
 * The text of a configuration in which every field stands at its default, under its description. Fields without a
 * default stand commented out.
 *
 * @param schemaPath where editors find the JSON Schema, relative to the file
 */
export function configTemplate(schema: JsonSchema, schemaPath: string): string {
  return [
    `# yaml-language-server: $schema=${schemaPath}`,
    "#",
    "# The configuration of Holdfast. Every field may be left out: it then stands at the default shown here.",
    "# Secrets do not belong in this file: it names the environment variable or the file that holds one.",
    "",
    ...fields(schema, [], 0),
    "",
  ].join("\n");
}

function fields(schema: JsonSchema, path: readonly string[], depth: number): string[] {
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>;
  return Object.entries(properties).flatMap(([name, field], index) => {
    const own = [...path, name];
    const { description } = field;
    const lines = typeof description === "string" ? [`# ${description}`] : [];
    if (field["properties"] !== undefined && field["default"] !== undefined) {
      lines.push(`${name}:`, ...fields(field, own, depth + 1));
    } else if (field["default"] !== undefined) {
      lines.push(...yaml({ [name]: field["default"] }));
      const example = EXAMPLES[own.join(".")];
      if (example !== undefined) lines.push(...yaml({ [name]: example }).map((line) => `# ${line}`));
    } else if (field["properties"] !== undefined) {
      lines.push(`# ${name}:`, ...fields(field, own, depth + 1).map((line) => (line === "" ? "#" : `# ${line}`)));
    } else {
      lines.push(`# ${name}: ${expectation(field)}`);
    }
    const indented = lines.map((line) => (depth === 0 || line === "" ? line : `  ${line}`));
    return index === 0 || depth > 1 ? indented : ["", ...indented];
  });
}

function yaml(value: unknown): string[] {
  return stringify(value, { lineWidth: 0 }).trimEnd().split("\n");
}
