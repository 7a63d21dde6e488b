/**
 * Tables for people: what commands print where a script would take `--format json`.
 *
 * @module
 */

import type { Style } from "./module.ts";

/**
 * A head in bold and rows below it, each column as wide as its widest cell, two spaces between columns and none at the
 * end of a line.
 *
 * @example
 * ```ts
 * import { textTable } from "holdfast/core";
 *
 * const plain = { bold: String, dim: String, red: String, green: String, yellow: String };
 * textTable(["ID", "STATE"], [["4fQx", "active"]], plain); // "ID    STATE\n4fQx  active"
 * ```
 */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  // Not by spreading: a table may have more rows than a call takes arguments.
  const widths = head.map((title, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), title.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [style.bold(line(head)), ...rows.map(line)].join("\n");
}
