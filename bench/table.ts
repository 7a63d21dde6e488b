/** Tables of text, and shares with their intervals. */

export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** The 95 % interval of a share, in per cent (E. Wilson, 1927). */
export function interval(hits: number, of: number): string {
  const z = 1.96;
  const p = hits / of;
  const centre = (p + (z * z) / (2 * of)) / (1 + (z * z) / of);
  const half = (z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of))) / (1 + (z * z) / of);
  return `[${percent(Math.max(0, centre - half))}..${percent(Math.min(1, centre + half))}]`;
}

/** Prints rows in columns: words to the left, numbers to the right. */
export function print(rows: readonly (readonly string[])[]): void {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column < 1 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
    );
    console.log(cells.join("  ").trimEnd());
  }
}
