/**
 * Finds passages of a known text: runs of words whose n-grams («shingles», A. Broder, 1997) are all in a set.
 *
 *     words -> shingles of n words in a row -> in the set? -> runs -> long enough? -> hits that grow
 *
 * A run is judged as soon as it is long enough, and grows from there on. Its first {@link OPENING} words are let go: two
 * words in a row stand in every prompt and in every answer, and a reader need not wait for each third word. From there on
 * what could become a run is held back: a shingle's words, at most.
 *
 * @module
 */

import type { Finding } from "../../../core/index.ts";
import type { Hit } from "../../detector.ts";
import { mix } from "./words.ts";

/** Hits of one kind in one text that are told apart. One more, and the rest of the text is part of it. */
export const MAX_HITS = 256;

/** Words at the beginning of a run that are no part of what is found. Fewer than the shortest shingle has. */
const OPENING = 2;

/** Words in a row, all of whose shingles are known. Offsets in the text. */
export interface Run {
  /** Of the first word behind the {@link OPENING}. */
  readonly start: number;
  end: number;
  words: number;
  /** See {@link TakeWord}. */
  weight: number;
}

/** What passages are looked for. */
export interface Passages {
  /** Words of a shingle. */
  readonly size: number;
  has(one: number, two: number): boolean;
  /** Whether `words` in a row, fewer than a shingle's, may begin a known one. Without it: always. */
  mayBegin?(words: number, one: number, two: number): boolean;
  /** Called for each word that a run grows by, until it returns what the run is reported as. */
  judge(run: Run): ((run: Run) => Finding) | undefined;
}

export interface PassageReader {
  /** Takes the next word. */
  take(start: number, end: number, one: number, two: number, weight: number): void;
  /** The offset before which everything is judged, if the next word begins at `next` or later: it may be behind that. */
  settled(next: number): number;
  readonly hits: readonly Hit[];
}

interface MutableHit extends Hit {
  finding: Finding;
}

const BASE_ONE = 0x2c1b3c6d;
const BASE_TWO = 0x297a2d39;

/** Hashes words in a row, from one place to another. The same words give the same two halves, whatever stands around them. */
export function hashWords(
  ones: readonly number[],
  twos: readonly number[],
  from = 0,
  to = ones.length,
): readonly [one: number, two: number] {
  let one = 0;
  let two = 0;
  for (let at = from; at < to; at++) {
    one = (Math.imul(one, BASE_ONE) + (ones[at] as number)) | 0;
    two = (Math.imul(two, BASE_TWO) + (twos[at] as number)) | 0;
  }
  return [mix(one), mix(two)];
}

/** Words in a ring, with the hash of the last `size` of them rolled along. */
export interface Ring {
  /** Adds a word; true once there are as many as a shingle has, and so a hash. */
  add(start: number, one: number, two: number, weight: number): boolean;
  one(): number;
  two(): number;
  /** Words in it, at most `size`. */
  count(): number;
  /** Start of the word `back` words before the last one. */
  start(back: number): number;
  /** Letters of all words in it. */
  weight(): number;
  /** Hash of the last `words` words. */
  tail(words: number): readonly [one: number, two: number];
}

/** Makes an empty ring for shingles of `size` words. */
export function openRing(size: number): Ring {
  const starts = new Float64Array(size);
  const weights = new Float64Array(size);
  const ones = new Int32Array(size);
  const twos = new Int32Array(size);
  let topOne = 1;
  let topTwo = 1;
  for (let power = 0; power < size; power++) {
    topOne = Math.imul(topOne, BASE_ONE);
    topTwo = Math.imul(topTwo, BASE_TWO);
  }
  let count = 0;
  let at = 0;
  let one = 0;
  let two = 0;
  let weight = 0;
  const index = (back: number): number => (at - 1 - back + 2 * size) % size;
  return {
    add: (start, wordOne, wordTwo, letters) => {
      // The slot holds the word that leaves; before the ring is full it is zero and changes nothing.
      one = (Math.imul(one, BASE_ONE) + wordOne - Math.imul(ones[at] as number, topOne)) | 0;
      two = (Math.imul(two, BASE_TWO) + wordTwo - Math.imul(twos[at] as number, topTwo)) | 0;
      weight += letters - (weights[at] as number);
      starts[at] = start;
      weights[at] = letters;
      ones[at] = wordOne;
      twos[at] = wordTwo;
      at = at + 1 === size ? 0 : at + 1;
      if (count < size) count += 1;
      return count === size;
    },
    one: () => mix(one),
    two: () => mix(two),
    count: () => count,
    start: (back) => starts[index(back)] as number,
    weight: () => weight,
    tail: (words) => {
      const backs = Array.from({ length: words }, (_, place) => index(words - 1 - place));
      return hashWords(
        backs.map((back) => ones[back] as number),
        backs.map((back) => twos[back] as number),
      );
    },
  };
}

/** Opens a reader of one text. */
export function openPassages(passages: Passages): PassageReader {
  const { size } = passages;
  const ring = openRing(size);
  const hits: MutableHit[] = [];
  let run: Run | undefined;
  /** The run's hit, once it has one, and how it is told. */
  let hit: MutableHit | undefined;
  let tell: ((run: Run) => Finding) | undefined;

  /** Past the limit: the rest of the text belongs to the last hit. */
  const growTo = (end: number): boolean => {
    const last = hits[MAX_HITS];
    if (last !== undefined) last.finding = { ...last.finding, location: { ...last.finding.location, end } };
    return last !== undefined;
  };

  const judge = (current: Run): void => {
    if (hit === undefined) {
      tell = passages.judge(current);
      if (tell === undefined) return;
      const opening = tell(current);
      hit = { opening, finding: opening };
      hits.push(hit);
    } else if (tell !== undefined) hit.finding = tell(current);
  };

  return {
    take: (start, end, one, two, weight) => {
      if (growTo(end)) return;
      const full = ring.add(start, one, two, weight);
      if (!full || !passages.has(ring.one(), ring.two())) {
        run = hit = tell = undefined;
        return;
      }
      if (run === undefined) run = { start: ring.start(size - 1 - OPENING), end, words: size, weight: ring.weight() };
      else {
        run.end = end;
        run.words += 1;
        run.weight += weight;
      }
      judge(run);
    },
    settled: (next) => {
      if (growTo(next)) return next;
      if (run !== undefined && hit === undefined) return run.start;
      // The first of the last words from which on a shingle may still come, and the third word of what it would begin.
      for (let words = Math.min(size - 1, ring.count()); words >= OPENING; words--) {
        if (passages.mayBegin === undefined || passages.mayBegin(words, ...ring.tail(words))) {
          return words === OPENING ? next : ring.start(words - 1 - OPENING);
        }
      }
      return Number.MAX_SAFE_INTEGER;
    },
    hits,
  };
}
