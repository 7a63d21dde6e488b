/**
 * Bytes to text: whether decoded bytes are a text that somebody wrote, which is what tells an encoded run from letters
 * that merely look like one. Twelve letters taken for base64 give nine bytes that are all printable once in ten
 * thousand times; the fewer the bytes, the stricter.
 *
 * @module
 */

import { isUtf8 } from "node:buffer";

import type { Paced } from "../pace.ts";
import { inflate, isCompressed } from "./inflate.ts";
import { readWords } from "./words.ts";

/** A text of fewer bytes must be of printable ASCII, and mostly letters. */
const SHORT = 24;
/** Of a longer one, at most one character in so many may be a control character. */
const CONTROLS = 50;

/** Of a long text, the beginning tells; all of it is well-formed. */
const LOOKED = 8192;

/** The text in UTF-8, or in UTF-16 as PowerShell encodes it, that bytes are; `undefined`: they are none. */
export function bytesToText(bytes: Uint8Array): string | undefined {
  if (bytes.length < 3) return undefined;
  const text = isUtf16(bytes) ? Buffer.from(bytes).toString("utf16le") : decodeUtf8(bytes);
  return text !== undefined && isWritten(text, bytes.length) ? text : undefined;
}

/** What bytes are, packed or not. */
export interface Unpacked {
  readonly text: string;
  readonly packed: boolean;
  /** Whether there was more than might be unpacked. */
  readonly cut: boolean;
}

/** The text that bytes are, or that is packed in them by gzip or zlib, up to `most` bytes of it. */
export function* unpack(bytes: Uint8Array, most: number): Paced<Unpacked | undefined> {
  if (!isCompressed(bytes)) {
    const text = bytesToText(bytes);
    return text === undefined ? undefined : { text, packed: false, cut: false };
  }
  const { bytes: inflated, cut } = yield* inflate(bytes, most);
  const text = bytesToText(inflated);
  // What is packed and no text may hold one further in.
  if (text === undefined) return cut ? { text: "", packed: true, cut } : undefined;
  return { text, packed: true, cut };
}

/** `undefined`: bytes that are not well-formed, but for a character that is cut at the end. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  const whole = bytes.subarray(0, wholeEnd(bytes));
  // To ask first is many times as fast as to fail.
  return isUtf8(whole) ? Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString("utf8") : undefined;
}

/** Whether bytes can be the beginning of what {@link unpack} takes for text; of any, where `strict` is false. */
export function mayBeText(bytes: Uint8Array, strict = true): boolean {
  if (isCompressed(bytes) || isUtf16(bytes)) return true;
  const whole = bytes.subarray(0, wholeEnd(bytes));
  if (!isUtf8(whole)) return false;
  if (!strict) return true;
  let controls = 0;
  for (const byte of whole)
    if (byte < 0x20 ? byte !== 0x0a && byte !== 0x0d && byte !== 0x09 : byte === 0x7f) controls++;
  return controls < 2;
}

/** Where the last whole character of UTF-8 ends. */
function wholeEnd(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return size > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

/** Every second byte is zero. */
function isUtf16(bytes: Uint8Array): boolean {
  if (bytes.length < 8 || bytes.length % 2 === 1) return false;
  const looked = Math.min(bytes.length, 64);
  let zeros = 0;
  for (let at = 1; at < looked; at += 2) if (bytes[at] === 0) zeros++;
  return zeros * 2 > looked * 0.8;
}

function isWritten(text: string, size: number): boolean {
  if (size < SHORT) {
    if (!/^[\t\n\r\x20-\x7E]+$/.test(text)) return false;
    const letters = text.replace(/[^A-Za-z ]/g, "").length;
    return letters * 4 >= text.length * 3 && (size > 8 || readWords(text).words > 0);
  }
  let controls = 0;
  let letters = 0;
  const looked = Math.min(text.length, LOOKED);
  for (let at = 0; at < looked; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 ? unit !== 0x0a && unit !== 0x0d && unit !== 0x09 : unit >= 0x7f && unit < 0xa0) controls++;
    else if (unit > 0x40 || unit === 0x20 || (unit > 0x2f && unit < 0x3a)) letters++;
  }
  return controls * CONTROLS <= looked && letters * 3 >= looked;
}
