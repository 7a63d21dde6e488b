/**
 * What can go wrong on the command line itself.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../core/index.ts";

export const CliErrors = {
  "cli.usage": {
    what: "the command line is not understood",
    hint: "see `holdfast --help`",
    exit: Exit.usage,
  },
  "cli.system": {
    what: "the system refused",
    hint: "check the path that the message names, and its permissions",
  },
  "cli.output-closed": {
    what: "standard output was closed before all of it was written",
    hint: "let the command behind the pipe read to the end",
  },
} as const satisfies ErrorTable;

export const cliError = defineErrors(CliErrors);
