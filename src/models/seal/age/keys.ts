/**
 * The keys of age files: to whom a file is sealed, and who opens it. The cryptography of X25519 and post-quantum keys is
 * that of the `age-encryption` package, whose ports a key service implements as well (`../providers`).
 *
 * Source: C2SP age.md v1, «File key», «Header MAC», «Native recipient types».
 *
 * @module
 */

import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
  type Identity as AgeIdentity,
  type Recipient as AgeRecipient,
} from "age-encryption";
import { isHoldfastError, Secret } from "../../../core/index.ts";
import { sealError } from "../errors.ts";
import { MAX_HEADER_BYTES, parseHeader, type Header } from "./header.ts";
import { SCRYPT } from "./passphrase.ts";

/** Whom to seal to: `age1…` or `age1pq1…` (post-quantum), or what wraps a file key itself. */
export type Recipient = string | AgeRecipient;

/** What opens: `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`, or what unwraps a file key itself. */
export type Identity = Secret | AgeIdentity;

/** A pair of keys: the identity opens what is sealed to the recipient. */
export interface KeyPair {
  readonly identity: Secret;
  readonly recipient: string;
}

const FILE_KEY_BYTES = 16;
/** What the package's own encryption of nothing has behind the header: a nonce and a tag. */
const EMPTY_PAYLOAD_BYTES = 32;

/**
 * Makes a key pair.
 *
 * @example
 * ```ts
 * import { generateKey } from "holdfast/models";
 *
 * const { identity, recipient } = await generateKey();
 * console.log(recipient.startsWith("age1"), `${identity}`); // true [secret]
 * ```
 */
export async function generateKey({ postQuantum = false }: { postQuantum?: boolean } = {}): Promise<KeyPair> {
  const identity = new Secret(await (postQuantum ? generateHybridIdentity() : generateX25519Identity()));
  return { identity, recipient: await recipientOf(identity) };
}

/** The recipient that belongs to an identity. @throws `seal.key-invalid` */
export async function recipientOf(identity: Secret): Promise<string> {
  try {
    return await identityToRecipient(identity.reveal());
  } catch {
    throw sealError("seal.key-invalid", { detail: "not an age identity" });
  }
}

/** Whether a recipient withstands a quantum computer: such are not mixed with those that do not. */
export function isPostQuantum(recipient: Recipient): boolean {
  return typeof recipient === "string" && (recipient.startsWith("age1pq1") || recipient.startsWith("age1tagpq1"));
}

/**
 * Makes a file key, or takes the one of a file whose recipients change, and the header that wraps it for each of
 * `recipients`.
 *
 * @throws `seal.recipient-missing`, `seal.recipient-invalid`, `seal.passphrase-alone`, `seal.quantum-mixed`,
 *   `seal.header-limit`, and the errors of a recipient's own
 */
export async function createHeader(
  recipients: readonly Recipient[],
  kept?: Uint8Array,
): Promise<{ readonly header: Header; readonly fileKey: Uint8Array }> {
  if (recipients.length === 0) throw sealError("seal.recipient-missing");
  if (recipients.length > 1 && recipients.some((recipient) => typeof recipient !== "string" && "alone" in recipient)) {
    throw sealError("seal.passphrase-alone");
  }
  const native = recipients.filter((recipient) => typeof recipient === "string");
  const strong = native.filter(isPostQuantum);
  if (strong.length > 0 && strong.length < native.length) throw sealError("seal.quantum-mixed");

  const encrypter = new Encrypter();
  let fileKey: Uint8Array | undefined;
  // A recipient without a stanza, asked first: the package makes the file key, and this is how it hands it over, or takes
  // another one in its place.
  encrypter.addRecipient({
    wrapFileKey: (made) => {
      if (kept !== undefined) made.set(kept);
      fileKey = made;
      return [];
    },
  });
  for (const recipient of recipients) addRecipient(encrypter, recipient);
  const file = await encrypter.encrypt(new Uint8Array());
  const bytes = file.subarray(0, file.length - EMPTY_PAYLOAD_BYTES);
  // Also the stanzas of recipients that are not ours have to be well-formed.
  const header = bytes.length > MAX_HEADER_BYTES ? undefined : parseHeader(bytes);
  if (header?.bytes.length !== bytes.length || fileKey === undefined) {
    throw sealError("seal.header-limit", { detail: `more than ${MAX_HEADER_BYTES} bytes` });
  }
  // Its authentication code is made with the file key: a header with any other would lose the file that it is put before.
  if (kept !== undefined) await openHeader(header, [{ unwrapFileKey: () => kept }]);
  return { header, fileKey };
}

function addRecipient(encrypter: Encrypter, recipient: Recipient): void {
  try {
    encrypter.addRecipient(recipient);
  } catch {
    throw sealError("seal.recipient-invalid", { detail: typeof recipient === "string" ? recipient.slice(0, 80) : "" });
  }
}

/**
 * The file key, unwrapped with the first of `identities` that can, once the header's authentication code is verified.
 *
 * @throws `seal.key-missing`, `seal.key-invalid`, `seal.no-match`, `seal.header-mac`, `seal.header-invalid` for a
 *   malformed stanza of a kind that an identity knows, and the errors of an identity's own
 */
export async function openHeader(header: Header, identities: readonly Identity[]): Promise<Uint8Array> {
  if (identities.length === 0) throw sealError("seal.key-missing");
  // Whoever knows the passphrase must have sealed it: age.md, «The scrypt recipient type».
  if (header.stanzas.length > 1 && header.stanzas.some(({ args }) => args[0] === SCRYPT)) {
    throw sealError("seal.header-invalid", { detail: "a scrypt stanza that is not alone" });
  }
  const decrypter = new Decrypter();
  for (const identity of identities) addIdentity(decrypter, identity);
  // Asked last, and so only when no other could.
  decrypter.addIdentity({
    unwrapFileKey: () => {
      throw sealError("seal.no-match");
    },
  });
  let fileKey: Uint8Array;
  try {
    fileKey = await decrypter.decryptHeader(header.bytes);
  } catch (error) {
    if (isHoldfastError(error)) throw error;
    // The package has no codes; a message that it does not use any more would only make the name less exact.
    const message = error instanceof Error ? error.message : "";
    if (message === "invalid header HMAC") throw sealError("seal.header-mac");
    throw sealError("seal.header-invalid", { detail: "a malformed stanza" });
  }
  if (fileKey.length !== FILE_KEY_BYTES) {
    throw sealError("seal.header-invalid", { detail: `a file key of ${fileKey.length} bytes` });
  }
  return fileKey;
}

function addIdentity(decrypter: Decrypter, identity: Identity): void {
  try {
    decrypter.addIdentity(identity instanceof Secret ? identity.reveal() : identity);
  } catch {
    throw sealError("seal.key-invalid", { detail: "not an age identity" });
  }
}
