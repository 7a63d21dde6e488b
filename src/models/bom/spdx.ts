/**
 * The bill of materials of a model in SPDX 3.0.1, as JSON-LD: an AI package with its files, its data sets, its licences and
 * the models it descends from.
 *
 * The document claims the `ai` profile only where all that this profile demands is known: supplier, place of download,
 * version and time of release. Nothing is put in to fill a field.
 *
 * Source: SPDX 3.0.1, model (Core, Software, AI, Dataset, SimpleLicensing) and serialisation (annex H).
 *
 * @module
 */

import type { Dataset } from "./croissant.ts";
import { distinct, portText, timestampOf, uuidOf, type BomOptions } from "./document.ts";
import { about, valuesOf, type Fact } from "./fact.ts";
import type { Inspection } from "./inspect.ts";
import { nameLicence, type Licences } from "./licence/licences.ts";

type Fields = Readonly<Record<string, unknown>>;

const CREATION = "_:creation";
const NO_ASSERTION = "https://spdx.org/rdf/3.0.1/terms/Licensing/NoAssertion";

/** Collects elements under one name space. */
interface Graph {
  readonly add: (kind: string, type: string, fields: Fields) => string;
  readonly relate: (from: string, type: string, to: readonly string[], comment?: string) => void;
  readonly elements: readonly (Fields & { readonly spdxId: string })[];
}

/** Writes the document. The same inspection and options give the same document, its name space with it. */
export function spdxDocument(inspection: Inspection, options: BomOptions): Fields {
  const space = `urn:uuid:${uuidOf(JSON.stringify(["spdx", inspection.root, inspection.name, inspection.facts, options]))}`;
  const graph = createGraph(space);
  const agent = graph.add("agent", "SoftwareAgent", { name: "holdfast" });
  const model = addModel(graph, inspection, options);
  addFiles(graph, model, inspection);
  addLicences(graph, model, inspection.licences);
  addData(graph, model, inspection.facts, options.datasets);
  for (const { value, where } of firstOf(about(inspection.facts, "base model"))) {
    const base = graph.add("base", "ai_AIPackage", { name: value, software_primaryPurpose: "model" });
    graph.relate(model, "descendantOf", [base], `declared by ${where}`);
  }

  const profiles = ["core", "software", "simpleLicensing", ...(isAiProfile(inspection, options) ? ["ai"] : [])];
  const members = graph.elements.map(({ spdxId }) => spdxId);
  const bom = graph.add("bom", "software_Sbom", {
    profileConformance: profiles,
    rootElement: [model],
    element: members,
    software_sbomType: ["analyzed"],
  });
  graph.add("document", "SpdxDocument", {
    name: inspection.name,
    profileConformance: profiles,
    rootElement: [bom],
    element: [...members, bom],
  });
  const creation = {
    type: "CreationInfo",
    "@id": CREATION,
    specVersion: "3.0.1",
    created: timestampOf(options.time),
    createdBy: [agent],
  };
  return { "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [creation, ...graph.elements] };
}

/** Whether all is known that the AI profile demands of each AI package (SPDX 3.0.1, AIPackage, external restrictions). */
function isAiProfile({ facts }: Inspection, options: BomOptions): boolean {
  const { version, supplier, downloadLocation, released } = options;
  return (
    [version, supplier, downloadLocation, released].every((value) => value !== undefined) &&
    about(facts, "base model").length === 0
  );
}

function createGraph(space: string): Graph {
  const elements: (Fields & { readonly spdxId: string })[] = [];
  const counts = new Map<string, number>();
  const add: Graph["add"] = (kind, type, fields) => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const spdxId = `${space}#${kind}-${count}`;
    elements.push({ type, spdxId, creationInfo: CREATION, ...fields });
    return spdxId;
  };
  return {
    add,
    relate: (from, relationshipType, to, comment) => {
      add("relationship", "Relationship", {
        from,
        relationshipType,
        to,
        ...(comment === undefined ? {} : { comment }),
      });
    },
    elements,
  };
}

function addModel(graph: Graph, inspection: Inspection, options: BomOptions): string {
  const { facts, metrics, size, inputs, outputs, unread, root, name } = inspection;
  const { version, supplier, downloadLocation, released } = options;
  const types = [...valuesOf(facts, "architecture"), ...valuesOf(facts, "family")];
  const training = [...about(facts, "training"), ...about(facts, "base model")].map(stated);
  const hyperparameters = [
    ...(size === undefined ? [] : [entry("parameters", String(size.parameters))]),
    ...(size?.dtypes ?? []).map(([dtype, count]) => entry(`parameters of ${dtype}`, String(count))),
    ...about(facts, "quantisation").map((fact) => entry("quantisation", stated(fact))),
    ...inputs.map((port) => entry("input", portText(port))),
    ...outputs.map((port) => entry("output", portText(port))),
  ];
  const uses = valuesOf(facts, "intended use");
  const limits = [...valuesOf(facts, "limitation"), ...valuesOf(facts, "risk")];
  return graph.add("model", "ai_AIPackage", {
    name,
    ...(unread.length === 0
      ? {}
      : { comment: `not complete: ${unread.map(({ path, why }) => `${path}: ${why}`).join("; ")}` }),
    verifiedUsing: [hashOf(root, "root digest of OpenSSF Model Signing 1.0, method files")],
    ...(released === undefined ? {} : { releaseTime: released }),
    ...(supplier === undefined ? {} : { suppliedBy: graph.add("supplier", "Organization", { name: supplier }) }),
    software_primaryPurpose: "model",
    ...(version === undefined ? {} : { software_packageVersion: version }),
    ...(downloadLocation === undefined ? {} : { software_downloadLocation: downloadLocation }),
    ...some("ai_typeOfModel", [...new Set(types)]),
    ...some("ai_domain", valuesOf(facts, "task")),
    ...some("ai_hyperparameter", hyperparameters),
    ...some(
      "ai_metric",
      metrics.map(({ name, value, dataset }) => entry(dataset === undefined ? name : `${name} on ${dataset}`, value)),
    ),
    ...(training.length === 0 ? {} : { ai_informationAboutTraining: training.join("; ") }),
    ...(uses.length === 0 ? {} : { ai_informationAboutApplication: uses.join("\n\n") }),
    ...(limits.length === 0 ? {} : { ai_limitation: limits.join("\n\n") }),
  });
}

function addFiles(graph: Graph, model: string, { resources }: Inspection): void {
  const files = resources.map(({ name, digest }) =>
    graph.add("file", "software_File", { name, verifiedUsing: [hashOf(digest)] }),
  );
  graph.relate(model, "contains", files);
}

/**
 * Declared is what the files declare. Concluded is only what declaration and texts agree on, or the one text where nothing
 * is declared; else the document does not assert.
 */
function addLicences(graph: Graph, model: string, { declared, detected, findings }: Licences): void {
  const known = new Map<string, string>();
  const expression = (id: string, name: string): string => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const made = graph.add("licence", "simplelicensing_LicenseExpression", {
      ...(id === name ? {} : { name }),
      simplelicensing_licenseExpression: id,
    });
    known.set(id, made);
    return made;
  };
  for (const { id, name, where } of distinct(declared)) {
    graph.relate(model, "hasDeclaredLicense", [expression(id, name)], `declared by ${where}`);
  }
  const certain = detected.length > 0 && detected.every(({ by }) => by === "text") && findings.length === 0;
  const concluded = certain ? distinct(detected).map(({ id, name }) => expression(id, name)) : [];
  if (concluded.length === 0) {
    graph.relate(model, "hasConcludedLicense", [NO_ASSERTION]);
    return;
  }
  const paths = detected.map(({ path }) => path).join(", ");
  for (const licence of concluded) graph.relate(model, "hasConcludedLicense", [licence], `by the text of ${paths}`);
}

function addData(graph: Graph, model: string, facts: readonly Fact[], datasets: readonly Dataset[]): void {
  for (const dataset of datasets) {
    const rai = new Map(dataset.rai);
    const bias = rai.get("dataBiases");
    const collection = rai.get("dataCollection");
    const element = graph.add("data", "dataset_DatasetPackage", {
      name: dataset.name,
      ...(dataset.description === undefined ? {} : { description: dataset.description }),
      verifiedUsing: [hashOf(dataset.sha256, `the Croissant description, ${dataset.path}`)],
      software_primaryPurpose: "data",
      ...(dataset.version === undefined ? {} : { software_packageVersion: dataset.version }),
      ...(dataset.url === undefined || !URL.canParse(dataset.url) ? {} : { software_homePage: dataset.url }),
      ...(collection === undefined ? {} : { dataset_dataCollectionProcess: collection }),
      dataset_datasetType: ["noAssertion"],
      ...(bias === undefined ? {} : { dataset_knownBias: [bias] }),
    });
    graph.relate(model, "trainedOn", [element], "named by who made this document");
    for (const text of dataset.licences) {
      const licence = nameLicence(text);
      if (licence === undefined) continue;
      const expression = graph.add("licence", "simplelicensing_LicenseExpression", {
        simplelicensing_licenseExpression: licence.id,
      });
      graph.relate(element, "hasDeclaredLicense", [expression], `declared by ${dataset.path}`);
    }
  }
  for (const { value, where } of firstOf(about(facts, "data set"))) {
    const element = graph.add("data", "dataset_DatasetPackage", {
      name: value,
      software_primaryPurpose: "data",
      dataset_datasetType: ["noAssertion"],
    });
    graph.relate(model, "trainedOn", [element], `declared by ${where}`);
  }
}

function hashOf(hashValue: string, comment?: string): Fields {
  return { type: "Hash", algorithm: "sha256", hashValue, ...(comment === undefined ? {} : { comment }) };
}

function entry(key: string, value: string): Fields {
  return { type: "DictionaryEntry", key, value };
}

function stated({ value, basis, where }: Fact): string {
  return `${value} (${basis}: ${where})`;
}

/** Facts of one value, the first of each. */
function firstOf(facts: readonly Fact[]): readonly Fact[] {
  const seen = new Set<string>();
  return facts.filter(({ value }) => !seen.has(value) && seen.add(value));
}

function some(name: string, list: readonly unknown[]): Fields {
  return list.length === 0 ? {} : { [name]: list };
}
