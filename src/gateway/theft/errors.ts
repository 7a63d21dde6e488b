/**
 * What can go wrong in the watch over extraction: refusals of who asks too much of a model.
 *
 * @module
 */

import { type ErrorTable } from "../../core/index.ts";

export const ExtractionErrors = {
  "gateway.extraction-capped": {
    what: "the request asks for more of the model's inner numbers than it may",
    hint: "leave out or lower what the detail names; the operator finds the limits under gateway.extraction.caps",
    status: 400,
  },
  "gateway.extraction-coarsened": {
    what: "so much was asked of the model that only plain answers are given, without the numbers behind them",
    hint: "leave out what the detail names; the operator can raise the stages under gateway.extraction",
    status: 403,
  },
  "gateway.extraction-slowed": {
    what: "so much was asked of the model that answers are given slowly, and too many wait already",
    hint: "wait as long as retry-after says; the operator can raise the stages under gateway.extraction",
    status: 429,
  },
  "gateway.extraction-refused": {
    what: "so much was asked of the model that a copy of it could be made from the answers",
    hint: "ask the operator, who can raise the stages under gateway.extraction where this is honest use",
    status: 403,
  },
  "gateway.extraction-unknown": {
    what: "there is no watch over extraction with this id",
    hint: "`holdfast extraction list --all` shows all of them",
    status: 404,
  },
} as const satisfies ErrorTable;
