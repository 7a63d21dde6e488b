/**
 * Error codes of sealing.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../core/index.ts";

export const SealErrors = {
  "seal.header-invalid": {
    what: "this is not an age v1 file, or its header was altered",
    hint: "fetch the file again from where it came from, and check that it is an age file",
  },
  "seal.header-mac": {
    what: "the header of the age file was altered: its authentication code does not match",
    hint: "fetch the file again from where it came from",
  },
  "seal.header-limit": {
    what: "the header of the age file is larger than a limit",
    hint: "seal the file to fewer recipients",
  },
  "seal.armor-invalid": {
    what: "the armored age file is malformed",
    hint: "fetch the file again; nothing may stand before or after its BEGIN and END lines",
  },
  "seal.armor-limit": {
    what: "the armored age file is larger than the limit",
    hint: "remove the armor first: armor is for small texts, and cannot be read from the middle",
  },
  "seal.no-match": {
    what: "none of the given keys opens this file",
    hint: "give a key that it was sealed to; `holdfast seal inspect` shows of which kind that is",
  },
  "seal.payload-invalid": {
    what: "the sealed content was altered, cut off or extended",
    hint: "fetch the file again from where it came from; nothing of what failed was released",
  },
  "seal.work-factor": {
    what: "the passphrase's work factor is above the limit",
    hint: "seal the file again with a lower one: each step doubles time and memory",
  },
  "seal.passphrase-alone": {
    what: "a passphrase cannot be combined with other recipients (age v1, the scrypt recipient type)",
    hint: "seal with the passphrase alone, or with keys alone",
    exit: Exit.usage,
  },
  "seal.quantum-mixed": {
    what: "a post-quantum recipient cannot be combined with an X25519 one, which would undo its protection",
    hint: "seal to post-quantum recipients alone",
    exit: Exit.usage,
  },
  "seal.recipient-invalid": {
    what: "this is no recipient to seal to",
    hint: "give age1…, vault:<mount>/<key>, aws-kms:<key arn> or passphrase:<file>; `holdfast seal keygen` makes a key",
    exit: Exit.usage,
  },
  "seal.recipient-missing": {
    what: "there is nobody to seal to",
    hint: "give at least one recipient with --to",
    exit: Exit.usage,
  },
  "seal.key-invalid": {
    what: "this is no key to open sealed files with",
    hint: "give a file of age identities, vault:<mount>/<key>, aws-kms:<key arn> or passphrase:<file>",
    exit: Exit.usage,
  },
  "seal.key-missing": {
    what: "there is no key to open it with",
    hint: "give at least one key with --with",
    exit: Exit.usage,
  },
  "seal.key-exposed": {
    what: "the key file can be read by other users of the machine",
    hint: "run `chmod 600` on it, and consider whether the key is still secret",
  },
  "seal.setting-missing": {
    what: "an environment variable that the key service needs is not set",
    hint: "set it, or use another key",
    exit: Exit.usage,
  },
  "seal.setting-invalid": {
    what: "an environment variable that the key service needs has no valid value",
    hint: "correct it: addresses are https, or http to the machine itself",
    exit: Exit.usage,
  },
  "seal.service-unreachable": {
    what: "the key service cannot be reached",
    hint: "check its address and that it runs; nothing was sealed or opened",
  },
  "seal.service-refused": {
    what: "the key service refused",
    hint: "check the token or credentials, and that they may use this key",
  },
  "seal.service-answer": {
    what: "the key service gave an answer that is not of its protocol",
    hint: "check that the address is that of the key service, and nothing in between answers for it",
  },
  "seal.output-terminal": {
    what: "standard output is a terminal, and what would be written to it is not text",
    hint: "send it into a pipe or a file, or give --output; `--output -` says that the terminal is meant",
    exit: Exit.usage,
  },
  "seal.output-unnamed": {
    what: "nothing says where the output goes",
    hint: "say it with --output; - is standard output",
    exit: Exit.usage,
  },
  "seal.source-changed": {
    what: "a file changed while it was read",
    hint: "run it again when nothing writes to it",
  },
  "seal.source-kind": {
    what: "only regular files and folders can be sealed",
    hint: "put the files themselves in place of links: `cp -rL` copies what links point to",
    exit: Exit.usage,
  },
  "seal.source-empty": {
    what: "the folder holds no files",
    hint: "give a folder with files in it",
    exit: Exit.nothing,
  },
  "seal.set-limit": {
    what: "the folder holds more than a limit",
    hint: "seal its folders one by one",
  },
  "seal.interrupted": {
    what: "interrupted",
    hint: "run it again: no output was left",
    exit: Exit.interrupted,
  },
  "seal.confirmation-missing": {
    what: "destroying a key cannot be undone, and was not confirmed",
    hint: "repeat the set's id with --confirm; `holdfast seal inspect` shows it",
    exit: Exit.usage,
  },
  "seal.thread-failed": {
    what: "a thread that encrypts or decrypts ended unexpectedly",
    hint: "check free memory, and run it again; no output was left",
  },
  "seal.set-missing": {
    what: "the folder is no sealed set: it has no manifest.json",
    hint: "give a folder that `holdfast seal` made",
    exit: Exit.usage,
  },
  "seal.manifest-invalid": {
    what: "the manifest of the sealed set is malformed",
    hint: "fetch the set again from where it came from",
  },
  "seal.manifest-unproven": {
    what: "the manifest of the sealed set does not belong to its key: it was altered or exchanged",
    hint: "fetch the set again from where it came from",
  },
  "seal.set-altered": {
    what: "a file of the sealed set is not the one that was sealed",
    hint: "run `holdfast seal audit` to see which, then fetch it again",
  },
  "seal.shredded": {
    what: "the key of this sealed set was destroyed: nobody can read it any more",
    hint: "nothing can be done about it; `holdfast seal audit` still verifies what is there",
  },
  "seal.key-file-missing": {
    what: "the key file of the sealed set is not where it should be",
    hint: "give it with --key-file; without it nobody can read the set",
  },
} as const satisfies ErrorTable;

export const sealError = defineErrors(SealErrors);
