/**
 * A set of characters, read from the bracket expression of a tokenizer's file: `[\u0000-\u0008\u000b]`, with `+` behind
 * it or not. That is all of regular expressions that the guard's tokenizer uses, and reading it here means that no
 * pattern of a file is ever compiled.
 *
 * @module
 */

import { modelError } from "./errors.ts";

export interface CharacterClass {
  readonly has: (unit: number) => boolean;
  /** `+`: a run of them counts as one. */
  readonly runs: boolean;
}

/** @throws `guard.model-invalid` for anything but a plain bracket expression of the basic plane */
export function readCharacterClass(pattern: string): CharacterClass {
  const runs = pattern.endsWith("+");
  const body = runs ? pattern.slice(0, -1) : pattern;
  if (!body.startsWith("[") || !body.endsWith("]") || body.startsWith("[^")) throw invalid();
  const bits = new Uint8Array(0x10000);
  const inside = body.slice(1, -1);
  let at = 0;
  const next = (): number => {
    if (inside[at] !== "\\") {
      const unit = inside.charCodeAt(at++);
      // What means something inside brackets must be escaped.
      if (Number.isNaN(unit) || unit === 0x5b || unit === 0x5d || unit === 0x2d || isSurrogate(unit)) throw invalid();
      return unit;
    }
    const digits = /^\\u([0-9a-fA-F]{4})/.exec(inside.slice(at, at + 6))?.[1];
    if (digits === undefined) throw invalid();
    at += 6;
    return Number.parseInt(digits, 16);
  };
  while (at < inside.length) {
    const from = next();
    let to = from;
    if (inside[at] === "-") {
      at++;
      to = next();
    }
    if (to < from) throw invalid();
    bits.fill(1, from, to + 1);
  }
  return { has: (unit) => bits[unit] === 1, runs };
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function invalid(): Error {
  return modelError("guard.model-invalid", { detail: "tokenizer.json: a pattern that is not read" });
}
