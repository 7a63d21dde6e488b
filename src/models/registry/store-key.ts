/**
 * The key that the registry's own store is sealed to. It is made with the first blob, and lies beside the blobs, sealed to
 * those whom the configuration names: who may read the store is changed by writing this one file anew.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";

import { isHoldfastError } from "../../core/index.ts";
import { makeFile, replaceFile } from "../../storage/index.ts";
import { recipientOf, type Recipient } from "../seal/age/keys.ts";
import { readIdentities, readRecipients } from "../seal/key-source.ts";
import { generateDataKey, openDataKey, sealDataKey } from "../seal/set/data-key.ts";
import { unsealStream } from "../seal/stream.ts";
import type { RegistryConfig } from "./config.ts";
import { sealedForm, type Form } from "./form.ts";

export type StoreSealConfig = NonNullable<RegistryConfig["seal"]>;

/** What words of keys are read with: `with` may be a file of the working folder. */
interface KeySource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const KEY_FILE = "key.age";
const KEY_MODE = 0o600;

/** The form of sealed blobs in the store `folder`. Its key is made where there is none. @throws errors of `seal` */
export async function storeForm(folder: string, config: StoreSealConfig, source: KeySource): Promise<Form> {
  const file = join(folder, KEY_FILE);
  const identities = await readIdentities(wordAt(config.with, source), source.env);
  const opened = async (): Promise<Form> => {
    const key = await openDataKey(file, identities);
    return sealedForm(key, await recipientOf(key));
  };
  try {
    return await opened();
  } catch (error) {
    if (!isHoldfastError(error, "seal.key-file-missing")) throw error;
  }
  const recipients = await recipientsOf(config, source);
  const { identity } = await generateDataKey(recipients);
  const bytes = await sealDataKey(identity, { id: randomUUID(), recipients });
  // A key that nobody here can open would lose what is sealed to it.
  for await (const part of unsealStream([bytes], { identities })) void part;
  try {
    await makeFile(file, KEY_MODE, (output) => output.writeFile(bytes));
  } catch (error) {
    // Somebody else's was first, and it is the one that counts.
    if (!isHoldfastError(error, "storage.output-exists")) throw error;
  }
  return await opened();
}

/** Seals the store's key anew, to those alone whom the configuration names now. @returns the file's bytes */
export async function rotateStoreKey(
  folder: string,
  config: StoreSealConfig,
  source: KeySource,
): Promise<{ readonly bytes: Uint8Array; readonly recipients: number }> {
  const file = join(folder, KEY_FILE);
  const identity = await openDataKey(file, await readIdentities(wordAt(config.with, source), source.env));
  const recipients = await recipientsOf(config, source);
  const bytes = await sealDataKey(identity, { id: randomUUID(), recipients });
  await replaceFile(file, KEY_MODE, bytes);
  return { bytes, recipients: recipients.length };
}

async function recipientsOf({ to }: StoreSealConfig, source: KeySource): Promise<readonly Recipient[]> {
  const read: Recipient[] = [];
  for (const word of to) read.push(...(await readRecipients(wordAt(word, source), source.env)));
  return read;
}

/**
 * Words that name files do so from the folder of the configuration, whatever folder this process is in. A secret key is no
 * file: it stays the word that `seal` refuses without repeating it.
 */
function wordAt(word: string, { cwd }: KeySource): string {
  const passphrase = "passphrase:";
  if (word.startsWith(passphrase)) return passphrase + resolve(cwd, word.slice(passphrase.length));
  return /^(?:age1[0-9a-z]+$|AGE-SECRET-KEY-|vault:|aws-kms:)/.test(word) ? word : resolve(cwd, word);
}
