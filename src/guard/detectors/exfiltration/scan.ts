/**
 * One pass over a channel of text, in pieces: stops wherever something could begin that leads out, and asks the reader
 * of its kind.
 *
 * What a reader decides rests on the text from there on up to its limit ({@link TAG_BOUND} at most), on
 * {@link LOOK_BACK} units before, and on what the text so far said (labels); until that is there, the place waits and
 * holds back what follows. So no cut changes what is found, and memory does not grow with the text.
 *
 * @module
 */

import type { Finding } from "../../../core/index.ts";
import type { Hit, Scan } from "../../detector.ts";
import { endsAddress, LOOK_BACK, openScheme, readAddressAt, readHandler, readStyleAddress, readWww } from "./bare.ts";
import { readTag } from "./html.ts";
import { markdownState, readAfterBracket, readImage } from "./markdown.ts";
import { exfiltrationFinding, type ExfiltrationRule, type Reading, type Sighting } from "./rules.ts";
import type { Judge } from "./target.ts";
import { readTerminal } from "./terminal.ts";

/** Findings that are told apart. One more, and the rest of the text counts as one. */
export const MAX_HITS = 256;
/** Units that are read at a time, so that what lies behind a place is bounded. */
const BLOCK = 4096;

interface MutableHit extends Hit {
  finding: Finding;
}

export interface ScanOptions {
  readonly pointer: string;
  readonly judge: Judge;
  readonly isReported: (rule: ExfiltrationRule) => boolean;
}

/** 1 for the units at which something begins; 2 for those at which it hardly ever does, which are looked at twice. */
const TRIGGERS = new Uint8Array(256);
for (const unit of "!]<=\u001B\u0090\u0098\u009B\u009D\u009E\u009F") TRIGGERS[unit.charCodeAt(0)] = 1;
for (const unit of ":(wW") TRIGGERS[unit.charCodeAt(0)] = 2;

/** The next index at which something may begin; the length of the text if there is none, and so nothing to find. */
export function nextTrigger(text: string, from: number): number {
  const length = text.length;
  let at = from;
  for (; at < length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 256) continue;
    const kind = TRIGGERS[unit];
    if (kind === 1 || (kind === 2 && mayBegin(text, at, unit))) return at;
  }
  return at;
}

/** Whether a colon, a parenthesis or a `w` is more than punctuation and spelling. */
function mayBegin(text: string, at: number, unit: number): boolean {
  if (unit === 0x28) return (text.charCodeAt(at - 1) | 0x20) === 0x6c; // url(
  const next = text.charCodeAt(at + 1);
  if (unit === 0x3a) return !(next <= 0x20); // NaN, at the end of the text, is not
  return Number.isNaN(next) || (next | 0x20) === 0x77;
}

/** Opens a scan. */
export function openExfiltrationScan({ pointer, judge, isReported }: ScanOptions): Scan {
  const hits: MutableHit[] = [];
  const state = markdownState();
  /** The channel from `base` on: at most {@link LOOK_BACK} units before what is not judged yet, and that. */
  let text = "";
  let base = 0;
  /** Index in `text` of the first unit that is not judged. */
  let at = 0;
  /** A hit that was cut at a limit and goes on. */
  let growing: MutableHit | undefined;
  let flooded: MutableHit | undefined;

  const readAt = (place: number, final: boolean): Reading => {
    switch (text.charCodeAt(place)) {
      case 0x21: // !
        return readImage(text, place, final, judge, state);
      case 0x5d: // ]
        return readAfterBracket(text, place, final, judge, state);
      case 0x3c: // <
        return readTag(text, place, final, judge);
      case 0x3a: // :
        return readAddressAt(text, place, final, judge);
      case 0x28: // (
        return readStyleAddress(text, place, final, judge);
      case 0x3d: // =
        return readHandler(text, place, final);
      case 0x57: // W
      case 0x77: // w
        return readWww(text, place, final, judge);
      default:
        return readTerminal(text, place, final, judge);
    }
  };

  const report = ({ rule, start, end, grows }: Sighting): void => {
    if (!isReported(rule)) return;
    const over = hits.length >= MAX_HITS;
    const finding = exfiltrationFinding(over ? "flood" : rule, pointer, base + start, base + end);
    const hit = { opening: finding, finding };
    hits.push(hit);
    if (over) flooded = hit;
    else if (grows === true) growing = hit;
  };

  const growTo = (hit: MutableHit, end: number): void => {
    hit.finding = { ...hit.finding, location: { ...hit.finding.location, end: base + end } };
  };

  /** Takes along what belongs to the hit that was cut. */
  const grow = (hit: MutableHit): void => {
    let end = at;
    while (end < text.length && !endsAddress(text.charCodeAt(end))) end += 1;
    growTo(hit, end);
    if (end < text.length) growing = undefined;
    at = end;
  };

  /** Judges as far as the text goes; returns the index before which everything is judged. */
  const advance = (final: boolean): number => {
    if (growing !== undefined) grow(growing);
    while (hits.length <= MAX_HITS) {
      const place = nextTrigger(text, at);
      at = place;
      if (place >= text.length) break;
      const reading = readAt(place, final);
      if (reading === undefined) at = place + 1;
      else if ("waitFrom" in reading) return Math.min(place, reading.waitFrom);
      else if ("passTo" in reading) at = Math.max(place + 1, reading.passTo);
      else {
        report(reading);
        at = Math.max(place + 1, reading.end);
        if (growing !== undefined) grow(growing);
      }
    }
    if (flooded !== undefined) {
      at = text.length;
      growTo(flooded, at);
    }
    return final || growing !== undefined || flooded !== undefined ? text.length : openScheme(text);
  };

  const step = (piece: string, final: boolean): number => {
    text += piece;
    const settled = base + advance(final);
    const kept = Math.max(0, Math.min(at, settled - base) - LOOK_BACK);
    text = text.slice(kept);
    base += kept;
    at -= kept;
    return settled;
  };

  return {
    push: (piece) => {
      let settled = 0;
      for (let from = 0; from === 0 || from < piece.length; from += BLOCK) {
        settled = step(piece.slice(from, from + BLOCK), false);
      }
      return settled;
    },
    end: () => {
      step("", true);
    },
    hits,
  };
}
