/**
 * A tensor of ONNX: whether its size fits its data, and where it says that its data lies.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { leavesFolder } from "./path.ts";
import { protoFields, protoPayload, protoText, type ProtoField } from "./protobuf.ts";
import { SUPPLY_CHAIN, TOUCHES_FILES } from "./references.ts";
import { ByteReader } from "../reader.ts";

const REFUSE = "do not load it: get it again from its publisher, and compare the digest";

const RULES = {
  leaves: {
    id: "onnx.external-data-path",
    severity: "critical",
    verdict: "malicious",
    why: "a tensor's data is said to lie outside the model's folder: loading it reads, and saving it writes, files of the machine",
    remedy: REFUSE,
    references: [...TOUCHES_FILES, "CVE-2022-25882", "CVE-2024-27318", "CVE-2025-51480", "CVE-2026-27489"],
  },
  memory: {
    id: "onnx.external-data-memory",
    severity: "critical",
    verdict: "malicious",
    why: "a tensor's data is said to lie at an address of the loader's memory, which only a running process may say of itself",
    remedy: REFUSE,
    references: [...TOUCHES_FILES],
  },
  attribute: {
    id: "onnx.external-data-attribute",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor's external data carries an attribute that the format does not have, and that loaders set on their own objects",
    remedy: REFUSE,
    references: [...TOUCHES_FILES, "CVE-2026-34445"],
  },
  range: {
    id: "onnx.external-data-range",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor's external data has an offset or length that is none, which makes loaders read elsewhere or take all memory",
    remedy: REFUSE,
    references: [...TOUCHES_FILES, "CVE-2026-34445"],
  },
  size: {
    id: "onnx.tensor-size",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor's data does not fit its type and shape, so that a runtime that does not check reads past it",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN],
  },
  shape: {
    id: "onnx.tensor-shape",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor has a shape that no tensor has, whose size overflows in runtimes that do not check",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN],
  },
  external: {
    id: "onnx.external-data",
    severity: "info",
    verdict: "note",
    why: "data of its tensors lies in another file, which is part of the model and must be scanned, signed and kept with it",
    remedy: "scan and sign the folder as a whole; a link in place of that file leads elsewhere",
    references: [...SUPPLY_CHAIN, "CVE-2026-27489", "CVE-2026-34446"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const ONNX_TENSOR_RULES: readonly ScanRule[] = Object.values(RULES);

/** Fields of TensorProto. */
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9, externalData: 13, location: 14 } as const;

/** Bits of one element by TensorProto.DataType. Strings (8) have no size. */
const BITS: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  17: 8,
  18: 8,
  19: 8,
  20: 8,
  21: 4,
  22: 4,
  23: 4,
  24: 8,
};

/** Checks the TensorProto in `source`. Its data is not read. */
export function checkTensor(source: Source, context: ScanContext): void {
  const dims: number[] = [];
  let type = 0;
  let name = "";
  let raw: ProtoField | undefined;
  const external = new Map<string, string>();
  let isExternal = false;
  for (const field of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (field.number === TENSOR.dims) readDims(source, field, dims);
    if (field.number === TENSOR.dataType) type = field.value;
    if (field.number === TENSOR.name) name = protoText(source, field, 256);
    if (field.number === TENSOR.rawData) raw = field;
    if (field.number === TENSOR.location) isExternal = field.value === 1;
    if (field.number === TENSOR.externalData) readEntry(protoPayload(source, field), name, external, context);
  }
  const bytes = sizeOf(dims, type);
  if (bytes === undefined) {
    context.report(RULES.shape, { detail: `${name}[${dims.slice(0, 16).join(",")}]` });
    return;
  }
  // Loaders read external data wherever there is some: the location alone does not decide.
  if (external.size > 0 || isExternal) checkExternal(name, external, bytes, context);
  else if (raw !== undefined && bytes > 0 && raw.length !== bytes) {
    context.report(RULES.size, { detail: `${name}[${dims.join(",")}] of type ${type} in ${raw.length} bytes` });
  }
}

/** Packed or one by one: both are read by every parser. */
function readDims(source: Source, field: ProtoField, dims: number[]): void {
  if (field.wire === "varint") {
    dims.push(field.value);
    return;
  }
  const reader = new ByteReader(protoPayload(source, field));
  while (reader.left > 0 && dims.length < 1024) {
    let value = 0;
    for (let scale = 1, byte = 0x80; byte >= 0x80; scale *= 128) {
      byte = reader.u8();
      value += (byte & 0x7f) * scale;
    }
    dims.push(value);
  }
}

/** Bytes of a tensor; 0 where its type has no size; undefined for a shape that none has. Negative sizes read as huge. */
function sizeOf(dims: readonly number[], type: number): number | undefined {
  const elements = dims.includes(0) ? 0 : dims.reduce((product, size) => product * size, 1);
  if (dims.some((size) => size > Number.MAX_SAFE_INTEGER) || elements > Number.MAX_SAFE_INTEGER / 16) return undefined;
  return Math.ceil((elements * (BITS[type] ?? 0)) / 8);
}

const KEYS = /^(?:location|offset|length|checksum|basepath|prepacked_[0-9]{1,9})$/;

function readEntry(source: Source, name: string, into: Map<string, string>, context: ScanContext): void {
  let key = "";
  let value = "";
  for (const field of protoFields(source)) {
    if (field.number === 1) key = protoText(source, field);
    if (field.number === 2) value = protoText(source, field);
  }
  if (!KEYS.test(key)) context.report(RULES.attribute, { detail: `${name}: ${key}` });
  // Of a key that comes twice, the last counts for some loaders: every location is judged.
  if (key === "location" || key === "basepath") checkLocation(name, value, context);
  into.set(key, value);
}

/** Reports a place of data that is none of the model's folder. */
export function checkLocation(name: string, location: string, context: ScanContext): void {
  if (location.includes("_ORT_MEM_ADDR_")) {
    context.report(RULES.memory, { detail: name });
    return;
  }
  const why = leavesFolder(location);
  if (why !== undefined) context.report(RULES.leaves, { detail: `${name}: ${why}, ${location}` });
}

function checkExternal(name: string, external: ReadonlyMap<string, string>, bytes: number, context: ScanContext): void {
  context.report(RULES.external, { detail: external.get("location") ?? "no location" });
  for (const key of ["offset", "length"] as const) {
    const text = external.get(key);
    if (text === undefined || text === "") continue;
    const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) context.report(RULES.range, { detail: `${name}: ${key} ${text}` });
    else if (key === "length" && bytes > 0 && value !== bytes) {
      context.report(RULES.size, { detail: `${name}: ${value} bytes of external data instead of ${bytes}` });
    }
  }
}
