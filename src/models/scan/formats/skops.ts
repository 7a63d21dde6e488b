/**
 * skops: a scikit-learn model as a tree of nodes, each with the type that it becomes. skops itself asks its user to trust
 * every type that it does not know; a tree that cheats about its types gets past that.
 *
 * Source: skops/io/_general.py, _audit.py, _trusted_types.py.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { isRecord, jsonContainers } from "./json-value.ts";
import { leavesFolder } from "./path.ts";
import { judgeReference } from "./python-reference.ts";
import { BRINGS_CODE, RUNS_CODE, TOUCHES_FILES } from "./references.ts";

const REMEDY = "do not load it: ask its author for a model of types that skops trusts by itself";

const RULES = {
  dangerous: {
    id: "skops.dangerous-type",
    severity: "critical",
    verdict: "malicious",
    why: "a node becomes a function of Python that runs code or touches files",
    remedy: REMEDY,
    references: [...RUNS_CODE],
  },
  operator: {
    id: "skops.operator-mismatch",
    severity: "critical",
    verdict: "malicious",
    why: "a node of an operator names another module than the one that is imported, which hides what is called",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2025-54412"],
  },
  method: {
    id: "skops.method-mismatch",
    severity: "critical",
    verdict: "malicious",
    why: "a node of a method names another type than its object has, or a private attribute, which hides what is called",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2025-54413"],
  },
  calls: {
    id: "skops.calls",
    severity: "medium",
    verdict: "suspicious",
    why: "a node calls a method, an operator or what an object reduces to, which skops runs once its user trusts it",
    remedy: "look at what it calls before you trust it",
    references: [...BRINGS_CODE],
  },
  foreign: {
    id: "skops.foreign-type",
    severity: "medium",
    verdict: "suspicious",
    why: "a node becomes a type outside scikit-learn, NumPy and SciPy, which skops imports once its user trusts it",
    remedy: "read the code of that type before you trust it",
    references: [...BRINGS_CODE],
  },
  loader: {
    id: "skops.unknown-node",
    severity: "medium",
    verdict: "inconclusive",
    why: "a node is of a kind that is not known, so that nothing is known of what it does",
    remedy: "scan it with a newer version",
    references: [...BRINGS_CODE],
  },
  file: {
    id: "skops.file-path",
    severity: "high",
    verdict: "malicious",
    why: "a node takes its data from outside the archive",
    remedy: REMEDY,
    references: [...TOUCHES_FILES],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const SKOPS_RULES: readonly ScanRule[] = Object.values(RULES);

const KNOWN: ReadonlySet<string> = new Set(["sklearn", "numpy", "scipy", "collections", "quantile_forest", "zoneinfo"]);
const BOOSTERS: ReadonlySet<string> = new Set(["xgboost", "lightgbm", "catboost", "imblearn", "pandas", "polars"]);

const NODES: ReadonlySet<string> = new Set(
  (
    "DictNode DefaultDictNode ListNode SetNode TupleNode BytesNode BytearrayNode SliceNode FunctionNode PartialNode TypeNode " +
    "ObjectNode JsonNode CachedNode NdArrayNode MaskedArrayNode RandomStateNode RandomGeneratorNode DTypeNode " +
    "SparseMatrixNode TreeNode LossNode QuantileForestNode _DictWithDeprecatedKeysNode ZoneInfoNode"
  ).split(" "),
);

const CALLS: ReadonlySet<string> = new Set([
  "MethodNode",
  "OperatorFuncNode",
  "ReduceNode",
  "ConstructorFromReduceNode",
]);

/** Whether `value` is the schema of a skops archive. */
export function isSkops(value: unknown): boolean {
  return isRecord(value) && typeof value["__loader__"] === "string" && typeof value["__module__"] === "string";
}

export function judgeSkops(value: unknown, context: ScanContext): void {
  for (const { value: node } of jsonContainers(value)) {
    if (!context.spend("steps", 1)) return;
    if (!isRecord(node) || typeof node["__loader__"] !== "string") continue;
    judgeNode(node["__loader__"], node, context);
  }
}

function judgeNode(loader: string, node: Readonly<Record<string, unknown>>, context: ScanContext): void {
  const module = typeof node["__module__"] === "string" ? node["__module__"] : "";
  const name = typeof node["__class__"] === "string" ? node["__class__"] : "";
  const path = `${module}.${name}`;
  if (!NODES.has(loader) && !CALLS.has(loader)) context.report(RULES.loader, { detail: loader });
  if (typeof node["file"] === "string") {
    const why = leavesFolder(node["file"]);
    if (why !== undefined) context.report(RULES.file, { detail: `${why}, ${node["file"]}` });
  }
  const { content } = node;
  if (isRecord(content) && typeof content["module_path"] === "string") {
    // Older nodes of functions and types.
    const named = content["function"] ?? content["type_name"];
    const inner = `${content["module_path"]}.${typeof named === "string" ? named : ""}`;
    if (judgeReference(inner, KNOWN) === "dangerous") context.report(RULES.dangerous, { detail: inner });
  }
  if (loader === "OperatorFuncNode") {
    if (module !== "operator") context.report(RULES.operator, { detail: path });
    else context.report(RULES.calls, { detail: path });
    return;
  }
  if (loader === "MethodNode") judgeMethod(node, path, context);
  else if (CALLS.has(loader)) context.report(RULES.calls, { detail: `${loader} ${path}` });
  // A node of a type becomes the type itself and calls nothing.
  const kind = judgeReference(path, KNOWN);
  if (kind === "dangerous") context.report(RULES.dangerous, { detail: path });
  else if (kind === "foreign" && !BOOSTERS.has(module.split(".")[0] as string) && !isJson(loader, module)) {
    context.report(RULES.foreign, { detail: path });
  }
}

/** A node of JSON is a number, a text or nothing, whatever its type is called. */
function isJson(loader: string, module: string): boolean {
  return loader === "JsonNode" && module === "builtins";
}

function judgeMethod(node: Readonly<Record<string, unknown>>, path: string, context: ScanContext): void {
  const content = isRecord(node["content"]) ? node["content"] : {};
  const object = isRecord(content["obj"]) ? content["obj"] : {};
  const method = typeof content["func"] === "string" ? content["func"] : "";
  const same = object["__module__"] === node["__module__"] && object["__class__"] === node["__class__"];
  if (!same || method.startsWith("_")) context.report(RULES.method, { detail: `${path}.${method}` });
  else context.report(RULES.calls, { detail: `${path}.${method}` });
}
