/**
 * Sealing and unsealing one file: whole or not at all, on all cores, in a few megabytes of memory whatever its size. The
 * sealed file is a plain age file, which the age command reads, and the other way round.
 *
 * Nothing of an unsealed file is at its place before all of it is authenticated.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { open, stat, type FileHandle } from "node:fs/promises";
import { makeFile } from "../../storage/index.ts";
import { sealedBytes } from "./age/chunk.ts";
import { createHeader, type Identity, type Recipient } from "./age/keys.ts";
import { NONCE_BYTES, payloadKey } from "./age/payload.ts";
import { sealError } from "./errors.ts";
import { contentOf, fileSource, readLayout, unsealing, withoutArmor } from "./open.ts";
import { passAll, type PassageOptions } from "./passage.ts";

/** Options of {@link sealFile}. */
export interface SealFileOptions extends PassageOptions {
  readonly recipients: readonly Recipient[];
}

/** Options of {@link unsealFile}. */
export interface UnsealFileOptions extends PassageOptions {
  readonly identities: readonly Identity[];
}

/** What sealing a file has made. */
export interface SealedFile {
  /** Bytes of the content. */
  readonly contentBytes: number;
  /** Bytes of the sealed file. */
  readonly bytes: number;
  /** Header and nonce: who knows them knows which content a key holder reads. */
  readonly head: Uint8Array;
}

export const SEALED_MODE = 0o644;
/** What was sealed was meant to be secret. */
export const UNSEALED_MODE = 0o600;

/**
 * Encrypts the file `from` into a new file `to`.
 *
 * @throws what `createHeader` throws; `seal.source-kind`, `storage.output-exists`, `seal.source-changed` where something
 *   wrote to `from` meanwhile, `seal.thread-failed`, the reason of the signal. `to` is not there then.
 *
 * @example
 * ```ts
 * import { generateKey, sealFile, unsealFile } from "holdfast/models";
 *
 * const { identity, recipient } = await generateKey();
 * await sealFile("model.gguf", "model.gguf.age", { recipients: [recipient] });
 * await unsealFile("model.gguf.age", "model.copy.gguf", { identities: [identity] });
 * ```
 */
export async function sealFile(from: string, to: string, options: SealFileOptions): Promise<SealedFile> {
  return await makeFile(to, SEALED_MODE, (output) => sealInto(from, output, options));
}

/** Encrypts the file `from` into an open, empty file. @throws as {@link sealFile} */
export async function sealInto(from: string, output: FileHandle, options: SealFileOptions): Promise<SealedFile> {
  await refuseSpecial(from);
  await using input = await open(from);
  const before = await input.stat();
  const { header, fileKey } = await createHeader(options.recipients);
  const nonce = randomBytes(NONCE_BYTES);
  const head = Buffer.concat([header.bytes, nonce]);
  await output.writeFile(head);
  const passage = {
    direction: "seal",
    key: payloadKey(fileKey, nonce),
    size: before.size,
    from: input.fd,
    fromOffset: 0,
    to: output.fd,
    toOffset: head.length,
  } as const;
  await passAll(passage, options);
  const after = await input.stat();
  if (after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
    throw sealError("seal.source-changed", { detail: from });
  }
  return { contentBytes: before.size, bytes: head.length + sealedBytes(before.size), head };
}

/**
 * Decrypts the sealed file `from` into a new file `to`, which only this user can read.
 *
 * @returns bytes of the content
 * @throws what `openSealed` throws; `storage.output-exists`, `seal.thread-failed`, the reason of the signal. `to` is not
 *   there then.
 */
export async function unsealFile(from: string, to: string, options: UnsealFileOptions): Promise<number> {
  await refuseSpecial(from);
  await using input = await open(from);
  const raw = await fileSource(input);
  const source = await withoutArmor(raw);
  // Before anything is made: the keys, and that the end of the file is its end.
  const layout = await readLayout(source, options.identities);
  await makeFile(to, UNSEALED_MODE, async (output) => {
    // What was in armor is in memory, and small.
    if (source !== raw) return await output.writeFile(contentOf(source, layout).stream());
    await passAll(unsealing(layout, input.fd, output.fd), options);
  });
  return layout.size;
}

/** A pipe would be waited for without end. @throws `seal.source-kind` */
export async function refuseSpecial(path: string): Promise<void> {
  if (!(await stat(path)).isFile()) throw sealError("seal.source-kind", { detail: path });
}
