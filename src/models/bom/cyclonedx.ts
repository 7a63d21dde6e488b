/**
 * The bill of materials of a model in CycloneDX 1.7: the model with its card, every file with its digest, data sets, and
 * the models it was made from.
 *
 * What is measured and what is declared stays apart: licences that files declare stand in `licenses`, those whose text was
 * found in `evidence`. What nobody states is left out, and what could not be read makes the composition incomplete.
 *
 * Source: CycloneDX 1.7, `bom-1.7.schema.json`.
 *
 * @module
 */

import type { Dataset } from "./croissant.ts";
import { distinct, isExpression, portText, timestampOf, uuidOf, type BomOptions } from "./document.ts";
import { about, valuesOf, type Fact } from "./fact.ts";
import type { Inspection } from "./inspect.ts";
import { nameLicence, type DetectedLicence, type NamedLicence } from "./licence/licences.ts";

type Fields = Readonly<Record<string, unknown>>;

const MODEL_REF = "model";

/**
 * Writes the bill of materials. The same inspection and options give the same document, its serial number with it.
 *
 * @example
 * ```ts
 * import { cycloneDxBom, inspectModel } from "holdfast/models";
 *
 * const bom = cycloneDxBom(await inspectModel("./my-model"), { time: 1_800_000_000, datasets: [] });
 * console.log(bom.specVersion); // 1.7
 * ```
 */
export function cycloneDxBom(inspection: Inspection, options: BomOptions): Fields & { readonly specVersion: "1.7" } {
  const data = options.datasets.map((dataset, index) => ({ ref: `data:${index}`, dataset }));
  const bases = valuesOf(inspection.facts, "base model").map((name) => ({ ref: `base:${name}`, name }));
  const content = {
    $schema: "http://cyclonedx.org/schema/bom-1.7.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.7" as const,
    version: 1,
    metadata: {
      timestamp: timestampOf(options.time),
      tools: { components: [{ type: "application", name: "holdfast" }] },
      component: modelComponent(inspection, options, bases, data),
    },
    components: [...inspection.resources.map(fileComponent), ...data.map(dataComponent)],
    dependencies: [{ ref: MODEL_REF, dependsOn: [...bases, ...data].map(({ ref }) => ref) }],
    compositions: [{ aggregate: inspection.unread.length === 0 ? "complete" : "incomplete", assemblies: [MODEL_REF] }],
  };
  const { $schema, bomFormat, specVersion, ...rest } = content;
  return { $schema, bomFormat, specVersion, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`, ...rest };
}

function modelComponent(
  inspection: Inspection,
  { version, supplier, downloadLocation, released, signature }: BomOptions,
  bases: readonly { readonly ref: string; readonly name: string }[],
  data: readonly { readonly ref: string }[],
): Fields {
  const { licences, facts } = inspection;
  const references = [
    ...(downloadLocation === undefined ? [] : [{ type: "distribution", url: downloadLocation }]),
    ...(signature === undefined
      ? []
      : [
          {
            type: "digital-signature",
            url: encodeURI(signature.path),
            comment: "OpenSSF Model Signing bundle",
            hashes: [sha256(signature.sha256)],
          },
        ]),
  ];
  return {
    type: "machine-learning-model",
    "bom-ref": MODEL_REF,
    ...(supplier === undefined ? {} : { supplier: { name: supplier } }),
    name: inspection.name,
    ...(version === undefined ? {} : { version }),
    ...some(
      "licenses",
      distinct(licences.declared).map((licence) => licenceChoice(licence, "declared")),
    ),
    ...(bases.length === 0
      ? {}
      : {
          pedigree: {
            ancestors: bases.map(({ ref, name }) => ({ type: "machine-learning-model", "bom-ref": ref, name })),
            notes: "declared by the model's own files",
          },
        }),
    ...some("externalReferences", references),
    ...(licences.detected.length === 0
      ? {}
      : { evidence: { licenses: distinct(licences.detected).map((licence) => detectedChoice(licence)) } }),
    modelCard: modelCard(inspection, data),
    properties: [
      property("oms:root", `sha256:${inspection.root}`),
      ...(released === undefined ? [] : [property("released", released)]),
      ...inspection.ignored.map((path) => property("ignored", path)),
      ...inspection.unread.map(({ path, why }) => property("unread", `${path}: ${why}`)),
      ...licences.findings.map(({ rule, message }) => property(rule, message)),
      ...facts
        .filter(({ topic }) => PROPERTIES.has(topic))
        .map((fact) => property(fact.topic.replaceAll(" ", "-"), stated(fact))),
    ],
  };
}

/** Topics that have no place of their own in the format. */
const PROPERTIES: ReadonlySet<Fact["topic"]> = new Set<Fact["topic"]>([
  "library",
  "producer",
  "language",
  "licence link",
  "adapter",
  "tokenizer",
  "training",
  "tag",
  "emissions",
]);

function modelCard(inspection: Inspection, data: readonly { readonly ref: string }[]): Fields {
  const { facts, metrics, size, inputs, outputs } = inspection;
  const [task] = valuesOf(facts, "task");
  const [family] = valuesOf(facts, "family");
  const architectures = valuesOf(facts, "architecture").join(", ");
  const datasets = [
    ...data.map(({ ref }) => ({ ref })),
    ...valuesOf(facts, "data set").map((name) => ({ type: "dataset", name })),
  ];
  const considerations = {
    ...some("useCases", valuesOf(facts, "intended use")),
    ...some("technicalLimitations", valuesOf(facts, "limitation")),
    ...some(
      "ethicalConsiderations",
      valuesOf(facts, "risk").map((name) => ({ name })),
    ),
  };
  return {
    modelParameters: {
      ...(task === undefined ? {} : { task }),
      ...(family === undefined ? {} : { architectureFamily: family }),
      ...(architectures === "" ? {} : { modelArchitecture: architectures }),
      ...some("datasets", datasets),
      ...some(
        "inputs",
        inputs.map((port) => ({ format: portText(port) })),
      ),
      ...some(
        "outputs",
        outputs.map((port) => ({ format: portText(port) })),
      ),
    },
    ...(metrics.length === 0
      ? {}
      : {
          quantitativeAnalysis: {
            performanceMetrics: metrics.map(({ name, value, dataset }) => ({
              type: name,
              value,
              ...(dataset === undefined ? {} : { slice: dataset }),
            })),
          },
        }),
    ...(Object.keys(considerations).length === 0 ? {} : { considerations }),
    properties: [
      ...(size === undefined ? [] : [property("parameters", String(size.parameters))]),
      ...(size?.dtypes ?? []).map(([dtype, count]) => property(`parameters:${dtype}`, String(count))),
      ...about(facts, "quantisation").map((fact) => property("quantisation", stated(fact))),
    ],
  };
}

function fileComponent({ name, digest, size }: Inspection["resources"][number]): Fields {
  return {
    type: "file",
    "bom-ref": `file:${name}`,
    name,
    hashes: [sha256(digest)],
    properties: [property("bytes", String(size))],
  };
}

function dataComponent({ ref, dataset }: { readonly ref: string; readonly dataset: Dataset }): Fields {
  const licences = dataset.licences.map(
    (text): NamedLicence => nameLicence(text) ?? { id: "LicenseRef-unknown", name: text, listed: false },
  );
  return {
    type: "data",
    "bom-ref": ref,
    name: dataset.name,
    ...(dataset.version === undefined ? {} : { version: dataset.version }),
    ...(dataset.description === undefined ? {} : { description: dataset.description }),
    hashes: [sha256(dataset.sha256)],
    ...some(
      "licenses",
      licences.map((licence) => licenceChoice(licence, "declared")),
    ),
    data: [
      {
        type: "dataset",
        name: dataset.name,
        ...(dataset.url === undefined ? {} : { contents: { url: encodeURI(dataset.url) } }),
      },
    ],
    properties: [
      property("croissant", `the digest is that of ${dataset.path}, the description`),
      ...dataset.files.map(({ name, state, sha256: digest }) =>
        property("file", `${name}: ${state}${digest === undefined ? "" : `, sha256:${digest}`}`),
      ),
      ...dataset.rai.map(([field, text]) => property(`rai:${field}`, text)),
    ],
  };
}

function licenceChoice({ id, name, listed }: NamedLicence, acknowledgement: "declared" | "concluded"): Fields {
  if (isExpression(id)) return { expression: id, acknowledgement };
  return { license: { ...(listed ? { id } : { name }), acknowledgement } };
}

function detectedChoice(licence: DetectedLicence): Fields {
  const { id, name, listed, by } = licence;
  if (by === "text with more") return { license: { name: `${name}, with other text` } };
  return { license: listed ? { id } : { name } };
}

function sha256(content: string): Fields {
  return { alg: "SHA-256", content };
}

function property(name: string, value: string): Fields {
  return { name: `holdfast:${name}`, value };
}

/** A value with how and where it is known. */
function stated({ value, basis, where }: Fact): string {
  return `${value} (${basis}: ${where})`;
}

/** A list as a field, or nothing where it is empty. */
function some(name: string, list: readonly unknown[]): Fields {
  return list.length === 0 ? {} : { [name]: list };
}
