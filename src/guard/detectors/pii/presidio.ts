/**
 * Measures the detector against documents whose personal data is marked, in the format and with the entity types of
 * presidio-research: recall, precision and F1 of each type, by spans that overlap.
 *
 * A marked span counts as found when a finding of a fitting rule overlaps it; a finding counts as right when it overlaps
 * a marked span whose type it fits. Findings of what other sets of this kind mark and this one does not (ages, say) are left
 * out; any other finding is wrong, and counts under its own rule.
 *
 * @module
 */

import { wilson } from "../../eval/statistics.ts";

/** A marked span: offsets in UTF-16 units. */
interface MarkedSpan {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

export interface MarkedDocument {
  readonly text: string;
  readonly spans: readonly MarkedSpan[];
}

/** A found span: the rule's id without `pii.`. */
export interface FoundSpan {
  readonly id: string;
  readonly start: number;
  readonly end: number;
}

interface Rate {
  readonly hits: number;
  readonly of: number;
  readonly rate: number;
  /** Wilson's score interval at 95 %. */
  readonly low: number;
  readonly high: number;
}

interface TypeScore {
  readonly type: string;
  readonly recall: Rate;
  readonly precision: Rate;
  readonly f1: number;
}

export interface PresidioScores {
  readonly types: readonly TypeScore[];
  readonly structured: TypeScore;
  readonly all: TypeScore;
}

/** Type of the set -> rules that fit it. An address has towns and postal codes in it. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  PERSON: ["person"],
  TITLE: ["title"],
  PREFIX: ["title"],
  ORGANIZATION: ["organization"],
  STREET_ADDRESS: ["address", "location", "postcode"],
  ADDRESS: ["address", "location", "postcode"],
  GPE: ["location", "address"],
  LOCATION: ["location", "address"],
  ZIP_CODE: ["postcode", "address"],
  NRP: ["group"],
  AGE: ["age"],
  DATE_TIME: ["date", "date-of-birth"],
  CREDIT_CARD: ["card"],
  PHONE_NUMBER: ["phone"],
  EMAIL_ADDRESS: ["email"],
  IBAN_CODE: ["iban"],
  US_SSN: ["us-ssn", "us-itin"],
  IP_ADDRESS: ["ip-address"],
  DOMAIN_NAME: ["domain", "url"],
  US_DRIVER_LICENSE: ["driver-licence"],
};

/** What lies inside a span of the type without being all of it: right where it is found, but does not find the span. */
const WITHIN: Readonly<Record<string, readonly string[]>> = { PERSON: ["title"] };

/** Types whose form says what they are. */
const STRUCTURED: readonly string[] = [
  "CREDIT_CARD",
  "PHONE_NUMBER",
  "EMAIL_ADDRESS",
  "IBAN_CODE",
  "US_SSN",
  "IP_ADDRESS",
  "DOMAIN_NAME",
];

/** Scores what `find` finds in the documents. */
export function scorePresidio(
  documents: readonly MarkedDocument[],
  find: (text: string) => readonly FoundSpan[],
): PresidioScores {
  const types = new Set(documents.flatMap(({ spans }) => spans.map(({ type }) => type)));
  const asked = new Set([...types].flatMap((type) => FITTING[type] ?? []));
  // What this set marks nowhere, though sets of its kind do, was not asked for.
  const unasked = new Set(
    Object.values(FITTING)
      .flat()
      .filter((id) => !asked.has(id)),
  );
  const counts = new Map<string, { found: number; marked: number; right: number; reported: number }>();
  const count = (type: string) => {
    let entry = counts.get(type);
    if (entry === undefined) counts.set(type, (entry = { found: 0, marked: 0, right: 0, reported: 0 }));
    return entry;
  };
  for (const { text, spans } of documents) {
    const found = find(text).filter(({ id }) => !unasked.has(id));
    for (const span of spans) {
      const entry = count(span.type);
      entry.marked += 1;
      if (found.some((match) => overlaps(match, span) && fits(match, span.type))) entry.found += 1;
    }
    for (const match of found) {
      const under = spans.filter((span) => overlaps(match, span));
      const right = under.find(({ type }) => fits(match, type) || WITHIN[type]?.includes(match.id) === true);
      const home =
        [...types].find((type) => FITTING[type]?.[0] === match.id) ?? [...types].find((type) => fits(match, type));
      const entry = count(right?.type ?? home ?? match.id);
      entry.reported += 1;
      if (right !== undefined) entry.right += 1;
    }
  }
  const scores = [...counts].map(([type, entry]) => scoreOf(type, entry));
  const sum = (name: string, chosen: (type: string) => boolean): TypeScore => {
    const total = { found: 0, marked: 0, right: 0, reported: 0 };
    for (const [type, entry] of counts) {
      if (!chosen(type)) continue;
      for (const key of ["found", "marked", "right", "reported"] as const) total[key] += entry[key];
    }
    return scoreOf(name, total);
  };
  return {
    types: scores.toSorted((one, other) => other.recall.of - one.recall.of || one.type.localeCompare(other.type)),
    structured: sum("structured", (type) => STRUCTURED.includes(type)),
    all: sum("all", () => true),
  };
}

/** The table of the scores, as text. */
export function presidioTable({ types, structured, all }: PresidioScores): string {
  const rate = ({ hits, of, rate, low, high }: Rate): string =>
    of === 0 ? "-".padEnd(27) : `${rate.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] ${hits}/${of}`.padEnd(32);
  const line = ({ type, recall, precision, f1 }: TypeScore): string =>
    `${type.padEnd(20)} ${rate(recall).padEnd(33)} ${rate(precision).padEnd(33)} ${Number.isNaN(f1) ? "-" : f1.toFixed(3)}`;
  const head = `${"type".padEnd(20)} ${"recall".padEnd(33)} ${"precision".padEnd(33)} F1`;
  return [head, ...types.map(line), line(structured), line(all)].join("\n");
}

function scoreOf(
  type: string,
  { found, marked, right, reported }: { found: number; marked: number; right: number; reported: number },
): TypeScore {
  const recall = rateOf(found, marked);
  const precision = rateOf(right, reported);
  const f1 = (2 * recall.rate * precision.rate) / (recall.rate + precision.rate);
  return { type, recall, precision, f1 };
}

function rateOf(hits: number, of: number): Rate {
  const { value, low, high } = wilson(hits, of) ?? { value: Number.NaN, low: 0, high: 1 };
  return { hits, of, rate: value, low, high };
}

function overlaps(match: FoundSpan, span: MarkedSpan): boolean {
  return match.start < span.end && span.start < match.end;
}

function fits({ id }: FoundSpan, type: string): boolean {
  return FITTING[type]?.includes(id) === true;
}
