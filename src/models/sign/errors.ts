/**
 * Error codes of signing: what keeps a model from being hashed, signed or verified at all, and why a signature is
 * rejected. Inside, a rejection is thrown like any error; `verifyModel` puts it into its report.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../core/index.ts";

export const SignErrors = {
  "models.model-missing": {
    what: "there is no model at this path",
    hint: "name the model's folder, or its file",
    exit: Exit.usage,
  },
  "models.model-empty": {
    what: "the model has no file to hash",
    hint: "check the path and the ignored paths; with shards, files without bytes do not count",
  },
  "models.symlink": {
    what: "the model holds a symbolic link",
    hint: "put the file itself in its place: what a link points to can change after signing",
  },
  "models.special-file": {
    what: "the model holds something that is neither a file nor a folder",
    hint: "remove the pipe, socket or device, or ignore its path",
  },
  "models.name-not-utf8": {
    what: "a file of the model has a name that is not valid UTF-8",
    hint: "rename it: such a name cannot stand in a manifest (OMS section 6.1.2)",
  },
  "models.too-many-files": {
    what: "the model has more files or shards than the limit",
    hint: "use larger shards, or ignore the folders that are not part of the model",
  },
  "models.file-unreadable": {
    what: "a file of the model could not be read",
    hint: "check the permissions and the disk",
  },
  "models.file-changed": {
    what: "a file of the model changed while it was hashed",
    hint: "wait until whatever writes it has ended, then try again",
  },
  "models.ignore-path-invalid": {
    what: "an ignored path is not one that a manifest may name",
    hint: "give a path inside the model, with `/` between names, without `..` and without * ? [",
    exit: Exit.usage,
  },
  "models.hash-unsupported": {
    what: "this hash algorithm is not supported",
    hint: "use sha256, blake2b or blake3",
    exit: Exit.usage,
  },
  "models.shard-size-invalid": {
    what: "the size of shards is not a positive whole number of bytes",
    hint: "leave it out for shards of 1,000,000,000 bytes",
    exit: Exit.usage,
  },
  "models.hashing-failed": {
    what: "a thread that hashes files ended",
    hint: "try again; if it ends again, check that the process has enough memory",
  },
  "models.key-unusable": {
    what: "the key cannot be used for signing models",
    hint: "use an elliptic curve key on P-256, P-384 or P-521, in PEM; `holdfast model keygen` makes one",
    exit: Exit.usage,
  },
  "models.certificate-unusable": {
    what: "the certificate cannot be used",
    hint: "give certificates in PEM; the signing certificate must belong to the key",
    exit: Exit.usage,
  },
  "models.trusted-root-unusable": {
    what: "the trusted root cannot be read",
    hint: "give a trusted root or a client trust configuration of Sigstore, in JSON",
    exit: Exit.usage,
  },
  "models.trust-missing": {
    what: "nothing says which signatures are trusted",
    hint: "name the signer: --key, or --trust with root certificates, or --identity with --issuer",
    exit: Exit.usage,
  },
  "models.signature-missing": {
    what: "there is no signature at this path",
    hint: "name it with --signature",
    exit: Exit.usage,
  },
  "models.signature-unwritable": {
    what: "the signature could not be written",
    hint: "check that the folder is there and may be written to",
  },
  "models.sigstore-failed": {
    what: "the signing service did not sign",
    hint: "check the network, and that the identity token is fresh and made for the audience `sigstore`",
  },
  "models.signature-malformed": {
    what: "the file is not a signature of a model",
    hint: "fetch it again from whoever signed the model: it is damaged, or something else",
    exit: Exit.findings,
  },
  "models.signature-unsupported": {
    what: "the signature is of a kind that is not supported",
    hint: "have the model signed again in the format of OpenSSF Model Signing v1.0",
    exit: Exit.findings,
  },
  "models.signature-other-method": {
    what: "the signature was made by another method than the one it is verified with",
    hint: "verify it with what it was signed with: a key, a certificate, or an identity",
    exit: Exit.findings,
  },
  "models.signature-wrong-key": {
    what: "the signature was made with another key",
    hint: "verify with the public key of whoever signed; if that is the one you gave, somebody else signed this",
    exit: Exit.findings,
  },
  "models.signature-invalid": {
    what: "the signature does not verify with the key",
    hint: "do not use the model: what was signed was altered, or the key is not the signer's",
    exit: Exit.findings,
  },
  "models.root-mismatch": {
    what: "the signed root digest is not that of the signed files",
    hint: "do not use the model: whoever signed it vouched for something that does not fit together",
    exit: Exit.findings,
  },
  "models.certificate-untrusted": {
    what: "the signer's certificate does not lead to a trusted one",
    hint: "give the root certificate of the signer's authority; if that is what you gave, somebody else signed this",
    exit: Exit.findings,
  },
  "models.certificate-expired": {
    what: "a certificate of the signer has expired, and no trusted timestamp says that it was valid when it signed",
    hint: "have the model signed again with a valid certificate",
    exit: Exit.findings,
  },
  "models.certificate-not-yet-valid": {
    what: "a certificate of the signer is not valid yet",
    hint: "check the clock of this machine; if it is right, ask whoever signed",
    exit: Exit.findings,
  },
  "models.certificate-not-for-signing": {
    what: "the signer's certificate was not issued for signing",
    hint: "have the model signed with a certificate for digital signatures or code signing",
    exit: Exit.findings,
  },
  "models.identity-mismatch": {
    what: "the model was signed by somebody else",
    hint: "check the identity and the issuer that you expect; if they are right, do not use the model",
    exit: Exit.findings,
  },
  "models.not-in-log": {
    what: "the transparency log does not vouch for the signature",
    hint: "have the model signed again; a newer trusted root may know the log, give it with --trusted-root",
    exit: Exit.findings,
  },
  "models.timestamp-invalid": {
    what: "the timestamp of the signature does not verify",
    hint: "have the model signed again",
    exit: Exit.findings,
  },
  "models.signed-file-changed": {
    what: "a file is not the one that was signed",
    hint: "fetch it again; if that does not help, do not use the model",
    exit: Exit.findings,
  },
  "models.signed-file-missing": {
    what: "a signed file is missing",
    hint: "fetch the model again",
    exit: Exit.findings,
  },
  "models.signed-file-ignored": {
    what: "a signed file is ignored here, so that nothing says whether it was changed",
    hint: "do not ignore it",
    exit: Exit.findings,
  },
  "models.file-unsigned": {
    what: "a file is not signed",
    hint: "remove it, ignore its path, or tolerate all such files with --ignore-unsigned-files",
    exit: Exit.findings,
  },
} as const satisfies ErrorTable;

export type SignErrorCode = keyof typeof SignErrors;

export const signError = defineErrors(SignErrors);

/** Codes that are answers of a verification: the model or its signature is at fault, not the verifier. */
export const REJECTIONS = [
  "models.signature-malformed",
  "models.signature-unsupported",
  "models.signature-other-method",
  "models.signature-wrong-key",
  "models.signature-invalid",
  "models.root-mismatch",
  "models.certificate-untrusted",
  "models.certificate-expired",
  "models.certificate-not-yet-valid",
  "models.certificate-not-for-signing",
  "models.identity-mismatch",
  "models.not-in-log",
  "models.timestamp-invalid",
  "models.signed-file-changed",
  "models.signed-file-missing",
  "models.signed-file-ignored",
  "models.file-unsigned",
  "models.symlink",
  "models.special-file",
  "models.name-not-utf8",
] as const satisfies readonly SignErrorCode[];

export type Rejection = (typeof REJECTIONS)[number];
