/**
 * Changing who may read a sealed set, and ending that anybody may. Both touch the set's key file alone: no sealed file is
 * rewritten, and the manifest, with whatever was signed over it, stays as it is.
 *
 * Neither reaches copies of the old key file. Who could read the set, and kept its key, still can: where a key has become
 * known, unseal the set and seal it anew.
 *
 * @module
 */

import { hash, randomBytes } from "node:crypto";
import { open, readFile, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { canonicalJson, systemClock, type Clock } from "../../../core/index.ts";
import { replaceFile, syncFolder } from "../../../storage/index.ts";
import { isPostQuantum, type Identity, type Recipient } from "../age/keys.ts";
import { sealError } from "../errors.ts";
import { sealDataKey } from "./data-key.ts";
import { KEY_FILE, SHREDDED_FILE } from "./manifest.ts";
import type { SealedSet } from "./seal.ts";
import { isShredded, isThere, openSet, readManifest } from "./unseal.ts";

/** Options of {@link rotateSet}. */
export interface RotateSetOptions {
  /** What opens the set now. */
  readonly identities: readonly Identity[];
  /** All who may read it from now on. */
  readonly recipients: readonly Recipient[];
  /** Where the set's key is, if not within the set. */
  readonly keyFile?: string | undefined;
}

/** What remains of a set's key. */
export interface ShreddedSet {
  readonly id: string;
  /** RFC 3339. */
  readonly shreddedAt: string;
  /** SHA-256 of `manifest.json`, in hex. */
  readonly manifestDigest: string;
  /** SHA-256 of the key file that was destroyed, in hex: a copy of it can be told by it. */
  readonly keyDigest: string;
}

const KEY_MODE = 0o600;
const FILE_MODE = 0o644;

/**
 * Seals the key of a set anew, to `recipients` alone. At any moment the key file is the old one or the new one.
 *
 * @throws what `openSet` and `createHeader` throw; `seal.quantum-mixed` for a post-quantum recipient of a set whose files
 *   are not sealed so
 */
export async function rotateSet(folder: string, options: RotateSetOptions): Promise<SealedSet> {
  const { recipients, keyFile = join(folder, KEY_FILE) } = options;
  const { manifest, dataKey } = await openSet(folder, options);
  if (recipients.some(isPostQuantum) && !dataKey.reveal().startsWith("AGE-SECRET-KEY-PQ-")) {
    throw sealError("seal.quantum-mixed", {
      hint: "unseal the set, and seal it anew to post-quantum recipients alone",
    });
  }
  await replaceFile(keyFile, KEY_MODE, await sealDataKey(dataKey, { id: manifest.id, recipients }));
  const { manifestDigest } = await readManifest(folder);
  return { manifest, manifestDigest, keyFile };
}

/**
 * Destroys the key of a set, and notes that in the set. Nobody can read the set afterwards who has not got a copy of the
 * key file; it can still be audited.
 *
 * @returns undefined where the key was destroyed before
 * @throws `seal.set-missing`, `seal.manifest-invalid`; `seal.key-file-missing` where `keyFile` is given and is not there
 */
export async function shredSet(
  folder: string,
  { keyFile, clock = systemClock }: { readonly keyFile?: string | undefined; readonly clock?: Clock } = {},
): Promise<ShreddedSet | undefined> {
  const { manifest, manifestDigest } = await readManifest(folder);
  const path = keyFile ?? join(folder, KEY_FILE);
  const there = await isThere(path);
  if (!there && (await isShredded(folder))) return undefined;
  // Without a note, a key that is not there is a key that is somewhere else.
  if (!there) throw sealError("seal.key-file-missing", { detail: path });
  const keyDigest = hash("sha256", await readFile(path), "hex");
  const shredded = { id: manifest.id, shreddedAt: new Date(clock.now()).toISOString(), manifestDigest, keyDigest };
  // First the key: a note about a key that is still there would be worse than a key that is gone without a note.
  await destroyFile(path);
  await replaceFile(
    join(folder, SHREDDED_FILE),
    FILE_MODE,
    Buffer.from(`${canonicalJson({ version: 1, ...shredded })}\n`),
  );
  return shredded;
}

/**
 * Overwrites a file and removes it. Disks and file systems that write elsewhere keep the old bytes for a while; they are
 * sealed, so that it takes a key of somebody to make use of them.
 */
async function destroyFile(path: string): Promise<void> {
  {
    await using file = await open(path, "r+");
    const { size } = await file.stat();
    await file.write(randomBytes(size), 0, size, 0);
    await file.sync();
  }
  await unlink(path);
  await syncFolder(dirname(path));
}
