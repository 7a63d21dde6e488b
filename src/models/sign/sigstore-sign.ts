/**
 * Signs by the method `sigstore`: a key that lives for one signature, a certificate for it from Fulcio in exchange for an
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

/** Makes bundles of statements. @throws (the function returned) `models.sigstore-failed` */
export function signerBySigstore(
  method: SigningMethod & { method: "sigstore" },
): (statement: Uint8Array) => Promise<Uint8Array> {
  const common = { timeout: TIMEOUT_MS, retry: RETRIES };
  const { identityToken, fulcioUrl, rekorUrl, timestampUrl } = method;
  const builder = new DSSEBundleBuilder({
    signer: new FulcioSigner({
      ...common,
      fulcioBaseURL: fulcioUrl ?? DEFAULT_FULCIO_URL,
      identityProvider: { getToken: () => Promise.resolve(identityToken.reveal()) },
    }),
    witnesses: [
      new RekorWitness({ ...common, rekorBaseURL: rekorUrl ?? DEFAULT_REKOR_URL, entryType: "dsse" }),
      ...(timestampUrl === undefined ? [] : [new TSAWitness({ ...common, tsaBaseURL: timestampUrl })]),
    ],
  });
  return async (statement) => {
    try {
      const bundle = await builder.create({ data: Buffer.from(statement), type: PAYLOAD_TYPE });
      return Buffer.from(JSON.stringify(bundleToJSON(bundle)), "utf8");
    } catch (error) {
      // The library's message may quote the token, so only its code is passed on, and no cause.
      const code = (error as { code?: unknown }).code;
      throw signError("models.sigstore-failed", typeof code === "string" ? { detail: code } : {});
    }
  };
}
