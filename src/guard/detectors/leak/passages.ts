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

/** Words in a ring, with the hash of the last of them rolled along. */
export class Ring {
  readonly #size: number;
  // Plain lists: small ones cost less than typed ones, and each text has its own.
  readonly #starts: number[];
  readonly #weights: number[];
  readonly #ones: number[];
  readonly #twos: number[];
  readonly #topOne: number;
  readonly #topTwo: number;
  #count = 0;
  #at = 0;
  #one = 0;
  #two = 0;
  #weight = 0;

  /** An empty ring for shingles of `size` words. */
  constructor(size: number) {
    this.#size = size;
    this.#starts = zeros(size);
    this.#weights = zeros(size);
    this.#ones = zeros(size);
    this.#twos = zeros(size);
    this.#topOne = power(BASE_ONE, size);
    this.#topTwo = power(BASE_TWO, size);
  }

  /** Empties it. */
  clear(): void {
    for (const list of [this.#starts, this.#weights, this.#ones, this.#twos]) list.fill(0);
    this.#count = this.#at = this.#one = this.#two = this.#weight = 0;
  }

  /** Adds a word; true once there are as many as a shingle has, and so a hash. */
  add(start: number, one: number, two: number, weight: number): boolean {
    const at = this.#at;
    // The slot holds the word that leaves; before the ring is full it is zero and changes nothing.
    this.#one = (Math.imul(this.#one, BASE_ONE) + one - Math.imul(this.#ones[at] as number, this.#topOne)) | 0;
    this.#two = (Math.imul(this.#two, BASE_TWO) + two - Math.imul(this.#twos[at] as number, this.#topTwo)) | 0;
    this.#weight += weight - (this.#weights[at] as number);
    this.#starts[at] = start;
    this.#weights[at] = weight;
    this.#ones[at] = one;
    this.#twos[at] = two;
    this.#at = at + 1 === this.#size ? 0 : at + 1;
    if (this.#count < this.#size) this.#count += 1;
    return this.#count === this.#size;
  }

  get one(): number {
    return mix(this.#one);
  }

  get two(): number {
    return mix(this.#two);
  }

  /** Words in it, at most `size`. */
  get count(): number {
    return this.#count;
  }

  /** Letters of all words in it. */
  get weight(): number {
    return this.#weight;
  }

  /** Start of the word `back` words before the last one. */
  start(back: number): number {
    return this.#starts[this.#index(back)] as number;
  }

  /** Hash of the last `words` words. */
  tail(words: number): readonly [one: number, two: number] {
    let one = 0;
    let two = 0;
    for (let back = words - 1; back >= 0; back--) {
      const index = this.#index(back);
      one = (Math.imul(one, BASE_ONE) + (this.#ones[index] as number)) | 0;
      two = (Math.imul(two, BASE_TWO) + (this.#twos[index] as number)) | 0;
    }
    return [mix(one), mix(two)];
  }

  #index(back: number): number {
    return (this.#at - 1 - back + 2 * this.#size) % this.#size;
  }
}

function zeros(size: number): number[] {
  return Array.from({ length: size }, () => 0);
}

function power(base: number, exponent: number): number {
  let product = 1;
  for (let at = 0; at < exponent; at++) product = Math.imul(product, base);
  return product;
}

/** Opens a reader of one text. */
export function openPassages(passages: Passages): PassageReader {
  const { size } = passages;
  const ring = new Ring(size);
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
      if (!full || !passages.has(ring.one, ring.two)) {
        run = hit = tell = undefined;
        return;
      }
      if (run === undefined) run = { start: ring.start(size - 1 - OPENING), end, words: size, weight: ring.weight };
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
      for (let words = Math.min(size - 1, ring.count); words >= OPENING; words--) {
        if (passages.mayBegin === undefined || passages.mayBegin(words, ...ring.tail(words))) {
          return words === OPENING ? next : ring.start(words - 1 - OPENING);
        }
      }
      return Number.MAX_SAFE_INTEGER;
    },
    hits,
  };
}
