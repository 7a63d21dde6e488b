/**
 * What `guard` plugs into the product.
 *
 * @module
 */

import type { Module } from "../core/index.ts";
import { GuardErrors } from "./errors.ts";

export const guardModule: Module = {
  name: "guard",
  summary: "reads text in both directions and judges it",
  errors: GuardErrors,
  commands: [
    {
      path: "guard check",
      summary: "look for what the guard's detectors find in files, folders or standard input",
      description:
        "Reads texts with all detectors, or those of --detector. Prints where something was found, why it matters and " +
        "what to do, never the text itself. Folders are read without .git, node_modules, binary files and links. Exit " +
        "codes: 0 nothing found at or over --fail-on, 1 something found, 2 something could not be checked, 3 no text.",
      arguments: [{ name: "path", summary: "files and folders to read (default: standard input)", variadic: true }],
      options: [
        { flags: "--detector <name>", summary: "read with this detector only", repeatable: true },
        {
          flags: "--origin <who>",
          summary: "who wrote the texts: system, user, assistant, tool, document, metadata",
          default: "document",
        },
        {
          flags: "--fail-on <severity>",
          summary: "the mildest finding that makes it exit 1: critical, high, medium, low, info",
          default: "info",
        },
        { flags: "--weights <folder>", summary: "the weights of the model (default: those that are installed)" },
        { flags: "--unsigned", summary: "take weights without a signature" },
        { flags: "--index <file>", summary: "look for training text too, by an index of `holdfast guard index`" },
      ],
      formats: ["sarif"],
      examples: [
        { what: "Check a prompt before it is sent", line: "holdfast guard check prompt.txt" },
        { what: "Check what another program prints", line: "git diff | holdfast guard check --format json" },
        {
          what: "Secrets in a folder, for a code host",
          line: "holdfast guard check . --detector secrets --format sarif",
        },
      ],
      load: async () => (await import("./commands/check.ts")).run,
    },
    {
      path: "guard eval",
      summary: "measure detectors on labelled texts",
      description:
        "Reads JSON Lines with text, label, kind and source, plain or gzipped. Prints for all rows, each source and each " +
        "kind what was caught and what was flagged by mistake, with intervals of 95 %, latencies, and what each evasion " +
        "leaves. Exit codes: 0 all rows judged, 2 some were not, 3 no rows.",
      arguments: [{ name: "set", summary: "JSONL files (- is standard input)", required: true, variadic: true }],
      options: [
        {
          flags: "--detector <name>",
          summary: "injection (default), moderation, pii, secrets, …; a+b together; none",
          repeatable: true,
        },
        {
          flags: "--adapter <file>",
          summary: "an ES module with `name` and `detect(text)`, side by side",
          repeatable: true,
        },
        {
          flags: "--threshold <number>",
          summary: "flag from this score on, from 0 to 1 (default: the detector's own)",
        },
        { flags: "--evasions <names>", summary: "also under these disguises, with commas between, or all" },
        { flags: "--sample <number>", summary: "at most so many rows of each source and label" },
        { flags: "--seed <number>", summary: "what samples, evasions and intervals follow from", default: "1" },
        { flags: "--weights <folder>", summary: "the weights of the model (default: those that are installed)" },
        { flags: "--unsigned", summary: "take weights without a signature" },
        { flags: "--index <file>", summary: "look for training text too, by an index of `holdfast guard index`" },
        { flags: "--out <file>", summary: "write the report as JSON" },
      ],
      examples: [
        { what: "The injection detector on a set", line: "holdfast guard eval mine.jsonl" },
        {
          what: "Under every disguise, next to another detector",
          line: "holdfast guard eval mine.jsonl --evasions all --adapter other.mjs",
        },
      ],
      load: async () => (await import("./commands/eval.ts")).run,
    },
    {
      path: "guard canary",
      summary: "issue a canary, a token that shows when a prompt or document leaks",
      description: "Prints a token to plant, and the record or key by which the leak detector finds it again.",
      options: [
        { flags: "--key-file <path>", summary: "a key of at least 16 bytes that recognises all canaries made with it" },
      ],
      examples: [
        { what: "Issue a canary", line: "holdfast guard canary" },
        {
          what: "Issue one that a key recognises",
          line: "holdfast guard canary --key-file canary.key --format json",
        },
      ],
      load: async () => (await import("./commands/canary.ts")).run,
    },
    {
      path: "guard index",
      summary: "make an index of a corpus, to find its passages in answers",
      description:
        "Reads .txt, .md, .jsonl, .ndjson, .csv and .tsv files twice, in the memory of the index alone, and writes an " +
        "index from which no text can be read back.",
      arguments: [{ name: "path", summary: "files and folders of the corpus", required: true, variadic: true }],
      options: [
        { flags: "--out <file>", summary: "the index to write", default: "corpus.hfi" },
        { flags: "--ngram <words>", summary: "words of an n-gram, 4 to 64", default: "12" },
        { flags: "--fp <rate>", summary: "chance that another n-gram passes, 1e-8 to 0.1", default: "1e-6" },
        { flags: "--field <name>", summary: "field or column that holds the text", default: "text" },
      ],
      examples: [{ what: "Index a training set", line: "holdfast guard index train/ --out train.hfi" }],
      load: async () => (await import("./commands/index-corpus.ts")).run,
    },
  ],
};
