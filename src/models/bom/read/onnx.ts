/**
 * Reads an ONNX model: who produced it, its operators, inputs, outputs and initialisers, also those whose bytes lie in
 * files beside it. The weights themselves are walked over.
 *
 * Source: onnx, `onnx/onnx.proto` (`ModelProto`, `GraphProto`, `TensorProto`), `docs/ExternalData.md`.
 *
 * @module
 */

import { posix } from "node:path";

import { decodeUtf8 } from "../../../core/index.ts";
import { protoFields, protoPayload, type ProtoField } from "../../scan/formats/protobuf.ts";
import { printable } from "../../scan/printable.ts";
import { ByteReader } from "../../scan/reader.ts";
import type { Source } from "../../scan/source.ts";
import { bomError } from "../errors.ts";
import { bytesOf, elementsOf, type Port, type Tensor, type TensorData, type WeightsFile } from "../tensor.ts";

/** Fields of all messages together: nesting cannot multiply the work. */
const MAX_FIELDS = 20_000_000;
const MAX_DEPTH = 32;
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_DIMENSIONS = 1_000;
/** Operators that are listed; a graph of more kinds is no model's. */
const MAX_OPERATORS = 1_000;

/** `TensorProto.DataType`. Strings have no fixed bytes. */
const TYPES: readonly (string | undefined)[] = [
  undefined,
  "F32",
  "U8",
  "I8",
  "U16",
  "I16",
  "I32",
  "I64",
  "STRING",
  "BOOL",
  "F16",
  "F64",
  "U32",
  "U64",
  "C64",
  "C128",
  "BF16",
  "F8_E4M3",
  "F8_E4M3FNUZ",
  "F8_E5M2",
  "F8_E5M2FNUZ",
  "U4",
  "I4",
  "F4",
];

/** A message of the file, and where it begins there. */
interface Message {
  readonly source: Source;
  readonly base: number;
}

/** What is gathered while the graphs are walked. */
interface Found {
  readonly path: string;
  readonly operators: Map<string, number>;
  readonly initialisers: Tensor[];
  readonly metadata: Map<string, string>;
  readonly inputs: Port[];
  readonly outputs: Port[];
  fields: number;
}

/** @throws `models.metadata-invalid`, `models.metadata-limit`, `core.utf8-invalid`, `Truncated`, `RangeError` */
export function readOnnx(source: Source, path: string): WeightsFile {
  const found: Found = {
    path,
    operators: new Map(),
    initialisers: [],
    metadata: new Map(),
    inputs: [],
    outputs: [],
    fields: MAX_FIELDS,
  };
  const model = { source, base: 0 };
  let graphs = 0;
  for (const field of fieldsOf(model, found)) {
    const name = MODEL_FIELDS.get(field.number);
    if (name !== undefined) {
      found.metadata.set(name, field.wire === "bytes" ? textOf(model, field) : String(field.value));
    } else if (field.number === 7 && ++graphs === 1) readGraph(inside(model, field), found, 0);
    else if (field.number === 8) readOpset(inside(model, field), found);
    else if (field.number === 14) readProperty(inside(model, field), found, found.metadata);
  }
  if (graphs !== 1) throw bomError("models.metadata-invalid", { detail: `${graphs} graphs instead of one` });

  const operators = [...found.operators].toSorted(([a], [b]) => (a < b ? -1 : 1));
  found.metadata.set("operators", operators.map(([name, count]) => `${name} (${count})`).join(", "));
  // Older models list initialisers among the inputs as well: they are no input of who runs it.
  const own = new Set(found.initialisers.map(({ name }) => name));
  return {
    path,
    format: "onnx",
    tensors: found.initialisers,
    metadata: found.metadata,
    inputs: found.inputs.filter(({ name }) => !own.has(name)),
    outputs: found.outputs,
    unread: [],
  };
}

const MODEL_FIELDS: ReadonlyMap<number, string> = new Map([
  [1, "ir_version"],
  [2, "producer_name"],
  [3, "producer_version"],
  [4, "domain"],
  [5, "model_version"],
]);

function readGraph(graph: Message, found: Found, depth: number): void {
  if (depth > MAX_DEPTH) throw bomError("models.metadata-limit", { detail: `graphs nested over ${MAX_DEPTH} levels` });
  for (const field of fieldsOf(graph, found)) {
    if (field.wire !== "bytes") continue;
    if (field.number === 1) readNode(inside(graph, field), found, depth);
    else if (field.number === 2 && depth === 0) found.metadata.set("graph", textOf(graph, field));
    else if (field.number === 5) found.initialisers.push(readTensor(inside(graph, field), found));
    else if (field.number === 11 && depth === 0) found.inputs.push(readPort(inside(graph, field), found));
    else if (field.number === 12 && depth === 0) found.outputs.push(readPort(inside(graph, field), found));
  }
}

function readNode(node: Message, found: Found, depth: number): void {
  let operator = "";
  let domain = "";
  for (const field of fieldsOf(node, found)) {
    if (field.number === 4) operator = textOf(node, field);
    else if (field.number === 7) domain = textOf(node, field);
    else if (field.number === 5) readAttribute(inside(node, field), found, depth);
  }
  const name = domain === "" || domain === "ai.onnx" ? operator : `${domain}.${operator}`;
  if (!found.operators.has(name) && found.operators.size >= MAX_OPERATORS) {
    throw bomError("models.metadata-limit", { detail: `more than ${MAX_OPERATORS} kinds of operators` });
  }
  found.operators.set(name, (found.operators.get(name) ?? 0) + 1);
}

/** Bodies of loops and branches are graphs in attributes (fields 6 and 11), with operators and weights of their own. */
function readAttribute(attribute: Message, found: Found, depth: number): void {
  for (const field of fieldsOf(attribute, found)) {
    if ((field.number === 6 || field.number === 11) && field.wire === "bytes") {
      readGraph(inside(attribute, field), found, depth + 1);
    }
  }
}

function readTensor(message: Message, found: Found): Tensor {
  const shape: number[] = [];
  const external = new Map<string, string>();
  let name = "";
  let type = 0;
  let raw: ProtoField | undefined;
  let isExternal = false;
  for (const field of fieldsOf(message, found)) {
    if (field.number === 1) shape.push(...numbersOf(message, field, found));
    else if (field.number === 2) type = field.value;
    else if (field.number === 8) name = textOf(message, field);
    else if (field.number === 9) raw = field;
    // Packed floats and doubles are little-endian bytes, as the raw form is.
    else if ((field.number === 4 || field.number === 10) && field.wire === "bytes") raw ??= field;
    else if (field.number === 13) readProperty(inside(message, field), found, external);
    else if (field.number === 14) isExternal = field.value === 1;
  }
  const dtype = TYPES[type] ?? `ONNX_TYPE_${type}`;
  const elements = elementsOf(shape, name);
  const length = bytesOf(dtype, elements);
  const tensor = { name, dtype, shape, elements };
  if (length === undefined) return tensor;
  if (isExternal) return { ...tensor, data: externalPlace(external, found.path, length, name) };
  if (raw === undefined || raw.length !== length) return tensor;
  return { ...tensor, data: { path: found.path, offset: message.base + raw.offset, length } };
}

/** Where an external tensor lies. Only names below the model's own folder are followed. */
function externalPlace(entries: ReadonlyMap<string, string>, path: string, length: number, name: string): TensorData {
  const location = entries.get("location") ?? "";
  const inFolder = posix.normalize(location);
  if (location === "" || posix.isAbsolute(location) || inFolder.startsWith("..") || location.includes("\\")) {
    throw bomError("models.metadata-invalid", {
      detail: `the bytes of ${printable(name)} lie outside the model's folder`,
    });
  }
  const offset = countOf(entries.get("offset") ?? "0", name);
  if (entries.has("length") && countOf(entries.get("length") ?? "", name) !== length) {
    throw bomError("models.metadata-invalid", { detail: `${printable(name)} does not take the bytes of its shape` });
  }
  return { path: posix.join(posix.dirname(path), inFolder), offset, length };
}

function countOf(text: string, name: string): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw bomError("models.metadata-invalid", { detail: `the place of ${printable(name)} is no number` });
}

/** `ValueInfoProto`: name, and the type with its shape where it is a tensor. */
function readPort(message: Message, found: Found): Port {
  let name = "";
  let dtype = "not a tensor";
  let shape: readonly (number | undefined)[] = [];
  for (const field of fieldsOf(message, found)) {
    if (field.number === 1) name = textOf(message, field);
    if (field.number !== 2) continue;
    const type = inside(message, field);
    for (const kind of fieldsOf(type, found)) {
      if (kind.number !== 1) continue;
      const tensor = inside(type, kind);
      for (const part of fieldsOf(tensor, found)) {
        if (part.number === 1) dtype = TYPES[part.value] ?? `ONNX_TYPE_${part.value}`;
        if (part.number === 2) shape = readShape(inside(tensor, part), found);
      }
    }
  }
  return { name, dtype, shape };
}

function readShape(message: Message, found: Found): (number | undefined)[] {
  const shape: (number | undefined)[] = [];
  for (const dimension of fieldsOf(message, found)) {
    if (dimension.number !== 1) continue;
    let size: number | undefined;
    for (const { number, wire, value } of fieldsOf(inside(message, dimension), found)) {
      if (number === 1 && wire === "varint" && Number.isSafeInteger(value)) size = value;
    }
    shape.push(size);
  }
  return shape;
}

function readOpset(message: Message, found: Found): void {
  let domain = "";
  let version = 0;
  for (const field of fieldsOf(message, found)) {
    if (field.number === 1) domain = textOf(message, field);
    if (field.number === 2) version = field.value;
  }
  found.metadata.set(`opset ${domain === "" ? "ai.onnx" : domain}`, String(version));
}

/** `StringStringEntryProto`: key and value. */
function readProperty(message: Message, found: Found, into: Map<string, string>): void {
  let key = "";
  let value = "";
  for (const field of fieldsOf(message, found)) {
    if (field.number === 1) key = textOf(message, field);
    if (field.number === 2) value = textOf(message, field);
  }
  into.set(key, value);
}

function* fieldsOf({ source }: Message, found: Found): Generator<ProtoField, void, undefined> {
  for (const field of protoFields(source)) {
    if (--found.fields < 0) {
      throw bomError("models.metadata-limit", { detail: `more than ${MAX_FIELDS} fields in its messages` });
    }
    yield field;
  }
}

function inside({ source, base }: Message, field: ProtoField): Message {
  return { source: protoPayload(source, field), base: base + field.offset };
}

/** Whole or not at all: a name that is cut is another name. */
function textOf({ source }: Message, field: ProtoField): string {
  if (field.length > MAX_TEXT_BYTES) {
    throw bomError("models.metadata-limit", { detail: `a text of ${field.length} bytes, at most ${MAX_TEXT_BYTES}` });
  }
  return field.wire === "bytes" ? decodeUtf8(source.read(field.offset, field.length)) : "";
}

/** A repeated number, one in each field or packed into one. */
function numbersOf(message: Message, field: ProtoField, found: Found): number[] {
  if (field.wire !== "bytes") return [field.value];
  const reader = new ByteReader(protoPayload(message.source, field));
  const values: number[] = [];
  while (reader.left > 0) {
    if (--found.fields < 0 || values.length > MAX_DIMENSIONS) {
      throw bomError("models.metadata-limit", { detail: `a shape of more than ${MAX_DIMENSIONS} dimensions` });
    }
    values.push(varint(reader));
  }
  return values;
}

function varint(reader: ByteReader): number {
  let value = 0;
  for (let count = 0, scale = 1; count < 10; count++, scale *= 128) {
    const byte = reader.u8();
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  throw bomError("models.metadata-invalid", { detail: "a number of more than 10 bytes" });
}
