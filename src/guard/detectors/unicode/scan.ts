/**
 * One pass over a channel of text, in pieces, that judges every hidden character by its company.
 *
 * What decides lies close by: the character before, the next visible one after (behind at most three hidden ones), at
 * most 14 units of an emoji's tags, at most {@link BIDI_REACH} units of an isolate. Until it is there the character
 * waits. Apart from that only counts are carried along, so a text of any length needs the same memory.
 *
 * Ordinary text has the odd stray (a zero-width space from a web page, an orphaned emoji selector): a few are let
 * pass, in proportion to the text so far, and the first one over is a finding. That leaves a hidden channel of at most
 * one symbol in 256 units.
 *
 * @module
 */

import { codePointAt, isHighSurrogate, isLowSurrogate, type Finding } from "../../../core/index.ts";
import type { Hit, Scan } from "../../detector.ts";
import {
  belongs,
  isPresentationSelector,
  isRightToLeft,
  isWordCharacter,
  kindOf,
  nextHidden,
  tagSequence,
  takesSelector,
  type Kind,
} from "./characters.ts";
import { unicodeFinding, type UnicodeRuleId } from "./rules.ts";

/** UTF-16 units within which an isolate must be closed. What Unicode-aware software isolates is names and numbers. */
export const BIDI_REACH = 256;
/** Hidden characters in a row that are a message of their own. */
const LONG_RUN = 4;
/** Strays that any text may have, and units of text for one more. */
const STRAYS = 4;
const UNITS_PER_STRAY = 256;
/** Findings that are told apart. One more, and the rest of the text counts as one. */
const MAX_HITS = 256;

/** Not enough text yet to judge. */
const WAIT = -1;

interface MutableHit extends Hit {
  finding: Finding;
}

/** A run that may go on with the next piece. */
interface Run {
  readonly hit: MutableHit;
  readonly kind: Kind;
  readonly rule: UnicodeRuleId;
  characters: number;
}

/** Opens a scan of the channel at `pointer`. */
export function openUnicodeScan(pointer: string): Scan {
  const hits: MutableHit[] = [];
  /** The channel from `base` on: one character before what is not judged yet, and that. */
  let text = "";
  let base = 0;
  /** Index in `text` of the first unit that is not judged. */
  let at = 0;
  let strays = 0;
  let openEmbeddings = 0;
  let openIsolates = 0;
  /** Offset in the channel of the last soft hyphen, and how many in a row stood at most a letter apart. */
  let lastSoftHyphen = -10;
  let closeSoftHyphens = 0;
  let run: Run | undefined;
  let flooded: MutableHit | undefined;

  const report = (rule: UnicodeRuleId, start: number, end: number): MutableHit => {
    const over = hits.length >= MAX_HITS;
    const finding = unicodeFinding(over ? "flood" : rule, pointer, base + start, base + end);
    const hit = { opening: finding, finding };
    hits.push(hit);
    if (over) flooded = hit;
    return hit;
  };

  /** One stray more: a finding when ordinary text of this length would not have as many. */
  const stray = (start: number, end: number): void => {
    strays += 1;
    if (strays > STRAYS + Math.floor((base + start) / UNITS_PER_STRAY)) report("invisible-characters", start, end);
  };

  /** A finding that grows over what follows of the same kind. */
  const startRun = (kind: Kind, rule: UnicodeRuleId, start: number, end: number, characters: number): number => {
    run = { hit: report(rule, start, end), kind, rule, characters };
    return end;
  };

  const growRun = (current: Run, limit: number): number => {
    let end = at;
    while (end < limit) {
      const code = codePointAt(text, end) as number;
      if (kindOf(code) !== current.kind) break;
      current.characters += 1;
      end += code > 0xffff ? 2 : 1;
    }
    const { start } = current.hit.opening.location;
    const detail = `: ${current.characters} characters`;
    current.hit.finding = unicodeFinding(current.rule, pointer, start, base + end, detail);
    if (end < limit) run = undefined;
    return end;
  };

  const judgeTag = (start: number, final: boolean): number => {
    const legitimate = tagSequence(text, start, characterBefore(text, start));
    if (legitimate === undefined && !final) return WAIT;
    if (legitimate !== undefined && legitimate > 0) return start + legitimate;
    return startRun("tag", "tag-characters", start, start + 2, 1);
  };

  const judgeSelectors = (start: number, final: boolean): number => {
    const { codes, end, complete } = hiddenRun(text, start, "variation", LONG_RUN - 1);
    if (!complete && !final) return WAIT;
    const first = codes[0] as number;
    if (codes.length === 1 && takesSelector(characterBefore(text, start), first)) return end;
    if (codes.length < LONG_RUN - 1 && codes.every(isPresentationSelector)) {
      stray(start, end);
      return end;
    }
    return startRun("variation", "variation-selectors", start, start + (first > 0xffff ? 2 : 1), 1);
  };

  const judgeZeroWidth = (start: number, final: boolean): number => {
    const { codes, end, complete } = hiddenRun(text, start, "zero-width", LONG_RUN);
    if (codes.length === LONG_RUN) return startRun("zero-width", "zero-width", start, end, LONG_RUN);
    const after = characterAt(text, end);
    if ((!complete || after === undefined) && !final) return WAIT;
    const before = characterBefore(text, start);
    if (base + start === 0 && codes[0] === 0xfeff) return start + 1;
    if (codes.every((code) => belongs(code, before, after ?? ""))) return end;
    if (isWordCharacter(before) && isWordCharacter(after ?? "")) report("split-word", start, end);
    else stray(start, end);
    return end;
  };

  const judgeBidi = (start: number, code: number, final: boolean): number => {
    const end = start + 1;
    switch (code) {
      case 0x202d: // LRO
      case 0x202e: // RLO
        openEmbeddings += 1;
        report("bidi-override", start, end);
        return end;
      case 0x202c: // PDF
      case 0x2069: // PDI
        if ((code === 0x202c ? openEmbeddings : openIsolates) === 0) stray(start, end);
        else if (code === 0x202c) openEmbeddings -= 1;
        else openIsolates -= 1;
        return end;
      default:
    }
    const content = bidiContent(text, end);
    const complete = content.closed || content.ended || text.length - end > BIDI_REACH;
    const rightToLeft = code === 0x2067 || code === 0x202b; // RLI, RLE
    const strongIsEnough = code !== 0x2066 && code !== 0x202a && content.strong === "right-to-left";
    if (rightToLeft && content.strong === "left-to-right") report("bidi-override", start, end);
    else if (!strongIsEnough) {
      if (!complete && !final) return WAIT;
      if (!content.closed) {
        // An embedding of left-to-right text shows nothing in another order; Windows puts one before a copied path.
        if (code === 0x202a || rightToLeft) stray(start, end);
        else report("bidi-unbalanced", start, end);
      }
    }
    if (code >= 0x2066) openIsolates += 1;
    else openEmbeddings += 1;
    return end;
  };

  const judgeSoftHyphen = (start: number): number => {
    const offset = base + start;
    closeSoftHyphens = offset - lastSoftHyphen <= 2 ? closeSoftHyphens + 1 : 0;
    // Two next to each other is a slip; a third has nothing to hyphenate.
    if (closeSoftHyphens >= 2) report("soft-hyphen", start, start + 1);
    lastSoftHyphen = offset;
    return start + 1;
  };

  const judge = (start: number, final: boolean): number => {
    const code = codePointAt(text, start) as number;
    const kind = kindOf(code);
    const end = start + (code > 0xffff ? 2 : 1);
    switch (kind) {
      case "tag":
        return judgeTag(start, final);
      case "variation":
        return judgeSelectors(start, final);
      case "zero-width":
        return judgeZeroWidth(start, final);
      case "bidi":
        return judgeBidi(start, code, final);
      case "soft-hyphen":
        return judgeSoftHyphen(start);
      case "annotation":
        report("interlinear-annotation", start, end);
        return end;
      case "deprecated":
        report("deprecated-format", start, end);
        return end;
      case "control":
        report("control-character", start, end);
        return end;
      case "untidy-control":
        stray(start, end);
        return end;
      default:
        return end;
    }
  };

  const read = (final: boolean): number => {
    const limit = final || !endsInsidePair(text) ? text.length : text.length - 1;
    while (at < limit && hits.length <= MAX_HITS) {
      if (run !== undefined) {
        at = growRun(run, limit);
        continue;
      }
      const next = nextHidden(text, at);
      if (next === -1 || next >= limit) {
        at = limit;
        break;
      }
      const judged = judge(next, final);
      at = judged === WAIT ? next : judged;
      if (judged === WAIT) break;
    }
    if (flooded !== undefined) {
      at = limit;
      const { opening } = flooded;
      flooded.finding = { ...opening, location: { ...opening.location, end: base + at } };
    }
    const kept = Math.max(0, at - 2);
    text = text.slice(kept);
    base += kept;
    at -= kept;
    return base + at;
  };

  return {
    push: (piece) => {
      text += piece;
      return read(false);
    },
    end: () => {
      read(true);
    },
    hits,
  };
}

/** Characters of `kind` from `start` on, at most `most`; `complete`: the text shows where they end, or that many are there. */
function hiddenRun(text: string, start: number, kind: Kind, most: number): HiddenRun {
  const codes: number[] = [];
  let end = start;
  while (end < text.length && codes.length < most) {
    const code = codePointAt(text, end) as number;
    if (kindOf(code) !== kind) return { codes, end, complete: !(end === text.length - 1 && isHighSurrogate(code)) };
    codes.push(code);
    end += code > 0xffff ? 2 : 1;
  }
  return { codes, end, complete: codes.length === most };
}

interface HiddenRun {
  readonly codes: readonly number[];
  readonly end: number;
  readonly complete: boolean;
}

/** What a bidirectional opener at the unit before `start` reaches over. */
function bidiContent(text: string, start: number): BidiContent {
  let depth = 0;
  let strong: BidiContent["strong"];
  let end = start;
  const stop = Math.min(text.length, start + BIDI_REACH);
  while (end < stop) {
    const code = codePointAt(text, end) as number;
    if (end === text.length - 1 && isHighSurrogate(code)) break;
    if (code === 0x0a || code === 0x0d || code === 0x85 || code === 0x2029) {
      return { strong, closed: false, ended: true };
    }
    if (code === 0x2069 || code === 0x202c) {
      if (depth === 0) return { strong, closed: true, ended: true };
      depth -= 1;
    } else if ((code >= 0x2066 && code <= 0x2068) || (code >= 0x202a && code <= 0x202e)) depth += 1;
    const character = String.fromCodePoint(code);
    if (strong === undefined) {
      if (isRightToLeft(character)) strong = "right-to-left";
      else if (/^\p{L}$/u.test(character)) strong = "left-to-right";
    }
    end += character.length;
  }
  return { strong, closed: false, ended: false };
}

interface BidiContent {
  /** Direction of the first letter, if one is in reach. */
  readonly strong: "right-to-left" | "left-to-right" | undefined;
  readonly closed: boolean;
  /** Closed, or the paragraph is over. */
  readonly ended: boolean;
}

function characterAt(text: string, index: number): string | undefined {
  const code = codePointAt(text, index);
  if (code === undefined || (index === text.length - 1 && isHighSurrogate(code))) return undefined;
  return String.fromCodePoint(code);
}

/** The character that ends before `index`; empty at the start. */
function characterBefore(text: string, index: number): string {
  if (index === 0) return "";
  const unit = text.charCodeAt(index - 1);
  const pair = index >= 2 && isLowSurrogate(unit) && isHighSurrogate(text.charCodeAt(index - 2));
  return text.slice(index - (pair ? 2 : 1), index);
}

function endsInsidePair(text: string): boolean {
  return text.length > 0 && isHighSurrogate(text.charCodeAt(text.length - 1));
}
