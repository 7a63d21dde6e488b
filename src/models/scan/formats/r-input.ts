/**
 * The three spellings of R's serialization: XDR (big-endian), binary (little-endian) and ASCII (a word a line), behind one
 * reader.
 *
 * Source: R Internals 1.8, «Serialization Formats», and src/main/serialize.c of R 4.4.
 *
 * @module
 */

import { type ByteReader, Truncated } from "../reader.ts";
import { C_ESCAPES, latin1 } from "./text.ts";

export interface RInput {
  readonly reader: ByteReader;
  /** The next number, of 32 bits with a sign. */
  int(): number;
  skip(what: "byte" | "complex" | "double" | "int", count: number): void;
  /** A string of `length` bytes. */
  text(length: number): string;
}

/** The reader of what begins with `mark`, which is behind it: `X`, `A` or `B` and a line's end. Undefined for any other. */
export function openRInput(mark: number, reader: ByteReader): RInput | undefined {
  if (mark === 0x58) return binary(reader, true);
  if (mark === 0x42) return binary(reader, false);
  return mark === 0x41 ? ascii(reader) : undefined;
}

const SIZES = { byte: 1, int: 4, double: 8, complex: 16 } as const;
/** Longest text that is kept: names are short. */
const MAX_TEXT = 65_536;

function binary(reader: ByteReader, bigEndian: boolean): RInput {
  return {
    reader,
    int: () => reader.i32(bigEndian),
    skip: (what, count) => {
      reader.skip(SIZES[what] * count);
    },
    text: (length) => {
      const kept = Math.min(length, MAX_TEXT);
      const text = latin1(reader.bytes(kept));
      reader.skip(length - kept);
      return text;
    },
  };
}

function ascii(reader: ByteReader): RInput {
  const word = (): string => {
    let byte = reader.u8();
    while (isSpace(byte)) byte = reader.u8();
    let text = "";
    for (; byte >= 0 && !isSpace(byte); byte = reader.position < reader.end ? reader.u8() : -1) {
      text += String.fromCharCode(byte);
      if (text.length > MAX_WORD) throw new Truncated(`a word of more than ${MAX_WORD} letters at ${reader.position}`);
    }
    return text;
  };
  return {
    reader,
    int: () => {
      const text = word();
      const value = text === "NA" ? NA : Number(text);
      if (!Number.isInteger(value)) throw new Truncated(`no number at ${reader.position}`);
      return value;
    },
    skip: (what, count) => {
      for (let left = what === "complex" ? 2 * count : count; left > 0; left--) word();
    },
    text: (length) => {
      while (isSpace(reader.peek())) reader.u8();
      let text = "";
      for (let left = length; left > 0; left--) {
        const byte = reader.u8();
        const read = byte === 0x5c ? escaped(reader) : byte;
        if (text.length < MAX_TEXT) text += String.fromCharCode(read);
      }
      return text;
    },
  };
}

/** R's missing number. */
const NA = -(2 ** 31);
const MAX_WORD = 64;

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** What stands behind a backslash: a letter, or up to three octal digits. */
function escaped(reader: ByteReader): number {
  const isOctal = (byte: number): boolean => byte >= 0x30 && byte <= 0x37;
  const first = reader.u8();
  if (!isOctal(first)) return (C_ESCAPES[String.fromCharCode(first)] ?? String.fromCharCode(first)).charCodeAt(0);
  let value = first - 0x30;
  for (let digits = 1; digits < 3 && isOctal(reader.peek()); digits++) value = value * 8 + reader.u8() - 0x30;
  return value & 0xff;
}
