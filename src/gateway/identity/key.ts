/**
 * API keys: `hf_<public id>_<secret>_<checksum>`.
 *
 *     hf_      names the issuer, so that secret scanners recognise a leaked key
 *     id       12 base62 characters, public: what lists, logs and receipts show
 *     secret   43 base62 characters from 256 random bits
 *     checksum 6 base62 characters, CRC-32 of all before it: a mistyped key is told from a wrong one without a look-up
 *
 * Only SHA-256 of the key is stored. A slow hash would add nothing: nobody guesses 256 random bits.
 *
 * @module
 */

import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

import { Secret } from "../../core/index.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const FORM = /^hf_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})_([0-9A-Za-z]{6})$/;

/** A new key, the only time that its text exists here. */
export interface NewKey {
  readonly id: string;
  readonly key: Secret;
  /** What is stored. */
  readonly hash: Uint8Array;
}

/** Makes a key from the machine's randomness. */
export function newKey(): NewKey {
  const id = base62(randomBytes(9)).slice(-12).padStart(12, "0");
  const secret = base62(randomBytes(32)).padStart(43, "0");
  const body = `hf_${id}_${secret}`;
  const text = `${body}_${checksum(body)}`;
  return { id, key: new Secret(text), hash: keyHash(text) };
}

/** The public id of a text that has the form of a key, or undefined. */
export function publicId(text: string): string | undefined {
  return FORM.exec(text)?.[1];
}

/** Whether the checksum of a text that has the form of a key is right. It says nothing about who issued it. */
export function hasRightChecksum(text: string): boolean {
  return checksum(text.slice(0, -7)) === text.slice(-6);
}

/** SHA-256 of a key's text. */
export function keyHash(text: string): Uint8Array {
  return hash("sha256", text, "buffer");
}

/** Compares in time that does not depend on where the two differ. */
export function sameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function checksum(body: string): string {
  return base62(Buffer.from(crc32(body).toString(16).padStart(8, "0"), "hex")).padStart(6, "0");
}

/** The big-endian number that the bytes spell, in base 62. */
function base62(bytes: Uint8Array): string {
  let number = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  while (number > 0n) {
    text = ALPHABET.charAt(Number(number % 62n)) + text;
    number /= 62n;
  }
  return text;
}
