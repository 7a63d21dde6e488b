/**
 * The payload of an age file: 64 KiB chunks, each encrypted by itself under a nonce that holds its number and whether it
 * is the last (`chunk.ts`). So no chunk can be altered, left out, moved or put behind the end without being noticed, and
 * any chunk can be read without the ones before.
 *
 *     nonce 16 | chunk 0 | chunk 1 | … | last chunk         sealed chunk = up to 65,536 bytes + 16 bytes of tag
 *
 * Source: C2SP age.md v1, «Payload».
 *
 * @module
 */

import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { sealError } from "../errors.ts";
import { SEALED_CHUNK_BYTES, TAG_BYTES } from "./chunk.ts";

/** Of the nonce at the front of the payload. */
export const NONCE_BYTES = 16;

/** The key of the payload, 32 bytes. */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync("sha256", fileKey, nonce, "payload", 32)));
}

/**
 * Bytes of the content in chunks of so many bytes together.
 *
 * @throws `seal.payload-invalid` where no content has so many: a chunk without its tag, or an empty last chunk behind
 *   full ones
 */
export function plainBytes(sealed: number): number {
  const chunks = Math.max(1, Math.ceil(sealed / SEALED_CHUNK_BYTES));
  const last = sealed - (chunks - 1) * SEALED_CHUNK_BYTES;
  if (last < TAG_BYTES || (last === TAG_BYTES && chunks > 1)) throw chunkInvalid(chunks - 1);
  return sealed - chunks * TAG_BYTES;
}

/** The error of a chunk that is not what was sealed. */
export function chunkInvalid(index: number): Error {
  return sealError("seal.payload-invalid", { detail: `chunk ${index}` });
}
