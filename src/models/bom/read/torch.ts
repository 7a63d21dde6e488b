/**
 * Reads a PyTorch checkpoint in its zip form: the tensors of its state dictionaries, by their names, shapes, types and the
 * places of their bytes. Nothing of it is loaded or run.
 *
 * Source: torch, `torch/serialization.py` (`_save`) and `torch/_utils.py` (`_rebuild_tensor_v2`).
 *
 * @module
 */

import { openMember } from "../../scan/formats/zip/member.ts";
import { readZip, type ZipMember } from "../../scan/formats/zip/archive.ts";
import { printable } from "../../scan/printable.ts";
import type { Source } from "../../scan/source.ts";
import { bomError } from "../errors.ts";
import { bytesOf, elementsOf, type Tensor, type TensorData, type WeightsFile } from "../tensor.ts";
import { isCall, isGlobal, isPersistent, readPickle, type Pickled } from "./pickle.ts";

const MAX_PICKLE_BYTES = 64 * 1024 * 1024;
const MAX_DEPTH = 8;
const MAX_TENSORS = 1_000_000;
const STORED = 0;

const STORAGES: ReadonlyMap<string, string> = new Map([
  ["torch.DoubleStorage", "F64"],
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.LongStorage", "I64"],
  ["torch.IntStorage", "I32"],
  ["torch.ShortStorage", "I16"],
  ["torch.CharStorage", "I8"],
  ["torch.ByteStorage", "U8"],
  ["torch.BoolStorage", "BOOL"],
  ["torch.ComplexFloatStorage", "C64"],
  ["torch.ComplexDoubleStorage", "C128"],
]);

/** Whether a zip archive is a checkpoint of PyTorch: it has a pickle called `data.pkl` and storages beside it. */
export function isTorch(source: Source): boolean {
  return readZip(source).members.some(({ name }) => isDataPickle(name));
}

/** @throws `models.metadata-invalid`, `models.metadata-limit`, and what the pickle's reader throws */
export function readTorch(source: Source, path: string): WeightsFile {
  const { members, problems } = readZip(source);
  const [problem] = problems;
  if (problem !== undefined) throw bomError("models.metadata-invalid", { detail: `its archive: ${problem.rule.why}` });
  const pickles = members.filter(({ name }) => isDataPickle(name));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    throw bomError("models.metadata-invalid", { detail: `${pickles.length} files called data.pkl in its archive` });
  }
  if (pickle.size > MAX_PICKLE_BYTES) {
    throw bomError("models.metadata-limit", {
      detail: `a pickle of ${pickle.size} bytes, at most ${MAX_PICKLE_BYTES}`,
    });
  }

  const folder = pickle.name.slice(0, -"data.pkl".length);
  const archive: Archive = {
    path,
    storages: new Map(
      members
        .filter(({ name }) => name.startsWith(`${folder}data/`))
        .map((member) => [member.name.slice(folder.length + "data/".length), member]),
    ),
    // Written since torch 2.1; files without it are little-endian in all but name.
    littleEndian: textOf(members.find(({ name }) => name === `${folder}byteorder`)) !== "big",
    tensors: [],
    strange: 0,
    seen: new Set(),
  };
  gather(readPickle(open(pickle)), "", archive, 0);
  const unread = archive.strange === 0 ? [] : [`${archive.strange} of its tensors are of a kind that is not read`];
  return { path, format: "pytorch", tensors: archive.tensors, metadata: new Map(), inputs: [], outputs: [], unread };
}

interface Archive {
  readonly path: string;
  readonly storages: ReadonlyMap<string, ZipMember>;
  readonly littleEndian: boolean;
  readonly tensors: Tensor[];
  /** Tensors that could not be understood. */
  strange: number;
  /** Containers that were walked: they may hold themselves. */
  readonly seen: Set<Pickled>;
}

function isDataPickle(name: string): boolean {
  return name === "data.pkl" || /^[^/]+\/data\.pkl$/.test(name);
}

function open(member: ZipMember): Source {
  const { source } = openMember(member, () => true);
  if (source === undefined)
    throw bomError("models.metadata-invalid", { detail: "a member of its archive is unreadable" });
  return source;
}

function textOf(member: ZipMember | undefined): string {
  return member === undefined || member.size > 100 ? "" : Buffer.from(open(member).read(0, 100)).toString("latin1");
}

function gather(value: Pickled, name: string, archive: Archive, depth: number): void {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return;
  if (isCall(value) && value.call.startsWith("torch._utils._rebuild_")) {
    addTensor(value.args, value.call, name, archive);
    return;
  }
  const items = value instanceof Map ? value : isCall(value) ? value.items : undefined;
  if (items === undefined || archive.seen.has(value)) return;
  archive.seen.add(value);
  for (const [key, inner] of items) {
    if (typeof key === "string") gather(inner, name === "" ? key : `${name}.${key}`, archive, depth + 1);
  }
}

function addTensor(args: readonly Pickled[], call: string, name: string, archive: Archive): void {
  const [first] = args;
  if (call === "torch._utils._rebuild_parameter" && isCall(first)) {
    addTensor(first.args, first.call, name, archive);
    return;
  }
  if (archive.tensors.length >= MAX_TENSORS) {
    throw bomError("models.metadata-limit", { detail: `more than ${MAX_TENSORS} tensors` });
  }
  const tensor = call === "torch._utils._rebuild_tensor_v2" ? tensorOf(args, name, archive) : undefined;
  if (tensor === undefined) archive.strange++;
  else archive.tensors.push(tensor);
}

/** `_rebuild_tensor_v2(storage, storage_offset, size, stride, …)`; a storage is `("storage", type, key, location, numel)`. */
function tensorOf(args: readonly Pickled[], name: string, archive: Archive): Tensor | undefined {
  const [storage, offset, size, stride] = args;
  const parts = isPersistent(storage) ? storage.persistent : undefined;
  if (!Array.isArray(parts) || !isCounts(size) || !isCounts(stride) || typeof offset !== "number") return undefined;
  const [, type, key] = parts as readonly Pickled[];
  const dtype = isGlobal(type) ? STORAGES.get(type.global) : undefined;
  if (dtype === undefined || typeof key !== "string") return undefined;
  const elements = elementsOf(size, name);
  const tensor = { name, dtype, shape: size, elements };
  const data = place(archive, key, dtype, offset, elements, name);
  return data === undefined || !isRowMajor(size, stride) ? tensor : { ...tensor, data };
}

function place(
  { storages, littleEndian, path }: Archive,
  key: string,
  dtype: string,
  offset: number,
  elements: number,
  name: string,
): TensorData | undefined {
  const member = storages.get(key);
  const length = bytesOf(dtype, elements);
  const start = bytesOf(dtype, offset);
  if (member === undefined)
    throw bomError("models.metadata-invalid", { detail: `the storage of ${printable(name)} is missing` });
  if (length === undefined || start === undefined || start < 0 || start + length > member.size) {
    throw bomError("models.metadata-invalid", { detail: `${printable(name)} does not lie within its storage` });
  }
  if (member.method !== STORED || !littleEndian) return undefined;
  return { path, offset: member.offset + start, length };
}

function isRowMajor(shape: readonly number[], stride: readonly number[]): boolean {
  let step = 1;
  for (let index = shape.length - 1; index >= 0; index--) {
    const size = shape[index] ?? 0;
    if (size !== 1 && stride[index] !== step) return false;
    step *= size;
  }
  return true;
}

function isCounts(value: Pickled | undefined): value is readonly number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && (entry as number) >= 0);
}
