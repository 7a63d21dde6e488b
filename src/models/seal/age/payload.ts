/**
 * The payload of an age file: 64 KiB chunks, each encrypted with ChaCha20-Poly1305 under a nonce that holds its number
 * and whether it is the last. So no chunk can be altered, left out, moved or put behind the end without being noticed,
 * and any chunk can be read without the ones before.
 *
 *     nonce 16 | chunk 0 | chunk 1 | … | last chunk         sealed chunk = up to 65,536 bytes + 16 bytes of tag
 *
 * Source: C2SP age.md v1, «Payload».
 *
 * @module
 */

import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { sealError } from "../errors.ts";

export const CHUNK_BYTES = 64 * 1024;
export const TAG_BYTES = 16;
/** A full chunk with its tag. */
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;
/** Of the nonce at the front of the payload. */
export const NONCE_BYTES = 16;

const CIPHER = "chacha20-poly1305";
const OPTIONS = { authTagLength: TAG_BYTES };

/** The key of the payload, 32 bytes. */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", fileKey, nonce, "payload", 32));
}

/** Chunks of a content of so many bytes. Also an empty one has one. */
export function chunkCount(plainBytes: number): number {
  return Math.max(1, Math.ceil(plainBytes / CHUNK_BYTES));
}

/** Bytes of all chunks together, without the nonce in front of them. */
export function sealedBytes(plainBytes: number): number {
  return plainBytes + chunkCount(plainBytes) * TAG_BYTES;
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

/** Encrypts chunk number `index`. @returns ciphertext and tag, to be written one behind the other */
export function sealChunk(
  key: Uint8Array,
  index: number,
  last: boolean,
  plain: Uint8Array,
): readonly [ciphertext: Uint8Array, tag: Uint8Array] {
  const cipher = createCipheriv(CIPHER, key, chunkNonce(index, last), OPTIONS);
  const ciphertext = cipher.update(plain);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

/** Decrypts chunk number `index`. @throws `seal.payload-invalid` where it is not that chunk, unaltered */
export function openChunk(key: Uint8Array, index: number, last: boolean, sealed: Uint8Array): Uint8Array {
  if (sealed.length < TAG_BYTES) throw chunkInvalid(index);
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, chunkNonce(index, last), OPTIONS);
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    throw chunkInvalid(index);
  }
  return plain;
}

/** The error of a chunk that is not what was sealed. */
export function chunkInvalid(index: number): Error {
  return sealError("seal.payload-invalid", { detail: `chunk ${index}` });
}

/** Eleven bytes of the chunk's number, big-endian, and one that says whether it is the last. */
function chunkNonce(index: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}
