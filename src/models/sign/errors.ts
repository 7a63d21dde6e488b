/**
 * Error codes of signing: what keeps a model from being hashed, signed or verified at all. That a signature is rejected
 * is no error but a result (`report.ts`).
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
} as const satisfies ErrorTable;

export type SignErrorCode = keyof typeof SignErrors;

export const signError = defineErrors(SignErrors);
