/**
 * Salted commitments: how the ledger binds content that it does not hold.
 *
 * A bare digest of a prompt can be guessed by trying prompts; a commitment cannot, as long as its salt is secret. Each
 * id (a request) has its own salt, derived from one key, so that showing one request's content and salt to an auditor
 * reveals nothing about others, and destroying the key makes every commitment whose salt was not kept unopenable while
 * the ledger stays valid.
 *
 *     salt        SHA-512/256("holdfast.dev/salt/v1" 0x00 key id)
 *     commitment  SHA-256("holdfast.dev/commitment/v1" 0x00 salt uint32(length of field) field content)
 *
 * Salts rest on SHA-512/256 (FIPS 180-4) with a secret prefix as a pseudorandom function; its output is half of its
 * state, so one salt cannot be extended into another's. Commitments bind because SHA-256 is collision resistant and the
 * input is unambiguous: key and salt have 32 bytes each, and the field's name is length-prefixed. They hide because the
 * salt has 256 bits that nobody guesses. These run for every request, hence one digest each instead of an HMAC.
 *
 * @module
 */

import { createHash, hash, randomBytes, timingSafeEqual } from "node:crypto";
import { ledgerError } from "./errors.ts";
import { diskFiles } from "./files.ts";
import { readSecretFile, writeSecretFile } from "./key.ts";

const KEY_BYTES = 32;
const SALT_DOMAIN = Buffer.from("holdfast.dev/salt/v1\0");
const COMMITMENT_DOMAIN = Buffer.from("holdfast.dev/commitment/v1\0");

export interface Committer {
  /** The salt of an id, 64 hexadecimal digits: what opens that id's commitments, and only those. */
  salt(id: string): string;
  /** The commitment to `content` as `field` of `id`, 64 hexadecimal digits. */
  commit(id: string, field: string, content: Uint8Array): string;
  /** The same for content that comes in pieces. */
  begin(id: string, field: string): CommitmentInProgress;
}

/** A commitment to content that comes in pieces. */
export interface CommitmentInProgress {
  update(piece: Uint8Array | string): void;
  /** The commitment to all pieces, 64 hexadecimal digits. Called once, last. */
  digest(): string;
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
  const known = await readCommitter(keyFile);
  if (known !== undefined) return known;
  const key = randomBytes(KEY_BYTES);
  await writeSecretFile(diskFiles, keyFile, key);
  return committerFromKey(key);
}

/** The committer of a key file that is there already, or undefined. @throws `ledger.key-exposed`, `ledger.key-invalid` */
export async function readCommitter(keyFile: string): Promise<Committer | undefined> {
  const key = await readSecretFile(diskFiles, keyFile);
  if (key === undefined) return undefined;
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
  return timingSafeEqual(Buffer.from(commitTo(salt, options.field, options.content), "hex"), commitment);
}

function committerFromKey(key: Uint8Array): Committer {
  const prefix = Buffer.concat([SALT_DOMAIN, key]);
  // Salts of requests: their ids are all of one length, so that one input serves for them.
  const input = Buffer.concat([prefix, Buffer.alloc(ID_BYTES)]);
  // The fields of one request are committed to one after another: its salt need not be derived for each.
  let last: { id: string; salt: Buffer } | undefined;
  function saltOf(id: string): Buffer {
    if (last?.id === id) return last.salt;
    const length = Buffer.byteLength(id);
    if (length === ID_BYTES) input.write(id, prefix.length);
    const salted = length === ID_BYTES ? input : Buffer.concat([prefix, Buffer.from(id)]);
    last = { id, salt: hash("sha512-256", salted, "buffer") };
    return last.salt;
  }
  return {
    salt: (id) => saltOf(id).toString("hex"),
    commit: (id, field, content) => commitTo(saltOf(id), field, content),
    begin: (id, field) => {
      const digest = createHash("sha256").update(prefixOf(saltOf(id), field, 0));
      return { update: (piece) => void digest.update(piece), digest: () => digest.digest("hex") };
    },
  };
}

/** Bytes of a request's id: a UUID in text. */
const ID_BYTES = 36;

/** Content up to this many bytes is copied behind its prefix, which is faster than hashing in two steps. */
const COPY_BYTES = 16_384;

function commitTo(salt: Uint8Array, field: string, content: Uint8Array): string {
  if (content.length > COPY_BYTES) {
    return createHash("sha256")
      .update(prefixOf(salt, field, 0))
      .update(content)
      .digest("hex");
  }
  const input = prefixOf(salt, field, content.length);
  input.set(content, input.length - content.length);
  return hash("sha256", input);
}

/** What stands before the content, with room for so many bytes of it. */
function prefixOf(salt: Uint8Array, field: string, room: number): Buffer {
  const length = Buffer.byteLength(field);
  const at = COMMITMENT_DOMAIN.length + salt.length;
  const prefix = Buffer.allocUnsafe(at + 4 + length + room);
  prefix.set(COMMITMENT_DOMAIN);
  prefix.set(salt, COMMITMENT_DOMAIN.length);
  prefix.writeUInt32BE(length, at);
  prefix.write(field, at + 4);
  return prefix;
}

function hex32(text: string): Buffer | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, "hex") : undefined;
}
