/**
 * Errors of the custom detector: rules that cannot be run as they are, and judges that did not answer.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../../core/index.ts";

export const CustomErrors = {
  "guard.rule-invalid": {
    what: "a custom rule has no usable id, word or pattern",
    hint: "give each rule an id of its own (lower case, digits, hyphens), and words or a pattern that are not empty",
    exit: Exit.usage,
  },
  "guard.rules-too-large": {
    what: "the custom words need more memory than the limit",
    hint: "split the list between several detectors, or shorten its entries",
    exit: Exit.usage,
  },
  "guard.pattern-invalid": {
    what: "a pattern is not a regular expression that runs in linear time",
    hint: "use RE2's syntax: without look-around, back-references or possessive quantifiers",
    exit: Exit.usage,
  },
  "guard.pattern-too-large": {
    what: "a pattern compiles to more instructions than the limit",
    hint: "use smaller repeat counts, or several rules",
    exit: Exit.usage,
  },
  "guard.pattern-unbounded": {
    what: "a pattern has no longest match",
    hint: "bound its repeats, as in {0,64}, or say how many characters a match may have with longest",
    exit: Exit.usage,
  },
  "guard.judge-options": {
    what: "the options of a judge cannot be used",
    hint: "use https (http only to the machine itself), a name without spaces, and a time-out of at least 1 ms",
    exit: Exit.usage,
  },
  "guard.judge-timeout": {
    what: "the judge did not answer in time",
    hint: "raise its time-out, or ask a faster judge",
  },
  "guard.judge-failed": {
    what: "the judge could not be asked",
    hint: "check that it runs and can be reached",
  },
  "guard.judge-answer": {
    what: "the judge's answer is not a judgement",
    hint: 'answer with a JSON object: {"flagged": true or false, "category": one of the declared}',
  },
  "guard.judge-too-long": {
    what: "the text is longer than the judge takes",
    hint: "raise its limit, or send shorter texts",
  },
} as const satisfies ErrorTable;

export const customError = defineErrors(CustomErrors);
