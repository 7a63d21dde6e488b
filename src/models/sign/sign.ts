/**
 * Signs models (OMS v1.0 section 6): the manifest, a statement about it, a signature of the statement, and all of it in a
 * bundle that the Python and Go tools verify.
 *
 * @module
 */

import type { KeyObject } from "node:crypto";
import type { Secret } from "../../core/index.ts";
import { writeBundle } from "./bundle.ts";
import { readCertificates } from "./certificate.ts";
import { signError } from "./errors.ts";
import { hintOf, readPrivateKey, readPublicKey, signPayload } from "./key.ts";
import { hashModel, type Manifest, type ManifestOptions } from "./manifest.ts";
import { writeStatement } from "./statement.ts";

/** What to sign with. */
export type SigningMethod =
  | ({ readonly method: "key" } & PrivateKey)
  | ({
      readonly method: "certificate";
      /** The certificate of the key, PEM. */
      readonly certificate: string;
      /** Certificates that lead from it to the verifier's trusted ones, PEM. */
      readonly chain?: string;
      /** A timestamp authority, by whose answer the signature outlives the certificate. */
      readonly timestampUrl?: string;
    } & PrivateKey)
  | ({
      readonly method: "sigstore";
      /** An OpenID Connect token of the signer, made for the audience `sigstore`. */
      readonly identityToken: Secret;
    } & SigstoreServices);

interface PrivateKey {
  /** PEM. */
  readonly privateKey: Secret;
  readonly passphrase?: Secret;
}

/** Where Sigstore's services are. Default: the public instance. */
export interface SigstoreServices {
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  /** A timestamp authority, asked in addition to the log. */
  readonly timestampUrl?: string;
}

export interface SignOptions extends ManifestOptions {
  /** Names a single file `.`, as the Python tool does, which verifies such a model only under that name. */
  readonly pythonSingleFile?: boolean;
}

export interface SignedModel {
  /** The bytes of the signature file. */
  readonly bundle: Uint8Array;
  readonly manifest: Manifest;
}

/**
 * Hashes and signs the model at `path`. Where the signature will lie inside the model, its path belongs into
 * `ignorePaths`.
 *
 * @throws `models.key-unusable`, `models.certificate-unusable`, `models.sigstore-failed`, and what `hashModel` throws
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from "node:fs/promises";
 * import { makeKeyPair, signModel } from "holdfast/models";
 *
 * const folder = await mkdtemp("/tmp/model-");
 * await writeFile(`${folder}/weights.bin`, "weights");
 * const { privateKey } = makeKeyPair("P-256");
 * const options = { ignorePaths: ["model.sig"] };
 * const { bundle, manifest } = await signModel(folder, { method: "key", privateKey }, options);
 * await writeFile(`${folder}/model.sig`, bundle);
 * console.log(manifest.root);
 * ```
 */
export async function signModel(path: string, method: SigningMethod, options: SignOptions = {}): Promise<SignedModel> {
  // Keys are read first: a wrong passphrase is said before hours of hashing, not after them.
  const sign = await signerOf(method);
  const manifest = await hashModel(path, options);
  return { bundle: await sign(writeStatement(manifest, options)), manifest };
}

/** Makes a bundle of a statement. */
type Sign = (statement: Uint8Array) => Uint8Array | Promise<Uint8Array>;

async function signerOf(method: SigningMethod): Promise<Sign> {
  switch (method.method) {
    case "key": {
      const key = readPrivateKey(method.privateKey.reveal(), method.passphrase);
      const hint = hintOf(publicHalf(key));
      return (statement) => writeBundle({ method: "key", hint }, statement, signPayload(statement, key));
    }
    case "certificate": {
      const key = readPrivateKey(method.privateKey.reveal(), method.passphrase);
      const [leaf, ...others] = readCertificates(method.certificate);
      if (leaf === undefined || !leaf.x509.checkPrivateKey(key)) {
        throw signError("models.certificate-unusable", { detail: "the key is not that of the certificate" });
      }
      const chain = method.chain === undefined ? [] : readCertificates(method.chain);
      const certificates = [leaf, ...others, ...chain].map(({ x509 }) => x509.raw);
      const { timestampUrl } = method;
      return async (statement) => {
        const signature = signPayload(statement, key);
        const timestamp = timestampUrl === undefined ? {} : { timestamp: await timestampOf(timestampUrl, signature) };
        return writeBundle({ method: "certificate", certificates, ...timestamp }, statement, signature);
      };
    }
    default: {
      const { signerBySigstore } = await import("./sigstore-sign.ts");
      return signerBySigstore(method);
    }
  }
}

async function timestampOf(url: string, signature: Uint8Array): Promise<Uint8Array> {
  const { timestampBy } = await import("./sigstore-sign.ts");
  return timestampBy(url, signature);
}

function publicHalf(key: KeyObject): KeyObject {
  return readPublicKey(key.export({ type: "pkcs8", format: "pem" }));
}
