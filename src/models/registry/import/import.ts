/**
 * Import: from a layout on disk to a version in quarantine. Every byte is read once: it is hashed while it goes into the
 * store, and what the layout promised of it is checked on the way.
 *
 * @module
 */

import { createHash } from "node:crypto";

import type { BlobStore } from "../blobs.ts";
import { printable, type Sha256, type VersionFile } from "../digest.ts";
import { registryError } from "../errors.ts";
import type { StoredBlob } from "../measure.ts";
import { checkPaths } from "../reference.ts";
import { MOST_FILES } from "../releases.ts";
import { readFiles } from "./files.ts";
import { isHuggingFace, readHuggingFace } from "./huggingface.ts";
import { isMlflow, readMlflow } from "./mlflow.ts";
import { checkShards } from "./shards.ts";
import { SIGNATURE_FILE, type Source, type SourceFile, type SourceKind } from "./source.ts";

export interface ImportOptions {
  readonly kind?: SourceKind;
  /** Of the Hugging Face hub: a commit. */
  readonly revision?: string | undefined;
  readonly progress?: (name: string, done: number, total: number) => void;
}

export interface Imported {
  readonly files: readonly VersionFile[];
  readonly source: Readonly<Record<string, string>>;
  /** The model's own signature file, `model.sig`, which is no part of what it signs. */
  readonly signature?: StoredBlob;
  /** Files whose digest the layout promised, and which had it. */
  readonly checked: number;
}

/** Bytes of a signature at most: it lists every file. */
export const MOST_SIGNATURE_BYTES = 67_108_864;

/**
 * Takes a model's files into the store.
 *
 * @throws `models.import-invalid`, `models.blob-tampered` for bytes that are not those that the layout promised,
 *   `models.path-unsafe`, and what the layout's reader throws
 */
export async function importFiles(blobs: BlobStore, path: string, options: ImportOptions = {}): Promise<Imported> {
  const { files, origin } = await readSource(path, options);
  if (files.length > MOST_FILES + 1) {
    throw registryError("models.limit-exceeded", { detail: `${files.length} files, limit ${MOST_FILES}` });
  }
  checkPaths(files);
  await checkShards(files);
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const stored: VersionFile[] = [];
  let signature: StoredBlob | undefined;
  let done = 0;
  let checked = 0;
  for (const file of files) {
    options.progress?.(file.path, done, total);
    const blob = await take(blobs, file, (bytes) => {
      done += bytes;
      options.progress?.(file.path, done, total);
    });
    if (file.promised !== undefined) checked += 1;
    if (file.path === SIGNATURE_FILE) signature = blob;
    else stored.push({ path: file.path, ...blob });
  }
  return { files: stored, source: origin, checked, ...(signature === undefined ? {} : { signature }) };
}

/** Takes one small file in: a prompt, a policy, a description of tools. */
export async function importPart(blobs: BlobStore, path: string): Promise<Sha256> {
  return (await blobs.putFile(path, { limit: MOST_PART_BYTES })).digest;
}

const MOST_PART_BYTES = 16_777_216;

async function readSource(path: string, { kind = "auto", revision }: ImportOptions): Promise<Source> {
  if (kind === "huggingface" || (kind === "auto" && (await isHuggingFace(path)))) {
    return await readHuggingFace(path, revision);
  }
  if (revision !== undefined) {
    throw registryError("models.options-invalid", { detail: "--revision is for models of the Hugging Face hub" });
  }
  if (kind === "mlflow" || (kind === "auto" && (await isMlflow(path)))) return await readMlflow(path);
  return await readFiles(path);
}

async function take(blobs: BlobStore, file: SourceFile, onBytes: (count: number) => void): Promise<StoredBlob> {
  const { path, place, size, promised } = file;
  const git = promised?.algorithm === "git-sha1" ? createHash("sha1").update(`blob ${size}\0`) : undefined;
  const isSignature = path === SIGNATURE_FILE;
  return await blobs.putFile(place, {
    name: path,
    expected: { size, ...(promised?.algorithm === "sha256" ? { digest: promised.digest } : {}) },
    ...(isSignature ? { limit: MOST_SIGNATURE_BYTES } : {}),
    onBytes: (chunk) => {
      git?.update(chunk);
      onBytes(chunk.length);
    },
    onEnd: () => {
      const digest = git?.digest("hex");
      if (digest === undefined || digest === promised?.digest) return;
      throw registryError("models.blob-tampered", { detail: `${printable(path)}: its git blob is ${digest}` });
    },
  });
}
