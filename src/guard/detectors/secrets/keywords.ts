/**
 * The keyword prefilter: finds every keyword of every rule in one pass over the text, by an Aho-Corasick automaton
 * (A. Aho and M. Corasick, 1975) over ASCII with the case folded. Its cost is one table look-up a character, whatever the
 * text, so it is also what keeps clean text cheap.
 *
 * @module
 */

/** A compiled set of keywords. */
export interface Keywords {
  /**
   * `next[(state << ROW) | classes[unit]]`: the state after one more ASCII unit, and {@link ENDS} if a keyword ends
   * there. Any other unit leads to state 0.
   */
  readonly next: Uint16Array;
  /** What an ASCII unit is to the keywords: rows of 64 instead of 128 keep the states that a text visits in the cache. */
  readonly classes: Uint8Array;
  /** Indices of the keywords that end in a state; `undefined` for most. */
  readonly ends: readonly (readonly number[] | undefined)[];
  /** Length of the text's last part that a keyword begins with, in a state: what may still become a keyword. */
  readonly depth: Uint16Array;
  /** The state of the next shorter part of the text that a keyword begins with. */
  readonly fallback: Uint16Array;
  /** Where what may become a keyword waits for its rest, by state: the most of all keywords that begin so. */
  readonly waits: Uint8Array;
}

/** Where the beginning of a keyword waits for its rest. */
export const Waits = {
  /** Nowhere: the keyword is no part of what is found. */
  Never: 0,
  /** Where it begins a word. */
  AtWordStart: 1,
  Anywhere: 2,
} as const;
export type Waits = (typeof Waits)[keyof typeof Waits];

/** Bits of a class: letters fold, and units that no keyword has are one, so that 64 are enough. */
export const ROW = 6;

/** Bit of a transition: a keyword ends in its state. Looked at once a character instead of one more table. */
export const ENDS = 0x8000;

/** Compiles keywords: lower-case ASCII, none empty. `waitsOf`: by a keyword's index, where its beginning waits. */
export function compileKeywords(words: readonly string[], waitsOf: (keyword: number) => Waits): Keywords {
  const trie = [new Map<number, number>()];
  const depths = [0];
  const waits: Waits[] = [Waits.Never];
  const ends: (number[] | undefined)[] = [undefined];
  for (const [index, word] of words.entries()) {
    const wait = waitsOf(index);
    let state = 0;
    for (let at = 0; at < word.length; at++) {
      const branches = trie[state] as Map<number, number>;
      const unit = word.charCodeAt(at);
      let child = branches.get(unit);
      if (child === undefined) {
        child = trie.push(new Map()) - 1;
        depths.push(at + 1);
        waits.push(Waits.Never);
        ends.push(undefined);
        branches.set(unit, child);
      }
      state = child;
      // A keyword that is complete waits no more: it is a candidate.
      if (at + 1 < word.length && wait > (waits[state] as Waits)) waits[state] = wait;
    }
    (ends[state] ??= []).push(index);
  }

  // Breadth first, so that the state to fall back to is finished before the states that need it.
  const classes = classesOf(words);
  const next = new Uint16Array(trie.length << ROW);
  const fallback = new Uint16Array(trie.length);
  const queue = [0];
  for (let at = 0; at < queue.length; at++) {
    const state = queue[at] as number;
    const back = fallback[state] as number;
    if (state !== 0 && ends[back] !== undefined) ends[state] = [...(ends[state] ?? []), ...ends[back]];
    for (let unit = 0; unit < 128; unit++) {
      if (fold(unit) !== unit) continue;
      const branch = classes[unit] as number;
      const child = trie[state]?.get(unit);
      const elsewhere = state === 0 ? 0 : (next[(back << ROW) | branch] as number);
      next[(state << ROW) | branch] = child ?? elsewhere;
      if (child === undefined) continue;
      fallback[child] = elsewhere;
      queue.push(child);
    }
  }
  for (const [index, state] of next.entries()) if (ends[state] !== undefined) next[index] = state | ENDS;
  return { next, classes, ends, depth: Uint16Array.from(depths), fallback, waits: Uint8Array.from(waits) };
}

/** Numbers the units that keywords are made of; 0 is any other. */
function classesOf(words: readonly string[]): Uint8Array {
  const units = [...new Set(words.join(""))].map((letter) => letter.charCodeAt(0));
  return Uint8Array.from({ length: 128 }, (_, unit) => units.indexOf(fold(unit)) + 1);
}

function fold(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}
