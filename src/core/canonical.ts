/**
 * Canonical JSON, RFC 8785 (JCS): one byte sequence for one value, so that a digest or a signature means the same to
 * every reader.
 *
 * JCS was written around ECMAScript's own serialisation: numbers (section 3.2.2.3) and strings (3.2.2.2) are exactly
 * what `JSON.stringify` prints, and names sort by UTF-16 code units (3.2.3), which is JavaScript's default order.
 *
 * @module
 */

import { coreError } from "./errors.ts";

/** A value with a JSON form. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/**
 * The canonical text of a value.
 *
 * Properties whose value is `undefined` are left out, as `JSON.stringify` does. Everything else that JSON cannot say
 * is refused with `core.canonical-unsupported`: NaN and infinities, lone surrogates (section 3.2.2.2), functions,
 * bigints, dates and other instances of classes, cycles.
 *
 * @example
 * ```ts
 * import { canonicalJson } from "holdfast/core";
 *
 * canonicalJson({ b: [1e21, "é"], a: null }); // {"a":null,"b":[1e+21,"é"]}
 * ```
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

/** Deeper values are refused: no document of ours comes near it, and the writer recurses. */
const MAX_DEPTH = 512;
const SIMPLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return writeString(value);
    case "number":
      if (!Number.isFinite(value)) throw coreError("core.canonical-unsupported", { detail: String(value) });
      // -0 is written as 0 (section 3.2.2.3).
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      break;
    default:
      throw coreError("core.canonical-unsupported", { detail: `a ${typeof value}` });
  }
  if (value === null) return "null";
  if (depth >= MAX_DEPTH) throw coreError("core.canonical-unsupported", { detail: `more than ${MAX_DEPTH} levels` });

  if (Array.isArray(value)) {
    let text = "[";
    for (let index = 0; index < value.length; index++) {
      if (index > 0) text += ",";
      text += write(value[index], depth + 1);
    }
    return text + "]";
  }

  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw coreError("core.canonical-unsupported", { detail: "an instance of a class" });
  }
  const object = value as Record<string, unknown>;
  let text = "{";
  for (const name of Object.keys(object).toSorted()) {
    const member = object[name];
    if (member === undefined) continue;
    if (text.length > 1) text += ",";
    text += writeString(name) + ":" + write(member, depth + 1);
  }
  return text + "}";
}

function writeString(value: string): string {
  // Nearly every string in evidence is plain ASCII, for which the escaper has nothing to do.
  if (SIMPLE.test(value)) return `"${value}"`;
  if (!value.isWellFormed()) throw coreError("core.canonical-unsupported", { detail: "a lone surrogate" });
  return JSON.stringify(value);
}
