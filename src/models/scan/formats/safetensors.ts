/**
 * safetensors: a header in JSON that says where each tensor lies, and the tensors. The format runs nothing; what a
 * hostile file can do is lie to its loader about lengths, or hide bytes that no tensor covers. Only the header is read.
 *
 * Every rule of the format's own reader is checked, also those that other loaders leave out.
 *
 * Source: github.com/safetensors/safetensors (README, safetensors/src/tensor.rs).
 *
 * @module
 */

import { isHoldfastError, parseJson } from "../../../core/index.ts";
import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { ByteReader } from "../reader.ts";
import type { Source } from "../source.ts";
import { isRecord } from "./json-value.ts";
import { EXHAUSTS, SUPPLY_CHAIN } from "./references.ts";

/** The cap of the format's own reader, in bytes. */
const MAX_HEADER = 100_000_000;

const REFUSE = "do not load it: get it again from its publisher, and compare the digest";

const RULES = {
  header: {
    id: "safetensors.header",
    severity: "medium",
    verdict: "inconclusive",
    why: "its header is not one that safetensors allows, so that nothing is known of its tensors",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN],
  },
  headerLength: {
    id: "safetensors.header-length",
    severity: "medium",
    verdict: "inconclusive",
    why: "its header is longer than the format allows or than the file, which makes careless loaders take as much memory",
    remedy: REFUSE,
    references: [...EXHAUSTS],
  },
  duplicate: {
    id: "safetensors.duplicate-name",
    severity: "high",
    verdict: "suspicious",
    why: "its header names a tensor twice, and loaders disagree on which of the two counts",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN],
  },
  truncated: {
    id: "safetensors.truncated",
    severity: "medium",
    verdict: "inconclusive",
    why: "tensors reach past the end of the file: it was cut short, or makes loaders read what is not theirs",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN],
  },
  offsets: {
    id: "safetensors.offsets",
    severity: "high",
    verdict: "suspicious",
    why: "a tensor's offsets do not fit its type and shape, so that a loader that trusts them reads past its bytes",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN],
  },
  overlap: {
    id: "safetensors.overlap",
    severity: "high",
    verdict: "suspicious",
    why: "two tensors share bytes, which no writer makes: a change of one changes the other",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN],
  },
  hole: {
    id: "safetensors.hole",
    severity: "medium",
    verdict: "suspicious",
    why: "it has bytes that belong to no tensor, which the format forbids since anything can hide there",
    remedy: REFUSE,
    references: [...SUPPLY_CHAIN, "AML.T0018.002"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Bits of one element. */
const BITS: ReadonlyMap<string, number> = new Map([
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ...["BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"].map(
    (name) => [name, 8] as const,
  ),
  ...["I16", "U16", "F16", "BF16"].map((name) => [name, 16] as const),
  ...["I32", "U32", "F32"].map((name) => [name, 32] as const),
  ...["I64", "U64", "F64", "C64"].map((name) => [name, 64] as const),
]);

export const safetensors: Format = {
  id: "safetensors",
  rules: Object.values(RULES),
  sniff: (source, name) => /\.safetensors$/i.test(name) || looksLikeHeader(source),
  scan: (source, context) => {
    const tensors = readHeader(source, context);
    if (tensors !== undefined) checkLayout(tensors, source.size, context);
  },
};

interface Header {
  /** Where the tensors begin in the file. */
  readonly start: number;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Tensor {
  readonly name: string;
  /** Counted from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

function looksLikeHeader(source: Source): boolean {
  const head = source.read(0, 10);
  if (head.length < 10 || head[8] !== 0x7b || head[6] !== 0 || head[7] !== 0) return false;
  const length = new ByteReader(source).length64();
  return length >= 2 && length <= source.size - 8 && (head[9] === 0x22 || head[9] === 0x7d || head[9] === 0x20);
}

function readHeader(source: Source, context: ScanContext): Header | undefined {
  if (source.size < 8) {
    context.report(RULES.header, { detail: `${source.size} bytes` });
    return undefined;
  }
  const reader = new ByteReader(source);
  const length = reader.u64();
  if (length > BigInt(MAX_HEADER) || length > BigInt(source.size - 8)) {
    context.report(RULES.headerLength, { offset: 0, detail: `${length} bytes of header in a file of ${source.size}` });
    return undefined;
  }
  if (!context.spend("bytes", Number(length))) return undefined;
  const bytes = reader.bytes(Number(length));
  if (bytes[0] !== 0x7b) {
    context.report(RULES.header, { offset: 8, detail: "it does not begin with {" });
    return undefined;
  }
  try {
    const value = parseJson(bytes, { maxBytes: MAX_HEADER, maxDepth: 8 });
    if (isRecord(value)) return { start: reader.position, value };
    context.report(RULES.header, { offset: 8, detail: "it is not an object" });
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    const rule = error.code === "core.json-duplicate-name" ? RULES.duplicate : RULES.header;
    context.report(rule, { offset: 8, detail: error.message });
  }
  return undefined;
}

/** Every tensor's place, and that together they cover the rest of the file, once. */
function checkLayout({ start, value }: Header, size: number, context: ScanContext): void {
  const tensors: Tensor[] = [];
  for (const [name, entry] of Object.entries(value)) {
    if (name === "__metadata__") {
      if (!isRecord(entry) || Object.values(entry).some((text) => typeof text !== "string")) {
        context.report(RULES.header, { detail: "its metadata is not a map of strings to strings" });
      }
      continue;
    }
    const tensor = readTensor(name, entry, start, context);
    if (tensor !== undefined) tensors.push(tensor);
  }
  tensors.sort((one, other) => one.begin - other.begin || one.end - other.end);
  let at = start;
  for (const { name, begin, end } of tensors) {
    if (begin < at) context.report(RULES.overlap, { offset: begin, detail: name });
    if (begin > at) context.report(RULES.hole, { offset: at, detail: `${begin - at} bytes before ${name}` });
    at = Math.max(at, end);
  }
  if (at > size) context.report(RULES.truncated, { detail: `tensors up to ${at}, a file of ${size} bytes` });
  if (at < size) context.report(RULES.hole, { offset: at, detail: `${size - at} bytes behind the last tensor` });
}

function readTensor(name: string, entry: unknown, start: number, context: ScanContext): Tensor | undefined {
  const { dtype, shape, data_offsets: offsets } = isRecord(entry) ? entry : {};
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    context.report(RULES.header, { detail: `the entry of ${name} is not a type, a shape and two offsets` });
    return undefined;
  }
  const [begin = 0, end = 0] = offsets;
  const bits = BITS.get(dtype);
  if (bits === undefined) {
    context.report(RULES.header, { detail: `${name} has the unknown type ${dtype}` });
  } else if (shape.reduce((product, size) => product * size, bits) !== (end - begin) * 8) {
    const detail = `${name}: ${dtype}[${shape.join(",")}] in ${end - begin} bytes`;
    context.report(RULES.offsets, { offset: start + begin, detail });
  }
  if (end < begin) return undefined;
  return { name, begin: start + begin, end: start + end };
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}
