/**
 * Checks of cryptocurrency addresses.
 *
 * Sources: Base58Check as in the Bitcoin protocol documentation, BIP 173 and BIP 350 (bech32, bech32m), EIP-55.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { keccak256 } from "./keccak.ts";

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** Whether the text is 21 bytes in base 58, with the first four bytes of their double SHA-256 behind. */
export function isBase58Check(address: string): boolean {
  let number = 0n;
  for (const letter of address) number = number * 58n + BigInt(BASE58.indexOf(letter));
  const hex = number.toString(16).padStart(50, "0");
  if (hex.length > 50) return false;
  const bytes = Buffer.from(hex, "hex");
  return sha256(sha256(bytes.subarray(0, 21)))
    .subarray(0, 4)
    .equals(bytes.subarray(21));
}

/** Base 58 with its check, of a version byte and 20 bytes: what {@link isBase58Check} accepts. */
export function base58Check(body: Uint8Array): string {
  const bytes = Buffer.concat([body, sha256(sha256(body)).subarray(0, 4)]);
  let number = BigInt(`0x${bytes.toString("hex")}`);
  let out = "";
  for (; number > 0n; number /= 58n) out = BASE58.charAt(Number(number % 58n)) + out;
  for (const byte of bytes) {
    if (byte !== 0) break;
    out = `1${out}`;
  }
  return out;
}

/** BIP 173: the checksum over the prefix and the data, for segregated witness of any version. */
export function isBech32(address: string): boolean {
  const lower = address.toLowerCase();
  if (address !== lower && address !== address.toUpperCase()) return false;
  const at = lower.lastIndexOf("1");
  const values = Array.from(lower.slice(0, at), (letter) => letter.charCodeAt(0) >> 5);
  values.push(0, ...Array.from(lower.slice(0, at), (letter) => letter.charCodeAt(0) & 31));
  values.push(...Array.from(lower.slice(at + 1), (letter) => BECH32.indexOf(letter)));
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, polynomial] of GENERATOR.entries()) if (((top >> bit) & 1) === 1) sum ^= polynomial;
  }
  return sum === 1 || sum === 0x2bc830a3;
}

/** EIP-55: letters are capitals where the digest of the address in small letters has a digit over 7. All small is good too. */
export function isEthereum(address: string): boolean {
  const digits = address.slice(2);
  if (!/[A-F]/.test(digits) || !/[a-f]/.test(digits)) return true;
  const digest = keccak256(digits.toLowerCase());
  return Array.from(digits).every((letter, at) => {
    const raised = Number.parseInt(digest.charAt(at), 16) > 7;
    return letter === (raised ? letter.toUpperCase() : letter.toLowerCase());
  });
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
