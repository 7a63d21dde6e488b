/**
 * The ledger's key: made on first use, readable by its owner only, in the private-key form of
 * golang.org/x/mod/sumdb/note. Its public half lies beside it as a vkey.
 *
 * The vkey file is written after the first checkpoint is published. So a key with a vkey file has signed a log; where
 * that log is gone from its folder, beginning a new one would sign a second history under the same name.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { ensureFolder, replaceFile } from "./durable.ts";
import { ledgerError } from "./errors.ts";
import type { Files } from "./files.ts";
import { formatPrivateKey, isKeyName, noteSigner, parsePrivateKey, type NoteSigner } from "./note.ts";

const OWNER_ONLY = 0o600;

/** Where the public half of a key file lies: `ledger.key` has `ledger.vkey`. */
function vkeyFile(keyFile: string): string {
  return `${keyFile.replace(/\.key$/, "")}.vkey`;
}

/**
 * Reads the key, or makes one if it may. A new key without an `origin` gets a random name under `.invalid` (RFC 2606), since a
 * name that two logs share would let one pass for the other.
 *
 * @throws `ledger.origin-invalid`, `ledger.key-invalid`, `ledger.key-exposed`, `ledger.key-missing`,
 *   `ledger.key-mismatch`
 */
export async function openKey(
  files: Files,
  keyFile: string,
  origin: string | undefined,
  mayMake: boolean,
): Promise<NoteSigner> {
  if (origin !== undefined && !isKeyName(origin)) throw ledgerError("ledger.origin-invalid");
  const stored = await readSecretFile(files, keyFile);
  if (stored === undefined && !mayMake) throw ledgerError("ledger.key-missing", { detail: keyFile });
  await ensureFolder(files, dirname(keyFile));
  if (stored === undefined) return makeKey(files, keyFile, origin ?? randomOrigin());
  // Whoever made it may not have lived to make its name durable, and what it signs from now on must not outlive it.
  await files.syncFolder(dirname(keyFile));
  const signer = parsePrivateKey(Buffer.from(stored).toString("utf8").trim());
  if (origin !== undefined && signer.name !== origin) {
    throw ledgerError("ledger.key-mismatch", { detail: `the key is for ${signer.name}, not for ${origin}` });
  }
  return signer;
}

/** The vkey beside the key file, if the key has signed a log. */
export async function readVkey(files: Files, keyFile: string): Promise<string | undefined> {
  const stored = await files.read(vkeyFile(keyFile));
  return stored === undefined ? undefined : Buffer.from(stored).toString("utf8").trim();
}

export async function writeVkey(files: Files, keyFile: string, signer: NoteSigner): Promise<void> {
  await replaceFile(files, vkeyFile(keyFile), Buffer.from(`${signer.vkey}\n`), 0o644);
}

/** Bytes of a file that only its owner may read. @throws `ledger.key-exposed` */
export async function readSecretFile(files: Files, path: string): Promise<Uint8Array | undefined> {
  const mode = await files.mode(path);
  if (mode !== undefined && (mode & 0o077) !== 0) throw ledgerError("ledger.key-exposed", { detail: path });
  return files.read(path);
}

/** Writes a new secret file; the folder is made where it is missing. */
export async function writeSecretFile(files: Files, path: string, bytes: Uint8Array): Promise<void> {
  await ensureFolder(files, dirname(path));
  await replaceFile(files, path, bytes, OWNER_ONLY);
}

async function makeKey(files: Files, keyFile: string, origin: string): Promise<NoteSigner> {
  const seed = randomBytes(32);
  const signer = noteSigner(origin, seed);
  await writeSecretFile(files, keyFile, Buffer.from(`${formatPrivateKey(signer, seed)}\n`));
  return signer;
}

function randomOrigin(): string {
  return `ledger-${randomBytes(8).toString("hex")}.invalid`;
}
