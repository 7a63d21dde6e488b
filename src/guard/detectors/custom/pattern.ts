/**
 * Regular expressions of others, on text of others: run by RE2 (re2js), whose time is linear in the text whatever the
 * pattern. What RE2 cannot run in that way (look-around, back-references) is refused, and so is what compiles to more
 * than {@link MAX_PROGRAM} instructions: linear with a factor of a million is not linear enough.
 *
 * How long a match may be is read off the compiled program, which is a graph: its longest path. A pattern without one
 * (`a+`) must say how long a match may be, and is looked for as far as that and once more; what is found is cut there.
 *
 * @module
 */

import { RE2JS, type Matcher } from "re2js";

import type { Finding } from "../../../core/index.ts";
import type { Hit, Scan } from "../../detector.ts";
import { customError } from "./errors.ts";
import { MAX_HITS, ruleFinding, type PatternRule } from "./rule.ts";

/** Instructions of a compiled pattern. */
export const MAX_PROGRAM = 1000;
/** UTF-16 units of a match. */
export const MAX_LONGEST = 2048;

/** A pattern made ready. */
export interface CompiledPattern {
  readonly rule: PatternRule;
  readonly expression: RE2JS;
  /** UTF-16 units of the longest match. */
  readonly longest: number;
  /** The pattern itself sets no bound; `longest` does. */
  readonly cut: boolean;
}

/** @throws `guard.pattern-invalid`, `guard.pattern-too-large`, `guard.pattern-unbounded`, `guard.rule-invalid` */
export function compilePattern(rule: PatternRule): CompiledPattern {
  const { id, pattern, ignoreCase, longest } = rule;
  if (pattern === "") throw customError("guard.rule-invalid", { detail: `${id} has an empty pattern` });
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(pattern, ignoreCase === true ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (cause) {
    throw customError("guard.pattern-invalid", { detail: id, cause });
  }
  const size = expression.programSize();
  if (size > MAX_PROGRAM) {
    throw customError("guard.pattern-too-large", { detail: `${id} has ${size}, more than ${MAX_PROGRAM}` });
  }
  const own = longestMatch(expression);
  if (own === 0) throw customError("guard.rule-invalid", { detail: `${id} matches nothing but the empty text` });
  const bound = own ?? longest;
  if (bound === undefined) throw customError("guard.pattern-unbounded", { detail: id });
  if (!Number.isInteger(bound) || bound < 1 || bound > MAX_LONGEST) {
    throw customError("guard.pattern-unbounded", { detail: `${id} matches ${bound} units, more than ${MAX_LONGEST}` });
  }
  return { rule, expression, longest: bound, cut: own === undefined };
}

/** Instructions of RE2's program, as re2js numbers them. */
const Op = { Alt: 1, AltMatch: 2, Fail: 5, Match: 6, Rune: 8, Rune1: 9, RuneAny: 10, RuneAnyNotNewline: 11 } as const;

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
}

/** UTF-16 units of the longest match; `undefined` if there is none. */
function longestMatch(expression: RE2JS): number | undefined {
  const { inst, start } = expression.re2Input.prog as { readonly inst: readonly Instruction[]; readonly start: number };
  /** The longest path from an instruction to a match, once it is known; `NaN` while it is looked for. */
  const paths = new Map<number, number>();
  const follow = (at: number): number => {
    const known = paths.get(at);
    if (known !== undefined) return Number.isNaN(known) ? Number.POSITIVE_INFINITY : known;
    paths.set(at, Number.NaN);
    const path = pathFrom(inst[at] as Instruction);
    paths.set(at, path);
    return path;
  };
  const pathFrom = ({ op, out, arg, runes }: Instruction): number => {
    switch (op) {
      case Op.Match:
        return 0;
      case Op.Fail:
        return Number.NEGATIVE_INFINITY;
      case Op.Alt:
      case Op.AltMatch:
        return Math.max(follow(out), follow(arg));
      case Op.Rune:
      case Op.Rune1:
      case Op.RuneAny:
      case Op.RuneAnyNotNewline:
        return (Array.from(runes).some((rune) => rune > 0xffff) ? 2 : 1) + follow(out);
      default:
        return follow(out);
    }
  };
  const path = follow(start);
  return Number.isFinite(path) ? path : path < 0 ? 0 : undefined;
}

interface MutableHit extends Hit {
  finding: Finding;
}

/** Units before a match that its anchors look at: one character. */
const LOOK_BACK = 2;

/** Opens a scan for one pattern. */
export function openPatternScan(
  { rule, expression, longest, cut }: CompiledPattern,
  detector: string,
  pointer: string,
): Scan {
  const hits: MutableHit[] = [];
  const matcher = expression.matcher("");
  let text = "";
  let base = 0;
  /** Index in `text` from which on matches are looked for. */
  let at = 0;

  const report = (start: number, end: number): void => {
    const finding = ruleFinding(detector, rule, pointer, base + start, base + end);
    hits.push({ opening: finding, finding });
  };

  /**
   * A bounded pattern: with one unit more than its longest match behind it, a start is decided, and the text that
   * comes changes nothing.
   */
  const readBounded = (final: boolean): void => {
    while (hits.length <= MAX_HITS) {
      const decided = final ? text.length : text.length - longest - LOOK_BACK;
      if (at > decided) return;
      const found = find(matcher, text, at);
      if (found === undefined || found.start > decided) {
        at = Math.max(at, found === undefined ? decided : Math.min(decided, found.start));
        return;
      }
      report(found.start, found.end);
      at = found.end;
    }
  };

  /** An unbounded one: looked for in slices that begin where the last one was done, whatever was there when. */
  const readCut = (final: boolean): void => {
    // At the end of the text a slice may be shorter.
    const least = final ? 1 : 2 * longest;
    while (hits.length <= MAX_HITS && at + least <= text.length) {
      const slice = text.slice(Math.max(0, at - LOOK_BACK), at + 2 * longest);
      const shift = Math.max(0, at - LOOK_BACK);
      const found = find(matcher, slice, at - shift);
      const start = found === undefined ? Number.POSITIVE_INFINITY : found.start + shift;
      if (found === undefined || start >= at + longest) {
        at = Math.min(text.length, at + longest);
        continue;
      }
      const end = Math.min(found.end + shift, start + longest);
      report(start, end);
      at = end;
    }
  };

  const step = (piece: string, final: boolean): number => {
    text += piece;
    if (cut) readCut(final);
    else readBounded(final);
    const flood = hits[MAX_HITS];
    if (flood !== undefined) {
      at = text.length;
      flood.finding = { ...flood.finding, location: { ...flood.finding.location, end: base + at } };
    }
    const settled = base + Math.max(0, at);
    const kept = Math.max(0, at - LOOK_BACK);
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

/** The first match from `from` on that is not empty. */
function find(
  matcher: Matcher,
  text: string,
  from: number,
): { readonly start: number; readonly end: number } | undefined {
  matcher.resetMatcherInput(text);
  for (let found = from <= text.length && matcher.find(from); found; found = matcher.find()) {
    if (matcher.end() > matcher.start()) return { start: matcher.start(), end: matcher.end() };
  }
  return undefined;
}
