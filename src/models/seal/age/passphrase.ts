/**
 * Sealing with a passphrase: the file key is wrapped with a key that scrypt makes of it. scrypt runs on libuv's threads
 * and takes 256 MiB and about a second at the default work factor, and both double with each step, so that a stranger's
 * file may not ask for any.
 *
 * Source: C2SP age.md v1, «The scrypt recipient type»; RFC 7914.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { Stanza, type Identity, type Recipient } from "age-encryption";
import type { Secret } from "../../../core/index.ts";
import { sealError } from "../errors.ts";

export interface PassphraseOptions {
  /** Base-two logarithm of scrypt's work. Default 18, as the age command uses. */
  readonly workFactor?: number;
}

export interface PassphraseLimits {
  /** Highest work factor that is tried. Default 20: 1 GiB of memory. */
  readonly maxWorkFactor?: number;
}

/** First argument of the stanza. */
export const SCRYPT = "scrypt";

const LABEL = "age-encryption.org/v1/scrypt";
const SALT_BYTES = 16;
/** A wrapped file key: 16 bytes and the tag. */
const BODY_BYTES = 32;
const BLOCK = 8;
const NONCE = Buffer.alloc(12);
const OPTIONS = { authTagLength: 16 };

/** A recipient that nobody but who knows the passphrase opens. It stands alone in its file. */
export interface PassphraseRecipient extends Recipient {
  readonly alone: true;
}

/** Seals with a passphrase. */
export function passphraseRecipient(
  passphrase: Secret,
  { workFactor = 18 }: PassphraseOptions = {},
): PassphraseRecipient {
  return {
    alone: true,
    wrapFileKey: async (fileKey) => {
      const salt = randomBytes(SALT_BYTES);
      const cipher = createCipheriv("chacha20-poly1305", await derive(passphrase, salt, workFactor), NONCE, OPTIONS);
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      return [new Stanza([SCRYPT, unpadded(salt), String(workFactor)], body)];
    },
  };
}

/** Opens what was sealed with a passphrase. Its errors: `seal.header-invalid`, `seal.work-factor`. */
export function passphraseIdentity(passphrase: Secret, { maxWorkFactor = 20 }: PassphraseLimits = {}): Identity {
  return {
    unwrapFileKey: async (stanzas) => {
      const stanza = stanzas.find(({ args }) => args[0] === SCRYPT);
      if (stanza === undefined) return null;
      const [, saltText = "", factorText = "", ...more] = stanza.args;
      const salt = Buffer.from(saltText, "base64");
      if (more.length > 0 || salt.length !== SALT_BYTES || unpadded(salt) !== saltText) throw invalid();
      if (!/^[1-9][0-9]*$/.test(factorText) || stanza.body.length !== BODY_BYTES) throw invalid();
      const workFactor = Number(factorText);
      if (workFactor > maxWorkFactor) {
        throw sealError("seal.work-factor", { detail: `${factorText.slice(0, 20)}, the limit is ${maxWorkFactor}` });
      }
      const key = await derive(passphrase, salt, workFactor);
      const decipher = createDecipheriv("chacha20-poly1305", key, NONCE, OPTIONS);
      decipher.setAuthTag(stanza.body.subarray(16));
      try {
        return Buffer.concat([decipher.update(stanza.body.subarray(0, 16)), decipher.final()]);
      } catch {
        // Another passphrase.
        return null;
      }
    },
  };
}

async function derive(passphrase: Secret, salt: Uint8Array, workFactor: number): Promise<Buffer> {
  const cost = 2 ** workFactor;
  const run: (
    password: string,
    salt: Uint8Array,
    length: number,
    options: { N: number; r: number; p: number; maxmem: number },
  ) => Promise<Buffer> = promisify(scrypt);
  const salted = Buffer.concat([Buffer.from(LABEL), salt]);
  return await run(passphrase.reveal(), salted, 32, { N: cost, r: BLOCK, p: 1, maxmem: 128 * BLOCK * (cost + 16) });
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

function invalid(): Error {
  return sealError("seal.header-invalid", { detail: "a malformed scrypt stanza" });
}
