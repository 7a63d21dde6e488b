/**
 * Salted commitments: how the ledger binds content that it does not hold.
 *
 * A bare digest of a prompt can be guessed by trying prompts; a commitment cannot, as long as its salt is secret. Each
 * id (a request) has its own salt, derived from one key, so that showing one request's content and salt to an auditor
 * reveals nothing about others, and destroying the key makes every commitment whose salt was not kept unopenable while
 * the ledger stays valid.
 *
 *     salt        HMAC-SHA256(key, "holdfast.dev/salt/v1" 0x00 id)
 *     commitment  SHA-256("holdfast.dev/commitment/v1" 0x00 salt uint32(length of field) field content)
 *
 * Salts rest on HMAC-SHA256 (RFC 2104) as a pseudorandom function. Commitments bind because SHA-256 is collision
 * resistant and the input is unambiguous: the salt has 32 bytes, and the field's name is length-prefixed. They hide
 * because the salt has 256 bits that nobody guesses.
 *
 * @module
 */

import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { ledgerError } from "./errors.ts";
import { diskFiles } from "./files.ts";
import { readSecretFile, writeSecretFile } from "./key.ts";

const KEY_BYTES = 32;
const SALT_DOMAIN = "holdfast.dev/salt/v1\0";
const COMMITMENT_DOMAIN = Buffer.from("holdfast.dev/commitment/v1\0");
/** Bytes of a block of SHA-256 (FIPS 180-4 section 1). */
const HASH_BLOCK = 64;

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
  const derive = hmacSha256(key);
  // The fields of one request are committed to one after another: its salt need not be derived for each.
  let last: { id: string; salt: Buffer } | undefined;
  function saltOf(id: string): Buffer {
    if (last?.id !== id) last = { id, salt: derive(Buffer.from(SALT_DOMAIN + id)) };
    return last.salt;
  }
  return {
    salt: (id) => saltOf(id).toString("hex"),
    commit: (id, field, content) => commitTo(saltOf(id), field, content).toString("hex"),
  };
}

function commitTo(salt: Uint8Array, field: string, content: Uint8Array): Buffer {
  const name = Buffer.from(field);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(name.length);
  return hash("sha256", Buffer.concat([COMMITMENT_DOMAIN, salt, length, name, content]), "buffer");
}

/**
 * HMAC-SHA256 for one key of at most 64 bytes, as RFC 2104 section 2 spells it. `createHmac` takes ten times as long for
 * messages as short as these, and this runs for every request; the tests hold the two against each other.
 */
function hmacSha256(key: Uint8Array): (message: Uint8Array) => Buffer {
  const inner = Buffer.alloc(HASH_BLOCK, 0x36);
  const outer = Buffer.alloc(HASH_BLOCK, 0x5c);
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  return (message) => {
    const within = hash("sha256", Buffer.concat([inner, message]), "buffer");
    return hash("sha256", Buffer.concat([outer, within]), "buffer");
  };
}

function hex32(text: string): Buffer | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, "hex") : undefined;
}
