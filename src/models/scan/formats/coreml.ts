/**
 * Core ML: a model in Protocol Buffers, alone (`.mlmodel`) or in a package. Custom layers and models are classes of the
 * application that must bring them; linked models and weights are files that it names.
 *
 * Source: github.com/apple/coremltools (mlmodel/format/Model.proto, NeuralNetwork.proto, LinkedModel.proto, MIL.proto).
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { leavesFolder } from "./path.ts";
import { protoFields, protoPayload, protoShape, protoText } from "./protobuf.ts";
import { BRINGS_CODE, EXHAUSTS, TOUCHES_FILES } from "./references.ts";

const RULES = {
  custom: {
    id: "coreml.custom-code",
    severity: "medium",
    verdict: "suspicious",
    why: "it needs a layer or model of somebody's own: a class that the application must bring",
    remedy: "use it only with a class that you built, and only if you expected one",
    references: [...BRINGS_CODE],
  },
  linked: {
    id: "coreml.linked-model",
    severity: "medium",
    verdict: "suspicious",
    why: "it takes its model from another file",
    remedy: "scan that file as well",
    references: [...TOUCHES_FILES],
  },
  path: {
    id: "coreml.path",
    severity: "high",
    verdict: "malicious",
    why: "it takes a model or weights from outside its package, so that loading it opens another file of the machine",
    remedy: "do not load it: get it again from its publisher",
    references: [...TOUCHES_FILES],
  },
  depth: {
    id: "coreml.depth",
    severity: "medium",
    verdict: "inconclusive",
    why: "models are nested in it deeper than any loader reads",
    remedy: "do not load it",
    references: [...EXHAUSTS],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Fields of Model by what they lead to. */
const PIPELINES: ReadonlySet<number> = new Set([200, 201, 202]);
const NETWORKS: ReadonlySet<number> = new Set([303, 403, 500]);
const PROGRAM = 502;
const CUSTOM_MODEL = 555;
const LINKED_MODEL = 556;
const CUSTOM_LAYER = 500;

const MAX_DEPTH = 16;

export const coreml: Format = {
  id: "coreml",
  rules: Object.values(RULES),
  sniff: (source, name) => /\.mlmodel$/i.test(name) || looksLikeModel(source),
  scan: (source, context) => visitModel(source, context, 1),
};

/** A version of the specification, a description, and one of the kinds of models, whose numbers are 200 and more. */
function looksLikeModel(source: Source): boolean {
  if (source.read(0, 1)[0] !== 0x08) return false;
  const shape = protoShape(source, 16);
  if (shape === undefined || shape.get(2)?.wire !== "bytes") return false;
  const numbers = [...shape.keys()];
  return (
    numbers.some((number) => number >= 200 && number <= 3000) &&
    numbers.every((number) => number <= 10 || number >= 200)
  );
}

function visitModel(source: Source, context: ScanContext, depth: number): void {
  if (depth > MAX_DEPTH) {
    context.report(RULES.depth, { detail: `limit ${MAX_DEPTH}` });
    return;
  }
  for (const field of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (field.wire !== "bytes" || field.number < 200) continue;
    const inner = protoPayload(source, field);
    if (PIPELINES.has(field.number)) visitPipeline(inner, field.number === 202, context, depth);
    else if (NETWORKS.has(field.number)) visitNetwork(inner, context);
    else if (field.number === PROGRAM) visitProgram(inner, context);
    else if (field.number === CUSTOM_MODEL) context.report(RULES.custom, { detail: `model ${textOf(inner, 10)}` });
    else if (field.number === LINKED_MODEL) visitLinked(inner, context);
  }
}

/** Pipeline has models (1); the classifier and regressor wrap one (1). */
function visitPipeline(source: Source, plain: boolean, context: ScanContext, depth: number): void {
  for (const field of protoFields(source)) {
    if (!context.spend("steps", 1)) return;
    if (field.number !== 1 || field.wire !== "bytes") continue;
    if (plain) visitModel(protoPayload(source, field), context, depth + 1);
    else visitPipeline(protoPayload(source, field), true, context, depth + 1);
  }
}

/** Layers (1), of which the kind 500 is custom: a class name (10). Loops and branches hold networks of their own. */
function visitNetwork(source: Source, context: ScanContext): void {
  const open: Source[] = [source];
  for (let network = open.pop(); network !== undefined; network = open.pop()) {
    for (const layer of protoFields(network)) {
      if (!context.spend("steps", 1)) return;
      if (layer.number !== 1 || layer.wire !== "bytes") continue;
      const body = protoPayload(network, layer);
      for (const kind of protoFields(body)) {
        if (kind.wire !== "bytes" || kind.number < 100) continue;
        const inner = protoPayload(body, kind);
        if (kind.number === CUSTOM_LAYER) context.report(RULES.custom, { detail: `layer ${textOf(inner, 10)}` });
        // LoopLayerParams (615) and BranchLayerParams (605): the networks are their fields 11 and 1, 12 and 2.
        if (kind.number !== 615 && kind.number !== 605) continue;
        for (const nested of protoFields(inner)) if (nested.wire === "bytes") open.push(protoPayload(inner, nested));
      }
    }
  }
}

/** A program names its weights in values, deep inside: every text that begins like such a path is looked at. */
function visitProgram(source: Source, context: ScanContext): void {
  const prefix = Buffer.from("@model_path/");
  const piece = 1024 * 1024;
  for (let at = 0; at < source.size; at += piece - 4096) {
    const bytes = Buffer.from(source.read(at, piece));
    for (let found = bytes.indexOf(prefix); found >= 0; found = bytes.indexOf(prefix, found + 1)) {
      if (!context.spend("steps", 1)) return;
      const length = bytes[found - 1] ?? 0;
      const path = bytes.toString("latin1", found + prefix.length, found + Math.max(length, prefix.length));
      const why = leavesFolder(path);
      if (why !== undefined) context.report(RULES.path, { detail: `${why}, ${path}` });
    }
  }
}

/** LinkedModel: a file (1) with a name (1) and a search path (2), each a text with a default (1). */
function visitLinked(source: Source, context: ScanContext): void {
  for (const field of protoFields(source)) {
    if (field.number !== 1 || field.wire !== "bytes") continue;
    const file = protoPayload(source, field);
    for (const part of protoFields(file)) {
      if (part.wire !== "bytes") continue;
      const path = textOf(protoPayload(file, part), 1);
      const why = leavesFolder(path);
      if (why === undefined) context.report(RULES.linked, { detail: path });
      else context.report(RULES.path, { detail: `${why}, ${path}` });
    }
  }
}

function textOf(source: Source, number: number): string {
  for (const field of protoFields(source)) if (field.number === number) return protoText(source, field, 1024);
  return "";
}
