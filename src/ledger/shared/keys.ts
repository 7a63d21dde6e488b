/**
 * The keys of a shared ledger on their way between replicas: the one that signs it, and the one that salts commitments.
 * They travel sealed under a secret that all replicas were given and the database was not: whoever reads the database
 * reads no key, and whoever writes it can make a replica refuse, and nothing else.
 *
 *     key     HKDF-SHA-256(secret, salt, "holdfast.dev/ledger-keys/v1"), RFC 5869
 *     sealed  salt (16) | nonce (12) | AES-256-GCM of the two files (JSON) | tag (16), NIST SP 800-38D
 *
 * @module
 */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

import { isHoldfastError, parseJson, type Secret } from "../../core/index.ts";
import { openCommitter } from "../commitment.ts";
import { ledgerError } from "../errors.ts";
import { diskFiles } from "../files.ts";
import { openKey, readSecretFile, readVkey, writeSecretFile } from "../key.ts";
import { parsePrivateKey } from "../note.ts";

export interface KeyFiles {
  readonly ledgerKeyFile: string;
  readonly commitmentKeyFile: string;
}

/** Bytes of the secret at least: it is all that keeps the keys from who reads the database. */
const SECRET_BYTES = 32;
const INFO = "holdfast.dev/ledger-keys/v1";
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The public key of this replica, if it has one.
 *
 * @throws `ledger.key-exposed`, `ledger.key-invalid`
 */
export async function ownVkey({ ledgerKeyFile }: KeyFiles): Promise<string | undefined> {
  const stored = await readSecretFile(diskFiles, ledgerKeyFile);
  return stored === undefined ? undefined : parsePrivateKey(Buffer.from(stored).toString("utf8").trim()).vkey;
}

/** Seals the keys of this replica, which are made first where they are missing. @throws `ledger.secret-short` */
export async function sealKeys(files: KeyFiles, secret: Secret): Promise<Uint8Array> {
  await openKey(diskFiles, files.ledgerKeyFile, undefined, true);
  await openCommitter(files.commitmentKeyFile);
  const text = JSON.stringify({
    ledger: Buffer.from((await readSecretFile(diskFiles, files.ledgerKeyFile)) as Uint8Array).toString("base64"),
    commitment: Buffer.from((await readSecretFile(diskFiles, files.commitmentKeyFile)) as Uint8Array).toString(
      "base64",
    ),
  });
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyOf(secret, salt), nonce);
  return Buffer.concat([salt, nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

/**
 * Puts sealed keys in place of those of this replica. One that has signed a ledger of its own already keeps its key, and
 * is refused.
 *
 * @throws `ledger.secret-wrong`, `ledger.secret-short`, `ledger.not-shared`
 */
export async function adoptKeys(files: KeyFiles, secret: Secret, sealed: Uint8Array): Promise<void> {
  const keys = unseal(secret, sealed);
  const signs = await readVkey(diskFiles, files.ledgerKeyFile);
  const { vkey } = parsePrivateKey(Buffer.from(keys.ledger).toString("utf8").trim());
  if (signs !== undefined && signs !== vkey) {
    throw ledgerError("ledger.not-shared", { detail: "the key here has signed another ledger" });
  }
  for (const [file, bytes] of [
    [files.ledgerKeyFile, keys.ledger],
    [files.commitmentKeyFile, keys.commitment],
  ] as const) {
    const own = await readSecretFile(diskFiles, file);
    if (own === undefined || Buffer.compare(own, bytes) !== 0) await writeSecretFile(diskFiles, file, bytes);
  }
}

function unseal(secret: Secret, sealed: Uint8Array): { readonly ledger: Uint8Array; readonly commitment: Uint8Array } {
  const bytes = Buffer.from(sealed);
  const nonce = bytes.subarray(SALT_BYTES, SALT_BYTES + NONCE_BYTES);
  try {
    const key = keyOf(secret, bytes.subarray(0, SALT_BYTES));
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const body = bytes.subarray(SALT_BYTES + NONCE_BYTES, -TAG_BYTES);
    const text = Buffer.concat([decipher.update(body), decipher.final()]);
    const { ledger, commitment } = parseJson(text) as Record<"ledger" | "commitment", string>;
    return { ledger: Buffer.from(ledger, "base64"), commitment: Buffer.from(commitment, "base64") };
  } catch (cause) {
    if (isHoldfastError(cause, "ledger.secret-short")) throw cause;
    throw ledgerError("ledger.secret-wrong", { cause });
  }
}

function keyOf(secret: Secret, salt: Uint8Array): Buffer {
  const text = secret.reveal();
  if (Buffer.byteLength(text) < SECRET_BYTES) {
    throw ledgerError("ledger.secret-short", { detail: `${SECRET_BYTES} bytes at least` });
  }
  return Buffer.from(hkdfSync("sha256", text, salt, INFO, 32));
}
