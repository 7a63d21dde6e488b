/**
 * The commands of the bill of materials, as data.
 *
 * @module
 */

import type { Command, CommandOption } from "../../core/index.ts";
import { IGNORE_PATH, MODEL_PATH } from "../sign/commands.ts";

const signature = {
  flags: "--signature <file>",
  summary: "the signature, which is not part of the model (default: model.sig in the folder)",
} as const;
const stated: readonly CommandOption[] = [
  { flags: "--name <name>", summary: "what the model is called (default: the last part of its path)" },
  { flags: "--model-version <text>", summary: "its version" },
  { flags: "--supplier <name>", summary: "who publishes it" },
  { flags: "--download-location <url>", summary: "where it was had from" },
  { flags: "--released <date>", summary: "when it was released, as 2026-01-31" },
  {
    flags: "--dataset <file>",
    summary: "a data set it was made with, by its description in Croissant; files beside it are checked",
    repeatable: true,
  },
  signature,
  IGNORE_PATH,
  {
    flags: "--fail-on <severity>",
    summary: "the mildest finding about licences that makes it exit 1: critical, high, medium, low, info",
    default: "high",
  },
];
const EXITS = "Exit codes: 0 complete, 1 a finding at or over --fail-on, 2 something of the model could not be read.";
const EPOCH = "With SOURCE_DATE_EPOCH in the environment the same model gives the same bytes.";

export const bomCommands: readonly Command[] = [
  {
    path: "model bom",
    summary: "write the bill of materials of a model",
    description:
      "Reads safetensors, GGUF, ONNX, PyTorch and Keras files, configurations, model card and licences, and loads " +
      "nothing. Says what is measured and what files declare, apart; names the model by its root digest, the one that " +
      `signatures and scans have too. ${EPOCH} ${EXITS}`,
    arguments: [MODEL_PATH],
    options: [
      {
        flags: "--format-bom <format>",
        summary: "CycloneDX 1.7, or SPDX 3.0.1 as JSON-LD",
        default: "cyclonedx",
        choices: ["cyclonedx", "spdx"],
      },
      { flags: "--out <file>", summary: "write it there (default: print it)" },
      ...stated,
    ],
    examples: [
      { what: "A bill of materials in CycloneDX", line: "holdfast model bom ./llama --out llama.cdx.json" },
      {
        what: "In SPDX, with a data set",
        line: "holdfast model bom ./classifier --format-bom spdx --dataset data/croissant.json",
      },
    ],
    light: true,
    load: async () => (await import("./command-bom.ts")).run,
  },
  {
    path: "model card",
    summary: "write a model card from what is known of a model",
    description:
      "Markdown in which each field says how it is known: measured here, declared by a file, stated by an option, or " +
      `not known. Nothing is made up. ${EPOCH} ${EXITS}`,
    arguments: [MODEL_PATH],
    options: [{ flags: "--out <file>", summary: "write it there (default: print it)" }, ...stated],
    examples: [{ what: "A card beside the model", line: "holdfast model card ./llama --out llama.card.md" }],
    light: true,
    load: async () => (await import("./command-card.ts")).run,
  },
  {
    path: "model fingerprint",
    summary: "say what a model is by its weights, and whether another one comes from it",
    description:
      "Digests that stay the same when weights are packed anew: of the architecture, and of all tensors. With two " +
      "models, whether they are identical, have the same weights, come from each other, share parts or are unrelated, " +
      "with the numbers: shares of parameters, and the correlation of sampled values with its interval. Exit codes: 0 " +
      "told, 2 could not be decided.",
    arguments: [MODEL_PATH, { name: "other", summary: "another model to compare it with" }],
    options: [IGNORE_PATH],
    examples: [
      { what: "The fingerprint of a model", line: "holdfast model fingerprint ./llama" },
      { what: "Is it the base that it says?", line: "holdfast model fingerprint ./chat-tuned ./base" },
    ],
    light: true,
    load: async () => (await import("./command-fingerprint.ts")).run,
  },
  {
    path: "model attest",
    summary: "make an attestation about a model: its bill of materials, or its scan",
    description:
      "An in-toto Statement v1 on the model's root digest; with --key it is signed, in a DSSE envelope. A scan is made " +
      `anew, of the very files that the digest stands for. ${EPOCH} Exit codes: 0 clean, 1 findings, 2 incomplete.`,
    arguments: [MODEL_PATH],
    options: [
      {
        flags: "--type <what>",
        summary: "what is attested",
        default: "cyclonedx",
        choices: ["cyclonedx", "spdx", "scan"],
      },
      { flags: "--key <file>", summary: "private key in PEM that signs it: P-256, P-384 or P-521" },
      { flags: "--passphrase-file <file>", summary: "file with the passphrase of the key" },
      { flags: "--out <file>", summary: "write it there (default: print it)" },
      ...stated,
    ],
    examples: [
      {
        what: "Attest a scan, signed",
        line: "holdfast model attest ./llama --type scan --key model-signing.key --out llama.scan.json",
      },
    ],
    light: true,
    load: async () => (await import("./command-attest.ts")).run,
  },
];
