/**
 * Views: what a text looks like to a model that reads over its disguise, with the way back to the text itself.
 *
 *     cleaned   without invisible characters and combining marks; full-width, circled, mathematical letters as ASCII
 *     hidden    only what Unicode tag characters spell
 *
 * A view is made piece by piece, code point by code point (NFKC of each alone: unlike the whole form it cannot depend
 * on the cut), and keeps an offset map as a list of stretches, so that a finding in a view points at the original.
 *
 * @module
 */

import { codePointAt } from "../../../core/index.ts";
import { isPlainAscii, kindOf } from "../unicode/characters.ts";

/** Makes a view of a text that comes in pieces, cut between code points. */
export interface View {
  /** The view's next piece, for the text's next piece. */
  add(piece: string): string;
  /** The original's offset of the character that the view's unit `offset` came from. */
  startOf(offset: number): number;
  /** The original's offset behind the character that the view's unit before `offset` came from. */
  endOf(offset: number): number;
  /** Drops the map of what lies before the view's `offset`. */
  forget(offset: number): void;
  readonly length: number;
}

/** How a view is made. */
interface Making {
  /** Index of the first character at or after `from` that is replaced; -1: none is. */
  readonly next: (piece: string, from: number) => number;
  /** What a character that is replaced becomes; empty: it is dropped. */
  readonly replace: (code: number) => string;
  /** What becomes of the text in between. */
  readonly between: "copied" | "dropped";
}

/** A stretch of the view: copied, or (from one character) `units` long. */
interface Stretch {
  readonly at: number;
  readonly from: number;
  /** Units of the original that each unit of the view stands for; 0 means that the stretch is a copy. */
  readonly units: number;
}

/** The view without disguise. */
export function cleanedView(): View {
  return openView({ next: nextDisguised, replace: (code) => plainForms().get(code) ?? "", between: "copied" });
}

/** The view of what tag characters spell. */
export function hiddenView(): View {
  return openView({ next: nextTag, replace: (code) => String.fromCharCode(code - TAGS), between: "dropped" });
}

/** Whether the cleaned view of a text differs from the text, by a character that begins in units `from` to `to`. */
export function isDisguised(text: string, from: number, to: number): boolean {
  // One unit of the next step goes along: the second half of a pair that is cut.
  return nextDisguised(text.slice(from, to + 1), 0) !== -1;
}

function openView({ next, replace, between }: Making): View {
  let stretches: Stretch[] = [];
  let length = 0;
  let consumed = 0;
  const copy = (text: string): string => {
    if (text === "") return "";
    const last = stretches.at(-1);
    const continues = last !== undefined && last.units === 0 && consumed - last.from === length - last.at;
    if (!continues) stretches.push({ at: length, from: consumed, units: 0 });
    length += text.length;
    consumed += text.length;
    return text;
  };
  const find = (offset: number): Stretch | undefined => {
    let low = 0;
    let high = stretches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((stretches[middle] as Stretch).at <= offset) low = middle;
      else high = middle - 1;
    }
    return stretches[low];
  };
  return {
    add: (piece) => {
      let out = "";
      for (let at = 0; ;) {
        const changed = next(piece, at);
        const plain = piece.slice(at, changed === -1 ? piece.length : changed);
        if (between === "copied") out += copy(plain);
        else consumed += plain.length;
        if (changed === -1) return out;
        const code = codePointAt(piece, changed) as number;
        const units = code > 0xffff ? 2 : 1;
        const replacement = replace(code);
        if (replacement !== "") stretches.push({ at: length, from: consumed, units });
        length += replacement.length;
        consumed += units;
        out += replacement;
        at = changed + units;
      }
    },
    startOf: (offset) => {
      const stretch = offset < length ? find(offset) : undefined;
      if (stretch === undefined) return consumed;
      return stretch.units === 0 ? stretch.from + offset - stretch.at : stretch.from;
    },
    endOf: (offset) => {
      const stretch = find(offset - 1);
      if (stretch === undefined) return consumed;
      return stretch.units === 0 ? stretch.from + offset - stretch.at : stretch.from + stretch.units;
    },
    forget: (offset) => {
      const first = stretches.findLastIndex(({ at }) => at <= offset);
      if (first > 1024) stretches = stretches.slice(first);
    },
    get length() {
      return length;
    },
  };
}

/** U+E0020 to U+E007E mirror printable ASCII. All of them have this first half of their pair. */
const TAGS = 0xe0000;
const TAG_HALF = "\uDB40";

function nextTag(piece: string, from: number): number {
  for (let at = piece.indexOf(TAG_HALF, from); at !== -1; at = piece.indexOf(TAG_HALF, at + 1)) {
    const code = (codePointAt(piece, at) as number) - TAGS;
    if (code >= 0x20 && code <= 0x7e) return at;
  }
  return -1;
}

function nextDisguised(piece: string, from: number): number {
  if (from === 0 && isPlainAscii(piece)) return -1;
  const units = disguisedUnits();
  for (let at = from; at < piece.length; at++) {
    const unit = units[piece.charCodeAt(at)];
    if (unit === 0) continue;
    if (unit === 1 || isDisguisedCode(codePointAt(piece, at) as number)) return at;
  }
  return -1;
}

function isDisguisedCode(code: number): boolean {
  return kindOf(code) !== undefined || plainForms().has(code);
}

/** Blocks that hold every character whose NFKC form is ASCII (a test compares with all of Unicode). */
const COMPATIBILITY_BLOCKS: readonly (readonly [first: number, last: number])[] = [
  [0xa0, 0x17f], // Latin-1 and Latin Extended-A: superscripts, ligatures, long s
  [0x1c4, 0x1f3], // digraphs
  [0x2b0, 0x2ff], // modifier letters
  [0x37e, 0x37e], // Greek question mark
  [0x1d2c, 0x1dbf], // phonetic superscripts
  [0x1fef, 0x1fef], // Greek varia
  [0x2000, 0x20a8], // spaces, dots, sub- and superscripts, rupee
  [0x2100, 0x218f], // letter-like symbols, Roman numerals
  [0x2460, 0x24ff], // circled and parenthesised
  [0x2a74, 0x2a76],
  [0x2c7c, 0x2c7d],
  [0x3000, 0x3000], // ideographic space
  [0x3200, 0x33ff], // units and dates in a square
  [0xa7f1, 0xa7f4],
  [0xfb00, 0xfb29], // ligatures
  [0xfe10, 0xfe6f], // vertical and small forms
  [0xff01, 0xff5e], // full width
  [0x107a5, 0x107a5],
  [0x1ccd6, 0x1ccf9], // outlined
  [0x1d400, 0x1d7ff], // mathematical
  [0x1f100, 0x1f190], // enclosed
  [0x1fbf0, 0x1fbf9], // segmented digits
];
/** Diacritical and enclosing marks that can be put on any letter; the marks of scripts are left alone. */
const COMBINING_MARKS: readonly (readonly [first: number, last: number])[] = [
  [0x300, 0x36f],
  [0x483, 0x489],
  [0x1ab0, 0x1aff],
  [0x1dc0, 0x1dff],
  [0x20d0, 0x20ff],
  [0xfe20, 0xfe2f],
];

let forms: ReadonlyMap<number, string> | undefined;
let unitTable: Uint8Array | undefined;

/** Code points with a printable ASCII form, made when a text first needs it. */
function plainForms(): ReadonlyMap<number, string> {
  if (forms !== undefined) return forms;
  const table = new Map<number, string>();
  for (const [first, last] of COMPATIBILITY_BLOCKS) {
    for (let code = first; code <= last; code++) {
      const form = String.fromCodePoint(code).normalize("NFKC");
      if (/^[\x20-\x7E]+$/.test(form)) table.set(code, form);
    }
  }
  forms = table;
  return table;
}

/** By UTF-16 unit: 0 stays, 1 is replaced or dropped, 2 is half of a pair to look at. */
function disguisedUnits(): Uint8Array {
  if (unitTable !== undefined) return unitTable;
  const table = new Uint8Array(0x10000);
  for (let unit = 0; unit < 0x10000; unit++) if (isDisguisedCode(unit)) table[unit] = 1;
  for (const [first, last] of COMBINING_MARKS) table.fill(1, first, last + 1);
  table.fill(2, 0xd800, 0xdc00);
  unitTable = table;
  return table;
}
