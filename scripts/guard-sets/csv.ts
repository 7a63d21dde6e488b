/**
 * Comma-separated values (RFC 4180): rows as objects by the names of the first row.
 *
 * @module
 */

/** The rows of `text`. A row with another number of fields than the first is an error, not a guess. */
export function parseCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const [head = [], ...rows] = readRows(text.replace(/^\uFEFF/, ""));
  return rows.map((row, index) => {
    if (row.length !== head.length) throw new Error(`csv row ${index + 2}: ${row.length} fields, not ${head.length}`);
    return Object.fromEntries(head.map((name, column) => [name, row[column] as string]));
  });
}

function readRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let quoted = false;
  const endRow = (): void => {
    // A line break at the end of the file begins no row.
    if (row.length > 0 || field !== "") rows.push([...row, field]);
    row = [];
    field = "";
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') field += text[++at];
      else quoted = false;
    } else if (character === '"') {
      quoted = true;
    } else if (character === ",") {
      row.push(field);
      field = "";
    } else if (character === "\n") {
      endRow();
    } else if (character !== "\r") {
      field += character;
    }
  }
  endRow();
  return rows;
}
