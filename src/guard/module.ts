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
      summary: "look for hidden characters and secrets in a text",
      description:
        "Reads a UTF-8 text file, or standard input, with every detector. Prints where something was found and why, " +
        "never the text itself. Exit codes: 0 nothing found, 1 something found, 2 could not be completed.",
      arguments: [{ name: "path", summary: "the file to read (default: standard input)" }],
      examples: [
        { what: "Check a prompt before it is sent", line: "holdfast guard check prompt.txt" },
        { what: "Check what another program prints", line: "git diff | holdfast guard check --format json" },
      ],
      load: async () => (await import("./commands/check.ts")).run,
    },
  ],
};
