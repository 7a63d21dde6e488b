/**
 * Arrays of numpy: a header in Python's literals, and behind it numbers, or, for arrays of objects, a pickle. Whatever
 * the header says, a pickle behind it is read: a loader that is told to may load it.
 *
 * Source: numpy/lib/format.py.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format } from "../format.ts";
import { sliceSource, type Source } from "../source.ts";
import { parseLiteral, type Literal } from "./literal.ts";
import { findHidden } from "./pickle/hidden.ts";
import { isPickleAt } from "./pickle/trial.ts";

const NPY_RULES = {
  header: {
    id: "npy.header",
    severity: "high",
    verdict: "suspicious",
    why: "its header is no plain description of an array, and old versions of numpy evaluate headers",
    remedy: "do not load it, and ask for the array anew",
    references: ["AML.T0010.003", "AML.T0011.000"],
  },
  lie: {
    id: "npy.header-lie",
    severity: "high",
    verdict: "suspicious",
    why: "its header says numbers, and a pickle stands behind it",
    remedy: "do not load it with allow_pickle, and find out who made it",
    references: ["AML.T0010.003", "CVE-2019-6446"],
  },
  objects: {
    id: "npy.objects",
    severity: "low",
    verdict: "note",
    why: "it is an array of objects, which numpy only loads as a pickle, with allow_pickle",
    remedy: "store numbers and texts in arrays of their own types",
    references: ["CVE-2019-6446"],
  },
  broken: {
    id: "npy.broken",
    severity: "medium",
    verdict: "inconclusive",
    why: "it is cut short, or holds more than its header says",
    remedy: "get it again from its source",
    references: ["AML.T0010.003"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

const MAGIC = Buffer.from("\u0093NUMPY", "latin1");
/** numpy itself refuses more than 10,000 characters, unless it may load pickles. */
const MAX_HEADER = 1024 * 1024;

export const npyFormat: Format = {
  id: "npy",
  rules: Object.values(NPY_RULES),
  sniff: (source) => Buffer.compare(MAGIC, source.read(0, MAGIC.length)) === 0,
  scan: (source, context) => {
    const header = readHeader(source);
    if (header === undefined) {
      context.report(NPY_RULES.broken, { detail: "a header that is cut short or too long" });
      for (const { at, pickle } of findHidden(source, MAGIC.length, context)) {
        if (pickle) context.member(`bytes at ${at}`, sliceSource(source, at, source.size));
      }
      return;
    }
    const { text, data } = header;
    const described = describe(parseLiteral(text.trim()));
    const body = sliceSource(source, data, source.size - data);
    if (described === undefined) context.report(NPY_RULES.header, { offset: data - text.length, detail: text });
    const objects = described?.bytes === undefined;
    if (objects) context.report(NPY_RULES.objects, { offset: data });
    if (isPickleAt(body, 0)) {
      if (!objects) context.report(NPY_RULES.lie, { offset: data });
      context.member("objects", body);
    } else if (objects && described !== undefined) {
      context.report(NPY_RULES.broken, { offset: data, detail: "no pickle where the header says objects" });
    } else if (described?.bytes !== undefined && described.bytes !== body.size) {
      context.report(NPY_RULES.broken, { offset: data, detail: `${body.size} bytes for ${described.bytes}` });
      const behind = sliceSource(body, described.bytes, body.size);
      if (behind.size > 0) context.member(`bytes at ${data + described.bytes}`, behind);
    }
  },
};

function readHeader(source: Source): { readonly text: string; readonly data: number } | undefined {
  const start = new Uint8Array(source.read(0, 12));
  const [major] = start.subarray(6, 7);
  const view = new DataView(start.buffer);
  const wide = major !== 1;
  if (start.length < 12) return undefined;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const from = wide ? 12 : 10;
  if (length > MAX_HEADER || from + length > source.size) return undefined;
  const bytes = Buffer.from(new Uint8Array(source.read(from, length)));
  return { text: bytes.toString(major === 3 ? "utf8" : "latin1"), data: from + length };
}

/** Bytes of the array, undefined in it for objects; undefined where it is no description of an array. */
function describe(header: Literal | undefined): { readonly bytes: number | undefined } | undefined {
  if (!(header instanceof Map) || header.size !== 3) return undefined;
  const [descr, order, shape] = [header.get("descr"), header.get("fortran_order"), header.get("shape")];
  if (descr === undefined || typeof order !== "boolean" || !Array.isArray(shape)) return undefined;
  const count = (shape as readonly Literal[]).reduce<number>(
    (product, size) => (typeof size === "number" && size >= 0 ? product * size : Number.NaN),
    1,
  );
  if (Number.isNaN(count)) return undefined;
  const item = itemBytes(descr);
  if (item === undefined) return undefined;
  return { bytes: item === "objects" ? undefined : item * count };
}

/** Bytes of one item: a type, or a list of fields, each with its name, its type and perhaps its shape. */
function itemBytes(descr: Literal): number | "objects" | undefined {
  if (typeof descr === "string") {
    if (/^[|=<>]?O\d*$/.test(descr)) return "objects";
    const match = /^[|=<>]?([biufcSUVmMat?])(\d{0,9})(?:\[[\w]+\])?$/.exec(descr);
    if (match === null) return undefined;
    const bytes = match[2] === "" ? 1 : Number(match[2]);
    return match[1] === "U" ? 4 * bytes : bytes;
  }
  // A subarray: its type, and its shape.
  if (isPair(descr) && Array.isArray(descr[1])) return times(itemBytes(descr[0] as Literal), descr[1]);
  if (!Array.isArray(descr)) return undefined;
  let sum = 0;
  let objects = false;
  for (const field of descr as readonly Literal[]) {
    if (!Array.isArray(field)) return undefined;
    const [, type, shape] = field as readonly Literal[];
    const bytes = type === undefined ? undefined : times(itemBytes(type), shape ?? []);
    if (bytes === undefined) return undefined;
    if (bytes === "objects") objects = true;
    else sum += bytes;
  }
  return objects ? "objects" : sum;
}

function isPair(descr: Literal): descr is readonly Literal[] {
  return Array.isArray(descr) && descr.length === 2 && typeof descr[0] === "string" && /^[|=<>]/.test(descr[0]);
}

function times(bytes: number | "objects" | undefined, shape: Literal): number | "objects" | undefined {
  if (typeof bytes !== "number") return bytes;
  const sizes = Array.isArray(shape) ? (shape as readonly Literal[]) : [shape];
  return sizes.reduce<number>((product, size) => product * Number(size), bytes);
}
