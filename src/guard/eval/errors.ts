/**
 * Error codes of the evaluation and of the commands that read sets and files. They are part of `GuardErrors`.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../core/index.ts";

export const EvalErrors = {
  "guard.eval-set-invalid": {
    what: "a line of the set is not a row",
    hint: 'each line is a JSON object such as {"text":"…","label":"attack","kind":"override","source":"mine"}',
    exit: Exit.usage,
  },
  "guard.eval-set-empty": {
    what: "the sets have no rows",
    hint: "name JSONL files with at least one row each",
    exit: Exit.nothing,
  },
  "guard.eval-limit": {
    what: "the sets go over a limit of the evaluation",
    hint: "split the sets, or draw from them with --sample",
  },
  "guard.eval-adapter-invalid": {
    what: "the adapter cannot be used",
    hint: "an adapter is an ES module that exports `name` and `detect(text)`, which answers with a number or `{ score }`",
    exit: Exit.usage,
  },
  "guard.eval-row-failed": {
    what: "a detector could not judge a row",
    hint: "the report counts such rows as errors; check the detector on one of them",
  },
  "guard.option-invalid": {
    what: "an option has a value that the command does not take",
    hint: "see the command's --help",
    exit: Exit.usage,
  },
} as const satisfies ErrorTable;

export const evalError = defineErrors(EvalErrors);
