/**
 * The commands of sealing, as data.
 *
 * @module
 */

import type { Clock, Command } from "../../core/index.ts";
import type { Db } from "../../storage/index.ts";

/** What sealing needs from the product: where evidence of changes goes. */
export interface SealServices {
  readonly clock: Clock;
  readonly db: () => Promise<Db>;
}

const to = {
  flags: "--to <recipient>",
  summary:
    "seal to: age1…, a file of recipients, vault:<mount>/<key>, aws-kms:<key>, passphrase:<file>; may be given several times",
  repeatable: true,
};
const open = {
  flags: "--with <key>",
  summary:
    "open with: a file of age identities, vault:<mount>/<key>, aws-kms:<key>, passphrase:<file>; may be given several times",
  repeatable: true,
};
const keyFile = {
  flags: "--key-file <file>",
  summary: "where the key of a sealed folder is kept, instead of within it",
};
const set = { name: "set", summary: "folder that `holdfast seal` made", required: true };
const sealed = { name: "path", summary: "age file, or folder that `holdfast seal` made", required: true };

const SERVICES =
  "Key services are asked with what the environment says: VAULT_ADDR, VAULT_TOKEN and VAULT_NAMESPACE for vault:…; " +
  "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and AWS_ENDPOINT_URL_KMS for aws-kms:….";

export const sealCommands: readonly Command<SealServices>[] = [
  {
    path: "seal",
    summary: "encrypt a model or a data set at rest, in the age format",
    description:
      "A file becomes one age file, which the age command reads too. A folder becomes a sealed set: an age file for each " +
      "file, a manifest by which anybody can audit it without a key, and the set's key, sealed to the recipients. The " +
      "original stays where it is. The output is there whole, or not at all; what goes through a pipe ends with an error " +
      "where it is not whole.\n\n" +
      SERVICES,
    arguments: [{ name: "path", summary: "file or folder to encrypt; - is standard input", required: true }],
    options: [
      to,
      {
        flags: "--output <path>",
        summary:
          "where the result goes; - is standard output (default: beside it, with .age or .sealed behind its name; of " +
          "standard input, standard output)",
      },
      keyFile,
    ],
    examples: [
      {
        what: "A model folder, to a key made by holdfast seal keygen",
        line: "holdfast seal ./model --to model.key.pub",
      },
      {
        what: "One file, to a key and to a service",
        line: "holdfast seal model.gguf --to age1… --to vault:transit/models",
      },
      {
        what: "Keep the key apart, so that copies of the set are worth nothing without it",
        line: "holdfast seal ./data --to aws-kms:alias/data --key-file /keys/data.age",
      },
      { what: "What comes in through a pipe, to standard output", line: "holdfast seal - --to model.key.pub" },
    ],
    light: true,
    load: async () => (await import("./commands/seal.ts")).run,
  },
  {
    path: "unseal",
    summary: "decrypt what was sealed",
    description:
      "Verifies all of it before anything appears: an altered, cut off or exchanged file ends with an error and no output. " +
      "What was decrypted is readable by this user alone. On standard output each piece is verified before it appears; only " +
      "the exit code 0 says that it was all: act on nothing before, and set pipefail in scripts.\n\n" +
      SERVICES,
    arguments: [{ ...sealed, summary: `${sealed.summary}; - is standard input` }],
    options: [
      open,
      {
        flags: "--output <path>",
        summary:
          "where the result goes; - is standard output (default: the name without .age or .sealed; of standard input, " +
          "standard output)",
      },
      keyFile,
    ],
    examples: [
      { what: "A sealed folder", line: "holdfast unseal model.sealed --with model.key --output ./model" },
      {
        what: "A file that the age command made",
        line: "holdfast unseal model.gguf.age --with ~/.config/age/keys.txt",
      },
      {
        what: "Into another command, which reads standard input",
        line: "holdfast unseal model.age --with model.key --output -",
      },
    ],
    light: true,
    load: async () => (await import("./commands/unseal.ts")).run,
  },
  {
    path: "seal keygen",
    summary: "make a key to seal to",
    description:
      "Writes the secret key, readable by this user alone, and beside it the recipient, with .pub behind its name.",
    arguments: [{ name: "file", summary: "where the secret key goes", required: true }],
    options: [
      {
        flags: "--post-quantum",
        summary:
          "a key that withstands quantum computers too (ML-KEM-768 with X25519; the age command reads it from 1.3 on)",
      },
    ],
    examples: [{ what: "Make a key", line: "holdfast seal keygen model.key" }],
    light: true,
    load: async () => (await import("./commands/keygen.ts")).run,
  },
  {
    path: "seal inspect",
    summary: "show what is sealed, and to whom, without a key",
    arguments: [sealed],
    examples: [{ what: "A sealed folder", line: "holdfast seal inspect model.sealed" }],
    light: true,
    load: async () => (await import("./commands/inspect.ts")).run,
  },
  {
    path: "seal audit",
    summary: "verify every byte of a sealed folder, without a key",
    description:
      "Compares all files with the manifest. That the manifest is the right one is for its digest to say: compare it with " +
      "the one that `holdfast seal` printed, or with --manifest. Exit codes: 0 all is as it was sealed, 1 it is not.",
    arguments: [set],
    options: [{ flags: "--manifest <sha256>", summary: "digest that the manifest must have" }],
    examples: [{ what: "A mirror's copy", line: "holdfast seal audit model.sealed" }],
    light: true,
    load: async () => (await import("./commands/audit.ts")).run,
  },
  {
    path: "seal rotate",
    summary: "change who may read what is sealed, without decrypting it",
    description:
      "Of a sealed folder the set's key is sealed anew, to the given recipients alone; the sealed files and the manifest stay " +
      "as they are. Of an age file its header is made anew, and the rest is copied as it is. Who could read it before and " +
      "kept a copy of the old key file, or of the old file, still can: where a key has become known, unseal and seal again. " +
      "Recorded in the ledger.",
    arguments: [sealed],
    options: [open, to, keyFile],
    examples: [
      { what: "To a new key", line: "holdfast seal rotate model.sealed --with old.key --to new.key.pub" },
      {
        what: "To the newest version of a key in Vault",
        line: "holdfast seal rotate model.sealed --with vault:transit/models --to vault:transit/models",
      },
      { what: "One age file", line: "holdfast seal rotate model.gguf.age --with old.key --to new.key.pub" },
    ],
    light: true,
    load: async () => (await import("./commands/rotate.ts")).run,
  },
  {
    path: "seal shred",
    summary: "destroy the key of a sealed folder, so that nobody can read it any more",
    description:
      "For models that are withdrawn and people who want to be forgotten: copies of the sealed files may stay wherever they " +
      "are. The set can still be audited. Copies of the key file, in backups for example, have to be destroyed as well: " +
      "keep it apart with --key-file when sealing. Recorded in the ledger. Exit code 3: it was destroyed before.",
    arguments: [set],
    options: [{ flags: "--confirm <id>", summary: "id of the set, to say that it is meant" }, keyFile],
    examples: [
      {
        what: "Destroy the key of a set",
        line: "holdfast seal shred model.sealed --confirm 0b6c2f0e-5d5c-4c39-9a52-3a6b2f1c9d10",
      },
    ],
    light: true,
    load: async () => (await import("./commands/shred.ts")).run,
  },
];
