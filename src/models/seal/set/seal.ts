/**
 * Sealing a folder: each file becomes an age file of its own, beside the manifest and the set's key.
 *
 *     <set>/files/weights/a.bin.age      one age file for each file
 *     <set>/manifest.json                what is there: paths, sizes, digests of ciphertexts
 *     <set>/key.age                      the set's key, sealed to whom the set is sealed to
 *
 * @module
 */

import { createHash, hash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock, type Clock } from "../../../core/index.ts";
import { makeFolder, refuseExisting, replaceFile, syncFolder, writeDurably } from "../../../storage/index.ts";
import type { Recipient } from "../age/keys.ts";
import { sealInto } from "../file.ts";
import type { PassageOptions } from "../passage.ts";
import { generateDataKey, sealDataKey } from "./data-key.ts";
import {
  createManifest,
  encodeManifest,
  FILES_FOLDER,
  KEY_FILE,
  MANIFEST_FILE,
  type ManifestFile,
  type SetManifest,
} from "./manifest.ts";
import { progressOver } from "./progress.ts";
import { listFiles, type FoundFile } from "./walk.ts";

/** Options of {@link sealFolder}. */
export interface SealFolderOptions extends PassageOptions {
  readonly recipients: readonly Recipient[];
  /** Where the set's key is kept, instead of within the set: a copy of the set is then worth nothing without it. */
  readonly keyFile?: string;
  readonly clock?: Clock;
}

/** A set that was made or changed. */
export interface SealedSet {
  readonly manifest: SetManifest;
  /** SHA-256 of `manifest.json`, in hex: what to compare with, or to sign. */
  readonly manifestDigest: string;
  readonly keyFile: string;
}

const SET_MODE = 0o755;
const FILE_MODE = 0o644;
/** Sealed itself; yet nobody else needs it. */
const KEY_MODE = 0o600;

/**
 * Encrypts the folder `from` into a new folder `to`, a sealed set.
 *
 * @throws what `createHeader` throws; `seal.source-kind` for a link or whatever else is no file; `seal.source-empty`,
 *   `seal.set-limit`, `storage.output-exists`, `seal.source-changed`, `seal.thread-failed`, the reason of the signal.
 *   `to` is not there then.
 *
 * @example
 * ```ts
 * import { auditSet, generateKey, sealFolder, unsealFolder } from "holdfast/models";
 *
 * const { identity, recipient } = await generateKey();
 * await sealFolder("model", "model.sealed", { recipients: [recipient] });
 * console.log((await auditSet("model.sealed")).ok); // true, without a key
 * await unsealFolder("model.sealed", "model.copy", { identities: [identity] });
 * ```
 */
export async function sealFolder(from: string, to: string, options: SealFolderOptions): Promise<SealedSet> {
  const { recipients, clock = systemClock } = options;
  if (options.keyFile !== undefined) await refuseExisting(options.keyFile);
  await refuseExisting(to);
  const found = await listFiles(from);
  const dataKey = await generateDataKey(recipients);
  const id = randomUUID();
  // Before the work: a recipient that is none is told at once.
  const keyBytes = await sealDataKey(dataKey.identity, { id, recipients });

  return await makeFolder(to, SET_MODE, async (folder) => {
    const files: ManifestFile[] = [];
    const each = { ...progressOver(found, options), recipients: [dataKey.recipient] };
    for (const { path } of found) {
      const target = join(folder, FILES_FOLDER, `${path}.age`);
      await mkdir(dirname(target), { recursive: true });
      files.push(await sealOne(join(from, path), target, path, each));
    }
    const createdAt = new Date(clock.now()).toISOString();
    const manifest = createManifest({ id, createdAt, files }, dataKey.identity);
    const manifestBytes = encodeManifest(manifest);
    await writeDurably(join(folder, MANIFEST_FILE), FILE_MODE, manifestBytes);
    for (const below of foldersOf(found)) await syncFolder(join(folder, FILES_FOLDER, below));
    if (options.keyFile === undefined) await writeDurably(join(folder, KEY_FILE), KEY_MODE, keyBytes);
    // Before the set has its name: a set without its key would be lost.
    else await replaceFile(options.keyFile, KEY_MODE, keyBytes);
    const manifestDigest = hash("sha256", manifestBytes, "hex");
    return { manifest, manifestDigest, keyFile: options.keyFile ?? join(to, KEY_FILE) };
  });
}

async function sealOne(
  from: string,
  to: string,
  path: string,
  options: PassageOptions & { readonly recipients: readonly Recipient[] },
): Promise<ManifestFile> {
  await using output = await open(to, "wx", FILE_MODE);
  const { bytes, head } = await sealInto(from, output, options);
  await output.sync();
  return { path, size: bytes, sha256: await digestFile(to, options.signal), head: hash("sha256", head, "hex") };
}

/** SHA-256 of a file, in hex. @throws the reason of the signal */
export async function digestFile(path: string, signal?: AbortSignal): Promise<string> {
  const digest = createHash("sha256");
  for await (const bytes of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    signal?.throwIfAborted();
    digest.update(bytes as Uint8Array);
  }
  return digest.digest("hex");
}

/** All folders that the paths name, and their top: each has names that are to be durable. */
function foldersOf(files: readonly FoundFile[]): ReadonlySet<string> {
  const folders = new Set([""]);
  for (const { path } of files) {
    for (let below = dirname(path); below !== "."; below = dirname(below)) folders.add(below);
  }
  return folders;
}
