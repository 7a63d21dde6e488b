/**
 * Words and phrases: all of them in one pass, by an Aho-Corasick automaton (A. Aho and M. Corasick, 1975) over UTF-16
 * units with case and width folded. White space in a phrase stands for any white space, up to {@link MOST_SPACES} units.
 *
 * @module
 */

import { codePointAt, isHighSurrogate, isLowSurrogate, type Finding } from "../../../core/index.ts";
import type { Hit, Scan } from "../../detector.ts";
import { customError } from "./errors.ts";
import { MAX_HITS, ruleFinding, type WordRule } from "./rule.ts";

/** Units of white space that one space of a phrase stands for. */
const MOST_SPACES = 8;
/** Cells of the automaton's table, of four bytes. */
const MAX_CELLS = 1 << 24;
const SPACE = 0x20;

/** One word to look for. */
interface Entry {
  readonly rule: WordRule;
  readonly written: string;
  readonly folded: string;
}

/** Words made ready. */
export interface WordFinder {
  /** Class of each UTF-16 unit: 0 for one that is in no word. */
  readonly classes: Uint16Array;
  readonly width: number;
  /** `next[state * width + class]`. */
  readonly next: Int32Array;
  /** Words that end in a state. */
  readonly ends: readonly (readonly Entry[] | undefined)[];
  /** Folded units of the words' beginning that a state stands for. */
  readonly depths: Int32Array;
  /** UTF-16 units that a match, and what decides about it, may take up. */
  readonly longest: number;
}

/** @throws `guard.rule-invalid`, `guard.rules-too-large` */
export function compileWords(rules: readonly WordRule[]): WordFinder {
  const fold = foldTable();
  const entries = rules.flatMap((rule) =>
    rule.words.map((written): Entry => {
      const folded = foldText(written.trim(), fold);
      if (folded === "") throw customError("guard.rule-invalid", { detail: `${rule.id} has an empty word` });
      return { rule, written: written.trim(), folded };
    }),
  );
  const { classes, width } = classesOf(entries, fold);
  const trie: Map<number, number>[] = [new Map()];
  const depths = [0];
  const ends: (Entry[] | undefined)[] = [undefined];
  for (const entry of entries) {
    let state = 0;
    for (let at = 0; at < entry.folded.length; at++) {
      const branches = trie[state] as Map<number, number>;
      const unit = classes[entry.folded.charCodeAt(at)] as number;
      let child = branches.get(unit);
      if (child === undefined) {
        child = trie.push(new Map()) - 1;
        depths.push(at + 1);
        ends.push(undefined);
        branches.set(unit, child);
        if (trie.length * width > MAX_CELLS) {
          throw customError("guard.rules-too-large", { detail: `more than ${MAX_CELLS} cells` });
        }
      }
      state = child;
    }
    (ends[state] ??= []).push(entry);
  }

  // Breadth first, so that the state to fall back to is finished before the states that need it.
  const next = new Int32Array(trie.length * width);
  const fallback = new Int32Array(trie.length);
  const queue = [0];
  for (let at = 0; at < queue.length; at++) {
    const state = queue[at] as number;
    const back = fallback[state] as number;
    if (state !== 0 && ends[back] !== undefined) ends[state] = [...(ends[state] ?? []), ...ends[back]];
    for (let unit = 0; unit < width; unit++) {
      const child = trie[state]?.get(unit);
      const elsewhere = state === 0 ? 0 : (next[back * width + unit] as number);
      next[state * width + unit] = child ?? elsewhere;
      if (child === undefined) continue;
      fallback[child] = elsewhere;
      queue.push(child);
    }
  }
  const longest = Math.max(0, ...entries.map(({ folded }) => spread(folded))) + 2;
  return { classes, width, next, ends, depths: Int32Array.from(depths), longest };
}

/** Units that a word may take up in a text. */
function spread(folded: string): number {
  return folded.length + (folded.split(" ").length - 1) * (MOST_SPACES - 1);
}

interface MutableHit extends Hit {
  finding: Finding;
}

/** Opens a scan for the words of `finder`. */
export function openWordScan(finder: WordFinder, detector: string, pointer: string): Scan {
  const { classes, width, next, ends, depths, longest } = finder;
  const space = classes[SPACE] as number;
  const hits: MutableHit[] = [];
  let text = "";
  let base = 0;
  /** Index in `text` of the next unit, the automaton's state there, and how much white space is right before. */
  let at = 0;
  let state = 0;
  let spaces = 0;

  const report = (entry: Entry, end: number): void => {
    const start = startOf(text, end, entry.folded.length);
    const { rule, written } = entry;
    if (rule.exact === true && collapsed(text.slice(start, end)) !== collapsed(written)) return;
    if (rule.part !== true && (goesOn(text, start) || goesOn(text, end))) return;
    if (hits.length > MAX_HITS) return;
    const finding = ruleFinding(detector, rule, pointer, base + start, base + end);
    // A longer word that began earlier may end later.
    let place = hits.length;
    while (place > 0 && (hits[place - 1] as Hit).finding.location.start > base + start) place -= 1;
    hits.splice(place, 0, { opening: finding, finding });
  };

  const read = (limit: number): void => {
    const units = text;
    for (; at < limit; at++) {
      const unit = classes[units.charCodeAt(at)] as number;
      if (unit === space && space !== 0) {
        spaces += 1;
        if (spaces > MOST_SPACES) state = 0;
        if (spaces > 1) continue;
      } else spaces = 0;
      state = next[state * width + unit] as number;
      const ended = ends[state];
      if (ended !== undefined) for (const entry of ended) report(entry, at + 1);
    }
  };

  const step = (piece: string, final: boolean): number => {
    text += piece;
    // Whether a word ends depends on the character behind it, of at most two units.
    const limit = final ? text.length : Math.max(at, text.length - 2);
    read(limit);
    const flood = hits[MAX_HITS];
    if (flood !== undefined) {
      at = text.length;
      flood.finding = { ...flood.finding, location: { ...flood.finding.location, end: base + at } };
    }
    const open = flood !== undefined || final ? at : startOf(text, at, depths[state] as number);
    const settled = base + open;
    const kept = Math.max(0, at - longest - MOST_SPACES - 2);
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

/** Start of the `folded` units before `end`: white space in a row is one. */
function startOf(text: string, end: number, folded: number): number {
  let start = end;
  for (let left = folded; left > 0 && start > 0; left--) {
    start -= 1;
    if (!isSpace(text.charCodeAt(start)) || left === 1) continue;
    while (start > 0 && isSpace(text.charCodeAt(start - 1))) start -= 1;
  }
  return start;
}

/** Whether a word goes on across `at`: letters on both sides, of a script that has spaces between its words. */
function goesOn(text: string, at: number): boolean {
  const after = codePointAt(text, at);
  const before = codePointBefore(text, at);
  return before !== undefined && after !== undefined && isSpaced(before) && isSpaced(after);
}

function codePointBefore(text: string, at: number): number | undefined {
  if (at === 0) return undefined;
  const unit = text.charCodeAt(at - 1);
  const pair = at > 1 && isLowSurrogate(unit);
  return codePointAt(text, pair && isHighSurrogate(text.charCodeAt(at - 2)) ? at - 2 : at - 1);
}

const WORD = /[\p{L}\p{N}\p{M}_]/u;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

function isSpaced(code: number): boolean {
  const character = String.fromCodePoint(code);
  return WORD.test(character) && !UNSPACED.test(character);
}

function isSpace(unit: number): boolean {
  return unit === SPACE || (unit >= 0x09 && unit <= 0x0d) || (unit >= 0x80 && /\s/.test(String.fromCharCode(unit)));
}

function collapsed(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

function foldText(text: string, fold: Uint16Array): string {
  return collapsed(
    Array.from({ length: text.length }, (_, at) => String.fromCharCode(fold[text.charCodeAt(at)] as number)).join(""),
  );
}

/** Classes of units by their folded form. */
function classesOf(
  entries: readonly Entry[],
  fold: Uint16Array,
): { readonly classes: Uint16Array; readonly width: number } {
  const known = new Map<number, number>();
  for (const { folded } of entries) {
    for (let at = 0; at < folded.length; at++) {
      const unit = folded.charCodeAt(at);
      if (!known.has(unit)) known.set(unit, known.size + 1);
    }
  }
  return { classes: fold.map((folded) => known.get(folded) ?? 0), width: known.size + 1 };
}

let table: Uint16Array | undefined;

/** Each UTF-16 unit in lower case and ordinary width, white space as a space. Made once, when it is first needed. */
function foldTable(): Uint16Array {
  table ??= Uint16Array.from({ length: 0x10000 }, (_, unit) => {
    const character = String.fromCharCode(unit);
    if (/\s/.test(character)) return SPACE;
    const folded = character.normalize("NFKC").toLowerCase();
    return folded.length === 1 ? folded.charCodeAt(0) : unit;
  });
  return table;
}
