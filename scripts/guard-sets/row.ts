/**
 * A row of an evaluation set, as `holdfast guard eval` reads it.
 *
 * @module
 */

export interface SetRow {
  readonly text: string;
  readonly label: "attack" | "benign";
  readonly kind: string;
  readonly source: string;
  readonly origin?: "document";
}

/** Rows of one source. Empty texts are left out. */
export function rowsOf(
  source: string,
  label: SetRow["label"],
  kind: string,
  texts: readonly string[],
): readonly SetRow[] {
  return texts.filter((text) => text.trim() !== "").map((text) => ({ text, label, kind, source }));
}

/** What two texts have in common that say the same: letters and digits alone. */
function sameText(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Rows whose text none of those before it has. */
export function distinct(rows: readonly SetRow[]): readonly SetRow[] {
  const seen = new Set<string>();
  return rows.filter(({ text }) => {
    const key = sameText(text);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
