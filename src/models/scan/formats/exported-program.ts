/**
 * ExportedProgram of torch (`.pt2`): a graph as JSON, whose nodes name functions that the loader looks up in torch, and whose
 * sizes are expressions that it hands to sympy, which evaluates them.
 *
 * Source: torch/_export/serde/serialize.py (deserialize_operator, deserialize_sym_int), sympy/core/sympify.py.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { isRecord, jsonContainers, pointerOf } from "./json-value.ts";
import { judgeReference } from "./python-reference.ts";
import { BRINGS_CODE, RUNS_CODE } from "./references.ts";

const REMEDY = "do not load it: ask its author for the weights as safetensors";

const RULES = {
  target: {
    id: "torch.exported-target",
    severity: "critical",
    verdict: "malicious",
    why: "a node of its graph names a function that is no operator: the loader looks it up, and the program calls it",
    remedy: REMEDY,
    references: [...RUNS_CODE],
  },
  expression: {
    id: "torch.exported-expression",
    severity: "critical",
    verdict: "malicious",
    why: "a size in it is an expression that does more than arithmetic, and that its loader evaluates as Python",
    remedy: REMEDY,
    references: [...RUNS_CODE],
  },
  unknown: {
    id: "torch.exported-unknown-target",
    severity: "medium",
    verdict: "suspicious",
    why: "a node of its graph names a function outside of the operators of torch",
    remedy: "look at what it calls before the program is loaded",
    references: [...BRINGS_CODE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const EXPORTED_RULES: readonly ScanRule[] = Object.values(RULES);

/** Whether `value` is the JSON of an exported program. */
export function isExported(value: unknown): boolean {
  return isRecord(value) && isRecord(value["graph_module"]);
}

/** Operators by their full name, and what symbolic sizes are computed with. */
const OPERATORS =
  /^(?:torch\.ops\.\w+\.\w+(?:\.\w+)?|torch\.(?:_?sym_\w+|_check\w*|_assert\w*)|math\.[a-z]\w*|torch\.ops\.higher_order\.\w+|torch\.\w+\.higher_order_ops\.[\w.]+)$/;
const ARITHMETIC =
  /^_operator\.(?:add|sub|mul|truediv|floordiv|mod|pow|neg|pos|abs|eq|ne|lt|le|gt|ge|and_|or_|xor|not_|invert|lshift|rshift|getitem)$/;

const KNOWN: ReadonlySet<string> = new Set(["torch", "math", "_operator"]);

/** Reports the targets and expressions of an exported program. */
export function judgeExported(value: unknown, context: ScanContext): void {
  for (const place of jsonContainers(value)) {
    if (!context.spend("steps", 1)) return;
    if (!isRecord(place.value)) continue;
    const { target, expr_str: expression } = place.value;
    // Specifications of inputs and outputs have a target, too: the name of a parameter.
    if (typeof target === "string" && "inputs" in place.value) judgeTarget(target, context);
    if (typeof expression === "string" && !isArithmetic(expression)) {
      context.report(RULES.expression, { detail: `${expression} at ${pointerOf(place)}` });
    }
  }
}

function judgeTarget(target: string, context: ScanContext): void {
  // As torch prints a loaded operator.
  const path = target.startsWith("#") ? target.slice(1) : target;
  if (OPERATORS.test(path) || ARITHMETIC.test(path)) return;
  const isDangerous = path.startsWith("_operator.") || judgeReference(path, KNOWN) === "dangerous";
  context.report(isDangerous ? RULES.target : RULES.unknown, { detail: target });
}

/** Functions that sympy prints in lower case. */
const FUNCTIONS: ReadonlySet<string> = new Set(["floor", "ceiling", "sqrt", "exp", "log", "sin", "cos", "tan"]);

/** Numbers, symbols, operators, and calls of sympy's classes: no attribute, no index, no text but the name of a symbol. */
function isArithmetic(expression: string): boolean {
  const plain = expression.replaceAll(/Symbol\('\w{1,99}'/g, "Symbol(s");
  if (/__|[^\w\s().,+\-*/%<>=!&|~]/.test(plain) || /[A-Za-z_)]\s*\.|\.\s*[A-Za-z_]/.test(plain)) return false;
  return [...plain.matchAll(/([A-Za-z_]\w{0,99})\s{0,9}\(/g)].every(
    ([, name = ""]) => /^[A-Z]/.test(name) || FUNCTIONS.has(name),
  );
}
