/**
 * Reads a model card of the Hugging Face kind: the front matter of `README.md`, and those sections of its text that say
 * what the model is for and what it cannot do.
 *
 * Source: Hugging Face Hub documentation, "Model Cards", and `modelcard.md` of huggingface_hub (the specification of the
 * front matter).
 *
 * @module
 */

import { isRecord } from "../../scan/formats/json-value.ts";
import type { Fact, Metric, Topic } from "../fact.ts";
import { member, textOf, textsOf } from "./record.ts";
import { parseYaml } from "./yaml.ts";

/** Most bytes of a card that are read. A longer one is an error: its end may say the contrary. */
export const MAX_CARD_BYTES = 4 * 1024 * 1024;

/** Longest section that is quoted; a longer one is named by its heading. */
const MAX_QUOTE = 2_000;

export interface CardFacts {
  readonly facts: readonly Fact[];
  readonly metrics: readonly Metric[];
}

/** Fields of the front matter whose values are facts as they stand. */
const FIELDS: readonly (readonly [string, Topic])[] = [
  ["license", "licence"],
  ["license_name", "licence name"],
  ["license_link", "licence link"],
  ["datasets", "data set"],
  ["base_model", "base model"],
  ["pipeline_tag", "task"],
  ["library_name", "library"],
  ["language", "language"],
  ["tags", "tag"],
];

/** Headings of the text, in lower case and without marks, that begin what they are about. */
const SECTIONS: readonly (readonly [RegExp, Topic])[] = [
  [/^(?:intended uses?|uses|direct use|intended use cases?)\b/, "intended use"],
  [/^(?:limitations?|out-of-scope use|technical limitations?)\b/, "limitation"],
  [/^(?:bias|risks?|ethical considerations?|safety)\b/, "risk"],
];

/** @throws `models.metadata-invalid`, `models.metadata-limit` */
export function readCard(text: string, path: string): CardFacts {
  const { front, body } = splitFrontMatter(text);
  const facts: Fact[] = [];
  let metrics: readonly Metric[] = [];
  if (front !== undefined) {
    const values = parseYaml(front);
    for (const [field, topic] of FIELDS) {
      for (const value of textsOf(member(values, field))) facts.push(declared(topic, value, `${path} ${field}`));
    }
    const emissions = member(values, "co2_eq_emissions");
    const amount = isRecord(emissions) ? member(emissions, "emissions") : emissions;
    if (typeof amount === "number" && Number.isFinite(amount)) {
      facts.push(declared("emissions", `${amount} g CO2eq`, `${path} co2_eq_emissions`));
    }
    metrics = readResults(member(values, "model-index"), path);
  }
  return { facts: [...facts, ...readSections(body, path)], metrics };
}

/** The YAML between two lines of `---` at the start, and what follows. */
function splitFrontMatter(text: string): { readonly front: string | undefined; readonly body: string } {
  const lines = text.replace(/^\ufeff/, "").split("\n");
  const first = lines.findIndex((line) => line.trim() !== "");
  if (lines[first]?.trimEnd() !== "---") return { front: undefined, body: text };
  const last = lines.findIndex((line, index) => index > first && line.trimEnd() === "---");
  if (last < 0) return { front: undefined, body: text };
  return { front: lines.slice(first + 1, last).join("\n"), body: lines.slice(last + 1).join("\n") };
}

/** `model-index`: a list of models, each with results of a task on a data set. */
function readResults(index: unknown, path: string): Metric[] {
  const metrics: Metric[] = [];
  for (const model of Array.isArray(index) ? index : []) {
    const results = member(model, "results");
    for (const result of Array.isArray(results) ? results : []) {
      const dataset = textOf(member(member(result, "dataset"), "name"));
      const task = textOf(member(member(result, "task"), "type"));
      const values = member(result, "metrics");
      for (const metric of Array.isArray(values) ? values : []) {
        const name = textOf(member(metric, "type")) ?? textOf(member(metric, "name"));
        const value = member(metric, "value");
        const stated = typeof value === "number" ? String(value) : textOf(value);
        if (name === undefined || stated === undefined) continue;
        metrics.push({ name, value: stated, dataset, task, where: `${path} model-index` });
      }
    }
  }
  return metrics;
}

function readSections(body: string, path: string): Fact[] {
  const facts: Fact[] = [];
  let heading: { readonly title: string; readonly topic: Topic | undefined; readonly lines: string[] } | undefined;
  const close = (): void => {
    const text = heading?.lines.join("\n").trim() ?? "";
    if (heading?.topic === undefined || text === "") return;
    const where = `${path} section "${heading.title}"`;
    facts.push(declared(heading.topic, text.length > MAX_QUOTE ? `see ${where}` : text, where));
  };
  for (const line of body.split("\n")) {
    const title = /^#{1,6}\s+(\S.*)$/.exec(line)?.[1]?.trim();
    if (title === undefined) {
      heading?.lines.push(line);
      continue;
    }
    close();
    const plain = title.toLowerCase().replace(/^[^\p{L}]*/u, "");
    heading = { title: title.slice(0, 120), topic: SECTIONS.find(([pattern]) => pattern.test(plain))?.[1], lines: [] };
  }
  close();
  return facts;
}

function declared(topic: Topic, value: string, where: string): Fact {
  return { topic, value, basis: "declared", where };
}
