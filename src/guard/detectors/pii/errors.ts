/**
 * Error codes of the pii detector's options.
 *
 * @module
 */

import { defineErrors, Exit, type ErrorTable } from "../../../core/index.ts";

export const PiiErrors = {
  "guard.pii-entity-unknown": {
    what: "the pii detector does not know this entity",
    hint: "use the second word of a rule's id, such as card, email or us-ssn, or the id of a custom recogniser",
    exit: Exit.usage,
  },
  "guard.pii-country-unknown": {
    what: "the pii detector has no recogniser of this country",
    hint: "use a two-letter code of ISO 3166-1 in capitals, such as DE, or leave the countries out for all of them",
    exit: Exit.usage,
  },
  "guard.pii-custom-invalid": {
    what: "a custom recogniser of the pii detector cannot be used",
    hint: "give it an id of its own, and words or one pattern without look-around or back-references",
    exit: Exit.usage,
  },
} as const satisfies ErrorTable;

export const piiError = defineErrors(PiiErrors);
