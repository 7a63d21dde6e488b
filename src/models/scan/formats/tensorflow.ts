/**
 * TensorFlow: SavedModel (`saved_model.pb`), MetaGraph and frozen graphs, and the metadata that Keras keeps beside them.
 * A graph is a program, and some of its operators read and write files or call Python; they run as soon as the model is
 * used. Every node of every graph and of every function of the library is read.
 *
 * Source: tensorflow/core/protobuf/{saved_model,meta_graph,saved_object_graph}.proto,
 * tensorflow/core/framework/{graph,function,node_def}.proto.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { bytesSource, type Source } from "../source.ts";
import { judgeKerasText, KERAS_RULES } from "./keras.ts";
import { leavesFolder } from "./path.ts";
import { protoFields, protoPayload, protoShape, protoText, type ProtoField } from "./protobuf.ts";
import { BRINGS_CODE, TOUCHES_FILES } from "./references.ts";
import { judgeOperator, OPERATOR_RULES, REMEDY } from "./tensorflow-operators.ts";

const RULES = {
  output: {
    id: "tensorflow.prints-to-file",
    severity: "high",
    verdict: "malicious",
    why: "its graph prints into a file, which writes any file of the machine when the model is used",
    remedy: REMEDY,
    references: [...TOUCHES_FILES],
  },
  asset: {
    id: "tensorflow.asset-path",
    severity: "high",
    verdict: "malicious",
    why: "an asset is said to lie outside the model's folder, so that loading it reads another file of the machine",
    remedy: REMEDY,
    references: [...TOUCHES_FILES],
  },
  empty: {
    id: "tensorflow.no-graph",
    severity: "low",
    verdict: "inconclusive",
    why: "it is named as a SavedModel but holds no graph, so that nothing was checked",
    remedy: "get it again from its publisher",
    references: [...BRINGS_CODE],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const tensorflow: Format = {
  id: "tensorflow",
  rules: [...Object.values(RULES), ...OPERATOR_RULES, ...KERAS_RULES],
  sniff: (source, name) => kindOf(source, name) !== undefined,
  scan: (source, context) => {
    switch (kindOf(source, context.name)) {
      case "metadata":
        scanMetadata(source, context);
        break;
      case "graph":
        visitGraph(source, context);
        break;
      case "meta-graph":
        visitMetaGraph(source, context);
        break;
      default:
        scanSavedModel(source, context);
    }
  },
};

type Kind = "saved-model" | "meta-graph" | "graph" | "metadata";

/**
 * The three messages share their field numbers with other formats: what tells them apart is what stands where. A graph
 * begins with a node, which has a name (1) and an operator (2); a MetaGraph with a MetaInfo and a graph; a SavedModel is
 * a version and MetaGraphs.
 */
function kindOf(source: Source, name: string): Kind | undefined {
  if (name === "keras_metadata.pb") return "metadata";
  if (name === "saved_model.pb") return "saved-model";
  const first = source.read(0, 1)[0];
  if (first === 0x08) {
    const shape = protoShape(source, 64);
    const graphs = shape?.get(2);
    const onlyThese = shape !== undefined && [...shape.keys()].every((number) => number <= 2);
    if (onlyThese && graphs?.wire === "bytes" && isMetaGraph(protoPayload(source, graphs))) return "saved-model";
    return undefined;
  }
  // Writers begin with a node; readers take the fields in any order: the library first, or the versions.
  if (first !== 0x0a && first !== 0x12 && first !== 0x22) return undefined;
  if (isGraph(source)) return "graph";
  return isMetaGraph(source) ? "meta-graph" : undefined;
}

function isGraph(source: Source): boolean {
  const shape = protoShape(source, 64);
  const node = shape?.get(1);
  if (node?.wire !== "bytes" || node.length < 4) return false;
  const inner = protoShape(protoPayload(source, node), 64);
  const operator = inner?.get(2);
  if (inner?.get(1)?.wire !== "bytes" || operator?.wire !== "bytes") return false;
  const text = protoText(protoPayload(source, node), operator, 128);
  return /^[A-Z_][A-Za-z0-9_>.]{1,127}$/.test(text);
}

function isMetaGraph(source: Source): boolean {
  const shape = protoShape(source, 8);
  const graph = shape?.get(2);
  return graph?.wire === "bytes" && isGraph(protoPayload(source, graph));
}

function scanSavedModel(source: Source, context: ScanContext): void {
  let graphs = 0;
  for (const field of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (field.number !== 2) continue;
    graphs++;
    visitMetaGraph(protoPayload(source, field), context);
  }
  if (graphs === 0) context.report(RULES.empty);
}

/** MetaGraphDef: the graph (2), the assets (6), and the objects of Keras (7). */
function visitMetaGraph(source: Source, context: ScanContext): void {
  for (const field of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (field.number === 2) visitGraph(protoPayload(source, field), context);
    if (field.number === 6) visitAsset(protoPayload(source, field), context);
    if (field.number === 7) visitObjects(protoPayload(source, field), context);
  }
}

function visitAsset(source: Source, context: ScanContext): void {
  for (const field of protoFields(source)) {
    if (field.number !== 2) continue;
    const path = protoText(source, field);
    const why = leavesFolder(path);
    if (why !== undefined) context.report(RULES.asset, { detail: `${why}, ${path}` });
  }
}

/** SavedObjectGraph: nodes (1) whose user_object (4) has the metadata of Keras (3) in models of TensorFlow before 2.5. */
function visitObjects(source: Source, context: ScanContext): void {
  for (const node of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (node.number !== 1) continue;
    const object = protoPayload(source, node);
    for (const kind of protoFields(object)) {
      if (kind.number !== 4) continue;
      const user = protoPayload(object, kind);
      for (const field of protoFields(user)) if (field.number === 3) judgeMetadata(user, field, context);
    }
  }
}

/** SavedMetadata of Keras: objects (1) with their metadata (5) as JSON. */
function scanMetadata(source: Source, context: ScanContext): void {
  for (const object of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (object.number !== 1) continue;
    const inner = protoPayload(source, object);
    for (const field of protoFields(inner)) if (field.number === 5) judgeMetadata(inner, field, context);
  }
}

function judgeMetadata(source: Source, field: ProtoField, context: ScanContext): void {
  const payload = protoPayload(source, field);
  const text = payload.read(0, payload.size);
  if (text[0] === 0x7b) judgeKerasText(bytesSource(Uint8Array.from(text)), context);
}

/** GraphDef: nodes (1), and functions (1) of a library (2), each with nodes (3). */
function visitGraph(source: Source, context: ScanContext): void {
  for (const field of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (field.number === 1) visitNode(protoPayload(source, field), context);
    if (field.number !== 2 || field.wire !== "bytes") continue;
    const library = protoPayload(source, field);
    for (const inner of protoFields(library)) {
      if (!context.spend("steps", 1)) return;
      if (inner.number !== 1) continue;
      const body = protoPayload(library, inner);
      for (const node of protoFields(body)) {
        if (!context.spend("steps", 1)) return;
        if (node.number === 3) visitNode(protoPayload(body, node), context);
      }
    }
  }
}

/** NodeDef: name (1), operator (2), attributes (5). */
function visitNode(source: Source, context: ScanContext): void {
  let name = "";
  let operator = "";
  let output = "";
  for (const field of protoFields(source)) {
    if (field.number === 1) name = protoText(source, field, 256);
    if (field.number === 2) operator = protoText(source, field, 256);
    if (field.number === 5) output = outputStream(protoPayload(source, field)) ?? output;
  }
  judgeOperator(operator, name, context);
  // PrintV2 writes to a file where its attribute says so (logging_ops.cc).
  if (/^file:/i.test(output)) context.report(RULES.output, { detail: `${operator} to ${output}` });
}

/** The text of the attribute `output_stream`, an entry of a map: key (1), value (2) with a string (2). */
function outputStream(source: Source): string | undefined {
  let key = "";
  let text: string | undefined;
  for (const field of protoFields(source)) {
    if (field.number === 1) key = protoText(source, field, 64);
    if (field.number !== 2 || field.length > 4096) continue;
    const value = protoPayload(source, field);
    for (const inner of protoFields(value)) if (inner.number === 2) text = protoText(value, inner);
  }
  return key === "output_stream" ? text : undefined;
}
