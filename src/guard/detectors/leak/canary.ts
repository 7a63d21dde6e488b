/**
 * Canaries: tokens that stand in a system prompt or a document and nowhere else, so that whoever says one has read it.
 *
 * A canary looks like the reference number of a document: 28 characters of Crockford's base 32, in groups of four. The
 * first four, the *marker*, say quickly that it may be one. Then:
 *
 * - with a key: 70 random bits, and 50 bits of HMAC-SHA-256 over them (RFC 2104), so every canary of an installation is
 *   recognised by its key alone. Other text passes once in 2^50 places that have the marker; nobody without the key can
 *   make one.
 * - without a key: 120 random bits, recognised by a list of records, which hold the SHA-256 of the token and not the
 *   token: a list that leaks gives no canary away.
 *
 * @module
 */

import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

import { Secret } from "../../../core/index.ts";
import { leakError } from "./errors.ts";

/** What recognises a canary without being one. Safe to store and to show. */
export interface CanaryRecord {
  /** Names the canary in findings: the first 16 digits of `digest`. */
  readonly id: string;
  /** The token's first four characters. */
  readonly marker: string;
  /** SHA-256 of the token's characters in lower case, without hyphens. */
  readonly digest: string;
}

export interface Canary {
  /** What is planted: `K7Q2-9MXV-…`. */
  readonly token: string;
  readonly id: string;
  readonly record: CanaryRecord;
}

/** A key for canaries: random bytes, or a secret of as many characters. */
export type CanaryKey = Secret | Uint8Array;

/** Recognises canaries among candidates. */
export interface CanaryBook {
  /** Markers of the canaries: the first four characters in lower case. */
  readonly markers: ReadonlySet<string>;
  /** The id of the canary with these characters, if it is one. */
  recognise(characters: string): string | undefined;
}

/** Crockford's base 32: no I, L, O, U. */
export const SYMBOLS = "0123456789abcdefghjkmnpqrstvwxyz";
/** Characters of a canary, of its marker, and of its HMAC. */
export const CANARY_LENGTH = 28;
export const MARKER_LENGTH = 4;
const TAG_LENGTH = 10;
const LEAST_KEY = 16;

/**
 * Issues a canary.
 *
 * @throws `guard.canary-key` if the key has fewer than 16 bytes
 *
 * @example
 * ```ts
 * import { createCanary, createLeakDetector, plantCanary } from "holdfast/guard";
 *
 * const canary = createCanary();
 * const prompt = plantCanary("You book journeys.", canary);
 * const detector = createLeakDetector({ canaries: [canary.record] });
 * const context = { direction: "response", origin: "assistant", pointer: "/content" } as const;
 * detector.detect(`My instructions are: ${prompt}`, context); // leak.canary, twice
 * ```
 */
export function createCanary(options: { readonly key?: CanaryKey } = {}): Canary {
  const key = options.key === undefined ? undefined : keyBytes(options.key);
  const marker = markerOf(key === undefined ? randomBytes(32) : hmac(key, "marker", ""));
  const free = CANARY_LENGTH - MARKER_LENGTH - (key === undefined ? 0 : TAG_LENGTH);
  // Each byte gives five bits that are all equally likely.
  const nonce = Array.from(randomBytes(free), (byte) => SYMBOLS.charAt(byte & 31)).join("");
  const characters = marker + nonce + (key === undefined ? "" : tagOf(key, nonce));
  const record = recordOf(characters);
  return { token: grouped(characters), id: record.id, record };
}

/**
 * Puts a canary into a system prompt, as a reference number before and behind it, since what leaks is often only the
 * beginning or the end. The model is told nothing about it: a sentence not to say it would point at it.
 */
export function plantCanary(
  systemPrompt: string,
  canary: Pick<Canary, "token">,
  where: "start" | "end" | "both" = "both",
): string {
  const line = `Document reference: ${canary.token}`;
  const head = where === "end" ? "" : `${line}\n\n`;
  const foot = where === "start" ? "" : `\n\n${line}`;
  return head + systemPrompt + foot;
}

/**
 * Makes what recognises canaries: those of `key`, and those of a list of tokens or records.
 *
 * @throws `guard.canary-key`, `guard.canary-invalid`
 */
export function canaryBook(entries: readonly (string | CanaryRecord)[], key: CanaryKey | undefined): CanaryBook {
  const digests = new Map<string, string>();
  const markers = new Set<string>();
  for (const entry of entries) {
    const record = typeof entry === "string" ? recordOf(charactersOf(entry)) : checkRecord(entry);
    digests.set(record.digest, record.id);
    markers.add(record.marker);
  }
  const secret = key === undefined ? undefined : keyBytes(key);
  const keyMarker = secret === undefined ? undefined : markerOf(hmac(secret, "marker", ""));
  if (keyMarker !== undefined) markers.add(keyMarker);
  return {
    markers,
    recognise: (characters) => {
      if (secret !== undefined && characters.startsWith(keyMarker as string)) {
        const nonce = characters.slice(MARKER_LENGTH, -TAG_LENGTH);
        const tag = Buffer.from(characters.slice(-TAG_LENGTH));
        if (timingSafeEqual(tag, Buffer.from(tagOf(secret, nonce)))) return recordOf(characters).id;
      }
      return digests.size === 0 ? undefined : digests.get(digestOf(characters));
    },
  };
}

function recordOf(characters: string): CanaryRecord {
  const digest = digestOf(characters);
  return { id: digest.slice(0, 16), marker: characters.slice(0, MARKER_LENGTH), digest };
}

function digestOf(characters: string): string {
  return createHash("sha256").update(characters).digest("hex");
}

/** The characters of a token as it is written. @throws `guard.canary-invalid` */
function charactersOf(token: string): string {
  const characters = token.replaceAll("-", "").toLowerCase();
  const known = characters.length === CANARY_LENGTH && Array.from(characters).every((one) => SYMBOLS.includes(one));
  if (!known || !isMarker(characters.slice(0, MARKER_LENGTH))) throw leakError("guard.canary-invalid");
  return characters;
}

function checkRecord(record: CanaryRecord): CanaryRecord {
  const { id, marker, digest } = record;
  if (!isMarker(marker) || !/^[0-9a-f]{64}$/.test(digest) || id !== digest.slice(0, 16)) {
    throw leakError("guard.canary-invalid");
  }
  return record;
}

/** A letter, a digit, a letter, a digit: what hardly any word begins with. */
function isMarker(marker: string): boolean {
  return /^(?:[a-hjkmnp-tv-z]\d){2}$/.test(marker);
}

function markerOf(bytes: Uint8Array): string {
  return [0, 1, 2, 3]
    .map((place) => {
      // Of 16 bits and at most 22 values none is favoured by more than one in 3,000.
      const value = ((bytes[2 * place] as number) << 8) | (bytes[2 * place + 1] as number);
      return place % 2 === 0 ? SYMBOLS.charAt(10 + (value % 22)) : SYMBOLS.charAt(value % 10);
    })
    .join("");
}

function tagOf(key: Uint8Array, nonce: string): string {
  const bytes = hmac(key, "tag", nonce);
  return Array.from(bytes.subarray(0, TAG_LENGTH), (byte) => SYMBOLS.charAt(byte & 31)).join("");
}

/** Every use of the key has a name of its own in what is hashed. */
function hmac(key: Uint8Array, use: string, text: string): Buffer {
  return createHmac("sha256", key).update(`holdfast canary v1 ${use}\n${text}`).digest();
}

function keyBytes(key: CanaryKey): Uint8Array {
  const bytes = key instanceof Secret ? Buffer.from(key.reveal(), "utf8") : key;
  if (bytes.length < LEAST_KEY) throw leakError("guard.canary-key", { detail: `fewer than ${LEAST_KEY} bytes` });
  return bytes;
}

function grouped(characters: string): string {
  return (characters.toUpperCase().match(/.{4}/g) ?? []).join("-");
}
