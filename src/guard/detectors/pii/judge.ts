/**
 * Judges an island: which recognisers find something in it, and which of what overlaps stands.
 *
 *     what the island has -> recognisers that need no more -> pattern, check, context -> the strongest at each place
 *
 * @module
 */

import type { Severity } from "../../../core/index.ts";
import type { CustomMatcher } from "./custom.ts";
import { PII_ENTITIES } from "./entities.ts";
import type { Island } from "./islands.ts";
import { findAddresses, hasStreetWord } from "./names/address.ts";
import { lookUpAt, Word } from "./names/gazetteer.ts";
import { findNames } from "./names/names.ts";
import { hasPart } from "./names/tokens.ts";
import { judgePhone, PHONE } from "./phones.ts";
import { AFTER, BEFORE, plain, Strength, type Recogniser } from "./recogniser.ts";
import { mayHold, mayHoldNumber, traitsOf } from "./traits.ts";

export interface PiiMatch {
  readonly id: string;
  readonly name: string;
  readonly severity: Severity;
  /** In the window. */
  readonly start: number;
  readonly end: number;
  readonly strength: number;
}

export interface Looking {
  /** Recognisers of numbers, those that need the fewest digits first. */
  readonly numeric: readonly Recogniser[];
  readonly others: readonly Recogniser[];
  /** Whether some of them take words with a dot inside. */
  readonly dots: boolean;
  /** Whether some of them take words without digits. */
  readonly words: boolean;
  /** Whether any of {@link NAMES} is looked for. */
  readonly names: boolean;
  readonly entities: ReadonlySet<string>;
  /** Of the options: where phone numbers are looked up. */
  readonly countries: readonly string[] | undefined;
  readonly custom: readonly CustomMatcher[];
}

/** What `names/` finds. */
export const NAMES: readonly string[] = ["person", "location", "organization", "title", "group"];

/** The matches in an island, in order, none over another. */
export function judgeIsland(island: Island, looking: Looking): readonly PiiMatch[] {
  const { window, from, to, has, single } = island;
  const { entities } = looking;
  const found: PiiMatch[] = [];
  const traits = traitsOf(window, from, to);
  for (const recogniser of looking.numeric) {
    const { needs, solid } = recogniser;
    if ((needs as number) > traits.digits) break;
    if (mayHoldNumber(traits, needs as number, solid as number)) recognise(recogniser, window, from, to, found);
  }
  for (const recogniser of looking.others) {
    if (mayHold(traits, recogniser)) recognise(recogniser, window, from, to, found);
  }
  if (traits.chained >= 7 && entities.has("phone")) findPhones(window, from, to, looking.countries, found);
  if ((has.digit || (has.capital && !single)) && entities.has("address")) {
    for (const match of findAddresses(window, from, to, has.digit))
      push(found, "address", match.start, match.end, match.sure ? Strength.shape + 1 : Strength.word + 1);
  }
  if (looking.names) {
    for (const { id, start, end, weak } of findNames(window, from, to)) {
      if (entities.has(id)) push(found, id, start, end, weak ? Strength.word : Strength.word + 1);
    }
  }
  for (const matcher of looking.custom) matcher.find(window, from, to, found);
  return found.length < 2 ? found : strongest(found);
}

/**
 * Whether an island of words without digits holds nothing: each is an English word that names nobody, as those with which
 * sentences begin. Only of an island whose words stand for themselves.
 */
export function isPlainIsland(text: string, start: number, end: number, single: boolean, looking: Looking): boolean {
  if (looking.custom.length > 0) return false;
  let dotted = false;
  let colons = 0;
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x2e && unit !== 0x3a) continue;
    dotted = true;
    // An address of six words, or something like a host's name.
    if (unit === 0x3a && ++colons > 1) return false;
    if (looking.dots && at + 1 < end && text.charCodeAt(at + 1) > 0x20) return false;
  }
  if (single && !dotted && isPlainWord(text, start, end)) return true;
  return !looking.words && !hasPart(text, start, end) && !hasStreetWord(text, start, end);
}

/** A capitalised word that names nothing: how most sentences begin. */
function isPlainWord(text: string, from: number, to: number): boolean {
  let start = from;
  if ("\"'“‘(*".includes(text.charAt(from))) start += 1;
  let end = start;
  while (end < to && isLetter(text, end)) end += 1;
  if (end - start < 2) return true;
  const bits = lookUpAt(text, start, end);
  return (bits & Word.stop) !== 0 || bits === Word.common;
}

function isLetter(text: string, at: number): boolean {
  const unit = text.charCodeAt(at) | 0x20;
  return (unit >= 0x61 && unit <= 0x7a) || (unit > 0x7f && /\p{L}/u.test(text.charAt(at)));
}

function recognise(recogniser: Recogniser, window: string, from: number, to: number, found: PiiMatch[]): void {
  const { pattern, check, context, alone, id, name, severity, strength = Strength.shape } = recogniser;
  pattern.lastIndex = from;
  for (let match = pattern.exec(window); match !== null; match = pattern.exec(window)) {
    const start = match.index;
    const written = match[0];
    const end = start + written.length;
    if (end > to) return;
    if (check !== undefined && !check(plain(written), written)) {
      // A shorter match may begin at the next word of this one.
      const blank = written.search(/[ ]/);
      if (blank > 0) pattern.lastIndex = start + blank;
      continue;
    }
    const said = context !== undefined && isSaid(context, window, start, end);
    if (!said && alone !== true && alone?.(written) !== true) continue;
    found.push({ id, name, severity, start, end, strength: said ? strength + 1 : strength });
  }
}

/** Whether the words around a match say what it is. Those before count more than what comes behind. */
function isSaid(context: RegExp, window: string, start: number, end: number): boolean {
  return context.test(window.slice(Math.max(0, start - BEFORE), start)) || context.test(window.slice(end, end + AFTER));
}

function findPhones(
  window: string,
  from: number,
  to: number,
  countries: readonly string[] | undefined,
  found: PiiMatch[],
): void {
  PHONE.lastIndex = from;
  for (let match = PHONE.exec(window); match !== null; match = PHONE.exec(window)) {
    const start = match.index;
    if (start + match[0].length > to) return;
    const before = window.slice(Math.max(0, start - BEFORE), start);
    const end = start + match[0].length;
    const judged = judgePhone(match[0], before, window.slice(end, end + AFTER), countries);
    if (judged === undefined) continue;
    push(found, "phone", start, start + judged.length, judged.strength);
    PHONE.lastIndex = start + judged.length;
  }
}

function push(found: PiiMatch[], id: string, start: number, end: number, strength: number): void {
  const entity = PII_ENTITIES.get(id);
  if (entity !== undefined) found.push({ id, name: entity.name, severity: entity.severity, start, end, strength });
}

/** Of matches that overlap the strongest stands, and of equals the longest, then the first. */
function strongest(found: readonly PiiMatch[]): readonly PiiMatch[] {
  const kept: PiiMatch[] = [];
  const ranked = found.toSorted(
    (one, other) =>
      other.strength - one.strength || other.end - other.start - (one.end - one.start) || one.start - other.start,
  );
  for (const match of ranked) {
    if (!kept.some(({ start, end }) => start < match.end && match.start < end)) kept.push(match);
  }
  return kept.toSorted((one, other) => one.start - other.start);
}
