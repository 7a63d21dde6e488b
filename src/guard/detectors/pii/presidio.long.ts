/**
 * The pii detector on the synthetic documents of presidio-research: recall, precision and F1 by type, with intervals.
 *
 * The data does not lie in this repository. `HOLDFAST_TEXT_DATA` names a folder that holds `presidio_research`; without it
 * this is skipped, by name. Errors on `synth_dataset_v2` were looked at while the detector was written; of
 * `generated_large` only counts by type were seen.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { createPiiDetector } from "./pii.ts";
import { presidioTable, scorePresidio, type MarkedDocument } from "./presidio.ts";

const CONTEXT = { direction: "request", origin: "user", pointer: "" } as const;
const FOLDER = join(process.env["HOLDFAST_TEXT_DATA"] ?? "", "presidio_research");

interface PresidioRow {
  readonly full_text: string;
  readonly spans: readonly {
    readonly entity_type: string;
    readonly start_position: number;
    readonly end_position: number;
  }[];
}

for (const set of ["synth_dataset_v2", "generated_large"]) {
  const path = join(FOLDER, `${set}.json`);
  const missing =
    process.env["HOLDFAST_TEXT_DATA"] === undefined || !existsSync(path)
      ? `set HOLDFAST_TEXT_DATA to the folder that holds presidio_research/${set}.json`
      : false;
  test(`presidio_research: ${set}`, { skip: missing }, (context) => {
    const documents = (JSON.parse(readFileSync(path, "utf8")) as PresidioRow[]).map(
      ({ full_text, spans }): MarkedDocument => ({
        text: full_text,
        spans: spans.map(({ entity_type, start_position, end_position }) => ({
          type: entity_type,
          start: start_position,
          end: end_position,
        })),
      }),
    );
    const detector = createPiiDetector({ entities: "all" });
    const scores = scorePresidio(documents, (text) =>
      detector.detect(text, CONTEXT).map(({ rule, location }) => ({
        id: rule.slice("pii.".length),
        start: location.start,
        end: location.end,
      })),
    );
    for (const line of presidioTable(scores).split("\n")) context.diagnostic(line);
    assert.ok(scores.structured.recall.rate >= 0.97, "recall of structured types");
    assert.ok(scores.structured.precision.rate >= 0.95, "precision of structured types");
    assert.ok(scores.all.f1 >= 0.85, "F1 of all types");
  });
}
