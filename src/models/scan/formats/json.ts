/**
 * JSON files of a model: what they are is told by what they say, and each is judged by the loader that would read it. All
 * are searched for secrets.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { EXPORTED_RULES, isExported, judgeExported } from "./exported-program.ts";
import { HUGGINGFACE_RULES, judgeHuggingFace } from "./huggingface.ts";
import { JSON_RULES, readJson } from "./json-text.ts";
import { isRecord, jsonContainers } from "./json-value.ts";
import { isKeras, judgeKeras, KERAS_RULES } from "./keras.ts";
import { isNotebook, judgeNotebook, NOTEBOOK_RULES } from "./notebook.ts";
import { checkLocation, ONNX_TENSOR_RULES } from "./onnx-tensor.ts";
import { leavesFolder } from "./path.ts";
import { judgePythonJson, PYTHON_JSON_RULES } from "./python-json.ts";
import { BRINGS_CODE, TOUCHES_FILES } from "./references.ts";
import { judgeSecrets, SECRET_RULES } from "./secrets.ts";
import { isSkops, judgeSkops, SKOPS_RULES } from "./skops.ts";
import { latin1, readText, TEXT_RULES } from "./text.ts";
import { YAML_RULES } from "./yaml.ts";

const RULES = {
  handler: {
    id: "torchserve.handler",
    severity: "medium",
    verdict: "suspicious",
    why: "its archive names a Python handler of its own, which TorchServe runs when it loads the model",
    remedy: "read that handler before you serve the model",
    references: [...BRINGS_CODE],
  },
  item: {
    id: "coreml.package-path",
    severity: "high",
    verdict: "malicious",
    why: "an item of the package is said to lie outside of it, so that loading it opens another file of the machine",
    remedy: "do not load it: get it again from its publisher",
    references: [...TOUCHES_FILES],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const json: Format = {
  id: "json",
  rules: [
    ...Object.values(RULES),
    ...HUGGINGFACE_RULES,
    ...KERAS_RULES,
    ...EXPORTED_RULES,
    ...PYTHON_JSON_RULES,
    ...YAML_RULES,
    ...ONNX_TENSOR_RULES,
    ...NOTEBOOK_RULES,
    ...SKOPS_RULES,
    ...SECRET_RULES,
    ...JSON_RULES,
    TEXT_RULES.tooLarge,
  ],
  sniff: (source, name) => /\.(?:json|ipynb|onnxjson)$/i.test(name) || saysSo(source),
  scan: (source, context) => {
    const text = readText(source, context);
    if (text === undefined) return;
    judgeSecrets(text, context);
    const value = readJson(text, context);
    if (isNotebook(value)) judgeNotebook(value, context);
    else if (isSkops(value)) judgeSkops(value, context);
    else if (isKeras(value)) judgeKeras(value, context, { classes: true });
    else if (isExported(value)) judgeExported(value, context);
    else judgeHuggingFace(value, context.name, context);
    judgePythonJson(value, context);
    judgeManifest(value, context);
    if (/\.onnx\w*$/i.test(context.name)) judgeOnnx(value, context);
  },
};

/** Under another name, only what names one of the words that matter. */
function saysSo(source: Source): boolean {
  const head = latin1(source.read(0, 4096));
  return /^(?:\u00ef\u00bb\u00bf)?\s*\{/.test(head) && WORDS.test(head);
}

const WORDS =
  /"(?:class_name|__loader__|auto_map|nbformat|graph_module|_target_|chat_template|:serialized:|py\/(?:object|reduce|type|function))"\s{0,9}:/;

/** ONNX as JSON, of which only the places of its data are looked at. */
function judgeOnnx(value: unknown, context: ScanContext): void {
  for (const { value: entry } of jsonContainers(value)) {
    if (!context.spend("steps", 1)) return;
    if (isRecord(entry) && entry["key"] === "location" && typeof entry["value"] === "string") {
      checkLocation("", entry["value"], context);
    }
  }
}

const HANDLERS = /^(?:image_classifier|image_segmenter|object_detector|text_classifier)$/;

/** The manifests of TorchServe (`MAR-INF/MANIFEST.json`) and of Core ML packages (`Manifest.json`). */
function judgeManifest(value: unknown, context: ScanContext): void {
  if (!isRecord(value) || !/^manifest\.json$/i.test(context.name)) return;
  const model = value["model"];
  const handler = isRecord(model) ? model["handler"] : undefined;
  if (typeof handler === "string" && !HANDLERS.test(handler)) context.report(RULES.handler, { detail: handler });
  const items = value["itemInfoEntries"];
  for (const item of isRecord(items) ? Object.values(items) : []) {
    const path = isRecord(item) ? item["path"] : undefined;
    if (typeof path !== "string") continue;
    const why = leavesFolder(path);
    if (why !== undefined) context.report(RULES.item, { detail: `${why}, ${path}` });
  }
}
