/**
 * Random characters that every run draws alike, for the made-up secrets of the tests.
 *
 * @module
 */

import { mulberry32 } from "../../../../core/index.ts";
import type { Random } from "../form.ts";

/** A generator with a seed. */
export function seeded(seed: number): Random {
  const next = mulberry32(seed);
  return (alphabet, length) =>
    Array.from({ length }, () => alphabet.charAt(Math.floor(next() * alphabet.length))).join("");
}
