/**
 * The catalogue of controls: `catalog/controls.yaml`, read and checked.
 *
 * The catalogue is data that ships with the product, so a wrong one is a defect, not an input: reading it refuses
 * unknown fields, ids that occur twice, and controls of a stage that does not exist. `catalog/controls.schema.json` is
 * made from the definition below, for editors and for others who use the catalogue.
 *
 * @module
 */

import { readFile } from "node:fs/promises";

import { parse } from "yaml";
import { z } from "zod";

import type { Control } from "../core/index.ts";
import { governError } from "./errors.ts";

const sentence = z.string().min(1).max(400);
const isoDate = z.iso.date();

const stageSchema = z.strictObject({
  id: z.string().regex(/^[a-z]+$/),
  title: z.string().min(1).max(80),
});

const controlSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Z][1-9]\d?$/)
    .describe("never reused, never renumbered"),
  stage: z.string().describe("id of one of the stages"),
  title: z.string().min(1).max(120).describe("the practice"),
  question: sentence.describe("what evidence must answer"),
  test: sentence.describe("what shows that the feature works"),
  proof: sentence.describe("what is kept as evidence"),
  sources: z
    .array(z.string().regex(/^S[12]-(mindset|start|transparency|[1-8])$/))
    .min(1)
    .describe("sections of the guides that ask for it"),
  references: z
    .array(z.string().regex(/^(v1\.0-C\d{1,2}\.\d{1,2}\.\d{1,2}|AML\.M\d{4})$/))
    .describe("requirements of OWASP AISVS and mitigations of MITRE ATLAS"),
});

/** The form of `catalog/controls.yaml`. */
const catalogSchema = z.strictObject({
  edition: isoDate.describe("the day of this edition"),
  guides: z.record(z.string(), z.strictObject({ title: z.string(), sections: z.string() })),
  frameworks: z.record(
    z.string(),
    z.strictObject({ title: z.string(), version: z.string(), date: isoDate, url: z.url() }),
  ),
  stages: z.array(stageSchema).min(1),
  controls: z.array(controlSchema).min(1),
});

/** A control with what the catalogue knows beyond the words of `core`. */
export type CatalogControl = Control & z.output<typeof controlSchema>;

export interface Catalog extends z.output<typeof catalogSchema> {
  readonly controls: CatalogControl[];
}

/** The JSON Schema of the catalogue, for editors and for others who use it. */
export function catalogJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(catalogSchema);
  return { $schema, title: "The controls of Holdfast", ...schema };
}

/**
 * The same two levels up from `src/govern` in a clone and from `dist/govern` in the published package.
 */
const CATALOG = new URL("../../catalog/controls.yaml", import.meta.url);

/**
 * Reads the catalogue that ships with this version.
 *
 * @throws `govern.catalog-invalid` when the file is missing, or not as the schema says
 */
export async function loadCatalog(file: URL = CATALOG): Promise<Catalog> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw governError("govern.catalog-invalid", { detail: "it cannot be read", cause });
  }
  return readCatalog(text);
}

/** Reads the text of a catalogue. @throws `govern.catalog-invalid`, with the place of the first problem */
export function readCatalog(text: string): Catalog {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0, schema: "core" }) as unknown;
  } catch (cause) {
    throw governError("govern.catalog-invalid", { detail: "not YAML", cause });
  }
  const result = catalogSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw governError("govern.catalog-invalid", { detail: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}` });
  }
  const catalog = result.data;
  refuseTwice(catalog.stages.map((stage) => stage.id));
  refuseTwice(catalog.controls.map((control) => control.id));
  const stages = new Set(catalog.stages.map((stage) => stage.id));
  for (const { id, stage, sources } of catalog.controls) {
    if (!stages.has(stage)) throw governError("govern.catalog-invalid", { detail: `${id}: no stage ${stage}` });
    for (const source of sources) {
      if (!Object.hasOwn(catalog.guides, source.slice(0, 2))) {
        throw governError("govern.catalog-invalid", { detail: `${id}: no guide ${source}` });
      }
    }
  }
  return catalog;
}

function refuseTwice(ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (seen.has(id)) throw governError("govern.catalog-invalid", { detail: `${id} occurs twice` });
    seen.add(id);
  }
}
