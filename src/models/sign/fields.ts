/**
 * Reads fields of foreign JSON, each with its type, or rejects the signature and says which field it was.
 *
 * @module
 */

import { isHoldfastError, parseJson, type JsonLimits } from "../../core/index.ts";
import { signError } from "./errors.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Reads bytes as JSON. @throws `models.signature-malformed` */
export function readJson(bytes: Uint8Array, what: string, limits: JsonLimits): unknown {
  try {
    return parseJson(bytes, limits);
  } catch (cause) {
    throw malformed(isHoldfastError(cause) ? `${what}: ${cause.message}` : what, cause);
  }
}

export function readObject(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(`${where} is no object`);
  return value as Fields;
}

export function readText(value: unknown, where: string): string {
  if (typeof value !== "string") throw malformed(`${where} is no text`);
  return value;
}

export function readList(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(`${where} is no list`);
  return value;
}

/** Base64 in either alphabet, with or without padding, as JSON of protocol buffers has it, and nothing else. */
export function readBytes(value: unknown, where: string): Buffer {
  const text = readText(value, where);
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : Buffer.alloc(0);
  // Bits that a decoder drops would let two texts stand for one value.
  const canonical = bytes.toString("base64").replaceAll("=", "");
  const given = text.replaceAll("=", "").replaceAll("-", "+").replaceAll("_", "/");
  if (bytes.length === 0 || canonical !== given) throw malformed(`${where} is no base64`);
  return bytes;
}

export function malformed(detail: string, cause?: unknown): Error {
  return signError("models.signature-malformed", cause === undefined ? { detail } : { detail, cause });
}
