/**
 * The commands of the scan, as data.
 *
 * @module
 */

import type { Command } from "../../core/index.ts";

export const scanCommands: readonly Command[] = [
  {
    path: "model scan",
    summary: "say of model files whether loading them would run something",
    description:
      "Reads files by their content, never by their name, and loads nothing: pickles run on a machine that denies every " +
      "name that it does not know, archives are read by both of their directories, and members like files. A file is " +
      "clean, suspicious, malicious, inconclusive (a limit, damage, encryption), or not a model. Links are followed; " +
      ".git is not read. Exit codes: 0 all models clean, 1 something found at or over --fail-on, 2 something " +
      "inconclusive or not read, 3 no model.",
    arguments: [{ name: "path", summary: "files and folders to scan", required: true, variadic: true }],
    options: [
      {
        flags: "--fail-on <severity>",
        summary: "the mildest finding that makes it exit 1: critical, high, medium, low, info",
        default: "medium",
      },
      { flags: "--resume <file>", summary: "keep results in this file, and scan only what is new or changed" },
      { flags: "--threads <number>", summary: "files at once (default: as many as there are cores)" },
      { flags: "--timeout <seconds>", summary: "for one file, and 1 more for each 20 MB", default: "120" },
      { flags: "--memory <MiB>", summary: "for all files at once", default: "2048" },
    ],
    formats: ["sarif"],
    examples: [
      { what: "Scan a download before it is used", line: "holdfast model scan ./llama" },
      { what: "For a code host", line: "holdfast model scan models/ --format sarif" },
      { what: "Go on with a large folder another time", line: "holdfast model scan /data --resume scan.jsonl" },
    ],
    light: true,
    load: async () => (await import("./command-scan.ts")).run,
  },
];
