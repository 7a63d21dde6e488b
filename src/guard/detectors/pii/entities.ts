/**
 * What the detector tells apart: one row for each rule.
 *
 * @module
 */

import type { Severity } from "../../../core/index.ts";
import { RECOGNISERS } from "./recognisers/index.ts";

export interface PiiEntity {
  /** The second word of the rule's id, and its name in the options: `us-ssn`. */
  readonly id: string;
  /** What it is: «US social security number». */
  readonly name: string;
  readonly severity: Severity;
  /** Who gives it out, ISO 3166-1 alpha-2; none for what is the same everywhere. */
  readonly country?: string;
  /** Looked for when the options do not say what is. */
  readonly byDefault: boolean;
}

/** Found in every second text, and identify nobody by themselves. */
const ONLY_ON_REQUEST = new Set([
  "date",
  "age",
  "url",
  "domain",
  "title",
  "group",
  "organization",
  "location",
  "postcode",
  "bic",
]);

const IN_TEXT: readonly Omit<PiiEntity, "byDefault">[] = [
  { id: "phone", name: "phone number", severity: "medium" },
  { id: "person", name: "name of a person", severity: "low" },
  { id: "address", name: "street address", severity: "medium" },
  { id: "location", name: "name of a place", severity: "info" },
  { id: "organization", name: "name of an organisation", severity: "info" },
  { id: "title", name: "title of a person", severity: "info" },
  { id: "group", name: "nationality, religion or political group", severity: "info" },
];

/** Every entity, by id. */
export const PII_ENTITIES: ReadonlyMap<string, PiiEntity> = new Map(
  [...RECOGNISERS, ...IN_TEXT].map(({ id, name, severity, country }) => [
    id,
    { id, name, severity, ...(country === undefined ? {} : { country }), byDefault: !ONLY_ON_REQUEST.has(id) },
  ]),
);

/** Every country that has recognisers of its own, ISO 3166-1 alpha-2. */
export const PII_COUNTRIES: ReadonlySet<string> = new Set(
  RECOGNISERS.flatMap(({ country }) => (country === undefined ? [] : [country])),
);
