/**
 * Errors of the leak detector: keys and tokens of canaries, the corpus, the index made from it.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../../core/index.ts";

export const LeakErrors = {
  "guard.canary-key": {
    what: "the key for canaries is too short",
    hint: "use a random key of at least 16 bytes",
    exit: Exit.usage,
  },
  "guard.canary-invalid": {
    what: "an entry of the list of canaries is neither a token nor a record",
    hint: "take the token or the record as createCanary or `holdfast guard canary` gave it",
    exit: Exit.usage,
  },
  "guard.corpus-unreadable": {
    what: "the corpus could not be read",
    hint: "check that the path names readable UTF-8 files: .txt, .md, .jsonl, .ndjson, .csv or .tsv",
  },
  "guard.corpus-record": {
    what: "a record of the corpus has no text",
    hint: "name the field or column that holds the text with --field",
  },
  "guard.corpus-empty": {
    what: "the corpus has no passage as long as one n-gram",
    hint: "check the path, or use a smaller --ngram",
    exit: Exit.nothing,
  },
  "guard.corpus-changed": {
    what: "the corpus changed while it was read",
    hint: "run it again when nothing writes to the corpus",
  },
  "guard.index-parameters": {
    what: "the index cannot be made with these parameters",
    hint: "use 4 to 64 words for --ngram, and 1e-8 to 0.1 for --fp",
    exit: Exit.usage,
  },
  "guard.index-too-large": {
    what: "the index would be larger than the limit",
    hint: "raise --fp, or index the parts of the corpus one by one",
  },
  "guard.index-unwritable": {
    what: "the index could not be written",
    hint: "check that the folder of --out exists, may be written to, and has room",
  },
  "guard.index-invalid": {
    what: "the file is not an n-gram index, or was changed",
    hint: "make it again with `holdfast guard index`",
  },
} as const satisfies ErrorTable;

export const leakError = defineErrors(LeakErrors);
