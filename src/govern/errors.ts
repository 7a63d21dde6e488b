/**
 * What can go wrong in govern.
 *
 * @module
 */

import { defineErrors, Exit } from "../core/index.ts";

export const GovernErrors = {
  "govern.catalog-invalid": {
    what: "the catalogue of controls is damaged",
    hint: "install the package again, or undo the change to catalog/controls.yaml",
  },
  "govern.control-unknown": {
    what: "there is no control with this id",
    hint: "list the controls with `holdfast posture`",
    exit: Exit.usage,
    status: 404,
  },
  "govern.proof-timeout": {
    what: "a proof did not answer within its time limit",
    hint: "run `holdfast posture --check` again when the machine is less busy, and `holdfast doctor` if it persists",
  },
  "govern.proof-invalid": {
    what: "a proof answered in a form that cannot be recorded",
    hint: "report it: this is a defect of the part that the proof belongs to",
  },
} as const;

export const governError = defineErrors(GovernErrors);
