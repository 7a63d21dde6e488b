/**
 * Checks on what looks like a secret: is it random, is it an example, does its checksum fit.
 *
 * @module
 */

import { crc32 } from "node:zlib";

import { ALNUM } from "./rule.ts";

/** Shannon entropy of a text in bits a character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** Words that people write where a secret would stand. Random base-62 text of 40 characters has one by chance in 10^5. */
const PLACEHOLDER_WORD =
  /example|placeholder|changeme|change_me|change-me|your[_-]|yourapi|yourkey|yoursecret|yourtoken|redacted|dummy|sample|insert|replace|xxxxx|\*\*\*|\.\.\.|<|>|\$\{|\{\{|%\(|undefined|notreal|not-real|not_real|abcdefghij|0123456789|123456789|1234567890/i;
/** The same character five times in a row: chance in a random hexadecimal key of 64 is under 1 in 1,000. */
const REPEATED = /(.)\1{5}/;

/**
 * Whether a value only stands for a secret. The keys of AWS's documentation, which end in EXAMPLE, are among them: they
 * open nothing, and half the tutorials quote them.
 */
export function isPlaceholder(secret: string): boolean {
  return PLACEHOLDER_WORD.test(secret) || REPEATED.test(secret);
}

/** CRC-32 in base 62, six digits, `0-9A-Za-z`: the checksum of GitHub's, npm's and Holdfast's tokens. */
export function crc32Base62(text: string): string {
  let rest = crc32(text);
  let out = "";
  for (let digit = 0; digit < 6; digit++) {
    out = ALNUM.charAt(rest % 62) + out;
    rest = Math.floor(rest / 62);
  }
  return out;
}

/** Whether the last six characters are the CRC-32 of those between the prefix (of `prefix` characters) and them. */
export function hasCrc32(token: string, prefix: number): boolean {
  return token.slice(-6) === crc32Base62(token.slice(prefix, -6));
}

/** Whether the text is base64 or base64url of printable ASCII that matches `pattern`. */
export function decodesTo(base64: string, pattern: RegExp): boolean {
  const text = Buffer.from(base64, "base64").toString("latin1");
  return /^[\t\n\r\x20-\x7E]+$/.test(text) && pattern.test(text);
}
