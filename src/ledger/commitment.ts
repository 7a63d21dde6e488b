/**
 * Salted commitments: how the ledger binds content that it does not hold.
 *
 * A bare digest of a prompt can be guessed by trying prompts; a commitment cannot, as long as its salt is secret. Each
 * id (a request) has its own salt, derived from one key, so that showing one request's content and salt to an auditor
 * reveals nothing about others, and destroying the key makes every commitment whose salt was not kept unopenable while
 * the ledger stays valid.
 *
 *     salt        HMAC-SHA256(key, "holdfast.dev/salt/v1" 0x00 id)
 *     commitment  HMAC-SHA256(salt, "holdfast.dev/commitment/v1" 0x00 uint32(length of field) field content)
 *
 * Binding and hiding rest on HMAC-SHA256 (RFC 2104) as a pseudorandom, collision-resistant function. The field's name
 * is length-prefixed, so that no two pairs of field and content give the same input.
 *
 * @module
 */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { ledgerError } from "./errors.ts";
import { diskFiles } from "./files.ts";
import { readSecretFile, writeSecretFile } from "./key.ts";

const KEY_BYTES = 32;
const SALT_DOMAIN = "holdfast.dev/salt/v1\0";
const COMMITMENT_DOMAIN = "holdfast.dev/commitment/v1\0";

export interface Committer {
  /** The salt of an id, 64 hexadecimal digits: what opens that id's commitments, and only those. */
  salt(id: string): string;
  /** The commitment to `content` as `field` of `id`, 64 hexadecimal digits. */
  commit(id: string, field: string, content: Uint8Array): string;
}

/**
 * Opens the committer's key file, or makes it: 32 random bytes, readable by its owner only.
 *
 * @throws `ledger.key-exposed`, `ledger.key-invalid`
 *
 * @example
 * ```ts
 * import { openCommitter, verifyCommitment } from "holdfast/ledger";
 *
 * const committer = await openCommitter(".holdfast/keys/commitment.key");
 * const content = new TextEncoder().encode("hello");
 * const commitment = committer.commit("request-1", "prompt", content);
 * verifyCommitment({ salt: committer.salt("request-1"), field: "prompt", content, commitment }); // true
 * ```
 */
export async function openCommitter(keyFile: string): Promise<Committer> {
  let key = await readSecretFile(diskFiles, keyFile);
  if (key === undefined) {
    key = randomBytes(KEY_BYTES);
    await writeSecretFile(diskFiles, keyFile, key);
  }
  if (key.length !== KEY_BYTES) throw ledgerError("ledger.key-invalid", { detail: keyFile });
  return committerFromKey(key);
}

/** Whether `commitment` was made for this field and content under this salt. False for anything malformed. */
export function verifyCommitment(options: {
  readonly salt: string;
  readonly field: string;
  readonly content: Uint8Array;
  readonly commitment: string;
}): boolean {
  const salt = hex32(options.salt);
  const commitment = hex32(options.commitment);
  if (salt === undefined || commitment === undefined) return false;
  return timingSafeEqual(commitTo(salt, options.field, options.content), commitment);
}

function committerFromKey(key: Uint8Array): Committer {
  // The fields of one request are committed to one after another: its salt need not be derived for each.
  let last: { id: string; salt: Buffer } | undefined;
  function saltOf(id: string): Buffer {
    if (last?.id !== id) last = { id, salt: createHmac("sha256", key).update(SALT_DOMAIN).update(id).digest() };
    return last.salt;
  }
  return {
    salt: (id) => saltOf(id).toString("hex"),
    commit: (id, field, content) => commitTo(saltOf(id), field, content).toString("hex"),
  };
}

function commitTo(salt: Uint8Array, field: string, content: Uint8Array): Buffer {
  const name = Buffer.from(field);
  const head = Buffer.alloc(COMMITMENT_DOMAIN.length + 4 + name.length);
  head.write(COMMITMENT_DOMAIN);
  head.writeUInt32BE(name.length, COMMITMENT_DOMAIN.length);
  head.set(name, COMMITMENT_DOMAIN.length + 4);
  return createHmac("sha256", salt).update(head).update(content).digest();
}

function hex32(text: string): Buffer | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, "hex") : undefined;
}
