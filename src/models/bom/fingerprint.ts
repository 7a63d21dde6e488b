/**
 * The fingerprint of a model: digests that stay the same when it is packed anew, and samples of its weights by which
 * another checkpoint is compared with it.
 *
 *     architecture  names, shapes and types of all tensors
 *     structure     names and shapes alone: the same for another precision
 *     weights       the bytes of all tensors, whatever files, order, names and metadata they lie in
 *
 * Names are normalised: wrappers that tools put around a whole model (`module.`, `_orig_mod.`, `model.`) are taken off
 * where all tensors have them.
 *
 * @module
 */

import { createHash, hash } from "node:crypto";

import { canonicalJson } from "../../core/index.ts";
import type { Source } from "../scan/source.ts";
import type { ModelFile } from "../sign/walk.ts";
import { bomError } from "./errors.ts";
import { withFile } from "./file-source.ts";
import type { Inspection } from "./inspect.ts";
import { sampleTensor } from "./sample.ts";
import { mainTensors } from "./size.ts";
import type { Tensor } from "./tensor.ts";

export interface Fingerprint {
  readonly name: string;
  /** Root digest over all files. */
  readonly root: string;
  readonly architecture: string;
  readonly structure: string;
  /** `undefined` where the bytes of a tensor are not known. */
  readonly weights: string | undefined;
  readonly parameters: number;
  readonly format: string;
  readonly tensors: readonly TensorPrint[];
}

export interface TensorPrint {
  /** Normalised. */
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** SHA-256 of its bytes, in lower-case hexadecimal. */
  readonly digest: string | undefined;
  /** Values at places that only the number of elements decides; empty for types that are not numbers one by one. */
  readonly sample: Float32Array;
}

const CHUNK = 4 * 1024 * 1024;

/** Samples of all tensors are kept in memory, 4 kB each. The largest mixtures of experts have some 90,000 tensors. */
const MAX_TENSORS = 200_000;

/**
 * Reads all tensors of an inspected model once.
 *
 * @throws `models.fingerprint-no-tensors`, `models.metadata-limit`, `models.file-changed`, `models.file-unreadable`
 */
export function fingerprintOf(
  inspection: Inspection,
  progress: (done: number, total: number) => void = () => undefined,
): Fingerprint {
  const { files: weights, tensors } = mainTensors(inspection.weights);
  const [first] = weights;
  if (first === undefined) throw bomError("models.fingerprint-no-tensors", { detail: inspection.name });

  if (tensors.length > MAX_TENSORS) {
    throw bomError("models.metadata-limit", {
      detail: `a fingerprint of ${tensors.length} tensors, at most ${MAX_TENSORS}`,
    });
  }

  const total = tensors.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
  const done = { bytes: 0 };
  const names = normalisedNames(tensors.map(({ name }) => name.toWellFormed()));
  const prints: TensorPrint[] = [];
  for (const [path, group] of byFile(tensors, names)) {
    const file = inspection.files.find(({ name }) => name === path);
    const read =
      file === undefined
        ? group.map(([tensor, name]) => printOf(tensor, name, undefined))
        : readFile(file, group, (bytes) => progress((done.bytes += bytes), total));
    // Not by spreading: a file may have more tensors than a call takes arguments.
    for (const print of read) prints.push(print);
  }
  prints.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const digests = prints.map(({ digest }) => digest);
  return {
    name: inspection.name,
    root: inspection.root,
    architecture: digestOf(prints.map(({ name, dtype, shape }) => [name, dtype, shape])),
    structure: digestOf(prints.map(({ name, shape }) => [name, shape])),
    weights: digests.includes(undefined) ? undefined : digestOf((digests as string[]).toSorted()),
    parameters: prints.reduce((sum, { elements }) => sum + elements, 0),
    format: first.format,
    tensors: prints,
  };
}

/** Names without what wraps the whole model. */
export function normalisedNames(names: readonly string[]): readonly string[] {
  let current = names;
  for (;;) {
    const wrapper = WRAPPERS.find((prefix) => current.length > 0 && current.every((name) => name.startsWith(prefix)));
    if (wrapper === undefined) return current;
    current = current.map((name) => name.slice(wrapper.length));
  }
}

const WRAPPERS: readonly string[] = ["module.", "_orig_mod.", "model.", "state_dict.", "base_model.", "transformer."];

function byFile(
  tensors: readonly Tensor[],
  names: readonly string[],
): ReadonlyMap<string | undefined, (readonly [Tensor, string])[]> {
  const groups = new Map<string | undefined, (readonly [Tensor, string])[]>();
  for (const [index, tensor] of tensors.entries()) {
    const path = tensor.data?.path;
    const group = groups.get(path) ?? [];
    group.push([tensor, names[index] ?? tensor.name]);
    groups.set(path, group);
  }
  return groups;
}

function readFile(
  file: ModelFile,
  group: readonly (readonly [Tensor, string])[],
  read: (bytes: number) => void,
): TensorPrint[] {
  return withFile(file, (source) =>
    // In the order of their places: the disk is read forwards.
    group
      .toSorted(([a], [b]) => (a.data?.offset ?? 0) - (b.data?.offset ?? 0))
      .map(([tensor, name]) => {
        const print = printOf(tensor, name, source);
        read(tensor.data?.length ?? 0);
        return print;
      }),
  );
}

function printOf(tensor: Tensor, name: string, source: Source | undefined): TensorPrint {
  const { dtype, shape, elements, data } = tensor;
  if (source === undefined || data === undefined || data.offset + data.length > source.size) {
    return { name, dtype, shape, elements, digest: undefined, sample: new Float32Array() };
  }
  const digest = createHash("sha256");
  for (let at = 0; at < data.length; at += CHUNK) {
    digest.update(source.read(data.offset + at, Math.min(CHUNK, data.length - at)));
  }
  const sample = sampleTensor(source, data.offset, dtype, elements);
  return { name, dtype, shape, elements, digest: digest.digest("hex"), sample };
}

function digestOf(value: unknown): string {
  return hash("sha256", canonicalJson(value), "hex");
}
