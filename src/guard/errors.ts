/**
 * Error codes of `guard`.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../core/index.ts";
import { CustomErrors } from "./detectors/custom/errors.ts";
import { ExfiltrationErrors } from "./detectors/exfiltration/hosts.ts";
import { LeakErrors } from "./detectors/leak/errors.ts";
import { PiiErrors } from "./detectors/pii/errors.ts";
import { EvalErrors } from "./eval/errors.ts";
import { ModelErrors } from "./model/errors.ts";
import { UseErrors } from "./use/errors.ts";

const OwnErrors = {
  "guard.settings-missing": {
    what: "a detector has no settings",
    hint: "say for each detector what a finding in a request and in a response does: off, allow, flag, mask or block",
    exit: Exit.usage,
  },
  "guard.detector-unknown": {
    what: "the settings name a detector that is not there",
    hint: "check the spelling against the detectors that the guard was made with",
    exit: Exit.usage,
  },
  "guard.detector-repeated": {
    what: "two detectors have the same id",
    hint: "give each detector an id of its own",
    exit: Exit.usage,
  },
  "guard.answer-invalid": {
    what: "a detector answered with something that is not a list of findings inside the text",
    hint: "mend the detector: the offsets of a finding count in UTF-16 units of the text that it was given",
  },
  "guard.timeout": {
    what: "a detector took longer than its time limit",
    hint: "raise timeoutMs in its settings, or send shorter texts",
  },
  "guard.stream-ended": {
    what: "text was pushed into a guard's stream that had ended",
    hint: "open one stream for each channel of text, and end it once",
  },
  "guard.input-unreadable": {
    what: "the text to scan could not be read",
    hint: "check that the path names a readable UTF-8 text file, or pipe the text in",
  },
  "guard.input-too-large": {
    what: "the text to scan is larger than the limit",
    hint: "split it, or scan its parts one by one",
  },
} as const satisfies ErrorTable;

export const guardError = defineErrors(OwnErrors);

/** Those of all folders: a folder with errors of its own declares them there. */
export const GuardErrors = {
  ...OwnErrors,
  ...CustomErrors,
  ...EvalErrors,
  ...ExfiltrationErrors,
  ...LeakErrors,
  ...ModelErrors,
  ...PiiErrors,
  ...UseErrors,
} as const satisfies ErrorTable;
