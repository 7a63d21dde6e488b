/**
 * What asks services of Sigstore. Signs by the method `sigstore`: a key that lives for one signature, a certificate for it from Fulcio in exchange for an
 * identity token, and an entry in the log of Rekor. Opens connections to these services, through `@sigstore/sign`, and
 * sends them the token, the public key and the signed statement, which names the files and their digests: the log keeps
 * its digest. The model itself stays here.
 *
 * @module
 */

import { bundleToJSON } from "@sigstore/bundle";
import {
  DEFAULT_FULCIO_URL,
  DEFAULT_REKOR_URL,
  DSSEBundleBuilder,
  FulcioSigner,
  RekorWitness,
  TSAWitness,
} from "@sigstore/sign";
import { PAYLOAD_TYPE } from "./bundle.ts";
import { signError } from "./errors.ts";
import type { SigningMethod } from "./sign.ts";

/** Milliseconds that one service may take: a log may wait for its next checkpoint. */
const TIMEOUT_MS = 30_000;
const RETRIES = 2;

const COMMON = { timeout: TIMEOUT_MS, retry: RETRIES };

/** Makes bundles of statements. @throws (the function returned) `models.sigstore-failed` */
export function signerBySigstore(
  method: SigningMethod & { method: "sigstore" },
): (statement: Uint8Array) => Promise<Uint8Array> {
  const { identityToken, fulcioUrl, rekorUrl, timestampUrl } = method;
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      ...COMMON,
      fulcioBaseURL: fulcioUrl ?? DEFAULT_FULCIO_URL,
      identityProvider: { getToken: () => Promise.resolve(identityToken.reveal()) },
    }),
    witnesses: [
      new RekorWitness({ ...COMMON, rekorBaseURL: rekorUrl ?? DEFAULT_REKOR_URL, entryType: "dsse" }),
      ...(timestampUrl === undefined ? [] : [new TSAWitness({ ...COMMON, tsaBaseURL: timestampUrl })]),
    ],
  });
  return async (statement) => {
    try {
      const bundle = await builder.create({ data: Buffer.from(statement), type: PAYLOAD_TYPE });
      return Buffer.from(JSON.stringify(bundleToJSON(bundle)), "utf8");
    } catch (error) {
      throw failure(error);
    }
  };
}

/**
 * The RFC 3161 response of the timestamp authority at `url` about a signature, DER. It gets the signature's digest.
 *
 * @throws `models.sigstore-failed`
 */
export async function timestampBy(url: string, signature: Uint8Array): Promise<Buffer> {
  const envelope = { payload: Buffer.alloc(0), payloadType: PAYLOAD_TYPE };
  const dsseEnvelope = { ...envelope, signatures: [{ sig: Buffer.from(signature), keyid: "" }] };
  try {
    const answer = await new TSAWitness({ ...COMMON, tsaBaseURL: url }).testify({
      $case: "dsseEnvelope",
      dsseEnvelope,
    });
    return Buffer.concat(answer.rfc3161Timestamps.map(({ signedTimestamp }) => signedTimestamp));
  } catch (error) {
    throw failure(error);
  }
}

/** The library's message may quote the token, so only its code is passed on, and no cause. */
function failure(error: unknown): Error {
  const code = (error as { code?: unknown }).code;
  return signError("models.sigstore-failed", typeof code === "string" ? { detail: code } : {});
}
