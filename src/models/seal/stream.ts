/**
 * Sealing and unsealing what flows: pipes, downloads, uploads. Nothing is released before it is authenticated, yet what
 * follows may still fail: whoever acts on a part of the content must be able to undo it. Files are better opened with
 * `openSealed`, which knows before the first byte that the end is there, or unsealed whole with `unsealFile`.
 *
 * Source: C2SP age.md v1, «Payload».
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { decodeArmor, looksArmored, MAX_ARMOR_BYTES } from "./age/armor.ts";
import { CHUNK_BYTES, openChunk, sealChunk, SEALED_CHUNK_BYTES, TAG_BYTES } from "./age/chunk.ts";
import { parseHeader, type Header } from "./age/header.ts";
import { createHeader, openHeader, type Identity, type Recipient } from "./age/keys.ts";
import { chunkInvalid, NONCE_BYTES, payloadKey } from "./age/payload.ts";
import { sealError } from "./errors.ts";
import { createIntake, type Intake } from "./intake.ts";

/**
 * Encrypts a stream to `recipients` in the age v1 format, with about 64 KiB in memory.
 *
 * @throws what `createHeader` throws, before the first byte; and what `source` throws
 *
 * @example
 * ```ts
 * import { generateKey, sealStream, unsealStream } from "holdfast/models";
 *
 * const { identity, recipient } = await generateKey();
 * const sealed = sealStream([Buffer.from("weights")], { recipients: [recipient] });
 * for await (const bytes of unsealStream(sealed, { identities: [identity] })) console.log(String(bytes)); // weights
 * ```
 */
export async function* sealStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { recipients }: { readonly recipients: readonly Recipient[] },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { header, fileKey } = await createHeader(recipients);
  const nonce = randomBytes(NONCE_BYTES);
  const key = payloadKey(fileKey, nonce);
  yield header.bytes;
  yield nonce;
  const intake = createIntake(source);
  for (let index = 0; ; index++) {
    const plain = await intake.take(CHUNK_BYTES);
    const last = await intake.atEnd();
    yield* sealChunk(key, index, last, plain);
    if (last) return;
  }
}

/**
 * Decrypts an age file that flows in, armored or not. Each piece is authenticated when it is yielded, and the end of the
 * iteration says that the content is complete: a file that was cut off or extended throws in its place.
 *
 * @throws what `openHeader` throws, before the first byte; `seal.armor-invalid`, `seal.armor-limit`,
 *   `seal.payload-invalid` where the content was altered, cut off or extended; and what `source` throws
 */
export async function* unsealStream(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { identities }: { readonly identities: readonly Identity[] },
): AsyncGenerator<Uint8Array, void, undefined> {
  const intake = await withoutArmor(createIntake(source));
  const header = await takeHeader(intake);
  const fileKey = await openHeader(header, identities);
  const nonce = await intake.take(NONCE_BYTES);
  if (nonce.length < NONCE_BYTES) throw sealError("seal.header-invalid", { detail: "it ends early" });
  const key = payloadKey(fileKey, nonce);
  for (let index = 0; ; index++) {
    const sealed = await intake.take(SEALED_CHUNK_BYTES);
    const last = await intake.atEnd();
    // An empty last chunk is only that of an empty content.
    if (last && index > 0 && sealed.length <= TAG_BYTES) throw chunkInvalid(index);
    const plain = openChunk(key, index, last, sealed);
    if (plain === undefined) {
      // A whole chunk where the file was cut off behind it, or extended: it is authentic, only its place is not.
      const whole = sealed.length === SEALED_CHUNK_BYTES ? openChunk(key, index, !last, sealed) : undefined;
      if (whole === undefined) throw chunkInvalid(index);
      yield whole;
      throw chunkInvalid(last ? index + 1 : index);
    }
    yield plain;
    if (last) return;
  }
}

async function withoutArmor(intake: Intake): Promise<Intake> {
  for (let want = 1; ; want = intake.peek().length + 1) {
    const complete = !(await intake.fill(want));
    const armored = looksArmored(intake.peek());
    if (armored === false || (complete && armored === undefined)) return intake;
    if (armored === true) break;
  }
  await intake.fill(MAX_ARMOR_BYTES + 1);
  return createIntake([decodeArmor(intake.peek())]);
}

async function takeHeader(intake: Intake): Promise<Header> {
  // Twice as much each time: a header that comes byte by byte is not parsed for each of them.
  for (let want = 1; ; want = intake.peek().length * 2) {
    const complete = !(await intake.fill(want));
    const header = parseHeader(intake.peek());
    if (header !== undefined) {
      const bytes = await intake.take(header.bytes.length);
      return { ...header, bytes };
    }
    if (complete) throw sealError("seal.header-invalid", { detail: "it ends early" });
  }
}
