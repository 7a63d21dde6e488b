/**
 * One chunk of the payload of an age file: 64 KiB of the content, encrypted with ChaCha20-Poly1305 under a nonce that
 * holds its number and whether it is the last (C2SP age.md v1, «Payload»).
 *
 * This is what threads do, and so it needs nothing but node:crypto: what a thread loads costs time and memory again.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";

export const CHUNK_BYTES = 64 * 1024;
export const TAG_BYTES = 16;
/** A full chunk with its tag. */
export const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;

const CIPHER = "chacha20-poly1305";
const OPTIONS = { authTagLength: TAG_BYTES };

/** Chunks of a content of so many bytes. Also an empty one has one. */
export function chunkCount(plainBytes: number): number {
  return Math.max(1, Math.ceil(plainBytes / CHUNK_BYTES));
}

/** Bytes of all chunks together, without the nonce in front of them. */
export function sealedBytes(plainBytes: number): number {
  return plainBytes + chunkCount(plainBytes) * TAG_BYTES;
}

/** Encrypts chunk number `index`. @returns ciphertext and tag, to be written one behind the other */
export function sealChunk(
  key: KeyObject,
  index: number,
  last: boolean,
  plain: Uint8Array,
): readonly [ciphertext: Uint8Array, tag: Uint8Array] {
  const cipher = createCipheriv(CIPHER, key, chunkNonce(index, last), OPTIONS);
  const ciphertext = cipher.update(plain);
  cipher.final();
  return [ciphertext, cipher.getAuthTag()];
}

/** Decrypts chunk number `index`. @returns undefined where it is not that chunk, unaltered */
export function openChunk(key: KeyObject, index: number, last: boolean, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, chunkNonce(index, last), OPTIONS);
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plain;
}

/**
 * Frees what {@link sealChunk} or {@link openChunk} returned, at once. It lies outside of the heap, where it hardly counts,
 * and would be freed when the heap is collected: some 50 MB of it were held, and each chunk written to memory that no cache
 * holds. Whoever looks at the array afterwards finds it empty.
 */
export function releaseChunk({ buffer, byteLength }: Uint8Array): void {
  // What is a part of something larger is not ours to free.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Eleven bytes of the chunk's number, big-endian, and one that says whether it is the last. */
function chunkNonce(index: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}
