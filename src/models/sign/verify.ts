/**
 * Verifies that a model is the one that somebody signed, and that this somebody is the one that the verifier trusts.
 *
 * What comes out is a report. It says of a model that is rejected every reason, with the file where it is about one:
 * «mismatch» alone helps nobody. Only what keeps the verifier from doing its work is thrown.
 *
 * @module
 */

import type { KeyObject, X509Certificate } from "node:crypto";
import { isHoldfastError, type HoldfastError } from "../../core/index.ts";
import { readBundle, type Bundle } from "./bundle.ts";
import { checkChain, readCertificate, readCertificates } from "./certificate.ts";
import { compareModel, type CompareOptions, type Problem } from "./compare.ts";
import { REJECTIONS, signError, type Rejection } from "./errors.ts";
import { checkHint, checkSignature, hintOf, readPublicKey } from "./key.ts";
import { rootOf, type Serialization } from "./manifest.ts";
import { readStatement, type SignedManifest } from "./statement.ts";
import { sortByBytes } from "./walk.ts";

/** Whose signatures are trusted. */
export type Trust =
  | {
      readonly method: "key";
      /** PEM. */
      readonly publicKey: string;
    }
  | {
      readonly method: "certificate";
      /** Trusted certificates, PEM: those of the authorities, or of the signer itself. */
      readonly trusted: string;
      /** Certificates of timestamp authorities, PEM. Without, timestamps of the signature count for nothing. */
      readonly timestampAuthorities?: string;
    }
  | {
      readonly method: "sigstore";
      /** Who signed: the e-mail address or the URI of the certificate. */
      readonly identity: string;
      /** Who vouched for the identity: the URL of the OpenID Connect issuer. */
      readonly issuer: string;
      /** A trusted root, JSON. Default: that of the public Sigstore instance, as known when this version was released. */
      readonly trustedRoot?: string;
    };

export interface VerifyOptions extends CompareOptions {
  /** Default: now. */
  readonly at?: Date;
}

/** Who made a signature, once it has been verified. */
export type Signer =
  | { readonly method: "key"; readonly hint: string }
  | {
      readonly method: "certificate";
      readonly subject: string;
      /** SHA-256 of the certificate, upper-case hexadecimal with colons. */
      readonly fingerprint: string;
      /** When a trusted timestamp authority saw the signature. */
      readonly timestamp?: string;
    }
  | { readonly method: "sigstore"; readonly identity: string; readonly issuer: string };

export interface VerifyReport {
  readonly verified: boolean;
  /** Why not: empty exactly when `verified`. */
  readonly problems: readonly Problem[];
  /** Undefined as long as the signature itself is rejected, as is all that follows. */
  readonly signer?: Signer;
  /** What was signed. */
  readonly signed?: {
    /** The subject's name: informational. */
    readonly name: string | undefined;
    /** The subject's digest, over the files in the order in which the signer listed them. */
    readonly root: string;
    readonly serialization: Serialization;
    readonly files: number;
    /** Whether it has the format of v0.2.0, which signs neither a name nor a root. */
    readonly legacy: boolean;
  };
  /** The root digest of the signed files as `hashModel` computes it. */
  readonly root?: string;
  /** Bytes that were hashed. */
  readonly size: number;
  /** What was there and need not be signed, relative to the root. A folder stands for all in it. */
  readonly ignored: readonly string[];
  /** Files that are not signed and were tolerated. */
  readonly unsigned: readonly string[];
}

/**
 * Verifies the model at `path` against the bytes of a signature.
 *
 * 1. Parse the bundle (OMS section 8.1).
 * 2. Verify the signature with what is trusted, by the method that the bundle says (8.2).
 * 3. Read the statement from the bytes that were verified (8.3).
 * 4. Compare the model with the statement (8.4), each file read once.
 *
 * @throws `models.trust-missing`, `models.key-unusable`, `models.certificate-unusable`, and what `hashModel` throws
 *   about files that cannot be read
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from "node:fs/promises";
 * import { makeKeyPair, signModel, verifyModel } from "holdfast/models";
 *
 * const folder = await mkdtemp("/tmp/model-");
 * await writeFile(`${folder}/weights.bin`, "weights");
 * const { privateKey, publicKey } = makeKeyPair("P-256");
 * const { bundle } = await signModel(folder, { method: "key", privateKey });
 *
 * await writeFile(`${folder}/weights.bin`, "others");
 * const report = await verifyModel(folder, bundle, { method: "key", publicKey });
 * console.log(report.verified, report.problems); // false [{ code: "models.signed-file-changed", file: "weights.bin" }]
 * ```
 */
export async function verifyModel(
  path: string,
  bundle: Uint8Array,
  trust: Trust,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  let signer: Signer;
  let manifest: SignedManifest;
  try {
    const parsed = readBundle(bundle);
    signer = await checkSigner(parsed, trust, options.at ?? new Date());
    manifest = readStatement(parsed.payload);
  } catch (error) {
    if (!isRejection(error)) throw error;
    const { code, detail } = error;
    const problem = detail === undefined ? { code } : { code, detail };
    return { verified: false, problems: [problem], size: 0, ignored: [], unsigned: [] };
  }
  const { name, root, serialization, files, legacy } = manifest;
  const compared = await compareModel(path, manifest, options);
  return {
    verified: compared.problems.length === 0,
    signer,
    signed: { name, root, serialization, files: files.size, legacy },
    root: canonicalRoot(manifest),
    ...compared,
  };
}

async function checkSigner(bundle: Bundle, trust: Trust, now: Date): Promise<Signer> {
  const { material } = bundle;
  if (material.method !== trust.method) {
    const detail = `it was made by the method ${material.method}, not ${trust.method}`;
    throw signError("models.signature-other-method", { detail });
  }
  switch (trust.method) {
    case "key": {
      const key = readPublicKey(trust.publicKey);
      checkHint(material.method === "key" ? material.hint : undefined, key);
      checkSignature(bundle, key);
      return { method: "key", hint: hintOf(key) };
    }
    case "certificate":
      return checkCertificateSigner(bundle, trust, now);
    default: {
      const { checkSigstore } = await import("./sigstore-verify.ts");
      return checkSigstore(bundle, trust);
    }
  }
}

async function checkCertificateSigner(
  bundle: Bundle,
  trust: Trust & { method: "certificate" },
  now: Date,
): Promise<Signer> {
  const trusted = readCertificates(trust.trusted);
  const chain = bundle.material.method === "certificate" ? bundle.material.certificates : [];
  const [leaf, ...others] = chain.map(readCertificate);
  if (leaf === undefined) throw signError("models.signature-malformed", { detail: "there is no certificate" });
  checkSignature(bundle, signingKeyOf(leaf.x509));
  const timestamp = await timestampOf(bundle, trust.timestampAuthorities);
  checkChain(leaf, others, trusted, timestamp ?? now);
  return {
    method: "certificate",
    subject: leaf.subject,
    fingerprint: leaf.x509.fingerprint256,
    ...(timestamp === undefined ? {} : { timestamp: timestamp.toISOString() }),
  };
}

function signingKeyOf(certificate: X509Certificate): KeyObject {
  try {
    return readPublicKey(certificate.publicKey.export({ type: "spki", format: "pem" }));
  } catch (cause) {
    throw signError("models.signature-unsupported", { detail: "the key of the certificate", cause });
  }
}

async function timestampOf(
  { timestamps, signature }: Bundle,
  authorities: string | undefined,
): Promise<Date | undefined> {
  if (authorities === undefined || timestamps.length === 0) return undefined;
  const { readTimestamps } = await import("./timestamp.ts");
  return readTimestamps(timestamps, signature, readCertificates(authorities));
}

/** The signer may have listed the files in another order. */
function canonicalRoot({ files, serialization }: SignedManifest): string {
  const resources = [...files.values()].flatMap(({ name, size = 0, digests }) => {
    if (serialization.method === "files") return digests.map((digest) => ({ name, digest }));
    const { shardSize } = serialization;
    return digests.map((digest, index) => {
      const from = index * shardSize;
      return { name: `${name}:${from}:${Math.min(from + shardSize, size)}`, digest };
    });
  });
  return rootOf(sortByBytes(resources, ({ name }) => name));
}

function isRejection(error: unknown): error is HoldfastError<Rejection> {
  return isHoldfastError(error) && REJECTIONS.some((code) => code === error.code);
}
