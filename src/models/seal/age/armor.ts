/**
 * ASCII armor: an age file as text. Only read: a model in armor would be a third larger and could not be read from the
 * middle. The whole file is held in memory, hence the limit.
 *
 * Strict, since armor is malleable otherwise: white space around the block and CRLF are allowed, nothing else.
 *
 * Source: C2SP age.md v1, «ASCII armor»; RFC 7468 section 3, figure 3.
 *
 * @module
 */

import { sealError } from "../errors.ts";

/** Bytes of an armored file. */
export const MAX_ARMOR_BYTES = 64 * 1024 * 1024;

const BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----";
const END = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS = 64;

/** Whether a file that begins with these bytes is meant as armor; undefined where they are only white space so far. */
export function looksArmored(start: Uint8Array): boolean | undefined {
  const text = Buffer.from(start.subarray(0, 4096)).toString("latin1").trimStart();
  if (text === "") return start.length >= 4096 ? false : undefined;
  return text.startsWith(BEGIN.slice(0, Math.min(text.length, 11)));
}

/** The age file in the armor. @throws `seal.armor-invalid` with the reason, `seal.armor-limit` */
export function decodeArmor(armored: Uint8Array): Uint8Array {
  if (armored.length > MAX_ARMOR_BYTES) {
    throw sealError("seal.armor-limit", { detail: `more than ${MAX_ARMOR_BYTES} bytes` });
  }
  const lines = Buffer.from(armored).toString("latin1").trim().replaceAll("\r\n", "\n").split("\n");
  if (lines.shift() !== BEGIN) throw invalid("it does not begin with its BEGIN line");
  if (lines.pop() !== END) throw invalid("it does not end with its END line");
  const last = lines.length - 1;
  for (const [index, line] of lines.entries()) {
    if (index < last ? line.length !== COLUMNS : line.length === 0 || line.length > COLUMNS) {
      throw invalid(`line ${index + 2} is not of the right length`);
    }
  }
  const text = lines.join("");
  const bytes = Buffer.from(text, "base64");
  // What encodes to the same text again is canonical (RFC 4648 section 3.5) and holds nothing else.
  if (bytes.toString("base64") !== text) throw invalid("it is not canonical base64");
  return bytes;
}

function invalid(why: string): Error {
  return sealError("seal.armor-invalid", { detail: why });
}
