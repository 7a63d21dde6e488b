/**
 * Configurations of the Hugging Face libraries: transformers, diffusers, sentence-transformers, PEFT. What in them makes a
 * loader import code, look elsewhere for weights, or render a template.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import { JINJA_RULES, judgeTemplate } from "./jinja.ts";
import { isRecord, jsonContainers } from "./json-value.ts";
import { leavesFolder } from "./path.ts";
import { judgeReference } from "./python-reference.ts";
import { BRINGS_CODE, RUNS_CODE, TOUCHES_FILES } from "./references.ts";

const RULES = {
  autoMap: {
    id: "huggingface.auto-map",
    severity: "medium",
    verdict: "suspicious",
    why: "it names Python code that comes with the model, which runs when it is loaded with trust_remote_code",
    remedy: "read that code and pin its commit, or load the model without trust_remote_code",
    references: [...BRINGS_CODE],
  },
  trust: {
    id: "huggingface.trust-remote-code",
    severity: "high",
    verdict: "suspicious",
    why: "it asks its loader to trust code that comes with a model",
    remedy: "set trust_remote_code yourself, where you decide it, and remove it here",
    references: [...BRINGS_CODE],
  },
  foreign: {
    id: "huggingface.foreign-class",
    severity: "medium",
    verdict: "suspicious",
    why: "it names a class outside the libraries that load it, which they import",
    remedy: "read the code of that class before you load the model",
    references: [...BRINGS_CODE],
  },
  dangerous: {
    id: "huggingface.dangerous-class",
    severity: "critical",
    verdict: "malicious",
    why: "it names a Python module that runs code or touches files where a loader expects a part of the model",
    remedy: "do not load it",
    references: [...RUNS_CODE],
  },
  path: {
    id: "huggingface.weight-path",
    severity: "high",
    verdict: "malicious",
    why: "it says that weights lie outside the model's folder, so that loading it opens another file of the machine",
    remedy: "do not load it: get it again from its publisher",
    references: [...TOUCHES_FILES],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const HUGGINGFACE_RULES: readonly ScanRule[] = [...Object.values(RULES), ...JINJA_RULES];

const KNOWN: ReadonlySet<string> = new Set(
  (
    "transformers diffusers sentence_transformers peft torch torchvision torchaudio onnxruntime optimum flax timm " +
    "tokenizers k_diffusion stable_diffusion latent_diffusion alt_diffusion altdiffusion paint_by_example unidiffuser " +
    "versatile_diffusion deepfloyd_if kandinsky kandinsky2_2 wuerstchen stable_cascade audioldm audioldm2 shap_e musicldm " +
    "stable_audio stable_diffusion_safe semantic_stable_diffusion spectrogram_diffusion vq_diffusion latte pixart_alpha"
  ).split(" "),
);

/** Judges the value of a JSON file of the name `name`. */
export function judgeHuggingFace(value: unknown, name: string, context: ScanContext): void {
  if (Array.isArray(value)) {
    if (name === "modules.json") judgeModules(value, context);
    return;
  }
  if (!isRecord(value)) return;
  for (const { value: config } of jsonContainers(value)) {
    if (!context.spend("steps", 1)) return;
    if (isRecord(config)) judgeAutoMap(config, context);
  }
  judgeTemplates(value["chat_template"], context);
  judgeWeights(value["weight_map"], context);
  if (name.endsWith("model_index.json")) judgePipeline(value, context);
  // A router of sentence-transformers names its modules so.
  const types = value["types"];
  if (isRecord(types) && (name === "router_config.json" || "structure" in value)) {
    for (const [module, type] of Object.entries(types)) judgeClass(type, module, context);
  }
  const mapping = value["auto_mapping"];
  if (isRecord(mapping)) judgeClass(mapping["parent_library"], "auto_mapping", context);
}

/** `auto_map`: class to `module.Class`, in this repository or in another (`repository--module.Class`); or a list. */
function judgeAutoMap(value: Readonly<Record<string, unknown>>, context: ScanContext): void {
  for (const key of ["auto_map", "custom_pipelines"]) {
    const map = value[key];
    if (typeof map !== "object" || map === null) continue;
    const names = Object.entries(map).map(([name, target]) => `${name}: ${describe(target)}`);
    if (names.length > 0) context.report(RULES.autoMap, { detail: names.join(", ") });
  }
  if (value["trust_remote_code"] === true || value["trust_remote_code"] === "true") context.report(RULES.trust);
}

function describe(target: unknown): string {
  if (typeof target === "string") return target;
  if (isRecord(target)) return describe(target["impl"]);
  return Array.isArray(target) ? target.map(describe).join(" ") : "?";
}

/** One template, or several with names. */
function judgeTemplates(value: unknown, context: ScanContext): void {
  if (typeof value === "string") judgeTemplate(value, context);
  if (Array.isArray(value)) for (const entry of value) judgeTemplates(entry, context);
  else if (isRecord(value)) for (const entry of Object.values(value)) judgeTemplates(entry, context);
}

function judgeWeights(map: unknown, context: ScanContext): void {
  if (!isRecord(map)) return;
  for (const file of new Set(Object.values(map))) {
    if (typeof file !== "string") continue;
    const why = leavesFolder(file);
    if (why !== undefined) context.report(RULES.path, { detail: `${why}, ${file}` });
  }
}

/** `modules.json` of sentence-transformers: each entry's type is imported. */
function judgeModules(entries: readonly unknown[], context: ScanContext): void {
  for (const entry of entries) {
    if (!isRecord(entry)) continue;
    judgeClass(entry["type"], "type", context);
    if (typeof entry["path"] === "string" && leavesFolder(entry["path"]) !== undefined) {
      context.report(RULES.path, { detail: entry["path"] });
    }
  }
}

/** `model_index.json` of diffusers: each part is a library and a class of it. */
function judgePipeline(value: Readonly<Record<string, unknown>>, context: ScanContext): void {
  if (Array.isArray(value["_class_name"])) context.report(RULES.autoMap, { detail: describe(value["_class_name"]) });
  for (const [part, pair] of Object.entries(value)) {
    if (part.startsWith("_") || !Array.isArray(pair) || pair.length < 2) continue;
    judgeClass(pair[0], part, context);
  }
}

function judgeClass(path: unknown, where: string, context: ScanContext): void {
  if (typeof path !== "string" || path === "") return;
  const kind = judgeReference(path, KNOWN);
  if (kind === "dangerous") context.report(RULES.dangerous, { detail: `${where}: ${path}` });
  else if (kind === "foreign") context.report(RULES.foreign, { detail: `${where}: ${path}` });
}
