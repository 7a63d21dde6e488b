/**
 * Places for people and tools: lines and columns from offsets. Both count from 1, columns in UTF-16 units; a line ends at
 * its line feed.
 *
 * @module
 */

import type { Finding } from "../../core/index.ts";

/** A finding with its first unit and the one behind its last. */
export interface PlacedFinding extends Finding {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** The findings by where they start, with their places in `text`. */
export function placed(text: string, findings: readonly Finding[]): readonly PlacedFinding[] {
  const starts = lineStarts(text);
  return findings
    .toSorted((one, other) => one.location.start - other.location.start)
    .map((finding) => {
      const [line, column] = placeOf(starts, finding.location.start);
      const [endLine, endColumn] = placeOf(starts, finding.location.end);
      return { ...finding, line, column, endLine, endColumn };
    });
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  return starts;
}

function placeOf(starts: readonly number[], offset: number): readonly [line: number, column: number] {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return [low + 1, offset - (starts[low] as number) + 1];
}
