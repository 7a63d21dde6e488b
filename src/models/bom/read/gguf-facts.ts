/**
 * What the metadata of a GGUF file says of the model.
 *
 * Source: ggml, `docs/gguf.md`, "Standardized key-value pairs".
 *
 * @module
 */

import type { Fact, Topic } from "../fact.ts";

const FIELDS: readonly (readonly [RegExp, Topic])[] = [
  [/^general\.architecture$/, "family"],
  [/^general\.license$/, "licence"],
  [/^general\.license\.name$/, "licence name"],
  [/^general\.license\.link$/, "licence link"],
  [/^general\.base_model\.\d+\.(?:repo_url|name)$/, "base model"],
  [/^general\.dataset\.\d+\.(?:repo_url|name)$/, "data set"],
  [/^general\.quantized_by$/, "producer"],
  [/^tokenizer\.ggml\.model$/, "tokenizer"],
];

export function ggufFacts(metadata: ReadonlyMap<string, string>, path: string): Fact[] {
  const facts: Fact[] = [];
  for (const [name, value] of metadata) {
    const topic = FIELDS.find(([pattern]) => pattern.test(name))?.[1];
    if (topic === undefined || value.trim() === "") continue;
    // Of a base or a data set with an address the name beside it says less.
    if (name.endsWith(".name") && /\.\d+\.name$/.test(name) && metadata.has(name.replace(/name$/, "repo_url")))
      continue;
    facts.push({ topic, value: value.trim(), basis: "declared", where: `${path} ${name}` });
  }
  return facts;
}
