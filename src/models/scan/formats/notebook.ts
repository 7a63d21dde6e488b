/**
 * Jupyter notebooks: code that somebody runs cell by cell. Cells are judged as Python and as shell; outputs are HTML and
 * scripts of the author's, which a viewer shows if it trusts the notebook.
 *
 * Source: nbformat.readthedocs.io (format 4).
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { isRecord } from "./json-value.ts";
import { judgePython, PYTHON_RULES } from "./python.ts";
import { BRINGS_CODE } from "./references.ts";

const RULES = {
  code: {
    id: "notebook.code",
    severity: "info",
    verdict: "note",
    why: "it is a notebook, whose cells run if somebody runs them; only the plainest attacks in them were looked for",
    remedy: "read it before you run it, and do not run all cells at once",
    references: [...BRINGS_CODE],
  },
  fetches: {
    id: "notebook.fetches-package",
    severity: "medium",
    verdict: "suspicious",
    why: "a cell installs a package from an address instead of a registry",
    remedy: "install it from a registry, by version and digest",
    references: [...BRINGS_CODE, "AML.T0011.001"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const NOTEBOOK_RULES: readonly ScanRule[] = [...Object.values(RULES), ...PYTHON_RULES];

/** Whether `value` is a notebook, of format 3 or 4. */
export function isNotebook(value: unknown): boolean {
  return isRecord(value) && typeof value["nbformat"] === "number";
}

const PLAIN_INSTALL = /\bpip3?\s[^\n]{0,200}\binstall\s[^\n]{0,500}\bhttp:\/\//;

export function judgeNotebook(value: unknown, context: ScanContext): void {
  context.report(RULES.code);
  const { cells, worksheets } = isRecord(value) ? value : {};
  const sheets: readonly unknown[] = Array.isArray(worksheets) ? worksheets : [];
  const all = [cells, ...sheets.map((sheet) => (isRecord(sheet) ? sheet["cells"] : undefined))];
  for (const cell of all.flatMap((list): readonly unknown[] => (Array.isArray(list) ? list : []))) {
    if (!isRecord(cell) || cell["cell_type"] !== "code") continue;
    const text = textOf(cell["source"] ?? cell["input"]);
    if (!context.spend("steps", text.length)) return;
    judgePython(text, context);
    if (PLAIN_INSTALL.test(text)) context.report(RULES.fetches);
  }
}

/** Lines, or one text. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.filter((line) => typeof line === "string").join("") : "";
}
