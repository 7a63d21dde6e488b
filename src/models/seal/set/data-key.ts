/**
 * The key of a sealed set. Every file of a set is sealed to one key made for the set, and that key alone is sealed to the
 * people and services who may read it, in a file of its own: an age file that holds an age identity, so that the age
 * command opens a set in two steps. Who may read is changed by writing this one small file; destroying it destroys the
 * set.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { Secret } from "../../../core/index.ts";
import { generateKey, isPostQuantum, type Identity, type KeyPair, type Recipient } from "../age/keys.ts";
import { sealError } from "../errors.ts";
import { sealStream, unsealStream } from "../stream.ts";

/** Bytes of a key file: a header at its largest, and an identity. */
const MAX_KEY_FILE = 512 * 1024;

/** Makes the key of a set: post-quantum where those who may read it are. */
export async function generateDataKey(recipients: readonly Recipient[]): Promise<KeyPair> {
  return await generateKey({ postQuantum: recipients.some(isPostQuantum) });
}

/** The bytes of a key file. @throws what `sealStream` throws */
export async function sealDataKey(
  identity: Secret,
  { id, recipients }: { readonly id: string; readonly recipients: readonly Recipient[] },
): Promise<Uint8Array> {
  const text = `# key of the sealed set ${id}\n${identity.reveal()}\n`;
  const parts: Uint8Array[] = [];
  for await (const part of sealStream([Buffer.from(text)], { recipients })) parts.push(part);
  return Buffer.concat(parts);
}

/**
 * The key of a set, from its key file.
 *
 * @throws `seal.key-file-missing`, `seal.key-invalid` where something else is sealed in it, what `unsealStream` throws
 */
export async function openDataKey(file: string, identities: readonly Identity[]): Promise<Secret> {
  const sealed = await readKeyFile(file);
  const parts: Uint8Array[] = [];
  for await (const part of unsealStream([sealed], { identities })) parts.push(part);
  const lines = Buffer.concat(parts).toString("latin1").split("\n");
  const keys = lines.filter((line) => line.startsWith("AGE-SECRET-KEY-"));
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw sealError("seal.key-invalid", { detail: file, hint: "give the key file that belongs to this set" });
  }
  return new Secret(key);
}

async function readKeyFile(file: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw sealError("seal.key-file-missing", { detail: file });
    throw error;
  }
  if (bytes.length > MAX_KEY_FILE) {
    throw sealError("seal.key-invalid", { detail: `${file} has more than ${MAX_KEY_FILE} bytes` });
  }
  return bytes;
}
