/**
 * Looks for canaries in a channel of text: in any case, with other characters between theirs.
 *
 * Letters and digits are taken one after the other, whatever stands between. A marker ends with a digit, so the digits of
 * a text, which prose has few of, are where it is looked for; then the next 24 characters decide.
 *
 * @module
 */

import type { Finding } from "../../../core/index.ts";
import type { Hit, Scan } from "../../detector.ts";
import { CANARY_LENGTH, MARKER_LENGTH, SYMBOLS, type CanaryBook } from "./canary.ts";
import { MAX_HITS } from "./passages.ts";

/** Units that may stand between two characters of a canary. */
const GAP = 8;
/** UTF-16 units that a canary may take up. */
export const CANARY_REACH = CANARY_LENGTH * (GAP + 1);
/** Units before the last character of a marker that the marker may reach back. */
const LOOK_BACK = MARKER_LENGTH * (GAP + 1);

/** What a unit is: a symbol, 0 to 31; something that stands between; a letter that no canary has. */
const BETWEEN = 32;
const OTHER = 33;
const UNITS = new Uint8Array(128).fill(BETWEEN);
for (let unit = 0x61; unit <= 0x7a; unit++) UNITS[unit] = UNITS[unit - 0x20] = OTHER;
for (const [value, symbol] of Array.from(SYMBOLS).entries()) {
  UNITS[symbol.charCodeAt(0)] = UNITS[symbol.toUpperCase().charCodeAt(0)] = value;
}

/** Markers made ready: bit sets of all that a marker begins with, by length. */
export interface CanaryFinder {
  readonly book: CanaryBook;
  /** Indexed by length - 1, then by the symbols' bits. */
  readonly beginnings: readonly Uint8Array[];
}

export function canaryFinder(book: CanaryBook): CanaryFinder {
  const beginnings = Array.from({ length: MARKER_LENGTH }, (_, index) => new Uint8Array(32 ** (index + 1)));
  for (const marker of book.markers) {
    let code = 0;
    for (const [index, symbol] of Array.from(marker).entries()) {
      code = code * 32 + SYMBOLS.indexOf(symbol);
      (beginnings[index] as Uint8Array)[code] = 1;
    }
  }
  return { book, beginnings };
}

interface MutableHit extends Hit {
  finding: Finding;
}

export function openCanaryScan({ book, beginnings }: CanaryFinder, pointer: string): Scan {
  const markers = beginnings[MARKER_LENGTH - 1] as Uint8Array;
  const hits: MutableHit[] = [];
  let text = "";
  let base = 0;
  /** Index in `text` of the next unit to read. */
  let at = 0;
  /** Offset in the channel behind the last canary: the next one begins no earlier. */
  let passed = 0;

  const report = (id: string, start: number, end: number): void => {
    const finding = canaryFinding(id, pointer, base + start, base + end);
    hits.push({ opening: finding, finding });
  };

  /**
   * Judges the digit at `end`, if a marker ends there: the candidate starts at `wait` and has no end yet, or is a canary
   * and reading goes on at `next`.
   */
  const judge = (end: number, final: boolean): { readonly wait: number } | { readonly next: number } | undefined => {
    const start = markerStart(text, end, markers);
    if (start < passed - base) return undefined;
    const found = collect(text, start, final);
    if (found === "wait") return { wait: start };
    const id = found === "none" ? undefined : book.recognise(found.characters);
    if (id === undefined || found === "none") return undefined;
    report(id, start, found.end);
    passed = base + found.end;
    return { next: found.end };
  };

  /** Reads on; returns the start of a candidate whose end has not come, or -1. */
  const read = (final: boolean): number => {
    while (hits.length <= MAX_HITS) {
      at = nextDigit(text, at);
      if (at === text.length) return -1;
      const judged = judge(at, final);
      if (judged === undefined) at += 1;
      else if ("wait" in judged) return judged.wait;
      else at = judged.next;
    }
    return -1;
  };

  /** First unit of what may become a marker at the end of the text. */
  const openMarker = (): number => {
    const limit = Math.max(0, text.length - (MARKER_LENGTH - 1) * (GAP + 1));
    let from = text.length;
    let code = 0;
    let weight = 1;
    let length = 0;
    let gap = 0;
    for (let index = text.length - 1; index >= limit && length < MARKER_LENGTH - 1; index--) {
      const unit = text.charCodeAt(index);
      const symbol = unit < 128 ? (UNITS[unit] as number) : BETWEEN;
      if (symbol === OTHER || gap > GAP) break;
      if (symbol === BETWEEN) {
        gap += 1;
        continue;
      }
      gap = 0;
      code += symbol * weight;
      weight *= 32;
      length += 1;
      if (beginnings[length - 1]?.[code] === 1) from = index;
    }
    return from;
  };

  const step = (piece: string, final: boolean): number => {
    text += piece;
    const open = read(final);
    const last = hits[MAX_HITS];
    if (last !== undefined) {
      // Past the limit: the rest of the text belongs to the last hit.
      at = text.length;
      last.finding = { ...last.finding, location: { ...last.finding.location, end: base + at } };
    }
    const settled = base + (open !== -1 ? open : final || last !== undefined ? text.length : openMarker());
    const kept = Math.max(0, Math.min(at, settled - base) - LOOK_BACK);
    text = text.slice(kept);
    base += kept;
    at -= kept;
    return settled;
  };

  return {
    push: (piece) => step(piece, false),
    end: () => {
      step("", true);
    },
    hits,
  };
}

function nextDigit(text: string, from: number): number {
  const length = text.length;
  let at = from;
  for (; at < length; at++) {
    const unit = text.charCodeAt(at);
    if (unit <= 0x39 && unit >= 0x30) return at;
  }
  return at;
}

/** Start of the marker that ends with the digit at `end`; -1 if none does, or its characters stand too far apart. */
function markerStart(text: string, end: number, markers: Uint8Array): number {
  const before = text.charCodeAt(end - 1);
  // Of most digits the one before is a digit, which no marker has there.
  if (before >= 0x30 && before <= 0x39) return -1;
  let code = text.charCodeAt(end) - 0x30;
  let weight = 32;
  let left = MARKER_LENGTH - 1;
  let gap = 0;
  for (let index = end - 1; index >= 0; index--) {
    const unit = text.charCodeAt(index);
    const symbol = unit < 128 ? (UNITS[unit] as number) : BETWEEN;
    if (symbol === OTHER) return -1;
    if (symbol === BETWEEN) {
      if (++gap > GAP) return -1;
      continue;
    }
    gap = 0;
    code += symbol * weight;
    weight *= 32;
    left -= 1;
    if (left === 0) return markers[code] === 1 ? index : -1;
  }
  return -1;
}

interface Candidate {
  readonly characters: string;
  readonly end: number;
}

/** Collects a canary's characters from `start` on. */
function collect(text: string, start: number, final: boolean): Candidate | "wait" | "none" {
  let characters = "";
  let gap = 0;
  for (let index = start; ; index++) {
    if (index >= text.length) return final ? "none" : "wait";
    const unit = text.charCodeAt(index);
    const symbol = unit < 128 ? (UNITS[unit] as number) : BETWEEN;
    if (symbol === OTHER) return "none";
    if (symbol === BETWEEN) {
      if (++gap > GAP) return "none";
      continue;
    }
    gap = 0;
    characters += SYMBOLS.charAt(symbol);
    if (characters.length === CANARY_LENGTH) return { characters, end: index + 1 };
  }
}

function canaryFinding(id: string, pointer: string, start: number, end: number): Finding {
  return {
    rule: "leak.canary",
    severity: "critical",
    location: { pointer, start, end },
    message: `repeats canary ${id}, which was planted where nothing should be repeated from`,
    remedy: "find out how the model came to say it; replace the canary, and what it guarded",
    references: ["OWASP-LLM07:2025", "AML.T0056"],
  };
}
