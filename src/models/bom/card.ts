/**
 * A model card that says only what is known, and of each thing how: measured here, declared by a file, or not known.
 *
 * After M. Mitchell et al., "Model Cards for Model Reporting" (2019), by its sections. What a section would hold and nobody
 * states stands there as not known: a gap is part of the card.
 *
 * @module
 */

import { portText, timestampOf, type BomOptions } from "./document.ts";
import { about, type Fact, type Topic } from "./fact.ts";
import type { Inspection } from "./inspect.ts";
import { inline, quoted } from "./markdown.ts";

/** One line of a card. */
export interface CardField {
  readonly section: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly basis: "measured" | "declared" | "stated here" | "not known";
  /** Of what is declared: the file, and where in it. */
  readonly where?: string;
  /** Text of several lines, which is quoted. */
  readonly long?: true;
}

/** The fields of a card, all of its sections, whether known or not. */
export function cardFields(inspection: Inspection, options: BomOptions): readonly CardField[] {
  const { facts, size, licences, resources, root, unread } = inspection;
  const bytes = resources.reduce((sum, resource) => sum + resource.size, 0);
  return [
    measured("Model", "Name", inspection.name),
    given("Model", "Version", options.version),
    given("Model", "Published by", options.supplier),
    given("Model", "Had from", options.downloadLocation),
    given("Model", "Released", options.released),
    measured("Model", "Root digest (OpenSSF Model Signing)", `sha256:${root}`),
    measured("Model", "Files", `${resources.length}, ${bytes} bytes`),
    ...facing("Model", "Architecture", facts, "architecture"),
    ...facing("Model", "Family", facts, "family"),
    size === undefined
      ? unknown("Model", "Parameters")
      : measured(
          "Model",
          "Parameters",
          `${size.parameters} (${size.format}: ${size.dtypes.map(([type, count]) => `${type} ${count}`).join(", ")})`,
        ),
    ...(about(facts, "quantisation").length === 0 ? [] : facing("Model", "Quantisation", facts, "quantisation")),
    ...(about(facts, "adapter").length === 0 ? [] : facing("Model", "Adapter", facts, "adapter")),
    ...facing("Model", "Tokenizer", facts, "tokenizer"),
    ...facing("Model", "Made with", facts, "library", "producer"),
    ...ports("Inputs", inspection.inputs.map(portText)),
    ...ports("Outputs", inspection.outputs.map(portText)),

    ...licences.declared.map(({ id, name, where }) =>
      declared("Licence", "Declared", id === name ? id : `${id} (${name})`, where),
    ),
    ...licences.detected.map(({ id, path, by, contained }) => {
      const how = by === "title" ? "by its title" : `${Math.round((contained ?? 0) * 100)} % of its text`;
      return measured(
        "Licence",
        "Found",
        `${id} in ${path} (${by === "text with more" ? `${how}, and other text` : how})`,
      );
    }),
    ...(licences.declared.length + licences.detected.length === 0 ? [unknown("Licence", "Licence")] : []),
    ...licences.findings.map(({ rule, message }) => measured("Licence", rule, message)),

    ...facing("Intended use", "Task", facts, "task"),
    ...facing("Intended use", "Languages", facts, "language"),
    ...facing("Intended use", "Use", facts, "intended use"),

    ...facing("Origin", "Base models", facts, "base model"),
    ...options.datasets.map((dataset) => {
      const checked = dataset.files.filter(({ state }) => state === "matches").length;
      const version = dataset.version === undefined ? "" : ` ${dataset.version}`;
      return declared(
        "Origin",
        "Data set",
        `${dataset.name}${version}; ${checked} of ${dataset.files.length} files checked by digest`,
        dataset.path,
      );
    }),
    ...(options.datasets.length > 0 && about(facts, "data set").length === 0
      ? []
      : facing("Origin", "Data sets", facts, "data set")),
    ...facing("Origin", "Training", facts, "training"),
    ...facing("Origin", "Emissions", facts, "emissions"),

    ...(inspection.metrics.length === 0
      ? [unknown("Results", "Metrics")]
      : inspection.metrics.map(({ name, value, dataset, where }) =>
          declared("Results", dataset === undefined ? name : `${name} on ${dataset}`, value, where),
        )),

    ...facing("Limits and risks", "Limitations", facts, "limitation"),
    ...facing("Limits and risks", "Risks", facts, "risk"),

    ...unread.map(({ path, why }) => measured("What was not read", path, why)),
  ];
}

/** The card as Markdown. The same inspection and options give the same text. */
export function modelCard(inspection: Inspection, options: BomOptions): string {
  const fields = cardFields(inspection, options);
  const lines = [
    `# ${inline(inspection.name)}`,
    "",
    `Written by holdfast at ${timestampOf(options.time)} from the model's files. *Measured* was read off the bytes; ` +
      "*declared* is what a file says, true or not; *stated here* is what the writer of this card said; *not known* is what nothing says.",
  ];
  for (const section of new Set(fields.map((field) => field.section))) {
    const own = fields.filter((field) => field.section === section);
    lines.push("", `## ${section}`, "", "| | | how it is known |", "|---|---|---|");
    for (const field of own) {
      const value = field.value === undefined || field.long === true ? "" : inline(field.value);
      lines.push(`| ${inline(field.name)} | ${field.long === true ? "see below" : value} | ${basisText(field)} |`);
    }
    for (const { value, where, long } of own) {
      if (long === true && value !== undefined) lines.push("", `From ${inline(where ?? "")}:`, "", quoted(value));
    }
  }
  return `${lines.join("\n")}\n`;
}

function basisText({ basis, where }: CardField): string {
  return where === undefined ? basis : `${basis}: ${inline(where)}`;
}

/** Facts of some topics, or that nothing is known of the first. */
function facing(
  section: string,
  name: string,
  facts: readonly Fact[],
  ...topics: readonly Topic[]
): readonly CardField[] {
  const found = topics.flatMap((topic) => about(facts, topic));
  if (found.length === 0) return [unknown(section, name)];
  return found.map(({ value, basis, where }) => ({
    section,
    name,
    value,
    basis,
    where,
    ...(value.includes("\n") || value.length > 200 ? { long: true as const } : {}),
  }));
}

function ports(name: string, values: readonly string[]): readonly CardField[] {
  return values.length === 0 ? [unknown("Model", name)] : values.map((value) => measured("Model", name, value));
}

function measured(section: string, name: string, value: string): CardField {
  return { section, name, value, basis: "measured" };
}

function declared(section: string, name: string, value: string, where: string): CardField {
  return { section, name, value, basis: "declared", where };
}

function given(section: string, name: string, value: string | undefined): CardField {
  return value === undefined ? unknown(section, name) : { section, name, value, basis: "stated here" };
}

function unknown(section: string, name: string): CardField {
  return { section, name, value: undefined, basis: "not known" };
}
