/**
 * A sample: at most so many rows of each source and label. Large sets are cut and small ones stay whole, so that no
 * source drowns the others.
 *
 * Rows are drawn by a number that follows from the seed and the row's place in its source (bottom-k sampling): one pass,
 * only the rows that are kept in memory, and the same draw however the sets are cut into files.
 *
 * @module
 */

import { seedOf } from "./random.ts";
import type { Row } from "./rows.ts";

interface Stratum {
  seen: number;
  readonly kept: { readonly order: number; readonly priority: number; readonly row: Row }[];
  /** The highest priority kept, once the stratum is full. */
  limit: number;
}

/** Draws from `rows`. The rows that are kept come in the order in which they were read. */
export async function sample(rows: AsyncIterable<Row>, most: number, seed: number): Promise<readonly Row[]> {
  const strata = new Map<string, Stratum>();
  let order = 0;
  for await (const row of rows) {
    order += 1;
    const key = `${row.attack ? 1 : 0} ${row.source}`;
    let stratum = strata.get(key);
    if (stratum === undefined) {
      stratum = { seen: 0, kept: [], limit: Number.POSITIVE_INFINITY };
      strata.set(key, stratum);
    }
    const priority = seedOf(seed, key, stratum.seen++);
    if (priority > stratum.limit) continue;
    stratum.kept.push({ order, priority, row });
    if (stratum.kept.length >= 2 * most) cut(stratum, most);
  }
  for (const stratum of strata.values()) cut(stratum, most);
  return [...strata.values()]
    .flatMap(({ kept }) => kept)
    .toSorted((one, other) => one.order - other.order)
    .map(({ row }) => row);
}

/** Cut back only when twice full, so that a long set costs one sort for every `most` rows. */
function cut(stratum: Stratum, most: number): void {
  if (stratum.kept.length <= most) return;
  stratum.kept.sort((one, other) => one.priority - other.priority || one.order - other.order);
  stratum.kept.length = most;
  stratum.limit = stratum.kept[most - 1]?.priority ?? Number.POSITIVE_INFINITY;
}
