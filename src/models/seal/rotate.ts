/**
 * Changing who may read a sealed file: its header is made anew around the same file key, and the payload is copied as it
 * is, neither decrypted nor encrypted. The copy takes the place of the file in one step; a header that is written over
 * another one in place could be torn, and the file with it.
 *
 * This reaches no copies of the file. Who could read it, and kept the old header or the file key, still can: where a key
 * has become known, unseal the file and seal it anew.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { replaceFileWith } from "../../storage/index.ts";
import type { Header } from "./age/header.ts";
import { createHeader, isPostQuantum, openHeader, type Identity, type Recipient } from "./age/keys.ts";
import { sealError } from "./errors.ts";
import { refuseSpecial } from "./file.ts";
import { fileSource, layoutOf, readHeader, withoutArmor } from "./open.ts";
import type { PassageOptions } from "./passage.ts";

/** Options of {@link rotateFile}. */
export interface RotateFileOptions extends Omit<PassageOptions, "threads"> {
  /** What opens the file now. */
  readonly identities: readonly Identity[];
  /** All who may read it from now on. */
  readonly recipients: readonly Recipient[];
}

/** The file after its recipients changed. */
export interface RotatedFile {
  readonly bytes: number;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string;
}

/** Bytes copied at once: some milliseconds of work with their digest. */
const PART_BYTES = 1024 * 1024;
/** Stanzas that no quantum computer opens: of post-quantum keys, of passphrases, of key services. */
const WITHSTANDS = /^(?:mlkem768|scrypt$|holdfast\.dev\/)/;

/**
 * Seals the file key of an age file anew, to `recipients` alone. At any moment the file is the old one or the new one.
 *
 * @throws what `openSealed` and `createHeader` throw; `seal.quantum-mixed` for a post-quantum recipient of a file that
 *   stood open to a quantum computer; `seal.source-kind` for an armored file; `seal.source-changed`, the reason of the
 *   signal
 *
 * @example
 * ```ts
 * import { generateKey, rotateFile, sealFile } from "holdfast/models";
 *
 * const [old, next] = [await generateKey(), await generateKey()];
 * await sealFile("model.gguf", "model.gguf.age", { recipients: [old.recipient] });
 * await rotateFile("model.gguf.age", { identities: [old.identity], recipients: [next.recipient] });
 * ```
 */
export async function rotateFile(path: string, options: RotateFileOptions): Promise<RotatedFile> {
  await refuseSpecial(path);
  await using input = await open(path);
  const before = await input.stat();
  const source = await fileSource(input);
  if ((await withoutArmor(source)) !== source) {
    throw sealError("seal.source-kind", { detail: `${path} is armored`, hint: "unseal it, and seal it anew" });
  }
  const old = await readHeader(source);
  const fileKey = await openHeader(old, options.identities);
  // A file that was cut off is noticed while its sender may still have it.
  await layoutOf(source, old, fileKey);
  refuseLate(old, options.recipients);
  const { header } = await createHeader(options.recipients, fileKey);

  return await replaceFileWith(path, before.mode & 0o777, async (output) => {
    const digest = createHash("sha256").update(header.bytes);
    await output.writeFile(header.bytes);
    const copied = await copyRest(input, old.bytes.length, { output, digest, size: source.size }, options);
    const after = await input.stat();
    if (copied < source.size - old.bytes.length || after.size !== before.size || after.mtimeMs !== before.mtimeMs) {
      throw sealError("seal.source-changed", { detail: path });
    }
    return { bytes: header.bytes.length + copied, sha256: digest.digest("hex") };
  });
}

/** Whoever kept the old header waits for a quantum computer all the same. @throws `seal.quantum-mixed` */
function refuseLate({ stanzas }: Header, recipients: readonly Recipient[]): void {
  if (recipients.some(isPostQuantum) && !stanzas.every(({ args }) => WITHSTANDS.test(args[0] ?? ""))) {
    throw sealError("seal.quantum-mixed", {
      hint: "unseal the file, and seal it anew to post-quantum recipients alone",
    });
  }
}

/** @returns bytes copied, from `offset` to the end of the file */
async function copyRest(
  input: FileHandle,
  offset: number,
  { output, digest, size }: { readonly output: FileHandle; readonly digest: Hash; readonly size: number },
  { progress, signal }: RotateFileOptions,
): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(PART_BYTES);
  let at = offset;
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await input.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at - offset;
    const part = buffer.subarray(0, bytesRead);
    digest.update(part);
    await output.writeFile(part);
    at += bytesRead;
    progress?.(Math.min(at, size), size);
  }
}
