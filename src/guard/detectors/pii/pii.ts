/**
 * The pii detector: personal data in text. Numbers by their checks, addresses of networks by their form, phone numbers by
 * the numbering plans, people and places by a gazetteer and the words around them.
 *
 *     islands.ts (where something may be) -> judge.ts (what is there) -> findings
 *
 * A number is reported by what its check and the words near it say; at each place one thing is reported, the most
 * certain one. Names in scripts without capitals are not found.
 *
 * @module
 */

import type { Finding } from "../../../core/index.ts";
import type { Detector, Hit, Scan } from "../../detector.ts";
import type { Paced } from "../../pace.ts";
import { compileCustom, type CustomRecogniser } from "./custom.ts";
import { PII_COUNTRIES, PII_ENTITIES } from "./entities.ts";
import { piiError } from "./errors.ts";
import { CAP, openIslands, type Judge, type Plain } from "./islands.ts";
import { isPlainIsland, judgeIsland, NAMES, type Looking, type PiiMatch } from "./judge.ts";
import { loadWords } from "./names/gazetteer.ts";
import { plans } from "./phones.ts";
import { AFTER } from "./recogniser.ts";
import { RECOGNISERS } from "./recognisers/index.ts";

export interface PiiOptions {
  /**
   * What to look for, by the second word of the rules' ids; `"all"` for everything. Default: all but what is in every
   * second text and identifies nobody by itself (dates, ages, places, organisations, titles, nationalities, web
   * addresses, postal codes).
   */
  readonly entities?: readonly string[] | "all";
  /** Countries whose numbers are looked for, ISO 3166-1 alpha-2; also where phone numbers are looked up. Default: all. */
  readonly countries?: readonly string[];
  /** Recognisers of the caller's own. They are looked for whatever `entities` says. */
  readonly custom?: readonly CustomRecogniser[];
}

/** Matches in one text that are told apart. One more, and the rest of the text is one. */
export const MAX_HITS = 1024;

/** OWASP Top 10 for LLM applications, sensitive information disclosure; MITRE ATLAS, LLM data leakage. */
const REFERENCES = ["OWASP-LLM02:2025", "AML.T0057"];
const REMEDY = "leave it out or replace it by a placeholder, unless the model needs it and may have it";
const NOTHING: readonly Finding[] = [];

/** Units of text that one step reads: in the worst text, numbers that may be phone numbers of thirty countries. */
const STEP = 512;

/**
 * Makes a pii detector.
 *
 * @throws `guard.pii-entity-unknown`, `guard.pii-country-unknown`, `guard.pii-custom-invalid`
 *
 * @example
 * ```ts
 * import { createPiiDetector } from "holdfast/guard";
 *
 * const detector = createPiiDetector({
 *   entities: ["card", "iban", "email", "de-tax-id"],
 *   countries: ["DE"],
 *   custom: [{ id: "employee-number", pattern: "\\bE-[0-9]{6}\\b" }],
 * });
 * const context = { direction: "request", origin: "user", pointer: "/messages/0/content" } as const;
 * detector.detect("pay with 4111 1111 1111 1111", context); // one finding of pii.card, units 9 to 28
 * ```
 */
export function createPiiDetector(options: PiiOptions = {}) {
  const looking = readOptions(options);
  return {
    id: "pii",
    version: "1.0.0",
    directions: ["request", "response"],
    longestMatch: CAP + AFTER,
    cost: "cheap",
    reads: "views",
    detect: (text, { pointer }) => {
      const reading = openReading(pointer, looking);
      reading.take(text);
      return findingsOf(reading);
    },
    read: (text, { pointer }) => readWhole(text, pointer, looking),
    open: ({ pointer }): Scan => openReading(pointer, looking),
  } as const satisfies Detector;
}

/**
 * Loads the word lists and the numbering plans, which would otherwise be loaded by the first text that needs them: some
 * hundred milliseconds in which nobody else is served. For whoever answers requests, before the first.
 *
 * @example
 * ```ts
 * import { warmPiiDetector } from "holdfast/guard";
 *
 * warmPiiDetector();
 * ```
 */
export function warmPiiDetector(): void {
  loadWords();
  plans();
}

/** The detector with its defaults. */
export const piiDetector = createPiiDetector();

function readOptions({ entities, countries, custom = [] }: PiiOptions): Looking {
  for (const country of countries ?? []) {
    if (!PII_COUNTRIES.has(country)) throw piiError("guard.pii-country-unknown", { detail: country });
  }
  const ids = new Set<string>();
  for (const { id } of custom) {
    if (PII_ENTITIES.has(id) || ids.has(id)) {
      throw piiError("guard.pii-custom-invalid", { detail: `${id}: there is an entity of this name already` });
    }
    ids.add(id);
  }
  const chosen = new Set<string>();
  if (entities === undefined || entities === "all") {
    for (const { id, byDefault } of PII_ENTITIES.values()) if (entities === "all" || byDefault) chosen.add(id);
  } else {
    for (const id of entities) {
      if (!PII_ENTITIES.has(id) && !ids.has(id)) throw piiError("guard.pii-entity-unknown", { detail: id });
      chosen.add(id);
    }
  }
  const recognisers = RECOGNISERS.filter(
    ({ id, country }) =>
      chosen.has(id) && (country === undefined || countries === undefined || countries.includes(country)),
  );
  return {
    numeric: recognisers
      .filter(({ solid }) => solid !== undefined)
      .toSorted((one, other) => Number(one.needs) - Number(other.needs)),
    others: recognisers.filter(({ solid }) => solid === undefined),
    dots: recognisers.some(({ needs }) => needs === "."),
    words: recognisers.some(({ needs }) => needs === "capital" || needs === "capitals"),
    names: NAMES.some((id) => chosen.has(id)),
    entities: chosen,
    countries,
    custom: custom.map(compileCustom),
  };
}

function* readWhole(text: string, pointer: string, looking: Looking): Paced<readonly Finding[]> {
  const reading = openReading(pointer, looking);
  reading.take(text);
  for (let at = STEP; at < text.length; at += STEP) {
    reading.readTo(at);
    yield;
  }
  return findingsOf(reading);
}

function findingsOf(reading: Reading): readonly Finding[] {
  reading.end();
  return reading.hits.length === 0 ? NOTHING : reading.hits.map(({ finding }) => finding);
}

/** A scan that can be given a text whole, and read it in steps. */
interface Reading extends Scan {
  push(piece: string): number;
  end(): void;
  take(text: string): void;
  readTo(limit: number): void;
}

function openReading(pointer: string, looking: Looking): Reading {
  const hits: Hit[] = [];
  let length = 0;
  /** Where the match over the limit begins. */
  let flood: { readonly start: number; readonly end: number } | undefined;

  const judge: Judge = (island, offset, upTo) => {
    let taken = 0;
    for (const match of judgeIsland(island, looking)) {
      if (match.start >= upTo || flood !== undefined) break;
      taken = match.end;
      if (hits.length < MAX_HITS) {
        const finding = findingOf(match, pointer, offset);
        hits.push({ opening: finding, finding });
      } else {
        flood = { start: offset + match.start, end: offset + match.end };
      }
    }
    return taken;
  };
  const isPlain: Plain = (text, start, end, single) => isPlainIsland(text, start, end, single, looking);
  const islands = openIslands(judge, isPlain, looking.custom.length > 0);

  /** All from the match over the limit on is one finding, which grows with the text. */
  const grow = (): void => {
    if (flood === undefined) return;
    const { start, end } = flood;
    const opening = floodFinding(pointer, start, end);
    hits[MAX_HITS] = { opening, finding: floodFinding(pointer, start, Math.max(end, length)) };
  };

  return {
    push: (piece) => {
      length += piece.length;
      const settled = flood === undefined ? islands.push(piece) : length;
      grow();
      return flood === undefined ? settled : length;
    },
    end: () => {
      if (flood === undefined) islands.end();
      grow();
    },
    take: (text) => {
      length = text.length;
      islands.take(text);
    },
    readTo: (limit) => {
      if (flood === undefined) islands.readTo(limit);
    },
    hits,
  };
}

function findingOf({ id, name, severity, start, end }: PiiMatch, pointer: string, offset: number): Finding {
  return {
    rule: `pii.${id}`,
    severity,
    location: { pointer, start: offset + start, end: offset + end },
    message: `${/^[aeio]|^(?:ABA|NHS|SSN|US DEA)/i.test(name) ? "an" : "a"} ${name}`,
    remedy: REMEDY,
    references: REFERENCES,
  };
}

function floodFinding(pointer: string, start: number, end: number): Finding {
  return {
    rule: "pii.flood",
    severity: "high",
    location: { pointer, start, end },
    message: `more personal data than the limit of ${MAX_HITS}; all from here on counts as such`,
    remedy: REMEDY,
    references: REFERENCES,
  };
}
