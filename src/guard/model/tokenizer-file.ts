/**
 * Reading values of `tokenizer.json`: of the type that is asked for, or the file is refused.
 *
 * @module
 */

import { parseJson } from "../../core/index.ts";
import { modelError } from "./errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

const MAX_BYTES = 64 * 1024 * 1024;

/** @throws `guard.model-invalid`, as all functions here */
export function readFile(bytes: Uint8Array): Fields {
  try {
    return fields(parseJson(bytes, { maxBytes: MAX_BYTES, maxDepth: 16 }));
  } catch (cause) {
    throw modelError("guard.model-invalid", { detail: "tokenizer.json", cause });
  }
}

export function fields(value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw unread("shape");
  return value as Fields;
}

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unread("shape");
  return value;
}

export function string(value: unknown): string {
  if (typeof value !== "string") throw unread("shape");
  return value;
}

export function number(value: unknown): number {
  if (typeof value !== "number") throw unread("shape");
  return value;
}

/** The error for a step or value that is not read here. */
export function unread(what: string): Error {
  return modelError("guard.model-invalid", { detail: `tokenizer.json: ${what} is not read` });
}
