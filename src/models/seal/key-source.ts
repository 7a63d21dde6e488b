/**
 * Keys by the words of the command line and of configurations:
 *
 *     age1…, age1pq1…             a recipient (sealing)
 *     <file>                      age identities, readable by its owner alone (opening); recipients, one a line (sealing)
 *     vault:<mount>/<key>         a key of Vault's transit engine; VAULT_ADDR, VAULT_TOKEN, VAULT_NAMESPACE
 *     aws-kms:<arn, id or alias>  a key of AWS KMS; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
 *                                 AWS_ENDPOINT_URL_KMS
 *     passphrase:<file>           the first line of a file that only its owner can read
 *
 * Secrets come from files and the environment, never from the command line, where every user of the machine reads them.
 *
 * @module
 */

import { readFile, stat } from "node:fs/promises";
import { Secret } from "../../core/index.ts";
import type { Identity, Recipient } from "./age/keys.ts";
import { passphraseIdentity, passphraseRecipient } from "./age/passphrase.ts";
import { sealError } from "./errors.ts";
import { awsKmsKey } from "./providers/kms.ts";
import { providerIdentity, providerRecipient, type KeyProvider } from "./providers/provider.ts";
import { vaultKey } from "./providers/vault.ts";

type Env = Readonly<Record<string, string | undefined>>;

const MAX_FILE = 1024 * 1024;
const IDENTITY = /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/;
const RECIPIENT = /^age1[0-9a-z]+$/;

/**
 * What a word says to seal to: a file of recipients names several.
 *
 * @throws `seal.recipient-invalid`, `seal.key-exposed` for a passphrase file, `seal.setting-missing`,
 *   `seal.setting-invalid`
 */
export async function readRecipients(word: string, env: Env): Promise<readonly Recipient[]> {
  const provider = providerOf(word, env);
  if (provider !== undefined) return [providerRecipient(provider)];
  if (word.startsWith("passphrase:")) return [passphraseRecipient(await readPassphrase(word))];
  if (RECIPIENT.test(word)) return [word];
  refuseSecret(word, "seal.recipient-invalid");
  const recipients = linesOf(await readSmall(word, "seal.recipient-invalid"));
  if (recipients.length === 0 || !recipients.every((line) => RECIPIENT.test(line))) {
    // A file of identities given by mistake must not end up in an error.
    throw sealError("seal.recipient-invalid", { detail: `${word} is no file of recipients, one a line` });
  }
  return recipients;
}

/**
 * What a word says to open with: a file of identities may hold several.
 *
 * @throws `seal.key-invalid`, `seal.key-exposed`, `seal.setting-missing`, `seal.setting-invalid`
 */
export async function readIdentities(word: string, env: Env): Promise<readonly Identity[]> {
  const provider = providerOf(word, env);
  if (provider !== undefined) return [providerIdentity(provider)];
  if (word.startsWith("passphrase:")) return [passphraseIdentity(await readPassphrase(word))];
  refuseSecret(word, "seal.key-invalid");
  await refuseExposed(word);
  const identities = linesOf(await readSmall(word, "seal.key-invalid"));
  if (identities.length === 0 || !identities.every((line) => IDENTITY.test(line))) {
    throw sealError("seal.key-invalid", { detail: `${word} is no file of age identities` });
  }
  return identities.map((line) => new Secret(line));
}

/** A secret key where its file is meant: taken for a path it would end up in an error. */
function refuseSecret(word: string, code: "seal.key-invalid" | "seal.recipient-invalid"): void {
  if (!IDENTITY.test(word)) return;
  const hint = "put it into a file that only you can read, and give that";
  throw sealError(code, { detail: "a secret key on the command line, where others can read it", hint });
}

function providerOf(word: string, env: Env): KeyProvider | undefined {
  if (word.startsWith("vault:")) {
    const path = word.slice("vault:".length);
    const cut = path.lastIndexOf("/");
    if (cut === -1) throw sealError("seal.recipient-invalid", { detail: word });
    const namespace = env["VAULT_NAMESPACE"];
    return vaultKey({
      address: setting(env, "VAULT_ADDR"),
      token: new Secret(setting(env, "VAULT_TOKEN")),
      mount: path.slice(0, cut),
      key: path.slice(cut + 1),
      ...(namespace !== undefined && namespace !== "" && { namespace }),
    });
  }
  if (!word.startsWith("aws-kms:")) return undefined;
  const key = word.slice("aws-kms:".length);
  const [sessionToken, endpoint] = [env["AWS_SESSION_TOKEN"], env["AWS_ENDPOINT_URL_KMS"]];
  return awsKmsKey({
    key,
    // An ARN names its region: arn:aws:kms:eu-central-1:111122223333:key/…
    region: /^arn:[a-z-]+:kms:([a-z0-9-]+):/.exec(key)?.[1] ?? setting(env, "AWS_REGION"),
    credentials: {
      accessKeyId: setting(env, "AWS_ACCESS_KEY_ID"),
      secretAccessKey: new Secret(setting(env, "AWS_SECRET_ACCESS_KEY")),
      ...(sessionToken !== undefined && sessionToken !== "" && { sessionToken: new Secret(sessionToken) }),
    },
    ...(endpoint !== undefined && endpoint !== "" && { endpoint }),
  });
}

function setting(env: Env, name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw sealError("seal.setting-missing", { detail: name });
  return value;
}

async function readPassphrase(word: string): Promise<Secret> {
  const file = word.slice("passphrase:".length);
  await refuseExposed(file);
  const [line = ""] = (await readSmall(file, "seal.key-invalid")).split(/\r?\n/, 1);
  if (line === "") throw sealError("seal.key-invalid", { detail: `${file} begins with an empty line` });
  return new Secret(line);
}

/** @throws `seal.key-exposed` */
async function refuseExposed(file: string): Promise<void> {
  if (process.platform === "win32") return;
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() === true && (found.mode & 0o077) !== 0) throw sealError("seal.key-exposed", { detail: file });
}

/** Also from a pipe, as the shell makes them for `<(command)`. */
async function readSmall(file: string, code: "seal.key-invalid" | "seal.recipient-invalid"): Promise<string> {
  try {
    const found = await stat(file);
    if (!found.isDirectory() && found.size <= MAX_FILE) return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  throw sealError(code, { detail: file.slice(0, 200) });
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
