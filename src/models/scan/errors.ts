/**
 * Error codes of the scan: what keeps it from being started. What keeps a file from being read is a finding.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../core/index.ts";

export const ScanErrors = {
  "models.scan-missing": {
    what: "there is nothing to scan at this path",
    hint: "name files or folders that are there and may be read",
    exit: Exit.usage,
  },
  "models.scan-too-many": {
    what: "there are more files to scan than the limit",
    hint: "scan the folders one by one",
  },
  "models.scan-option": {
    what: "an option of the scan has a value that it cannot have",
    hint: "see `holdfast model scan --help`",
    exit: Exit.usage,
  },
  "models.scan-resume": {
    what: "the file of --resume is not one that a scan wrote",
    hint: "name another file, or one that is not there yet",
    exit: Exit.usage,
  },
} as const satisfies ErrorTable;

export const scanError = defineErrors(ScanErrors);
