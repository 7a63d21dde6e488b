/**
 * Numbers that look drawn and repeat: everything that an evaluation draws comes from its seed, so that two runs over
 * the same rows print the same table.
 *
 * Not for secrets: whoever sees a few of the numbers knows the rest.
 *
 * @module
 */

/** A source of numbers in [0, 1). */
export type Random = () => number;

/** The numbers that follow from a seed: Bob Jenkins' small fast generator in 32-bit words. */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed >>> 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  // The first words still show the seed.
  for (let round = 0; round < 12; round++) next();
  return () => next() / 4_294_967_296;
}

/** A seed for one part of a run: FNV-1a over the words, so that no part's numbers depend on which others ran. */
export function seedOf(...words: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const word of words) {
    for (const unit of `${word}\u0000`) {
      hash = Math.imul(hash ^ (unit.codePointAt(0) as number), 0x01000193);
    }
  }
  // FNV's low bits mix well and its high bits do not: the generator and the sampling want both.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
