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
}

/** Bits of a class: letters fold, and units that no keyword has are one, so that 64 are enough. */
export const ROW = 6;

/** Bit of a transition: a keyword ends in its state. Looked at once a character instead of one more table. */
export const ENDS = 0x8000;

/** Compiles keywords: lower-case ASCII, none empty. */
export function compileKeywords(words: readonly string[]): Keywords {
  const trie = [new Map<number, number>()];
  const depths = [0];
  const ends: (number[] | undefined)[] = [undefined];
  for (const [index, word] of words.entries()) {
    let state = 0;
    for (let at = 0; at < word.length; at++) {
      const branches = trie[state] as Map<number, number>;
      const unit = word.charCodeAt(at);
      let child = branches.get(unit);
      if (child === undefined) {
        child = trie.push(new Map()) - 1;
        depths.push(at + 1);
        ends.push(undefined);
        branches.set(unit, child);
      }
      state = child;
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
  return { next, classes, ends, depth: Uint16Array.from(depths) };
}

/** Numbers the units that keywords are made of; 0 is any other. */
function classesOf(words: readonly string[]): Uint8Array {
  const units = [...new Set(words.join(""))].map((letter) => letter.charCodeAt(0));
  return Uint8Array.from({ length: 128 }, (_, unit) => units.indexOf(fold(unit)) + 1);
}

function fold(unit: number): number {
  return unit >= 0x41 && unit <= 0x5a ? unit + 0x20 : unit;
}
