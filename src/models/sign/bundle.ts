/**
 * The file that holds a signature: a Sigstore bundle v0.3 with a DSSE envelope, as OMS v1.0 section 4 narrows it down.
 *
 * Which of three fields of `verificationMaterial` is there says by which method the model was signed. Bundles of earlier
 * versions are read too: a public key in full instead of its hint, a `keyid` of null, no `tlogEntries`.
 *
 * @module
 */

import { malformed, readBytes, readJson, readList, readObject, readText, type Fields } from "./fields.ts";
import { signError } from "./errors.ts";

export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** The most bytes of a bundle: the manifest of 1.5 million files has 250 MB in base64. */
export const MAX_BUNDLE_BYTES = 320 * 1024 * 1024;

/** Certificates of one chain. */
const MAX_CERTIFICATES = 16;

/** Timestamps of one signature. */
const MAX_TIMESTAMPS = 16;

type Material =
  | {
      readonly method: "key";
      /** SHA-256 of the public key's PEM, or undefined in bundles from before v1.1.0. */
      readonly hint: string | undefined;
    }
  | {
      readonly method: "certificate";
      /** DER, the leaf first. */
      readonly certificates: readonly [Buffer, ...Buffer[]];
    }
  | { readonly method: "sigstore" };

export interface Bundle {
  readonly material: Material;
  /** The bytes of the statement. */
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** RFC 3161 responses, DER. */
  readonly timestamps: readonly Buffer[];
  /** The whole file as JSON, for the method `sigstore`, whose fields its own library reads. */
  readonly json: Fields;
}

/**
 * Reads a bundle. Nothing of it is verified.
 *
 * @throws `models.signature-malformed`, `models.signature-unsupported`
 */
export function readBundle(bytes: Uint8Array): Bundle {
  if (bytes.length === 0) throw malformed("the file is empty");
  const json = readObject(readJson(bytes, "the bundle", { maxBytes: MAX_BUNDLE_BYTES, maxDepth: 32 }), "the bundle");
  const mediaType = readText(json["mediaType"], "mediaType");
  if (mediaType !== BUNDLE_MEDIA_TYPE) throw unsupported("the media type", mediaType);

  const material = readObject(json["verificationMaterial"], "verificationMaterial");
  const envelope = readObject(json["dsseEnvelope"], "dsseEnvelope");
  const payloadType = readText(envelope["payloadType"], "payloadType");
  if (payloadType !== PAYLOAD_TYPE) throw unsupported("the payload type", payloadType);
  const signatures = readList(envelope["signatures"], "signatures");
  if (signatures.length !== 1) throw malformed(`there are ${signatures.length} signatures instead of one`);
  const signature = readObject(signatures[0], "signatures[0]");
  const keyid = signature["keyid"];
  if (keyid !== undefined && keyid !== null && typeof keyid !== "string") throw malformed("keyid is no text");

  return {
    material: readMaterial(material),
    payload: readBytes(envelope["payload"], "payload"),
    signature: readBytes(signature["sig"], "sig"),
    timestamps: readTimestamps(material["timestampVerificationData"]),
    json,
  };
}

/** What a signer puts into `verificationMaterial`. */
export type SignedMaterial =
  | { readonly method: "key"; readonly hint: string }
  | {
      readonly method: "certificate";
      readonly certificates: readonly Uint8Array[];
      /** RFC 3161 response about the signature, DER. */
      readonly timestamp?: Uint8Array;
    };

/** Writes a bundle for the methods `key` and `certificate`. */
export function writeBundle(material: SignedMaterial, payload: Uint8Array, signature: Uint8Array): Uint8Array {
  const timestamp = material.method === "certificate" ? material.timestamp : undefined;
  const content =
    material.method === "key"
      ? { publicKey: { hint: material.hint } }
      : { x509CertificateChain: { certificates: material.certificates.map((der) => ({ rawBytes: base64(der) })) } };
  const bundle = {
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: {
      ...content,
      tlogEntries: [],
      ...(timestamp === undefined
        ? {}
        : { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: base64(timestamp) }] } }),
    },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: base64(signature), keyid: "" }],
    },
  };
  return Buffer.from(JSON.stringify(bundle), "utf8");
}

function readMaterial(material: Fields): Material {
  const kinds = ["publicKey", "x509CertificateChain", "certificate"].filter((name) => Object.hasOwn(material, name));
  if (kinds.length !== 1) throw malformed("verificationMaterial must have one kind of key or certificate");
  switch (kinds[0]) {
    case "publicKey": {
      const key = readObject(material["publicKey"], "publicKey");
      const hint = key["hint"];
      if (hint === undefined || hint === null || hint === "") {
        readBytes(key["rawBytes"], "publicKey.rawBytes");
        return { method: "key", hint: undefined };
      }
      return { method: "key", hint: readText(hint, "publicKey.hint") };
    }
    case "x509CertificateChain": {
      const chain = readObject(material["x509CertificateChain"], "x509CertificateChain");
      const [leaf, ...others] = readList(chain["certificates"], "certificates").map((entry, index) => {
        if (index >= MAX_CERTIFICATES) throw malformed(`more than ${MAX_CERTIFICATES} certificates`);
        const where = `certificates[${index}]`;
        return readBytes(readObject(entry, where)["rawBytes"], `${where}.rawBytes`);
      });
      if (leaf === undefined) throw malformed("there is no certificate");
      return { method: "certificate", certificates: [leaf, ...others] };
    }
    default: {
      readBytes(readObject(material["certificate"], "certificate")["rawBytes"], "certificate.rawBytes");
      // OMS section 4.1: the transparency log is what makes a certificate of ten minutes worth anything.
      if (readList(material["tlogEntries"], "tlogEntries").length === 0) throw malformed("tlogEntries is empty");
      return { method: "sigstore" };
    }
  }
}

function readTimestamps(data: unknown): Buffer[] {
  if (data === undefined || data === null) return [];
  const list = readObject(data, "timestampVerificationData")["rfc3161Timestamps"] ?? [];
  const timestamps = readList(list, "rfc3161Timestamps");
  if (timestamps.length > MAX_TIMESTAMPS) throw malformed(`more than ${MAX_TIMESTAMPS} timestamps`);
  return timestamps.map((entry) => {
    return readBytes(readObject(entry, "rfc3161Timestamps")["signedTimestamp"], "signedTimestamp");
  });
}

function unsupported(what: string, value: string): Error {
  return signError("models.signature-unsupported", { detail: `${what} ${JSON.stringify(value.slice(0, 100))}` });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
