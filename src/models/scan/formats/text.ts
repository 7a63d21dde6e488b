/**
 * Reads a file that is text, whole, where it is small enough to be judged.
 *
 * @module
 */

import type { ScanContext } from "../format.ts";
import type { ScanRule } from "../finding.ts";
import type { Source } from "../source.ts";
import { SUPPLY_CHAIN } from "./references.ts";

/** Bytes of text that are read whole. The largest tokenizers that are shared take some 40 MB. */
export const MAX_TEXT = 64 * 1024 * 1024;

export const TEXT_RULES = {
  tooLarge: {
    id: "text.too-large",
    severity: "low",
    verdict: "inconclusive",
    why: "it is text of a size that is not read whole, so that nothing is known of it",
    remedy: "look at it by hand, or keep data out of the model's folder",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

const utf8 = new TextDecoder("utf-8");
const utf16le = new TextDecoder("utf-16le");
const utf16be = new TextDecoder("utf-16be");

/** What a letter behind a backslash stands for, in C and in all that took it from there. */
export const C_ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The text of `bytes`, a character for each of them. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The text of `source`; bytes that are no text become U+FFFD. Undefined where a limit is over, which is reported. */
export function readText(source: Source, context: ScanContext, max = MAX_TEXT): string | undefined {
  if (source.size > max) {
    context.report(TEXT_RULES.tooLarge, { detail: `${source.size} bytes, limit ${max}` });
    return undefined;
  }
  if (!context.spend("bytes", source.size)) return undefined;
  const bytes = source.read(0, source.size);
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return utf16le.decode(bytes);
  if (first === 0xfe && second === 0xff) return utf16be.decode(bytes);
  // Without a mark: texts of models begin with a character of ASCII, and readers of JSON and XML tell by its zero.
  if (first === 0 && second !== 0 && second !== undefined) return utf16be.decode(bytes);
  if (first !== 0 && second === 0) return utf16le.decode(bytes);
  return utf8.decode(bytes);
}
