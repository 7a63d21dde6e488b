/**
 * Auditing a sealed set without any key: whether every sealed file is there, byte for byte, and nothing else. That the
 * manifest itself is the right one is for its digest to say, which whoever sealed it has, or has signed.
 *
 * @module
 */

import { hash } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isHoldfastError } from "../../../core/index.ts";
import { NONCE_BYTES } from "../age/payload.ts";
import { fileSource, readHeader, withoutArmor } from "../open.ts";
import type { PassageOptions } from "../passage.ts";
import { FILES_FOLDER, KEY_FILE, MANIFEST_FILE, SHREDDED_FILE, type ManifestFile } from "./manifest.ts";
import { digestFile } from "./seal.ts";
import { isShredded, isThere, readManifest } from "./unseal.ts";

/** What is wrong with one file of a set. */
export interface SetProblem {
  /** From the top of the set. */
  readonly path: string;
  readonly what: "missing" | "not a file" | "of another size" | "not an age file" | "altered" | "not in the manifest";
}

export interface SetAudit {
  readonly ok: boolean;
  readonly id: string;
  readonly createdAt: string;
  /** SHA-256 of `manifest.json`, in hex. */
  readonly manifestDigest: string;
  readonly files: number;
  /** Of all sealed files that the manifest names. */
  readonly bytes: number;
  /** Where the set's key is: with it, nowhere any more, or kept elsewhere. */
  readonly key: "present" | "shredded" | "elsewhere";
  readonly problems: readonly SetProblem[];
}

export interface AuditOptions extends Omit<PassageOptions, "threads"> {
  /** What is compared of each file: every byte, or its size, header and nonce alone. Default: `all`. */
  readonly depth?: "all" | "heads";
}

/**
 * Checks every byte of a sealed set against its manifest, and that each file, the set's key with them, is an age file.
 * Needs no key.
 *
 * @throws `seal.set-missing`, `seal.manifest-invalid`, and the reason of the signal
 */
export async function auditSet(folder: string, options: AuditOptions = {}): Promise<SetAudit> {
  const { manifest, manifestDigest } = await readManifest(folder);
  const { id, createdAt, files } = manifest;
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const problems: SetProblem[] = [];
  let done = 0;
  for (const file of files) {
    const path = `${FILES_FOLDER}/${file.path}.age`;
    const what = await problemOf(join(folder, path), file, options);
    if (what !== undefined) problems.push({ path, what });
    done += file.size;
    options.progress?.(done, total);
  }
  const known = new Set([
    ...files.map(({ path }) => `${FILES_FOLDER}/${path}.age`),
    MANIFEST_FILE,
    KEY_FILE,
    SHREDDED_FILE,
  ]);
  for (const path of await listAll(folder)) {
    if (!known.has(path)) problems.push({ path, what: "not in the manifest" });
  }
  const key = (await isShredded(folder))
    ? "shredded"
    : (await isThere(join(folder, KEY_FILE)))
      ? "present"
      : "elsewhere";
  // Written in the clear, it would open the whole set.
  if (key === "present" && (await headOf(join(folder, KEY_FILE))) === undefined) {
    problems.push({ path: KEY_FILE, what: "not an age file" });
  }
  return {
    ok: problems.length === 0,
    id,
    createdAt,
    manifestDigest,
    files: files.length,
    bytes: total,
    key,
    problems,
  };
}

async function problemOf(
  path: string,
  { size, sha256, head }: ManifestFile,
  { depth = "all", signal }: AuditOptions,
): Promise<SetProblem["what"] | undefined> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found === undefined) return "missing";
  if (!found.isFile()) return "not a file";
  if (found.size !== size) return "of another size";
  const start = await headOf(path);
  if (start === undefined) return "not an age file";
  if (hash("sha256", start, "hex") !== head) return "altered";
  signal?.throwIfAborted();
  return depth === "heads" || (await digestFile(path, signal)) === sha256 ? undefined : "altered";
}

/** The header and nonce of a file, or undefined where it is no age file. */
async function headOf(path: string): Promise<Uint8Array | undefined> {
  await using file = await open(path);
  try {
    const source = await withoutArmor(await fileSource(file));
    const { bytes } = await readHeader(source);
    return await source.read(0, bytes.length + NONCE_BYTES);
  } catch (error) {
    if (isHoldfastError(error)) return undefined;
    throw error;
  }
}

/** Paths of all that is no folder, `/` between names, sorted. */
async function listAll(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const folders = [""];
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else found.push(path);
    }
  }
  return found.toSorted();
}
