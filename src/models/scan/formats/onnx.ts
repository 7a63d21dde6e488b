/**
 * ONNX: a graph of operators in Protocol Buffers. It runs no code of its own; what hurts is a tensor whose data is said to
 * lie in another file of the machine, an operator that stands for code from elsewhere, and sizes that lie.
 *
 * Graphs in attributes, functions, and the graphs of training are walked as the main graph is. Data is not read.
 *
 * Source: github.com/onnx/onnx (onnx/onnx.proto, docs/ExternalData.md, docs/ExternalDataSecurity.md).
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { checkTensor, ONNX_TENSOR_RULES } from "./onnx-tensor.ts";
import { MAX_PROTO_DEPTH, protoFields, protoPayload, protoShape, protoText } from "./protobuf.ts";
import { BRINGS_CODE, EXHAUSTS, SUPPLY_CHAIN } from "./references.ts";

const RULES = {
  customDomain: {
    id: "onnx.custom-operator",
    severity: "medium",
    verdict: "suspicious",
    why: "it needs an operator that neither ONNX nor its own functions define: a native library that somebody must load",
    remedy: "load it only with a library of operators that you built, and only if you expected one",
    references: [...BRINGS_CODE],
  },
  python: {
    id: "onnx.python-operator",
    severity: "high",
    verdict: "suspicious",
    why: "it has an operator that calls Python code by name",
    remedy: "do not load it: ask its author for a graph of standard operators",
    references: [...BRINGS_CODE],
  },
  depth: {
    id: "onnx.depth",
    severity: "medium",
    verdict: "inconclusive",
    why: "its graphs are nested deeper than any loader reads",
    remedy: "do not load it: get it again from its publisher",
    references: [...EXHAUSTS],
  },
  noGraph: {
    id: "onnx.no-graph",
    severity: "low",
    verdict: "inconclusive",
    why: "it is named as ONNX but holds no graph, so that nothing was checked",
    remedy: "get it again from its publisher",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Domains that runtimes bring themselves (onnxruntime's core/graph/constants.h, onnxscript's torch_lib). */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set([
  "",
  "ai.onnx",
  "ai.onnx.ml",
  "ai.onnx.training",
  "ai.onnx.preview",
  "ai.onnx.preview.training",
  "com.microsoft",
  "com.microsoft.nchwc",
  "com.microsoft.experimental",
  "com.microsoft.dml",
  "com.ms.internal.nhwc",
]);

const PYTHON = /^(?:PyOp|PyCustomOp|PyFunc|PythonOp|PythonOpGrad)$/i;

/** Fields of onnx.proto that are used below, by message. */
const MODEL = { irVersion: 1, graph: 7, opsetImport: 8, training: 20, function: 25 } as const;
const GRAPH = { node: 1, initializer: 5, sparseInitializer: 15 } as const;
const NODE = { opType: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { tensor: 5, graph: 6, tensors: 10, graphs: 11, sparse: 22, sparses: 23 } as const;
const FUNCTION = { name: 1, node: 7, domain: 10, attributeProto: 11 } as const;

export const onnx: Format = {
  id: "onnx",
  rules: [...Object.values(RULES), ...ONNX_TENSOR_RULES],
  sniff: (source, name) => /\.onnx$/i.test(name) || looksLikeModel(source),
  scan: (source, context) => {
    const functions: Source[] = [];
    const graphs: Source[] = [];
    const trainings: Source[] = [];
    for (const field of protoFields(source)) {
      if (!context.spend("steps", 1)) return;
      if (field.number === MODEL.graph) graphs.push(protoPayload(source, field));
      if (field.number === MODEL.function) functions.push(protoPayload(source, field));
      if (field.number === MODEL.training) trainings.push(protoPayload(source, field));
    }
    if (graphs.length === 0) context.report(RULES.noGraph);
    const walk: Walk = { context, defined: new Set(functions.map(functionName)) };
    for (const graph of graphs) visitGraph(graph, walk, 1);
    for (const body of functions) visitNodes(body, FUNCTION.node, FUNCTION.attributeProto, walk, 1);
    for (const training of trainings) {
      for (const field of protoFields(training)) {
        if (field.number <= 2) visitGraph(protoPayload(training, field), walk, 2);
      }
    }
  },
};

interface Walk {
  readonly context: ScanContext;
  /** Domain and name of the model's own functions. */
  readonly defined: ReadonlySet<string>;
}

/** A version of the representation, a graph that begins with a node or a name, and a set of operators. */
function looksLikeModel(source: Source): boolean {
  const first = source.read(0, 2);
  if (first[0] !== MODEL.irVersion * 8 || (first[1] ?? 0) > 64) return false;
  const shape = protoShape(source);
  const graph = shape?.get(MODEL.graph);
  return graph?.wire === "bytes" && shape?.get(MODEL.opsetImport)?.wire === "bytes";
}

function functionName(source: Source): string {
  let name = "";
  let domain = "";
  for (const field of protoFields(source)) {
    if (field.number === FUNCTION.name) name = protoText(source, field);
    if (field.number === FUNCTION.domain) domain = protoText(source, field);
  }
  return `${domain}\0${name}`;
}

function visitGraph(source: Source, walk: Walk, depth: number): void {
  visitNodes(source, GRAPH.node, undefined, walk, depth);
  for (const field of protoFields(source)) {
    if (!walk.context.spend("steps", 1)) return;
    if (field.number === GRAPH.initializer) checkTensor(protoPayload(source, field), walk.context);
    if (field.number === GRAPH.sparseInitializer) visitSparse(protoPayload(source, field), walk);
  }
}

function visitNodes(source: Source, nodes: number, attributes: number | undefined, walk: Walk, depth: number): void {
  if (depth > MAX_PROTO_DEPTH) {
    walk.context.report(RULES.depth, { detail: `limit ${MAX_PROTO_DEPTH}` });
    return;
  }
  for (const field of protoFields(source)) {
    if (!walk.context.spend("steps", 1)) return;
    if (field.number === nodes) visitNode(protoPayload(source, field), walk, depth);
    if (field.number === attributes) visitAttribute(protoPayload(source, field), walk, depth);
  }
}

function visitNode(source: Source, walk: Walk, depth: number): void {
  let operator = "";
  let domain = "";
  for (const field of protoFields(source)) {
    if (!walk.context.spend("steps", 1)) return;
    if (field.number === NODE.opType) operator = protoText(source, field);
    if (field.number === NODE.domain) domain = protoText(source, field);
    if (field.number === NODE.attribute) visitAttribute(protoPayload(source, field), walk, depth);
  }
  const detail = domain === "" ? operator : `${domain}.${operator}`;
  if (walk.defined.has(`${domain}\0${operator}`)) return;
  if (PYTHON.test(operator)) walk.context.report(RULES.python, { detail });
  else if (!KNOWN_DOMAINS.has(domain)) walk.context.report(RULES.customDomain, { detail });
}

function visitAttribute(source: Source, walk: Walk, depth: number): void {
  for (const field of protoFields(source)) {
    if (!walk.context.spend("steps", 1)) return;
    if (field.number === ATTRIBUTE.tensor || field.number === ATTRIBUTE.tensors) {
      checkTensor(protoPayload(source, field), walk.context);
    } else if (field.number === ATTRIBUTE.graph || field.number === ATTRIBUTE.graphs) {
      visitGraph(protoPayload(source, field), walk, depth + 1);
    } else if (field.number === ATTRIBUTE.sparse || field.number === ATTRIBUTE.sparses) {
      visitSparse(protoPayload(source, field), walk);
    }
  }
}

/** A sparse tensor is two tensors, of values (1) and of indices (2). */
function visitSparse(source: Source, walk: Walk): void {
  for (const field of protoFields(source)) {
    if (!walk.context.spend("steps", 1)) return;
    if (field.number <= 2) checkTensor(protoPayload(source, field), walk.context);
  }
}
