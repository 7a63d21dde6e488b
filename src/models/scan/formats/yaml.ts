/**
 * YAML beside a model: the configuration of NeMo and others, whose `_target_` Hydra imports and calls, of MLflow, and
 * documents that ask a language's own reader to build objects. Values are never built: nodes of the parsed tree are looked at.
 *
 * Source: hydra.cc/docs/advanced/instantiate_objects, lightning.ai (LightningCLI), mlflow.org (MLmodel), pyyaml.org
 * (Python-specific tags), HyperPyYAML (its tags).
 *
 * @module
 */

import { isAlias, isMap, isNode, isPair, isScalar, isSeq, parseAllDocuments, type Document } from "yaml";
import type { ScanRule } from "../finding.ts";
import type { Format, ScanContext } from "../format.ts";
import { judgeReference } from "./python-reference.ts";
import { judgeRequirements, REQUIREMENT_RULES } from "./requirements.ts";
import { BRINGS_CODE, RUNS_CODE, SUPPLY_CHAIN } from "./references.ts";
import { judgeSecrets, SECRET_RULES } from "./secrets.ts";
import { readText, TEXT_RULES } from "./text.ts";

const RULES = {
  tag: {
    id: "yaml.python-object",
    severity: "critical",
    verdict: "malicious",
    why: "it asks a YAML reader to build an object of its language or to call a function, which readers do unless they are told not to",
    remedy: "do not load it: configurations need no objects of a language",
    references: [...RUNS_CODE, "CVE-2020-14343"],
  },
  dangerous: {
    id: "yaml.dangerous-target",
    severity: "critical",
    verdict: "malicious",
    why: "it names, as what is to be built, a function that runs code or touches files, which is imported and called when the model is loaded",
    remedy: "do not load it",
    references: [...RUNS_CODE, "CVE-2025-23304"],
  },
  foreign: {
    id: "yaml.foreign-target",
    severity: "medium",
    verdict: "suspicious",
    why: "it names, as what is to be built, a class outside the libraries that load such models, which is imported and called",
    remedy: "read the code of that class before you load the model",
    references: [...BRINGS_CODE, "CVE-2025-23304"],
  },
  invalid: {
    id: "yaml.invalid",
    severity: "low",
    verdict: "inconclusive",
    why: "it is named as YAML but cannot be read as such, so that nothing was checked",
    remedy: "get it again from its publisher",
    references: [...SUPPLY_CHAIN],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

/** Bytes of YAML: configurations of the largest models take some 100 KB. */
const MAX_YAML = 4 * 1024 * 1024;

const KNOWN: ReadonlySet<string> = new Set(
  (
    "nemo nemo_asr megatron torch torchvision torchaudio torchmetrics pytorch_lightning lightning lightning_fabric " +
    "transformers diffusers omegaconf hydra hydra_plugins timm monai speechbrain fairseq detectron2 mmdet sentencepiece " +
    "tokenizers apex transformer_engine numpy sklearn datasets peft accelerate functools ldm sgm"
  ).split(" "),
);

export const YAML_RULES: readonly ScanRule[] = Object.values(RULES);

export const yaml: Format = {
  id: "yaml",
  rules: [...YAML_RULES, ...REQUIREMENT_RULES, ...SECRET_RULES, TEXT_RULES.tooLarge],
  sniff: (_source, name) => /\.ya?ml$/i.test(name) || name === "MLmodel",
  scan: (source, context) => {
    const text = readText(source, context, MAX_YAML);
    if (text === undefined) return;
    judgeSecrets(text, context);
    judgeYaml(text, context);
    if (isEnvironment(context.name)) judgeRequirements(text, context);
  },
};

/** What MLflow and people call an environment of conda. */
function isEnvironment(name: string): boolean {
  return /^(?:conda|environment|conda[-_]env|python_env)(?:[-_.][\w-]{0,60})?\.ya?ml$/i.test(name);
}

function judgeYaml(text: string, context: ScanContext): void {
  try {
    for (const document of parseAllDocuments(text, { logLevel: "silent", uniqueKeys: false })) {
      const [error] = document.errors;
      if (error !== undefined) context.report(RULES.invalid, { detail: error.code });
      visit(document, context);
    }
  } catch (error) {
    // Nesting that the parser's recursion does not bear.
    if (!(error instanceof RangeError)) throw error;
    context.report(RULES.invalid, { detail: "nested too deep" });
  }
}

/** Every node, without recursion. An alias stands for a node that is visited where it is defined. */
function visit(document: Document.Parsed, context: ScanContext): void {
  const open: unknown[] = [document.contents];
  for (let node = open.pop(); open.length > 0 || node !== undefined; node = open.pop()) {
    if (!context.spend("steps", 1)) return;
    if (isPair(node)) {
      const [key, value] = [node.key, node.value].map((part) => (isAlias(part) ? part.resolve(document) : part));
      if (isScalar(key) && isScalar(value)) judgeBuilt(String(key.value), value.value, context);
      open.push(node.key, node.value);
    } else if (isNode(node) && !isAlias(node)) {
      if (node.tag !== undefined && OBJECT_TAG.test(node.tag)) {
        context.report(RULES.tag, { detail: node.tag });
      }
      // HyperPyYAML (SpeechBrain): the tag itself names what is called.
      const called = /^!(?:new|name|apply|module):(.+)$/.exec(node.tag ?? "")?.[1];
      if (called !== undefined) judgeTarget(called, context);
      if (isMap(node) || isSeq(node)) for (const item of node.items) open.push(item);
    }
  }
}

/** Tags of Python, Ruby, Java and others; those of YAML itself are single words. */
const OBJECT_TAG = /^(?:tag:yaml\.org,2002:[^/.:]{0,99}[/.:]|!!?(?:python|ruby|perl|php|java)[/.:])/;

/** Names under which a loader takes a name of Python: Hydra, LightningCLI, and MLflow, which imports its own modules so. */
const BUILT: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["_target_", KNOWN],
  ["_call_", KNOWN],
  ["class_path", KNOWN],
  ["loader_module", new Set(["mlflow"])],
]);

/** Reports what the value of the name `key` makes a loader import and call. */
export function judgeBuilt(key: string, value: unknown, context: ScanContext): void {
  const known = BUILT.get(key);
  if (known !== undefined && typeof value === "string") judgeTarget(value, context, known);
}

function judgeTarget(target: string, context: ScanContext, known = KNOWN): void {
  const kind = judgeReference(target, known);
  if (kind === "dangerous") context.report(RULES.dangerous, { detail: target });
  else if (kind === "foreign") context.report(RULES.foreign, { detail: target });
}
