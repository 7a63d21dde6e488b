/**
 * The matcher: reads one text in pieces and finds the secrets of {@link SECRET_RULES} in it.
 *
 *     keywords (one pass) -> candidates -> enough text? -> pattern, entropy, checks -> hits
 *
 * A candidate is judged as soon as the text shows where its rule's shape ends, and sees just that slice: the same one
 * however the text was cut. Until then it holds back the text from its keyword on. Hits are handed over in the order of
 * their starts, once nothing before them is open; what was guessed (`generic`) gives way to what was recognised.
 *
 * @module
 */

import { entropy } from "./checks.ts";
import { compileKeywords, ENDS, ROW, Waits } from "./keywords.ts";
import { isPublished } from "./published.ts";
import { CONTEXT, DEFAULT_ENTROPY, type SecretRule } from "./rule.ts";
import { SECRET_RULES } from "./rules/index.ts";
import { isPlaceholder } from "./stop.ts";

/** A secret that was found. Offsets in the text that was read. */
export interface SecretHit {
  /** `undefined`: {@link MAX_HITS} was reached, and all the rest of the text counts as secret. */
  readonly rule: SecretRule | undefined;
  readonly start: number;
  /** One past the end when it was first certain. */
  readonly openingEnd: number;
  /** One past the end as far as it has grown. */
  end: number;
  /** It may still grow. */
  growing: boolean;
  /** Of a format with a checksum: whether it is right. */
  readonly checksum: boolean | undefined;
}

/** Secrets in one text that are told apart. One more, and the rest of the text is one. */
export const MAX_HITS = 256;

/**
 * Units that are read at a time. What is open at once, and with it the work for one hit, stays bounded however long a
 * text comes in one piece.
 */
export const BLOCK = 4096;

/** A piece's units, for the loop that reads them: an array is read faster than a string, which may be in parts. */
const UNITS = new Uint16Array(BLOCK);
const UNIT_BYTES = Buffer.from(UNITS.buffer);
/** From so many units on, copying all at once is cheaper than one by one. */
const MANY = 64;

function copyUnits(piece: string): void {
  if (piece.length >= MANY) UNIT_BYTES.write(piece, "utf16le");
  else for (let at = 0; at < piece.length; at++) UNITS[at] = piece.charCodeAt(at);
}

export interface Matcher {
  /** Takes the next piece; returns the offset before which everything is judged. */
  push(piece: string): number;
  end(): void;
  readonly hits: readonly SecretHit[];
}

/** A place where a rule may match. Offsets in the text that is read. */
interface Candidate {
  readonly ready: Ready;
  readonly start: number;
  /** Behind the keyword. */
  readonly behind: number;
  /** Where its shape has been followed to. */
  at: number;
  stage: number;
  taken: number;
}

/** A hit whose end has not come. */
interface Growing {
  readonly hit: SecretHit;
  readonly belongs: (code: number) => boolean;
}

/** A rule made ready: the classes of its shape as tables over ASCII. */
interface Ready {
  readonly rule: SecretRule;
  /** The keyword only names the secret, which begins behind it. */
  readonly names: boolean;
  readonly stages: readonly { readonly holds: Uint8Array; readonly most: number; readonly least: number }[];
  readonly least: number;
}

const RULES: readonly Ready[] = SECRET_RULES.map((rule) => ({
  rule,
  names: rule.pattern.source.includes("(?<secret>") && rule.inKeyword !== true,
  stages: rule.shape.map(([characters, most, least = 0]) => ({ holds: tableOf(characters), most, least })),
  least: rule.least ?? 0,
}));
const OWNERS = RULES.flatMap((ready) =>
  ready.rule.keywords.map((keyword) => ({ ready, length: keyword.length, inWord: ready.rule.inWord === true })),
);
const KEYWORDS = compileKeywords(
  SECRET_RULES.flatMap(({ keywords }) => keywords),
  (keyword) => {
    const { ready, inWord } = OWNERS[keyword] as (typeof OWNERS)[number];
    return ready.names ? Waits.Never : inWord ? Waits.Anywhere : Waits.AtWordStart;
  },
);

/** UTF-16 units after a rule's keyword that a match may reach, at most. */
export const LONGEST_MATCH = Math.max(
  ...SECRET_RULES.map(
    ({ keywords, shape }) =>
      Math.max(...keywords.map(({ length }) => length)) + shape.reduce((sum, [, most]) => sum + most, 0),
  ),
);

/** Whether any rule's keyword stands in a text of at most {@link BLOCK} units: without one nothing can be found. */
export function hasKeyword(text: string): boolean {
  const { next, classes } = KEYWORDS;
  copyUnits(text);
  const units = UNITS;
  const { length } = text;
  let state = 0;
  for (let at = 0; at < length; at++) {
    const unit = units[at] as number;
    state = unit < 128 ? (next[(state << ROW) | (classes[unit] as number)] as number) : 0;
    if (state >= ENDS) return true;
  }
  return false;
}

/** Opens a matcher. */
export function openMatcher(): Matcher {
  /** The text from `base` on. */
  let text = "";
  let base = 0;
  /** The automaton's state behind the text. */
  let state = 0;
  let candidates: Candidate[] = [];
  let growing: Growing[] = [];
  /** Found, while something before may still be. */
  let found: SecretHit[] = [];
  const hits: SecretHit[] = [];

  const readKeywords = (piece: string): void => {
    const { next, classes, ends } = KEYWORDS;
    const from = text.length - piece.length;
    copyUnits(piece);
    // In variables of its own, since this loop is what clean text costs.
    const units = UNITS;
    const length = piece.length;
    let now = state;
    for (let at = 0; at < length; at++) {
      const unit = units[at] as number;
      now = unit < 128 ? (next[(now << ROW) | (classes[unit] as number)] as number) : 0;
      if (now < ENDS) continue;
      now -= ENDS;
      const behind = from + at + 1;
      for (const keyword of ends[now] as readonly number[]) {
        const { ready, length: size, inWord } = OWNERS[keyword] as (typeof OWNERS)[number];
        const start = behind - size;
        if (!inWord && !startsWord(text, start)) continue;
        const place = base + behind;
        candidates.push({ ready, start: base + start, behind: place, at: place, stage: 0, taken: 0 });
      }
    }
    state = now;
  };

  const readCandidates = (final: boolean): void => {
    if (candidates.length === 0) return;
    const open: Candidate[] = [];
    for (const candidate of candidates) {
      const state = follow(candidate, text, base);
      if (state === "ended" || (state === "open" && final)) judge(candidate);
      else if (state === "open") open.push(candidate);
    }
    candidates = open;
  };

  const judge = ({ ready: { rule, least }, start, behind, at }: Candidate): void => {
    if (at - behind < least) return;
    rule.pattern.lastIndex = 0;
    const match = rule.pattern.exec(text.slice(start - base, at - base + 1));
    if (match === null) return;
    const secret = match.groups?.["secret"] ?? match[0];
    if (entropy(secret) < (rule.entropy ?? DEFAULT_ENTROPY) || isPlaceholder(secret)) return;
    const before = text.slice(Math.max(0, start - base - CONTEXT), start - base);
    if (rule.check !== undefined && !rule.check(secret, before, match[0])) return;
    const offset = match.indices?.groups?.["secret"]?.[0] ?? 0;
    const end = start + offset + secret.length;
    if (isPublished(secret)) return;
    const checksum = rule.checksum?.(secret);
    const hit = { rule, start: start + offset, openingEnd: end, end, growing: rule.grow !== undefined, checksum };
    if (found.some((known) => known.rule === rule && known.start === hit.start)) return;
    found.push(hit);
    if (rule.grow !== undefined) growing.push({ hit, belongs: rule.grow() });
  };

  const grow = (): void => {
    if (growing.length === 0) return;
    growing = growing.filter(({ hit, belongs }) => {
      while (hit.end < base + text.length) {
        if (!belongs(text.charCodeAt(hit.end - base))) return (hit.growing = false);
        hit.end += 1;
      }
      return true;
    });
  };

  /** Units at the end of the text that may become a keyword, and then part of a secret. */
  const begun = (): number => {
    for (let now = state; now !== 0; now = KEYWORDS.fallback[now] as number) {
      const depth = KEYWORDS.depth[now] as number;
      const waits = KEYWORDS.waits[now];
      if (waits === Waits.Anywhere) return depth;
      if (waits === Waits.AtWordStart && startsWord(text, text.length - depth)) return depth;
    }
    return 0;
  };

  /** Everything before it is judged. */
  const settle = (final: boolean): number => {
    let settled = base + text.length;
    if (!final) settled -= begun();
    for (const { ready, start, behind } of candidates) settled = Math.min(settled, ready.names ? behind : start);
    if (found.length === 0) return settled;
    // A guess waits until nothing that could replace it is open.
    let before = settled;
    for (const { rule, start, end } of found)
      if (rule?.generic === true && end > settled) before = Math.min(before, start);
    const ready = found.filter(({ start }) => start < before).toSorted(inOrder);
    found = found.filter(({ start }) => start >= before);
    for (const hit of ready) {
      if (hit.rule?.generic === true && isReplaced(hit, hits, ready)) continue;
      hits.push(
        hits.length < MAX_HITS
          ? hit
          : { ...hit, rule: undefined, end: base + text.length, growing: true, checksum: undefined },
      );
      if (hits.length > MAX_HITS) break;
    }
    return before;
  };

  /** Forgets what nothing can refer to any more. */
  const forget = (settled: number): void => {
    let kept = settled;
    for (const { start } of found) kept = Math.min(kept, start);
    for (const { start } of candidates) kept = Math.min(kept, start);
    // What may become a keyword is looked at again from its start on, and what stands before it by a check.
    kept = Math.max(base, Math.min(kept, base + text.length - (KEYWORDS.depth[state] as number)) - CONTEXT);
    text = text.slice(kept - base);
    base = kept;
  };

  /** Takes a piece of at most {@link BLOCK} units. */
  const step = (piece: string, final: boolean): number => {
    text += piece;
    const flood = hits[MAX_HITS];
    if (flood !== undefined) {
      base += text.length;
      text = "";
      flood.end = base;
      return base;
    }
    readKeywords(piece);
    readCandidates(final);
    grow();
    const settled = settle(final);
    const overflow = hits[MAX_HITS];
    if (overflow !== undefined) return (overflow.end = base + text.length);
    forget(settled);
    return settled;
  };

  return {
    push: (piece) => {
      let settled = 0;
      for (let at = 0; at === 0 || at < piece.length; at += BLOCK) settled = step(piece.slice(at, at + BLOCK), false);
      return settled;
    },
    end: () => {
      step("", true);
    },
    hits,
  };
}

/** Follows a candidate's shape as far as the text goes: until it ends, or until it cannot become a match. */
function follow(candidate: Candidate, text: string, base: number): "open" | "ended" | "none" {
  const { stages } = candidate.ready;
  let { at, stage, taken } = candidate;
  for (let from = at - base; from < text.length;) {
    const now = stages[stage];
    if (now === undefined) {
      candidate.at = at;
      return "ended";
    }
    const unit = text.charCodeAt(from);
    if (taken < now.most && unit < 128 && now.holds[unit] === 1) {
      from += 1;
      at += 1;
      taken += 1;
    } else {
      if (taken < now.least) return "none";
      stage += 1;
      taken = 0;
    }
  }
  candidate.at = at;
  candidate.stage = stage;
  candidate.taken = taken;
  return "open";
}

/** Whether a keyword at `start` begins a word: also behind an escaped line break or a percent-encoded character. */
function startsWord(text: string, start: number): boolean {
  if (start === 0 || !isAlphanumeric(text.charCodeAt(start - 1))) return true;
  if (start >= 2 && text.charCodeAt(start - 2) === BACKSLASH) return "nrt".includes(text.charAt(start - 1));
  return start >= 3 && text.charCodeAt(start - 3) === PERCENT && /^[0-9A-Fa-f]{2}$/.test(text.slice(start - 2, start));
}

const PERCENT = 0x25;
const BACKSLASH = 0x5c;

function isAlphanumeric(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x30 && unit <= 0x39);
}

function inOrder(one: SecretHit, other: SecretHit): number {
  if (one.start !== other.start || one.rule === undefined || other.rule === undefined) return one.start - other.start;
  return SECRET_RULES.indexOf(one.rule) - SECRET_RULES.indexOf(other.rule);
}

/** Whether a guess stands where something was recognised, or where another guess was taken before it. */
function isReplaced(guess: SecretHit, taken: readonly SecretHit[], ready: readonly SecretHit[]): boolean {
  const overlaps = ({ start, end }: SecretHit): boolean => start < guess.end && end > guess.start;
  return taken.some(overlaps) || ready.some((hit) => hit.rule?.generic !== true && overlaps(hit));
}

function tableOf(characters: string): Uint8Array {
  const pattern = new RegExp(`[${characters}]`);
  return Uint8Array.from({ length: 128 }, (_, unit) => (pattern.test(String.fromCharCode(unit)) ? 1 : 0));
}
