/**
 * Unsealing a set: whole or not at all. The manifest must be the one that was made with the set's key, and each file the
 * one that it names, before anything is decrypted.
 *
 * @module
 */

import { hash } from "node:crypto";
import { mkdir, open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Secret } from "../../../core/index.ts";
import { makeFolder, syncFolder } from "../../../storage/index.ts";
import type { Identity } from "../age/keys.ts";
import { NONCE_BYTES } from "../age/payload.ts";
import { sealError } from "../errors.ts";
import { fileSource, readHeader, readLayout, unsealing } from "../open.ts";
import { passAll, type PassageOptions } from "../passage.ts";
import { openDataKey } from "./data-key.ts";
import {
  decodeManifest,
  FILES_FOLDER,
  KEY_FILE,
  MANIFEST_FILE,
  proveManifest,
  SHREDDED_FILE,
  type ManifestFile,
  type SetManifest,
} from "./manifest.ts";
import { progressOver } from "./progress.ts";

/** Options of {@link unsealFolder}. */
export interface UnsealFolderOptions extends PassageOptions {
  readonly identities: readonly Identity[];
  /** Where the set's key is, if not within the set. */
  readonly keyFile?: string;
}

/** A set whose manifest is proven. */
export interface OpenedSet {
  readonly manifest: SetManifest;
  readonly dataKey: Secret;
}

const UNSEALED_MODE = 0o700;
const FILE_MODE = 0o600;
const MAX_MANIFEST = 64 * 1024 * 1024;

/**
 * Decrypts the sealed set `from` into a new folder `to`, which only this user can enter.
 *
 * @returns the files' manifest
 * @throws as {@link openSet}; `seal.set-altered` with the file, `seal.payload-invalid`, `storage.output-exists`,
 *   `seal.thread-failed`, the reason of the signal. `to` is not there then.
 */
export async function unsealFolder(from: string, to: string, options: UnsealFolderOptions): Promise<SetManifest> {
  const { manifest, dataKey } = await openSet(from, options);
  await makeFolder(to, UNSEALED_MODE, async (folder) => {
    const each = progressOver(manifest.files, options);
    const folders = new Set<string>([folder]);
    for (const file of manifest.files) {
      const target = join(folder, file.path);
      await mkdir(dirname(target), { recursive: true, mode: UNSEALED_MODE });
      for (let above = dirname(target); above !== folder; above = dirname(above)) folders.add(above);
      await unsealOne(from, file, target, dataKey, each);
    }
    for (const each of folders) await syncFolder(each);
  });
  return manifest;
}

/**
 * Opens a set's key and proves its manifest with it.
 *
 * @throws `seal.set-missing`, `seal.manifest-invalid`, `seal.shredded`, `seal.key-file-missing`, `seal.no-match` and what
 *   else opening the key throws, `seal.manifest-unproven`
 */
export async function openSet(
  folder: string,
  { identities, keyFile }: { readonly identities: readonly Identity[]; readonly keyFile?: string | undefined },
): Promise<OpenedSet> {
  const { manifest } = await readManifest(folder);
  if (await isShredded(folder)) throw sealError("seal.shredded", { detail: folder });
  const dataKey = await openDataKey(keyFile ?? join(folder, KEY_FILE), identities);
  proveManifest(manifest, dataKey);
  return { manifest, dataKey };
}

/** The manifest of a set as it stands there, and its digest. @throws `seal.set-missing`, `seal.manifest-invalid` */
export async function readManifest(folder: string): Promise<{ manifest: SetManifest; manifestDigest: string }> {
  const path = join(folder, MANIFEST_FILE);
  let bytes: Uint8Array;
  try {
    if ((await stat(path)).size > MAX_MANIFEST) throw sealError("seal.manifest-invalid", { detail: "it is too large" });
    bytes = await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw sealError("seal.set-missing", { detail: folder });
    throw error;
  }
  return { manifest: decodeManifest(bytes), manifestDigest: hash("sha256", bytes, "hex") };
}

/** Whether the set says that its key was destroyed. */
export async function isShredded(folder: string): Promise<boolean> {
  return await isThere(join(folder, SHREDDED_FILE));
}

/** Whether a path names something. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function unsealOne(
  set: string,
  { path, size, head }: ManifestFile,
  target: string,
  dataKey: Secret,
  options: PassageOptions,
): Promise<void> {
  const sealed = join(set, FILES_FOLDER, `${path}.age`);
  await refuseAltered(sealed, size);
  await using input = await open(sealed);
  const source = await fileSource(input);
  const header = await readHeader(source);
  const start = await source.read(0, header.bytes.length + NONCE_BYTES);
  if (hash("sha256", start, "hex") !== head) throw sealError("seal.set-altered", { detail: path });
  const layout = await readLayout(source, [dataKey]);
  await using output = await open(target, "wx", FILE_MODE);
  // The manifest counts sealed bytes, and so does the progress of the whole.
  const { progress } = options;
  await passAll(unsealing(layout, input.fd, output.fd), {
    ...options,
    ...(progress && { progress: (done, total) => progress(done === total ? size : done, size) }),
  });
  await output.sync();
}

/** @throws `seal.set-altered` where the file is not there, no file, or of another size */
async function refuseAltered(path: string, size: number): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found?.isFile() !== true || found.size !== size) throw sealError("seal.set-altered", { detail: path });
}
