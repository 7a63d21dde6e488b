/**
 * Error codes of the registry.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../core/index.ts";

export const RegistryErrors = {
  "models.reference-invalid": {
    what: "this does not name a model, a release or an alias",
    hint: "write name, name@alias or name@sha256:<digest>; names are lower-case letters, digits and . _ - /",
    exit: Exit.usage,
    status: 400,
  },
  "models.digest-invalid": {
    what: "this is not a SHA-256 digest",
    hint: "write sha256: and 64 lower-case hexadecimal digits; no other algorithm is accepted",
    exit: Exit.usage,
    status: 400,
  },
  "models.path-unsafe": {
    what: "a file's name could lead out of its folder, or be taken for another",
    hint: "rename it: relative, with / between parts, without . and .. parts, control characters, \\ and :, and no two names that differ in case alone",
  },
  "models.limit-exceeded": {
    what: "a limit of the registry was exceeded",
    hint: "split the model, or leave out what does not belong to it",
  },
  "models.release-unknown": {
    what: "the registry has no such model, release or alias",
    hint: "list what there is: holdfast model list",
    exit: Exit.usage,
    status: 404,
  },
  "models.release-ambiguous": {
    what: "more than one release begins with these digits",
    hint: "give more digits of the digest",
    exit: Exit.usage,
    status: 400,
  },
  "models.version-differs": {
    what: "a version with this root digest is there already, with other file names",
    hint: "import it under another name: the root digest covers the files' bytes, not what they are called",
    status: 409,
  },
  "models.transition-refused": {
    what: "the release is not in a state that allows this",
    hint: "see what is missing: holdfast model show <release>",
    exit: Exit.findings,
    status: 409,
  },
  "models.approval-repeated": {
    what: "this operator has approved the release already",
    hint: "have another operator approve it: approvals count by person",
    exit: Exit.findings,
    status: 409,
  },
  "models.decision-replayed": {
    what: "this decision has been used before",
    hint: "make a new one: each decision counts once",
    status: 409,
  },
  "models.decision-stale": {
    what: "the decision was made about another state than the present one",
    hint: "look at the release again, and decide anew",
    status: 409,
  },
  "models.operator-unknown": {
    what: "no operator of this name is configured, or no longer",
    hint: "name operators and their public keys under models.registry.operators in holdfast.yaml",
    exit: Exit.usage,
    status: 403,
  },
  "models.operator-signature": {
    what: "the decision does not carry the operator's signature",
    hint: "sign with the private key that belongs to the operator's public key in holdfast.yaml",
    exit: Exit.usage,
    status: 403,
  },
  "models.operator-key-invalid": {
    what: "an operator's key cannot be used",
    hint: "make one with holdfast model operator <name>: an Ed25519 key in PEM, its private half readable by its owner alone",
    exit: Exit.usage,
  },
  "models.alias-not-newer": {
    what: "the alias has already been at this release or a newer one",
    hint: "go back with holdfast model rollback, which is signed and logged as such; else approve a newer release",
    exit: Exit.findings,
    status: 409,
  },
  "models.rollback-impossible": {
    what: "there is no earlier release that the alias could go back to",
    hint: "only an approved release that the alias has been at before can be rolled back to: holdfast model show <name@alias>",
    exit: Exit.findings,
    status: 409,
  },
  "models.grant-invalid": {
    what: "this is not an app or a user that can be granted a model",
    hint: "name an app as in holdfast key create --app, and a user as <issuer>/<name>; * stands for all",
    exit: Exit.usage,
    status: 400,
  },
  "models.blob-missing": {
    what: "a blob of the registry is missing",
    hint: "restore it from a backup, or pull the model again",
  },
  "models.store-sealed": {
    what: "the registry's store is sealed, and there is no key to open it",
    hint: "name in holdfast.yaml who opens it, models.registry.seal.with, and whom it is sealed to, models.registry.seal.to",
  },
  "models.blob-tampered": {
    what: "the bytes are not those of their digest",
    hint: "do not use them: find out who changed them; nothing of them was kept",
  },
  "models.store-unusable": {
    what: "the registry's folder cannot be used",
    hint: "check that it is writable, is on a disk with space, and holds no links",
  },
  "models.import-invalid": {
    what: "the model cannot be imported as it is",
    hint: "check the folder's layout; with --from the kind of it can be named",
  },
  "models.document-invalid": {
    what: "this is not a document that says which model it is about",
    hint: "make it of the model's files: holdfast model bom, card or fingerprint",
  },
  "models.document-mismatch": {
    what: "the document is about another model",
    hint: "make it of the very files that were imported: holdfast model bom, card or fingerprint",
    exit: Exit.findings,
    status: 409,
  },
  "models.options-invalid": {
    what: "these options do not go together, or one is missing",
    hint: "see holdfast help model",
    exit: Exit.usage,
    status: 400,
  },
  "models.oci-reference": {
    what: "this is not a reference of an OCI registry",
    hint: "write host[:port]/repository:tag or host[:port]/repository@sha256:<digest>",
    exit: Exit.usage,
  },
  "models.oci-refused": {
    what: "the OCI registry refused the request",
    hint: "check the repository's name, and that the credentials may do this",
  },
  "models.oci-unreachable": {
    what: "the OCI registry could not be reached or broke off",
    hint: "try again: a push or pull goes on where it was interrupted",
  },
  "models.oci-invalid": {
    what: "what the OCI registry sent is not a model that can be taken",
    hint: "check who pushed it: nothing of it was kept",
  },
} as const satisfies ErrorTable;

export const registryError = defineErrors(RegistryErrors);
