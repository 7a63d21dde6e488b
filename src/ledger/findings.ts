/**
 * What a verification found wrong.
 *
 * @module
 */

/** Further problems are counted, not kept: a log of another key has one in every file. */
const MAX_PROBLEMS = 100;

export interface LedgerProblem {
  /** The first entry that is affected; null where that is not one entry. */
  readonly index: number | null;
  /** Path below the ledger's folder, with `/` between names. */
  readonly file: string;
  /** One phrase for people. */
  readonly what: string;
}

export interface ProblemList {
  add(problem: LedgerProblem): void;
  /** Whether an entry from `from` to `to` (exclusive) was named already. */
  named(from: number, to: number): boolean;
  readonly kept: readonly LedgerProblem[];
  readonly count: number;
  readonly firstBadIndex: number | null;
}

export function problemList(): ProblemList {
  const kept: LedgerProblem[] = [];
  const indexes = new Set<number>();
  let count = 0;
  let first: number | null = null;
  return {
    add: (problem) => {
      count += 1;
      if (kept.length < MAX_PROBLEMS) kept.push(problem);
      if (problem.index === null) return;
      if (indexes.size < MAX_PROBLEMS) indexes.add(problem.index);
      first = Math.min(first ?? problem.index, problem.index);
    },
    named: (from, to) => [...indexes].some((index) => index >= from && index < to),
    kept,
    get count() {
      return count;
    },
    get firstBadIndex() {
      return first;
    },
  };
}
