/**
 * The secrets detector: API keys, tokens, private keys, passwords in addresses, by their own published forms.
 *
 * Reads the text three ways at once: as it is; cleaned of invisible characters, combining marks and look-alike forms
 * (`views.ts`); and what its tag characters spell. What one way finds at a place and another finds too is one finding.
 * What an encoding spells (base64, hex, URL) the guard gives it as a view of its own.
 *
 * @module
 */

import type { Finding } from "../../../core/index.ts";
import type { Detector, Hit, Scan } from "../../detector.ts";
import { atOnce, STEP, type Paced } from "../../pace.ts";
import { BLOCK, hasKeyword, LONGEST_MATCH, MAX_HITS, openMatcher, type Matcher, type SecretHit } from "./match.ts";
import { isPlainAscii } from "../unicode/characters.ts";
import { cleanedView, hiddenView, isDisguised, type View } from "./views.ts";

/** OWASP Top 10 for LLM applications, sensitive information disclosure; MITRE ATLAS, unsecured credentials. */
const REFERENCES = ["OWASP-LLM02:2025", "AML.T0055"];
const REMEDY = "revoke it where it was issued, and pass secrets by reference instead of in text";
const NOTHING: readonly Finding[] = [];

/**
 * @example
 * ```ts
 * import { secretsDetector } from "holdfast/guard";
 *
 * const context = { direction: "response", origin: "assistant", pointer: "/choices/0/message/content" } as const;
 * const key = `AKIA${"Z7Q4TLM2XKPW3VHD"}`;
 * secretsDetector.detect(`key: ${key}`, context); // one finding of secrets.aws-access-key-id, units 5 to 25
 * ```
 */
export const secretsDetector = {
  id: "secrets",
  version: "2.0.0",
  directions: ["request", "response"],
  longestMatch: LONGEST_MATCH,
  cost: "cheap",
  reads: "views",
  detect: (text, { pointer }) => (isClean(text) ? NOTHING : atOnce(readWhole(text, pointer))),
  *read(text, { pointer }) {
    return isClean(text) ? NOTHING : yield* readWhole(text, pointer);
  },
  open: ({ pointer }) => openSecretsScan(pointer),
} as const satisfies Detector;

/** Whether a text of one block holds neither a keyword nor a disguise: told before anything is set up to read it. */
function isClean(text: string): boolean {
  return text.length <= BLOCK && (isPlainAscii(text) || !isDisguised(text, 0, text.length)) && !hasKeyword(text);
}

/** Reads a whole text, in all three ways only where they differ. */
function* readWhole(text: string, pointer: string): Paced<readonly Finding[]> {
  for (let at = 0; at < text.length; at += STEP) {
    if (isDisguised(text, at, at + STEP)) return yield* readDisguised(text, pointer);
    if (at + STEP < text.length) yield;
  }
  const matcher = openMatcher();
  for (let at = 0; at < text.length; at += STEP) {
    matcher.push(text.slice(at, at + STEP));
    if (at + STEP < text.length) yield;
  }
  matcher.end();
  if (matcher.hits.length === 0) return NOTHING;
  return matcher.hits.map((hit) => findingOf(hit, pointer, hit.start, hit.end));
}

function* readDisguised(text: string, pointer: string): Paced<readonly Finding[]> {
  const scan = openSecretsScan(pointer);
  for (let at = 0; at < text.length; at += STEP) {
    void scan.push(text.slice(at, at + STEP));
    if (at + STEP < text.length) yield;
  }
  void scan.end();
  return scan.hits.map(({ finding }) => finding);
}

/** One way of reading the channel. */
interface Reading {
  /** Opened when there is something to read: hardly any text has tags. */
  matcher: Matcher | undefined;
  /** `undefined`: the text as it is. */
  readonly view: View | undefined;
  /** The matcher's hits, located in the original. */
  readonly placed: PlacedHit[];
}

interface PlacedHit extends Hit {
  finding: Finding;
  growing: boolean;
}

function openSecretsScan(pointer: string): Scan {
  const readings = [undefined, cleanedView(), hiddenView()].map((view): Reading => ({
    matcher: undefined,
    view,
    placed: [],
  }));
  /** The first half of a surrogate pair that was cut. */
  let half = "";
  let length = 0;
  let settled = 0;

  const read = (piece: string, final: boolean): void => {
    length += piece.length;
    settled = length;
    for (const reading of readings) {
      const { view, placed } = reading;
      const seen = view === undefined ? piece : view.add(piece);
      if (seen === "" && reading.matcher === undefined) continue;
      const matcher = (reading.matcher ??= openMatcher());
      const upTo = matcher.push(seen);
      if (final) matcher.end();
      else if (view === undefined) settled = Math.min(settled, upTo);
      else if (upTo < view.length) settled = Math.min(settled, view.startOf(upTo));
      place(matcher.hits, view, placed, pointer);
      view?.forget(upTo);
    }
  };

  return {
    push: (piece) => {
      const whole = half + piece;
      half = /[\uD800-\uDBFF]$/.test(whole) ? whole.slice(-1) : "";
      read(half === "" ? whole : whole.slice(0, -1), false);
      return settled;
    },
    end: () => {
      read(half, true);
    },
    get hits() {
      return onePerPlace(readings.flatMap(({ placed }) => placed));
    },
  };
}

/** Locates new and growing hits of a view in the original, while the view still has the map. */
function place(hits: readonly SecretHit[], view: View | undefined, placed: PlacedHit[], pointer: string): void {
  for (const [index, hit] of hits.entries()) {
    const known = placed[index];
    if (known?.growing === false) continue;
    const end = endIn(hit, view);
    if (known !== undefined) {
      known.growing = hit.growing;
      known.finding = { ...known.finding, location: { ...known.finding.location, end } };
      continue;
    }
    const start = view === undefined ? hit.start : view.startOf(hit.start);
    const openingEnd = view === undefined ? hit.openingEnd : view.endOf(hit.openingEnd);
    const opening = findingOf(hit, pointer, start, openingEnd);
    placed.push({ opening, finding: findingOf(hit, pointer, start, end), growing: hit.growing });
  }
}

/** Where a hit ends in the original. One that grows takes what the view drops along, up to the next thing it shows. */
function endIn({ rule, end }: SecretHit, view: View | undefined): number {
  if (view === undefined) return end;
  return rule === undefined || rule.grow !== undefined ? view.startOf(end) : view.endOf(end);
}

/** The same rule at the same place, seen in several ways, is one hit: the one that reaches furthest. */
function onePerPlace(hits: readonly PlacedHit[]): readonly Hit[] {
  if (hits.length === 0) return hits;
  const places = new Map<string, PlacedHit>();
  for (const hit of hits) {
    const { rule, location } = hit.finding;
    const key = `${rule} ${location.start}`;
    const known = places.get(key);
    if (known === undefined || known.finding.location.end < location.end) places.set(key, hit);
  }
  return [...places.values()].toSorted((one, other) => one.finding.location.start - other.finding.location.start);
}

function findingOf({ rule, checksum }: SecretHit, pointer: string, start: number, end: number): Finding {
  const shared = { location: { pointer, start, end }, remedy: REMEDY, references: REFERENCES };
  if (rule === undefined) {
    const message = `more secrets than the limit of ${MAX_HITS}; all from here on counts as secret`;
    return { rule: "secrets.flood", severity: "critical", message, ...shared };
  }
  const sure = checksum === undefined ? "" : checksum ? ", with a right checksum" : ", with a wrong checksum";
  return {
    rule: `secrets.${rule.id}`,
    // A wrong checksum means mistyped or made up, which nobody should rely on: it is reported, less loudly.
    severity: checksum === false ? "medium" : rule.severity,
    message: `${article(rule.name)} ${rule.name}${sure}`,
    ...shared,
  };
}

function article(name: string): string {
  return /^(?:[aeio]|[AEFHLMNRSX][A-Z])/i.test(name) ? "an" : "a";
}
