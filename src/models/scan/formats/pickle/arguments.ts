/**
 * The arguments of instructions, as values: numbers, texts, bytes. Contents stay where they are.
 *
 * @module
 */

import { Truncated, type ByteReader } from "../../reader.ts";
import { latin1 } from "../text.ts";
import { MAX_NAME, NUMBER, type Value } from "./values.ts";

/** The rest of the line, of which the first {@link MAX_NAME} bytes are kept. @throws Truncated without an end */
export function lineOf(reader: ByteReader): Uint8Array {
  const line = reader.line(MAX_NAME);
  if (line === undefined) throw new Truncated("a line without an end");
  return line;
}

/** The same, a character for each byte. @throws Truncated without an end */
export function lineText(reader: ByteReader): string {
  return latin1(lineOf(reader));
}

/** A text that is written on a line. */
export function textLine(reader: ByteReader, form: "quoted" | "escaped"): Value {
  const offset = reader.position;
  lineOf(reader);
  return { kind: "text", offset, length: reader.position - 1 - offset, form };
}

export function textOf(reader: ByteReader, length: number, form: "utf8" | "latin1"): Value {
  const offset = reader.position;
  reader.skip(length);
  return { kind: "text", offset, length, form };
}

export function bytesOf(reader: ByteReader, length: number): Value {
  const offset = reader.position;
  reader.skip(length);
  return { kind: "bytes", offset, length };
}

/** A little-endian number of `length` bytes. Its value is kept where it could be a length. */
export function longOf(reader: ByteReader, length: number): Value {
  if (length > 6) {
    reader.skip(length);
    return NUMBER;
  }
  let value = 0;
  for (let index = 0, unit = 1; index < length; index++, unit *= 0x100) value += reader.u8() * unit;
  return { kind: "int", value };
}

/** A number in digits, perhaps with an L behind. */
export function decimalOf(reader: ByteReader): Value {
  const value = Number(lineText(reader).replace(/L$/, ""));
  return Number.isSafeInteger(value) ? { kind: "int", value } : NUMBER;
}

/** An index of the memo in digits. What is none is a fault, and -1. */
export function indexOf(reader: ByteReader, { fault }: { readonly fault: (what: string) => void }): number {
  const text = lineText(reader).trim();
  if (/^\+?\d{1,15}$/.test(text)) return Number(text);
  fault("an index that is no number");
  return -1;
}
