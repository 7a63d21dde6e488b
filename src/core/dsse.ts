/**
 * DSSE, the Dead Simple Signing Envelope v1.0.2: how a Statement is signed where it stands alone.
 *
 * The signature covers the payload's bytes and its type, never a re-serialisation of the payload (`protocol.md`).
 *
 * @module
 */

import { coreError } from "./errors.ts";
import { parseJson } from "./json.ts";

/** DSSE envelope, JSON form (`envelope.md`). `payload` and `sig` are base64. */
export interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid?: string; readonly sig: string }[];
}

/** A private key in use: where it lives and which algorithm it is belong to the caller. */
export interface Signer {
  readonly keyid: string;
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A public key in use. `keyid` is a hint for finding the key, not a security property (DSSE `protocol.md`). */
export interface Verifier {
  readonly keyid: string;
  verify(bytes: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>;
}

const utf8 = new TextEncoder();

/** Pre-authentication encoding: `DSSEv1 SP len(type) SP type SP len(body) SP body`, lengths in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8.encode(payloadType);
  const head = utf8.encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** Signs `payload` once. */
export async function signEnvelope(payloadType: string, payload: Uint8Array, signer: Signer): Promise<Envelope> {
  const signature = await signer.sign(preAuthEncoding(payloadType, payload));
  return {
    payload: toBase64(payload),
    payloadType,
    signatures: [{ keyid: signer.keyid, sig: toBase64(signature) }],
  };
}

/** Reads the JSON form of an envelope. @throws `core.evidence-invalid`, and the errors of `parseJson` */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const value = parseJson(bytes);
  if (!isEnvelope(value)) throw coreError("core.evidence-invalid", { detail: "not a DSSE envelope" });
  return value;
}

/**
 * The payload of an envelope, once at least one signature verifies with one of `verifiers`. As DSSE demands, the
 * bytes that were verified are the bytes returned.
 *
 * @throws `core.evidence-unsigned` when no signature verifies, `core.evidence-invalid` for another `payloadType`
 */
export async function openEnvelope(
  envelope: Envelope,
  payloadType: string,
  verifiers: readonly Verifier[],
): Promise<Uint8Array> {
  if (envelope.payloadType !== payloadType) {
    throw coreError("core.evidence-invalid", { detail: "another payload type than expected" });
  }
  const payload = fromBase64(envelope.payload);
  const signed = preAuthEncoding(payloadType, payload);
  for (const { sig } of envelope.signatures) {
    const signature = fromBase64(sig);
    for (const verifier of verifiers) {
      if (await verifier.verify(signed, signature)) return payload;
    }
  }
  throw coreError("core.evidence-unsigned");
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== "object" || value === null) return false;
  const { payload, payloadType, signatures } = value as Record<string, unknown>;
  return (
    typeof payload === "string" &&
    typeof payloadType === "string" &&
    Array.isArray(signatures) &&
    signatures.length > 0 &&
    signatures.every(
      (entry: unknown) =>
        typeof entry === "object" && entry !== null && typeof (entry as Record<string, unknown>)["sig"] === "string",
    )
  );
}

/** Standard base64 (RFC 4648 section 4). `core` may not use Node's Buffer; 8 KiB at a time keeps the stack small. */
function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

/** Verifiers accept both alphabets (`envelope.md`: "standard or URL-safe"). */
function fromBase64(text: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch (cause) {
    throw coreError("core.evidence-invalid", { detail: "bad base64", cause });
  }
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
