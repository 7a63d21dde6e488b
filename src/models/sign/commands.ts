/**
 * The commands of signing, as data.
 *
 * @module
 */

import type { Command } from "../../core/index.ts";

/** The argument of every command that reads a model. */
export const MODEL_PATH = { name: "path", summary: "folder of the model, or its one file", required: true } as const;
const signature = {
  flags: "--signature <file>",
  summary: "the signature (default: model.sig in the folder, or the file's name with .sig)",
} as const;
export const IGNORE_PATH = {
  flags: "--ignore-path <path>",
  summary: "a file or folder of the model that is left out",
  repeatable: true,
} as const;

export const signCommands: readonly Command[] = [
  {
    path: "model sign",
    summary: "sign a model in the format of OpenSSF Model Signing",
    description:
      "Hashes every file on all cores and signs the list of digests: with a key (--key), with a certificate besides " +
      "(--certificate), or with an identity through Sigstore (--sigstore), which publishes the signature in a public " +
      "log. The Python and Go tools of OpenSSF Model Signing verify the result. Left out are .git, .gitignore, " +
      ".gitattributes, .github at the root, and the signature itself; symbolic links are refused.",
    arguments: [MODEL_PATH],
    options: [
      signature,
      { flags: "--key <file>", summary: "private key in PEM: P-256, P-384 or P-521" },
      { flags: "--passphrase-file <file>", summary: "file with the passphrase of the key" },
      { flags: "--certificate <file>", summary: "certificate of the key, in PEM" },
      {
        flags: "--chain <file>",
        summary: "certificates that lead from it to a trusted one, in PEM",
        repeatable: true,
      },
      { flags: "--sigstore", summary: "sign with an identity instead of a key" },
      {
        flags: "--identity-token <file>",
        summary: "file with the OpenID Connect token of the identity (default: SIGSTORE_ID_TOKEN of the environment)",
      },
      { flags: "--fulcio-url <url>", summary: "authority that issues the certificate (default: the public one)" },
      { flags: "--rekor-url <url>", summary: "transparency log (default: the public one)" },
      {
        flags: "--timestamp-url <url>",
        summary:
          "timestamp authority to ask, with --certificate or --sigstore: then the signature outlives the certificate",
      },
      IGNORE_PATH,
      { flags: "--hash <name>", summary: "hash of the files", default: "sha256", choices: ["sha256", "blake2b"] },
      { flags: "--shards", summary: "sign stretches of files, so that one large file is hashed on all cores" },
      { flags: "--shard-size <bytes>", summary: "bytes of a stretch (default: 1000000000); implies --shards" },
      {
        flags: "--python-single-file",
        summary: "name a single file `.`, which the Python tool needs to verify it and other tools do not take",
      },
    ],
    examples: [
      { what: "Sign a folder with a key", line: "holdfast model sign ./llama --key model-signing.key" },
      {
        what: "Sign with a certificate of the company's authority",
        line: "holdfast model sign ./llama --key signer.key --certificate signer.pem --chain intermediate.pem",
      },
      { what: "Sign in a pipeline, with its identity", line: "holdfast model sign ./llama --sigstore" },
    ],
    light: true,
    load: async () => (await import("./command-sign.ts")).run,
  },
  {
    path: "model verify",
    summary: "verify that a model is the one that was signed, and by whom",
    description:
      "Says of a model that is rejected every reason, and which file it is about. Whose signature it must be is said " +
      "by --key, by --trust with certificates, or by --identity with --issuer; nothing is trusted by default. Signatures " +
      "of the Python and Go tools verify, from version 0.2.0 on. Works offline. " +
      "Exit codes: 0 verified, 1 rejected, 2 could not be completed.",
    arguments: [MODEL_PATH],
    options: [
      signature,
      { flags: "--key <file>", summary: "public key of the signer, in PEM" },
      {
        flags: "--trust <file>",
        summary: "certificates in PEM, of authorities or of the signer, that are trusted",
        repeatable: true,
      },
      {
        flags: "--timestamp-authority <file>",
        summary: "certificates in PEM, whose timestamps let a signature outlive the signer's certificate",
        repeatable: true,
      },
      { flags: "--identity <name>", summary: "who signed through Sigstore: an e-mail address or a URI" },
      { flags: "--issuer <url>", summary: "who vouched for the identity" },
      { flags: "--trusted-root <file>", summary: "trusted root of a Sigstore instance (default: the public one's)" },
      IGNORE_PATH,
      { flags: "--ignore-unsigned-files", summary: "tolerate files that are not signed" },
    ],
    examples: [
      { what: "Verify with the signer's key", line: "holdfast model verify ./llama --key model-signing.pub" },
      { what: "Verify with the company's authority", line: "holdfast model verify ./llama --trust root.pem" },
      {
        what: "Verify what a pipeline signed",
        line:
          "holdfast model verify ./llama --identity https://github.com/acme/llama/.github/workflows/sign.yml@refs/heads/main " +
          "--issuer https://token.actions.githubusercontent.com",
      },
    ],
    light: true,
    load: async () => (await import("./command-verify.ts")).run,
  },
  {
    path: "model keygen",
    summary: "make a key pair for signing models",
    description: "Writes <name>.key and <name>.pub, and replaces nothing that is there.",
    options: [
      { flags: "--out <name>", summary: "name of the two files without their endings", default: "model-signing" },
      { flags: "--curve <name>", summary: "elliptic curve", default: "P-256", choices: ["P-256", "P-384", "P-521"] },
    ],
    examples: [{ what: "Make a key pair", line: "holdfast model keygen --out release" }],
    light: true,
    load: async () => (await import("./command-keygen.ts")).run,
  },
];
