/**
 * Looks into a model without loading it: which files it has, what their tensors are, and what they say of the model.
 *
 *     files -> digests and root (OMS) -> reader of each format -> facts, each measured or declared, with its place
 *
 * A file that cannot be read does not stop the inspection: it is named in `unread`, with the reason, and the whole counts
 * as incomplete. Nothing is inferred from names, and nothing is filled in.
 *
 * @module
 */

import { posix } from "node:path";

import { decodeUtf8, isHoldfastError } from "../../core/index.ts";
import { Truncated, TooLong } from "../scan/reader.ts";
import type { Source } from "../scan/source.ts";
import { hashFiles, rootOf, type Resource } from "../sign/manifest.ts";
import { DEFAULT_IGNORES, type ModelFile } from "../sign/walk.ts";
import { bomError } from "./errors.ts";
import type { Fact, Metric } from "./fact.ts";
import { withFile } from "./file-source.ts";
import { modelFiles } from "./files.ts";
import { judgeLicences, type Licences, type LicenceText } from "./licence/licences.ts";
import { MAX_CARD_BYTES, readCard } from "./read/card.ts";
import { CONFIG_READERS, MAX_CONFIG_BYTES, readConfig } from "./read/config.ts";
import { ggufFacts } from "./read/gguf-facts.ts";
import { shardsOf } from "./read/shards.ts";
import { readMlmodel } from "./read/mlmodel.ts";
import { readWeights, unreadFormat } from "./read/weights.ts";
import { sizeOf, type ModelSize } from "./size.ts";
import type { Port, WeightsFile } from "./tensor.ts";

export interface Inspection {
  readonly name: string;
  /** Root digest of OpenSSF Model Signing: what everything is bound to. */
  readonly root: string;
  readonly resources: readonly Resource[];
  /** What was left out of the root, relative to the model. */
  readonly ignored: readonly string[];
  readonly files: readonly ModelFile[];
  readonly weights: readonly WeightsFile[];
  /** Parameters and their types, where tensors were read. */
  readonly size: ModelSize | undefined;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly facts: readonly Fact[];
  readonly metrics: readonly Metric[];
  readonly licences: Licences;
  /** What could not be read or is not there, and why. Where it is not empty, the inspection is not complete. */
  readonly unread: readonly Unread[];
}

interface Unread {
  readonly path: string;
  readonly why: string;
}

export interface InspectOptions {
  /** Paths that are not part of the model, such as its signature, relative to its root. */
  readonly ignorePaths?: readonly string[];
  /** Instead of the last component of the path. */
  readonly name?: string;
  readonly progress?: (what: string, done: number, total: number) => void;
}

/** Most bytes of a licence's text: the longest known have 40 kB. */
const MAX_LICENCE_BYTES = 1024 * 1024;
const UNREAD = "its weights are not read";
const CARD_FILES: ReadonlySet<string> = new Set(["README.md", "MODEL_CARD.md", "modelcard.md"]);
const LICENCE_FILE = /^(?:licen[cs]e|copying|use_policy|unlicense)(?:[._-][\w.-]*)?$/i;

/**
 * Inspects the model at `path`: a folder, a file, or a cache of the Hugging Face hub.
 *
 * @throws the errors of `hashModel`, and `models.file-changed` where a file is not the one that was hashed
 */
export async function inspectModel(path: string, options: InspectOptions = {}): Promise<Inspection> {
  const ignorePaths = [...new Set([...DEFAULT_IGNORES, ...(options.ignorePaths ?? [])])];
  const model = await modelFiles(path, ignorePaths);
  if (model.files.length === 0) throw bomError("models.bom-unreadable", { detail: `${path} holds no file` });
  const { resources } = await hashFiles(
    model.files,
    { method: "files", hashType: "sha256", ignorePaths },
    { progress: (done, total) => options.progress?.("hashing", done, total) },
  );

  const found: Found = { weights: [], inputs: [], outputs: [], facts: [], metrics: [], texts: [], unread: [] };
  for (const [index, file] of model.files.entries()) {
    options.progress?.("reading metadata", index, model.files.length);
    readFile(file, found);
  }
  const names = new Set(model.files.map((file) => file.name));
  for (const { path: where, shard } of found.shards ?? []) {
    if (!names.has(shard)) found.unread.push({ path: shard, why: `${where} names it, and it is not there` });
  }
  checkPlaces(found, model.files);
  return {
    name: options.name ?? model.name,
    root: rootOf(resources),
    resources,
    ignored: model.ignored,
    files: model.files,
    weights: found.weights,
    size: sizeOf(found.weights),
    inputs: found.inputs,
    outputs: found.outputs,
    facts: found.facts,
    metrics: found.metrics,
    licences: judgeLicences(found.facts, found.texts),
    unread: found.unread,
  };
}

interface Found {
  readonly weights: WeightsFile[];
  readonly inputs: Port[];
  readonly outputs: Port[];
  readonly facts: Fact[];
  readonly metrics: Metric[];
  readonly texts: LicenceText[];
  readonly unread: Unread[];
  shards?: { readonly path: string; readonly shard: string }[];
}

function readFile(file: ModelFile, found: Found): void {
  try {
    withFile(file, (source) => readSource(source, file, found));
  } catch (error) {
    const why = reasonOf(error);
    if (why === undefined) throw error;
    found.unread.push({ path: file.name, why });
  }
}

function readSource(source: Source, { name }: ModelFile, found: Found): void {
  const base = posix.basename(name);
  const config = CONFIG_READERS.get(base);
  if (config !== undefined) {
    addAll(found.facts, readConfig(bytesOf(source, MAX_CONFIG_BYTES), config, name));
  } else if (base.endsWith(".safetensors.index.json") || base === "pytorch_model.bin.index.json") {
    addAll((found.shards ??= []), shardsOf(bytesOf(source, MAX_CONFIG_BYTES), name));
  } else if (CARD_FILES.has(name)) {
    const card = readCard(decodeUtf8(bytesOf(source, MAX_CARD_BYTES)), name);
    addAll(found.facts, card.facts);
    addAll(found.metrics, card.metrics);
  } else if (base === "MLmodel") {
    const { facts, inputs, outputs } = readMlmodel(decodeUtf8(bytesOf(source, MAX_CARD_BYTES)), name);
    addAll(found.facts, facts);
    addAll(found.inputs, inputs);
    addAll(found.outputs, outputs);
  } else if (LICENCE_FILE.test(base) && !name.includes("/")) {
    found.texts.push({ path: name, text: decodeUtf8(bytesOf(source, MAX_LICENCE_BYTES)) });
  } else {
    readWeightsOf(source, name, found);
  }
}

function readWeightsOf(source: Source, name: string, found: Found): void {
  const read = readWeights(source, name);
  if (read === undefined) {
    const format = unreadFormat(name, source.size);
    if (format !== undefined) found.unread.push({ path: name, why: `${UNREAD}: ${format}` });
    return;
  }
  const { weights, facts } = read;
  found.weights.push(weights);
  addAll(found.inputs, weights.inputs);
  addAll(found.outputs, weights.outputs);
  addAll(found.facts, [...facts, ...factsOf(weights)]);
  for (const why of weights.unread) found.unread.push({ path: name, why });
}

/** What the metadata of weights says of the model. */
function factsOf({ format, metadata, path }: WeightsFile): Fact[] {
  if (format === "gguf") return ggufFacts(metadata, path);
  const facts: Fact[] = [];
  if (format === "onnx") {
    const producer = [metadata.get("producer_name"), metadata.get("producer_version")].filter(Boolean).join(" ");
    if (producer !== "")
      facts.push({ topic: "producer", value: producer, basis: "declared", where: `${path} producer_name` });
  }
  const licence = metadata.get("license");
  if (licence !== undefined)
    facts.push({ topic: "licence", value: licence, basis: "declared", where: `${path} metadata` });
  return facts;
}

/** Bytes in other files (ONNX external data) must be there: a model without them is not whole. */
function checkPlaces(found: Found, files: readonly ModelFile[]): void {
  const sizes = new Map(files.map((file) => [file.name, file.size]));
  const held = new Set(found.weights.flatMap(({ tensors }) => tensors.map(({ data }) => data?.path)));
  for (let index = found.unread.length - 1; index >= 0; index--) {
    // Not read by itself, and yet by what refers to it.
    if (held.has(found.unread[index]?.path) && found.unread[index]?.why.startsWith(UNREAD) === true) {
      found.unread.splice(index, 1);
    }
  }
  const told = new Set<string>();
  for (const { path, tensors } of found.weights) {
    for (const { data } of tensors) {
      if (data === undefined || data.offset + data.length <= (sizes.get(data.path) ?? -1) || told.has(data.path))
        continue;
      told.add(data.path);
      const why = sizes.has(data.path) ? "is too short for them" : "is not there";
      found.unread.push({ path, why: `tensors lie in ${data.path}, which ${why}` });
    }
  }
}

/** Not by spreading: a file may state more than a call takes arguments. */
function addAll<Item>(list: Item[], items: readonly Item[]): void {
  for (const item of items) list.push(item);
}

function bytesOf(source: Source, most: number): Uint8Array {
  if (source.size <= most) return source.read(0, source.size);
  throw bomError("models.metadata-limit", { detail: `${source.size} bytes, at most ${most}` });
}

/** Why a file could not be read; `undefined` for what is no fault of its bytes. */
function reasonOf(error: unknown): string | undefined {
  if (isHoldfastError(error))
    return error.code === "models.file-changed" || error.code === "models.file-unreadable" ? undefined : error.message;
  if (error instanceof Truncated || error instanceof TooLong || error instanceof RangeError) return error.message;
  return undefined;
}
