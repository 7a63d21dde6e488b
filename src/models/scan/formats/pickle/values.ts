/**
 * What stands on the stack of the machine: not the objects, but what the machine must know of them. Contents are not
 * kept, beyond what persistent ids and joblib's arrays are read from, so that no pickle can make its scan grow.
 *
 * @module
 */

import { bytesSource, sliceSource, type Source } from "../../source.ts";
import { C_ESCAPES } from "../text.ts";
import { Op } from "./opcodes.ts";

/** How the bytes of a text become its characters. */
export type TextForm = "utf8" | "escaped" | "quoted" | "latin1";

/** How bad it is to name a global. */
export type Grade = "allowed" | "dangerous" | "dunder" | "dotted" | "unknown" | "extension";

export interface GlobalValue {
  readonly kind: "global";
  readonly module: string;
  readonly name: string;
  readonly grade: Grade;
  /** What may be done with one that is allowed: `Use` of `allowed.ts`. */
  readonly use: string | undefined;
}

export interface TextValue {
  readonly kind: "text";
  /** Its bytes in the source, read when they are needed. */
  readonly offset: number;
  readonly length: number;
  readonly form: TextForm;
}

export interface BytesValue {
  readonly kind: "bytes";
  readonly offset: number;
  readonly length: number;
}

export interface TupleValue {
  readonly kind: "tuple";
  /** None where there are more than are kept. */
  readonly items: readonly Value[] | undefined;
}

export interface DictValue {
  readonly kind: "dict";
  /** Those with a short text for a key, as far as they are kept. */
  readonly entries: Map<string, Value>;
}

/** What a call made. */
export interface ObjectValue {
  readonly kind: "object";
  readonly of: GlobalValue | undefined;
  readonly args: Value;
  /** What BUILD gave it. */
  state: Value | undefined;
}

export type Value =
  | GlobalValue
  | TextValue
  | BytesValue
  | TupleValue
  | DictValue
  | ObjectValue
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "list" | "set" | "none" | "number" | "storage" | "buffer" | "unknown" };

/** Items of a tuple, and entries of a dictionary, that are kept. */
export const KEPT = 64;

export const NUMBER: Value = { kind: "number" };
export const UNKNOWN: Value = { kind: "unknown" };
export const STORAGE: Value = { kind: "storage" };

/** What instructions without an argument push. Values without identity are one for all. */
export const CONSTANTS: ReadonlyMap<number, Value> = new Map<number, Value>([
  [Op.NONE, { kind: "none" }],
  [Op.NEWTRUE, NUMBER],
  [Op.NEWFALSE, NUMBER],
  [Op.NEXT_BUFFER, { kind: "buffer" }],
  [Op.EMPTY_LIST, { kind: "list" }],
  [Op.EMPTY_SET, { kind: "set" }],
  [Op.EMPTY_TUPLE, { kind: "tuple", items: [] }],
]);

export function tupleOf(items: readonly Value[]): TupleValue {
  return { kind: "tuple", items: items.length <= KEPT ? items : undefined };
}

/** Bytes of the shortest pickle that runs something: `cos\nsystem\n)R.` has two more. */
export const MIN_PICKLE = 12;

/** Most characters of a name, or of a key that is kept. */
export const MAX_NAME = 1_024;

/**
 * The characters of a text, as Python 3 reads them, or undefined where it would refuse them.
 *
 * `utf8` lets lone surrogates pass (`surrogatepass`), `escaped` is raw-unicode-escape, `quoted` a literal with
 * backslashes.
 */
export function decodeText(bytes: Uint8Array, form: TextForm): string | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (form) {
    case "utf8": {
      const text = buffer.toString("utf8");
      return text.includes("\uFFFD") && Buffer.compare(Buffer.from(text), buffer) !== 0 ? undefined : text;
    }
    case "latin1":
      // Python decodes as ASCII, unless the loader names an encoding.
      return buffer.toString("latin1");
    case "escaped":
      return buffer
        .toString("latin1")
        .replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short?: string, long?: string) =>
          fromCode(Number.parseInt(short ?? long ?? "", 16), whole),
        );
    case "quoted":
      return unquote(buffer.toString("latin1"));
    default:
      return undefined;
  }
}

/** Longest text that is turned into bytes. */
const MAX_TEXT = 64 * 1024 * 1024;

/**
 * A literal as the file that it may hold. Protocols before 3 write bytes as a text with a character for each byte, which the
 * loader encodes by `latin1`: such a text stands for those bytes, any other one for its own.
 */
export function fileOf(source: Source, value: BytesValue | TextValue): Source {
  const { offset, length } = value;
  const own = sliceSource(source, offset, length);
  if (value.kind === "bytes" || length > MAX_TEXT) return own;
  const bytes = source.read(offset, length);
  if (!bytes.some((byte) => byte >= 0x80)) return own;
  const text = decodeText(bytes, value.form);
  return text === undefined || /[^\0-\u00ff]/.test(text) ? own : bytesSource(Buffer.from(text, "latin1"));
}

function fromCode(code: number, otherwise: string): string {
  return code <= 0x10_ffff ? String.fromCodePoint(code) : otherwise;
}

/** A line that goes on in the next one has no end. */
const ESCAPES: Readonly<Record<string, string>> = { ...C_ESCAPES, "\n": "" };

/** A literal of Python's `repr` for bytes: quotes around it, escapes in it. */
function unquote(text: string): string | undefined {
  const literal = text.trim();
  const quote = literal[0];
  if (literal.length < 2 || (quote !== "'" && quote !== '"') || !literal.endsWith(quote)) return undefined;
  return literal
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]))/g, (_, hex?: string, octal?: string, other?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return ESCAPES[other ?? ""] ?? other ?? "";
    });
}
