/**
 * Signatures by elliptic curve keys: ECDSA on P-256, P-384 and P-521 with the hash that belongs to the curve, in DER,
 * over the pre-authentication encoding of DSSE (OMS algorithm registry; DSSE v1.0.2 `protocol.md`).
 *
 * Version 0.2.0 of the Python tool signed something else by mistake: the encoding with another word in front, and in
 * place of the payload the text that Python prints for it. Such signatures are accepted for statements of that version
 * and for no others.
 *
 * @module
 */

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { preAuthEncoding, Secret } from "../../core/index.ts";
import { PAYLOAD_TYPE, type Bundle } from "./bundle.ts";
import { signError } from "./errors.ts";
import { LEGACY_PREDICATE_TYPE } from "./statement.ts";

/** Node's names of the curves, with the hash that belongs to each. */
const CURVES: ReadonlyMap<string, { readonly name: string; readonly hash: string }> = new Map([
  ["prime256v1", { name: "P-256", hash: "sha256" }],
  ["secp384r1", { name: "P-384", hash: "sha384" }],
  ["secp521r1", { name: "P-521", hash: "sha512" }],
]);

export const CURVE_NAMES = ["P-256", "P-384", "P-521"] as const;
export type CurveName = (typeof CURVE_NAMES)[number];

/** Reads a private key in PEM. @throws `models.key-unusable` */
export function readPrivateKey(pem: string | Uint8Array, passphrase?: Secret): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({
      key: Buffer.from(pem),
      format: "pem",
      ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }),
    });
  } catch {
    // The library's own words may quote the key.
    const detail = passphrase === undefined ? "no private key in PEM, or one with a passphrase" : "the passphrase";
    throw signError("models.key-unusable", { detail });
  }
  hashOf(key);
  return key;
}

/** Reads a public key in PEM. @throws `models.key-unusable` */
export function readPublicKey(pem: string | Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(pem), format: "pem" });
  } catch {
    throw signError("models.key-unusable", { detail: "no public key in PEM" });
  }
  hashOf(key);
  return key;
}

/** Makes a key pair, PKCS #8 and SPKI in PEM. */
export function makeKeyPair(curve: CurveName): { readonly privateKey: Secret; readonly publicKey: string } {
  const namedCurve = [...CURVES].find(([, { name }]) => name === curve)?.[0] ?? "prime256v1";
  const pair = generateKeyPairSync("ec", {
    namedCurve,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return { privateKey: new Secret(pair.privateKey), publicKey: pair.publicKey };
}

/** How a bundle names a public key: the SHA-256 of its PEM text, in lower-case hexadecimal. */
export function hintOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "pem" }))
    .digest("hex");
}

/** The signature of `payload`, DER. */
export function signPayload(payload: Uint8Array, key: KeyObject): Buffer {
  return sign(hashOf(key), preAuthEncoding(PAYLOAD_TYPE, payload), { key, dsaEncoding: "der" });
}

/** @throws `models.signature-wrong-key` when the bundle names another key */
export function checkHint(hint: string | undefined, key: KeyObject): void {
  const own = hintOf(key);
  if (hint !== undefined && hint !== own) {
    throw signError("models.signature-wrong-key", { detail: `signed with ${hint.slice(0, 64)}, verified with ${own}` });
  }
}

/**
 * Verifies the signature of a bundle.
 *
 * @throws `models.signature-invalid`
 */
export function checkSignature({ payload, signature, material }: Bundle, key: KeyObject): void {
  const hash = hashOf(key);
  if (verify(hash, preAuthEncoding(PAYLOAD_TYPE, payload), { key, dsaEncoding: "der" }, signature)) return;
  if (payload.includes(LEGACY_PREDICATE_TYPE)) {
    // With certificates, v0.2.0 hashed with SHA-256 whatever the curve.
    const legacyHash = material.method === "certificate" ? "sha256" : hash;
    if (verify(legacyHash, legacyEncoding(payload), { key, dsaEncoding: "der" }, signature)) return;
  }
  throw signError("models.signature-invalid");
}

/** @throws `models.key-unusable` for a key of another kind than OMS has */
function hashOf(key: KeyObject): string {
  const curve = CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? "");
  if (key.asymmetricKeyType !== "ec" || curve === undefined) {
    const kind = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? "unknown";
    throw signError("models.key-unusable", { detail: `it is of the kind ${kind}` });
  }
  return curve.hash;
}

/** What v0.2.0 signed in place of the encoding. */
function legacyEncoding(payload: Buffer): Buffer {
  return Buffer.from(
    `DSSEV1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} ${pythonText(payload)}`,
    "latin1",
  );
}

/** How Python prints bytes: `b'…'`, with escapes for all that is not printable ASCII. */
export function pythonText(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  let text = `b${quote}`;
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (char === "\\" || char === quote) text += `\\${char}`;
    else if (char === "\t") text += "\\t";
    else if (char === "\n") text += "\\n";
    else if (char === "\r") text += "\\r";
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, "0")}`;
    else text += char;
  }
  return text + quote;
}
