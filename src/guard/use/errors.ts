/**
 * Error codes of the integrations. They are part of `GuardErrors`.
 *
 * @module
 */

import { defineErrors, type ErrorTable } from "../../core/index.ts";

export const UseErrors = {
  "guard.blocked": {
    what: "the guard blocked a text",
    hint: "the error's `verdict` says which detectors found what, and where; change the text, or the guard's settings",
    status: 403,
  },
  "guard.body-unread": {
    what: "the guard cannot read the text of a message",
    hint: 'send JSON or text, or let such messages pass unread with `unread: "pass"`',
    status: 415,
  },
} as const satisfies ErrorTable;

export const useError = defineErrors(UseErrors);
