/**
 * Verifies signatures by the method `sigstore`: a certificate of ten minutes that an authority gave to an identity, and
 * a transparency log that saw the signature in that time (OMS v1.0 section 8.2).
 *
 * Offline: keys and certificates of authorities and logs come from a trusted root, which the package `@sigstore/tuf`
 * ships for the public instance. The checks themselves are those of `@sigstore/verify`; what stands here is whose
 * signature it must be, and what to say when it is not.
 *
 * @module
 */

import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, VerificationError, Verifier } from "@sigstore/verify";
import { DEFAULT_JSON_LIMITS, isHoldfastError, parseJson } from "../../core/index.ts";
import type { Bundle } from "./bundle.ts";
import { signError, type Rejection } from "./errors.ts";
import { readObject, readText } from "./fields.ts";
import type { Signer, Trust } from "./verify.ts";

/**
 * Verifies the signature of `bundle`.
 *
 * 1. Certificate, timestamps and the inclusion in the log, against the trusted root; then the signature.
 * 2. The certificate belongs to the identity, and the issuer vouched for it.
 *
 * @throws `models.trusted-root-unusable`, and the rejections of a signature
 */
export async function checkSigstore(bundle: Bundle, trust: Trust & { method: "sigstore" }): Promise<Signer> {
  const verifier = new Verifier(toTrustMaterial(await trustedRootOf(trust.trustedRoot)));
  let signer: ReturnType<Verifier["verify"]>;
  try {
    signer = verifier.verify(toSignedEntity(bundleFromJSON(bundle.json)));
  } catch (cause) {
    throw rejectionOf(cause);
  }
  const identity = signer.identity?.subjectAlternativeName;
  const issuer = signer.identity?.extensions?.issuer;
  if (identity === undefined || issuer === undefined) {
    throw signError("models.identity-mismatch", { detail: "the certificate names no identity or no issuer" });
  }
  if (identity !== trust.identity || issuer !== trust.issuer) {
    const detail = `${JSON.stringify(identity)}, vouched for by ${JSON.stringify(issuer)}`;
    throw signError("models.identity-mismatch", { detail });
  }
  return { method: "sigstore", identity, issuer };
}

const PUBLIC_INSTANCE = "https://tuf-repo-cdn.sigstore.dev";

async function trustedRootOf(json: string | undefined): Promise<TrustedRoot> {
  try {
    const given = readObject(parseJson(json ?? (await shippedRoot()), DEFAULT_JSON_LIMITS), "the trusted root");
    // The Python tool takes a client trust configuration, which holds the root among other things.
    const root = readObject(given["trustedRoot"] ?? given, "the trusted root");
    if (!readText(root["mediaType"], "mediaType").startsWith("application/vnd.dev.sigstore.trustedroot")) {
      throw new TypeError("another media type");
    }
    return TrustedRoot.fromJSON(root);
  } catch (cause) {
    throw signError(
      "models.trusted-root-unusable",
      isHoldfastError(cause) ? { cause, detail: cause.message } : { cause },
    );
  }
}

/** The package's start of trust: files of the public instance in base64, by their names. */
async function shippedRoot(): Promise<string> {
  const { default: seeds } = await import("@sigstore/tuf/seeds.json", { with: { type: "json" } });
  return Buffer.from(seeds[PUBLIC_INSTANCE].targets["trusted_root.json"], "base64").toString("utf8");
}

/** What the library's errors mean for whoever verifies a model. */
function rejectionOf(cause: unknown): Error {
  if (cause instanceof VerificationError) return signError(codeOf(cause.code), { detail: cause.message, cause });
  // What is left are fields that are missing or cannot be read.
  const detail = cause instanceof Error ? (cause.message.split("\n")[0] ?? "").slice(0, 200) : "unknown";
  return signError("models.signature-malformed", { detail, cause });
}

function codeOf(code: VerificationError["code"]): Rejection {
  switch (code) {
    case "TLOG_ERROR":
    case "TLOG_BODY_ERROR":
    case "TLOG_INCLUSION_PROMISE_ERROR":
    case "TLOG_INCLUSION_PROOF_ERROR":
    case "TLOG_MISSING_INCLUSION_ERROR":
      return "models.not-in-log";
    case "CERTIFICATE_ERROR":
    case "PUBLIC_KEY_ERROR":
      return "models.certificate-untrusted";
    case "TIMESTAMP_ERROR":
      return "models.timestamp-invalid";
    case "SIGNATURE_ERROR":
      return "models.signature-invalid";
    default:
      return "models.signature-malformed";
  }
}
