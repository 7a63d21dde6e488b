/**
 * JSON files of a model: what they are is told by what they say, and each is judged by the loader that would read it. All
 * are searched for secrets.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { HUGGINGFACE_RULES, judgeHuggingFace } from "./huggingface.ts";
import { JSON_RULES, readJson } from "./json-text.ts";
import { isRecord } from "./json-value.ts";
import { isKeras, judgeKeras, KERAS_RULES } from "./keras.ts";
import { isNotebook, judgeNotebook, NOTEBOOK_RULES } from "./notebook.ts";
import { leavesFolder } from "./path.ts";
import { BRINGS_CODE, TOUCHES_FILES } from "./references.ts";
import { judgeSecrets, SECRET_RULES } from "./secrets.ts";
import { isSkops, judgeSkops, SKOPS_RULES } from "./skops.ts";
import { readText, TEXT_RULES } from "./text.ts";

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
    ...NOTEBOOK_RULES,
    ...SKOPS_RULES,
    ...SECRET_RULES,
    ...JSON_RULES,
    TEXT_RULES.tooLarge,
  ],
  sniff: (source, name) => /\.(?:json|ipynb)$/i.test(name) || saysSo(source),
  scan: (source, context) => {
    const text = readText(source, context);
    if (text === undefined) return;
    judgeSecrets(text, context);
    const value = readJson(text, context);
    if (isNotebook(value)) judgeNotebook(value, context);
    else if (isSkops(value)) judgeSkops(value, context);
    else if (isKeras(value)) judgeKeras(value, context, { classes: true });
    else judgeHuggingFace(value, context.name, context);
    judgeManifest(value, context);
  },
};

/** Under another name, only what names one of the words that matter. */
function saysSo(source: Source): boolean {
  const head = source.read(0, 4096);
  if (head[0] !== 0x7b) return false;
  return /"(?:class_name|__loader__|auto_map|nbformat)"\s{0,9}:/.test(String.fromCharCode(...head));
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
