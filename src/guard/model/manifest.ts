/**
 * The manifest of the weights: an in-toto Statement v1 whose subjects are the files with their SHA-256, signed with
 * Ed25519 in a DSSE envelope. It is checked before anything is read from a file, and each file's digest is that of the
 * very bytes that are used.
 *
 * @module
 */

import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import {
  decodeEnvelope,
  decodeStatement,
  encodeStatement,
  openEnvelope,
  signEnvelope,
  statement,
  STATEMENT_MEDIA_TYPE,
  type Envelope,
  type Signer,
  type Verifier,
} from "../../core/index.ts";
import { modelError } from "./errors.ts";

/** The predicate says which version of the weights it is; what they are is in their subjects and their card. */
export const WEIGHTS_PREDICATE = "https://holdfast.dev/weights/v1";

export const MANIFEST_FILE = "manifest.json";

/** What the classifier reads. A manifest may name more: a card, a licence. */
export const WEIGHT_FILES = ["model.json", "cheap.bin", "tokenizer.json", "model.onnx"] as const;

export type WeightFile = (typeof WEIGHT_FILES)[number];

/** File to lower-case hexadecimal SHA-256. */
export type Digests = Readonly<Record<WeightFile, string>>;

/** Signs a manifest of `files`. The key id is the SHA-256 of the public key. */
export async function signManifest(
  files: readonly { readonly name: string; readonly sha256: string }[],
  version: string,
  key: KeyObject,
): Promise<Envelope> {
  const subjects = files.map(({ name, sha256 }) => ({ name, digest: { sha256 } }));
  const payload = encodeStatement(statement(subjects, WEIGHTS_PREDICATE, { version }));
  const signer: Signer = { keyid: keyIdOf(publicKeyOf(key)), sign: (bytes) => sign(null, bytes, key) };
  return signEnvelope(STATEMENT_MEDIA_TYPE, payload, signer);
}

/**
 * The digests that the manifest `bytes` vouch for.
 *
 * 1. The bytes are a DSSE envelope of an in-toto statement.
 * 2. A signature of it verifies with one of `keys` (SPKI, DER, base64).
 * 3. The statement is about weights.
 * 4. It names every file that the classifier reads, once, with a SHA-256.
 *
 * @throws `guard.model-untrusted`
 */
export async function openManifest(bytes: Uint8Array, keys: readonly string[]): Promise<Digests> {
  let digests: Partial<Record<WeightFile, string>>;
  try {
    const payload = await openEnvelope(decodeEnvelope(bytes), STATEMENT_MEDIA_TYPE, keys.map(verifierOf));
    digests = digestsIn(payload);
  } catch (cause) {
    throw modelError("guard.model-untrusted", { detail: "the manifest", cause });
  }
  for (const name of WEIGHT_FILES) {
    if (digests[name] === undefined) throw modelError("guard.model-untrusted", { detail: `no digest of ${name}` });
  }
  return digests as Digests;
}

/** @throws `guard.model-untrusted` when `bytes` are not what the manifest vouches for */
export function checkDigest(name: WeightFile, bytes: Uint8Array, expected: string): void {
  if (sha256(bytes) !== expected) throw modelError("guard.model-untrusted", { detail: `${name} was changed` });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** How a public key is pinned. */
export function publicKeyOf(key: KeyObject): string {
  const half = key.type === "public" ? key : createPublicKey(key);
  return half.export({ type: "spki", format: "der" }).toString("base64");
}

function keyIdOf(publicKey: string): string {
  return sha256(Buffer.from(publicKey, "base64"));
}

function verifierOf(publicKey: string): Verifier {
  const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
  return { keyid: keyIdOf(publicKey), verify: (bytes, signature) => verify(null, bytes, key, signature) };
}

function digestsIn(payload: Uint8Array): Partial<Record<WeightFile, string>> {
  const { predicateType, subject } = decodeStatement(payload);
  if (predicateType !== WEIGHTS_PREDICATE) throw new TypeError("a statement about something else");
  const digests: Partial<Record<WeightFile, string>> = {};
  for (const { name, digest } of subject) {
    const file = WEIGHT_FILES.find((one) => one === name);
    if (file === undefined) continue;
    if (digests[file] !== undefined) throw new TypeError(`${file} is there twice`);
    const value = digest?.["sha256"];
    if (value === undefined || !/^[0-9a-f]{64}$/.test(value)) throw new TypeError(`no SHA-256 of ${file}`);
    digests[file] = value;
  }
  return digests;
}
