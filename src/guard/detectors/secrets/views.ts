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

import { HIDDEN_CHARACTER, isPlainAscii } from "../unicode/characters.ts";

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

/** What a code point becomes; `undefined`: it stays. */
type Fold = (character: string) => string | undefined;

/** A stretch of the view: copied, or (from one character) `units` long. */
interface Stretch {
  readonly at: number;
  readonly from: number;
  /** Units of the original that each unit of the view stands for; 0 means that the stretch is a copy. */
  readonly units: number;
}

/** The view without disguise. */
export function cleanedView(): View {
  return openView(disguised(), (character) => foldTable().get(character) ?? "");
}

/** The view of what tag characters spell. */
export function hiddenView(): View {
  return openView(/[^\u{E0020}-\u{E007E}]+|[\u{E0020}-\u{E007E}]/gu, (character) =>
    isTag(character) ? String.fromCharCode((character.codePointAt(0) as number) - 0xe0000) : "",
  );
}

/** Whether the cleaned view of a text differs from the text. */
export function isDisguised(text: string): boolean {
  return !isPlainAscii(text) && text.search(disguised()) !== -1;
}

function openView(changed: RegExp, fold: Fold): View {
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
      let at = 0;
      for (const { 0: character, index } of piece.matchAll(changed)) {
        out += copy(piece.slice(at, index));
        at = index + character.length;
        const folded = fold(character) ?? character;
        if (folded !== "") stretches.push({ at: length, from: consumed, units: character.length });
        length += folded.length;
        consumed += character.length;
        out += folded;
      }
      return out + copy(piece.slice(at));
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

function isTag(character: string): boolean {
  return /^[\u{E0020}-\u{E007E}]$/u.test(character);
}

/** Blocks that hold every character whose NFKC form is ASCII (a test compares with all of Unicode). */
const COMPATIBILITY_BLOCKS: readonly (readonly [first: number, last: number])[] = [
  [0xa0, 0xff],
  [0x2b0, 0x2ff],
  [0x1d2c, 0x1d6a],
  [0x2000, 0x209f],
  [0x2100, 0x218f],
  [0x2460, 0x24ff],
  [0x2a70, 0x2a7f],
  [0x3000, 0x3000],
  [0x3200, 0x33ff],
  [0xfb00, 0xfb06],
  [0xfe10, 0xfe6f],
  [0xff01, 0xff5e],
  [0x1ccd6, 0x1ccf9],
  [0x1d400, 0x1d7ff],
  [0x1f100, 0x1f190],
  [0x1fbf0, 0x1fbf9],
];
const COMBINING_MARKS = "\\u0300-\\u036F\\u0483-\\u0489\\u1AB0-\\u1AFF\\u1DC0-\\u1DFF\\u20D0-\\u20FF\\uFE20-\\uFE2F";

let folds: ReadonlyMap<string, string> | undefined;
let pattern: RegExp | undefined;

/** Characters with a printable ASCII form, made when a text first needs it. */
function foldTable(): ReadonlyMap<string, string> {
  if (folds !== undefined) return folds;
  const table = new Map<string, string>();
  for (const [first, last] of COMPATIBILITY_BLOCKS) {
    for (let code = first; code <= last; code++) {
      const character = String.fromCodePoint(code);
      const folded = character.normalize("NFKC");
      if (/^[\x20-\x7E]+$/.test(folded)) table.set(character, folded);
    }
  }
  return (folds = table);
}

/** Every character that the cleaned view changes or drops. */
function disguised(): RegExp {
  if (pattern !== undefined) return pattern;
  const hidden = HIDDEN_CHARACTER.source.slice(1, -1);
  const folded = [...foldTable().keys()].map((character) => `\\u{${character.codePointAt(0)?.toString(16)}}`).join("");
  return (pattern = new RegExp(`[${hidden}${COMBINING_MARKS}${folded}]`, "gu"));
}
