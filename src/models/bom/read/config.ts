/**
 * Reads the small JSON files beside weights: Hugging Face's `config.json`, `adapter_config.json`, `tokenizer_config.json`,
 * `tokenizer.json`, and Keras' `metadata.json` and `config.json` inside a `.keras` file.
 *
 * Sources: transformers, `configuration_utils.py` and `tokenization_utils_base.py`; peft, `config.py`; Keras,
 * `saving/saving_lib.py`.
 *
 * @module
 */

import { parseJson } from "../../../core/index.ts";
import type { Fact, Topic } from "../fact.ts";
import { member, textOf, textsOf } from "./record.ts";

/** Most bytes of one of these files: the largest are tokenizers. */
export const MAX_CONFIG_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 64;

type Reader = (value: unknown, path: string) => Fact[];

/** Which files are read, by their name. */
export const CONFIG_READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["config.json", readModelConfig],
  ["adapter_config.json", readAdapterConfig],
  ["tokenizer_config.json", readTokenizerConfig],
  ["tokenizer.json", readTokenizer],
]);

/** @throws the errors of `parseJson` */
export function readConfig(bytes: Uint8Array, reader: Reader, path: string): Fact[] {
  return reader(parseJson(bytes, { maxBytes: MAX_CONFIG_BYTES, maxDepth: MAX_DEPTH }), path);
}

function readModelConfig(config: unknown, path: string): Fact[] {
  const facts = [
    ...stated(member(config, "architectures"), "architecture", `${path} architectures`),
    ...stated(member(config, "model_type"), "family", `${path} model_type`),
    // What transformers writes is where it was loaded from: often the base, often the model itself.
    ...stated(member(config, "_name_or_path"), "training", `${path} _name_or_path`).map((fact) => ({
      ...fact,
      value: `saved from ${fact.value}`,
    })),
    ...stated(member(config, "license"), "licence", `${path} license`),
  ];
  const version = textOf(member(config, "transformers_version"));
  if (version !== undefined) facts.push(fact("library", `transformers ${version}`, `${path} transformers_version`));
  const quantisation = member(config, "quantization_config");
  const method = textOf(member(quantisation, "quant_method"));
  if (method !== undefined) {
    const bits = member(quantisation, "bits");
    const text = typeof bits === "number" ? `${method}, ${bits} bits` : method;
    facts.push(fact("quantisation", text, `${path} quantization_config`));
  }
  return facts;
}

function readAdapterConfig(config: unknown, path: string): Fact[] {
  return [
    ...stated(member(config, "base_model_name_or_path"), "base model", `${path} base_model_name_or_path`),
    ...stated(member(config, "peft_type"), "adapter", `${path} peft_type`),
    ...stated(member(config, "task_type"), "task", `${path} task_type`),
  ];
}

function readTokenizerConfig(config: unknown, path: string): Fact[] {
  return stated(member(config, "tokenizer_class"), "tokenizer", `${path} tokenizer_class`);
}

function readTokenizer(tokenizer: unknown, path: string): Fact[] {
  return stated(member(member(tokenizer, "model"), "type"), "tokenizer", `${path} model.type`);
}

/** Keras' `config.json`: what is built, and of which layers. */
export function readKerasConfig(config: unknown, path: string): Fact[] {
  const name = member(config, "class_name");
  const layers = member(member(config, "config"), "layers");
  const facts = stated(name, "architecture", `${path} class_name`);
  if (Array.isArray(layers)) facts.push(fact("training", `${layers.length} layers`, `${path} config.layers`));
  return facts;
}

/** Keras' `metadata.json`. */
export function readKerasMetadata(metadata: unknown, path: string): Fact[] {
  const version = textOf(member(metadata, "keras_version"));
  return version === undefined ? [] : [fact("library", `keras ${version}`, `${path} keras_version`)];
}

function stated(value: unknown, topic: Topic, where: string): Fact[] {
  return textsOf(value).map((text) => fact(topic, text, where));
}

function fact(topic: Topic, value: string, where: string): Fact {
  return { topic, value, basis: "declared", where };
}
