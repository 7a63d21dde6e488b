/**
 * Checksums of the formats that have a public one.
 *
 * Sources: GitHub, "Behind GitHub's new authentication token formats" (2021), which npm follows; GitLab's design
 * document "Routable tokens"; Grafana's generator of service account tokens; BIP 173 (Bech32), which age uses; Base58Check
 * of BIP 32. Stripe, SendGrid, Slack, crates.io and PyPI publish none.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

import { ALNUM, DIGITS, LOWER } from "./form.ts";

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

/** CRC-32 in base 36, seven digits: behind everything else of GitLab's routable tokens. */
export function crc32Base36(text: string): string {
  return crc32(text).toString(36).padStart(7, "0");
}

/** CRC-32 as Grafana writes it: four bytes, the lowest first, in hexadecimal. */
export function crc32LittleEndian(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(crc32(text));
  return bytes.toString("hex");
}

/** The alphabet of Bech32, in the order of its values. */
export const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/** Whether a text is Bech32 with a right checksum, in one case (BIP 173; age's and Nostr's keys are longer than its 90). */
export function isBech32(text: string): boolean {
  const lower = text.toLowerCase();
  const split = lower.lastIndexOf("1");
  if (lower !== text && text.toUpperCase() !== text) return false;
  const data = Array.from(lower.slice(split + 1), (letter) => BECH32.indexOf(letter));
  return (
    split > 0 && data.length >= 6 && !data.includes(-1) && polymod([...expanded(lower.slice(0, split)), ...data]) === 1
  );
}

/** A human-readable part and data of Bech32, with the checksum that fits. */
export function toBech32(prefix: string, data: string): string {
  const values = Array.from(data, (letter) => BECH32.indexOf(letter));
  const sum = polymod([...expanded(prefix), ...values, 0, 0, 0, 0, 0, 0]) ^ 1;
  const check = Array.from({ length: 6 }, (_, at) => BECH32.charAt((sum >>> (5 * (5 - at))) & 31));
  return `${prefix}1${data}${check.join("")}`;
}

function expanded(prefix: string): readonly number[] {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function polymod(values: readonly number[]): number {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, generator] of GENERATORS.entries()) if (((top >>> bit) & 1) === 1) sum ^= generator;
  }
  return sum;
}

/** The alphabet of Bitcoin's Base58: no 0, O, I, l. */
export const BASE58 = `${DIGITS.slice(1)}ABCDEFGHJKLMNPQRSTUVWXYZ${LOWER.replace("l", "")}`;

/** Whether a text is Base58 whose last four bytes are the first of the rest's double SHA-256. */
export function isBase58Check(text: string): boolean {
  const bytes = fromBase58(text);
  return bytes.length > 4 && doubleSha256(bytes.subarray(0, -4)).subarray(0, 4).equals(bytes.subarray(-4));
}

/** Bytes in Base58 with their checksum. */
export function toBase58Check(bytes: Uint8Array): string {
  let rest = BigInt(`0x${Buffer.concat([bytes, doubleSha256(bytes).subarray(0, 4)]).toString("hex")}`);
  let out = "";
  for (; rest > 0n; rest /= 58n) out = BASE58.charAt(Number(rest % 58n)) + out;
  return out;
}

function fromBase58(text: string): Buffer {
  let value = 0n;
  for (const letter of text) value = value * 58n + BigInt(Math.max(0, BASE58.indexOf(letter)));
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
}

function doubleSha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(createHash("sha256").update(bytes).digest()).digest();
}
