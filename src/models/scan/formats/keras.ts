/**
 * Configurations of Keras: the `config.json` of a `.keras` archive, the `model_config` of an HDF5 file, the metadata of a
 * SavedModel. A configuration names classes and functions, and loaders import and call what it names.
 *
 * Every object with a class is judged, wherever it stands.
 *
 * Source: keras/src/saving/serialization_lib.py, keras/src/legacy/saving.
 *
 * @module
 */

import type { ScanRule } from "../finding.ts";
import type { ScanContext } from "../format.ts";
import type { Source } from "../source.ts";
import { JSON_RULES, readJson } from "./json-text.ts";
import { isRecord, jsonContainers, pointerOf, type JsonPlace } from "./json-value.ts";
import { KERAS_CLASSES } from "./keras-classes.ts";
import { leavesFolder } from "./path.ts";
import { judgeReference } from "./python-reference.ts";
import { BRINGS_CODE, RUNS_CODE, TOUCHES_FILES } from "./references.ts";
import { judgeOperator, OPERATOR_RULES } from "./tensorflow-operators.ts";
import { readText } from "./text.ts";

const REMEDY = "do not load it: ask its author for weights without code, and build the model from source that you read";

const RULES = {
  lambda: {
    id: "keras.lambda",
    severity: "critical",
    verdict: "malicious",
    why: "it holds Python bytecode, in a Lambda layer, that runs when the model is loaded or used",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2024-3660", "CVE-2025-9905"],
  },
  named: {
    id: "keras.named-function",
    severity: "medium",
    verdict: "suspicious",
    why: "it has a Lambda layer that calls a function by its name, which somebody must bring",
    remedy: "read the code of that function before you load the model",
    references: [...BRINGS_CODE],
  },
  gadget: {
    id: "keras.gadget",
    severity: "critical",
    verdict: "malicious",
    why: "it names a function that downloads, loads or unlocks when Keras builds the model from its configuration",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2025-1550", "CVE-2025-8747", "CVE-2025-9906"],
  },
  dangerous: {
    id: "keras.dangerous-module",
    severity: "critical",
    verdict: "malicious",
    why: "it names a Python module that runs code or touches files, which Keras imports when it builds the model",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2025-1550"],
  },
  torch: {
    id: "keras.torch-module",
    severity: "critical",
    verdict: "malicious",
    why: "it wraps a pickled PyTorch module, which runs code when the model is loaded",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2025-49655"],
  },
  wrapper: {
    id: "keras.foreign-model",
    severity: "high",
    verdict: "suspicious",
    why: "it has a layer that runs a program of another kind: a SavedModel from a path, or a function of JAX",
    remedy: "scan what it names as well, before you load the model",
    references: [...BRINGS_CODE],
  },
  foreign: {
    id: "keras.foreign-class",
    severity: "medium",
    verdict: "suspicious",
    why: "it names a class or function that is not of Keras: code that somebody must bring",
    remedy: "read that code before you load the model",
    references: [...BRINGS_CODE],
  },
  helper: {
    id: "keras.no-part-of-a-model",
    severity: "high",
    verdict: "suspicious",
    why: "it names something of Keras or TensorFlow that is no part of a model, such as what downloads, writes or unpacks files",
    remedy: REMEDY,
    references: [...RUNS_CODE, "CVE-2025-8747"],
  },
  vocabulary: {
    id: "keras.vocabulary-path",
    severity: "high",
    verdict: "malicious",
    why: "a layer's vocabulary is said to lie outside the model: loading it reads another file of the machine, or an address",
    remedy: REMEDY,
    references: [...TOUCHES_FILES, "CVE-2025-12058"],
  },
} as const satisfies Readonly<Record<string, ScanRule>>;

export const KERAS_RULES: readonly ScanRule[] = [...Object.values(RULES), ...OPERATOR_RULES, ...JSON_RULES];

/** Packages of the Keras team. What a loader imports from them is a layer or model. */
const KERAS_PACKAGES: ReadonlySet<string> = new Set([
  "keras",
  "keras_core",
  "tf_keras",
  "keras_hub",
  "keras_nlp",
  "keras_cv",
  "keras_tuner",
  "tensorflow",
]);

/** Functions of Keras that do more than compute, by the name alone: gadgets of the CVEs above. */
const GADGETS: ReadonlySet<string> = new Set(
  (
    "get_file enable_unsafe_deserialization disable_safe_mode load_model load_weights load_img load_data func_load " +
    "deserialize_keras_object extract_archive register_keras_serializable export_archive save_model save_weights " +
    "image_dataset_from_directory text_dataset_from_directory audio_dataset_from_directory set_backend"
  ).split(" "),
);

/** Symbols of TensorFlow that a layer of operations may name but that touch files or call Python. */
const DANGEROUS_SYMBOL =
  /^(?:tf\.|tensorflow\.)?(?:io\.|python\.|raw_ops\.(?:ReadFile|WriteFile|PyFunc|EagerPyFunc)|py_function|numpy_function|py_func|load_library|load_op_library|saved_model|compat\.v1\.py_func|print$)/;

export interface KerasOptions {
  /** Whether a class that Keras does not know is worth a finding. A SavedModel holds the graph of such classes itself. */
  readonly classes: boolean;
}

/** Whether `value` is a configuration of Keras: of a model, or what TensorFlow.js and HDF5 wrap one in. */
export function isKeras(value: unknown): boolean {
  if (!isRecord(value)) return false;
  if (typeof value["class_name"] === "string" && "config" in value) return true;
  if (isRecord(value["modelTopology"])) return true;
  return typeof value["class_name"] === "string" && typeof value["module"] === "string";
}

/** Judges JSON text as {@link judgeKeras} does, of a SavedModel. */
export function judgeKerasText(source: Source, context: ScanContext, options: KerasOptions = { classes: false }): void {
  const text = readText(source, context);
  if (text !== undefined) judgeKeras(readJson(text, context), context, options);
}

/** Reports what building a model from the configuration `value` would import, call or open. */
export function judgeKeras(value: unknown, context: ScanContext, { classes }: KerasOptions): void {
  for (const place of jsonContainers(value)) {
    if (!context.spend("steps", 1)) return;
    if (!isRecord(place.value)) continue;
    const object = place.value;
    judgeVocabulary(object, place, context);
    // Older Keras writes a function with its bytecode as an array: [code, defaults, closure].
    if (isCode(object["function"]) || isCode(object["output_shape"]) || isCode(object["mask"])) {
      report(RULES.lambda, place, context);
    }
    if (typeof object["class_name"] === "string") judgeObject(object["class_name"], object, place, context, classes);
    else if (typeof object["module"] === "string" && "config" in object) {
      judgeModule(object["module"], "", place, context);
    }
  }
}

function judgeObject(
  className: string,
  object: Readonly<Record<string, unknown>>,
  place: JsonPlace,
  context: ScanContext,
  classes: boolean,
): void {
  const { module, registered_name: registered } = object;
  const config = object["config"];
  const bare = className.slice(className.lastIndexOf(">") + 1);
  const functionName = typeof config === "string" ? config : "";
  if (className === "__lambda__") return report(RULES.lambda, place, context);
  if (bare === "TorchModuleWrapper") return report(RULES.torch, place, context);
  if (bare === "TFSMLayer" || bare === "JaxLayer" || bare === "FlaxLayer") {
    return report(RULES.wrapper, place, context, className);
  }
  for (const name of [bare, functionName, typeof registered === "string" ? registered : ""]) {
    if (GADGETS.has(name.slice(Math.max(name.lastIndexOf("."), name.lastIndexOf(">")) + 1))) {
      return report(RULES.gadget, place, context, name);
    }
  }
  if (bare === "TFOpLambda" || bare === "TensorFlowOpLayer") {
    const symbol = isRecord(config) ? config["function"] : undefined;
    if (typeof symbol === "string" && DANGEROUS_SYMBOL.test(symbol)) report(RULES.dangerous, place, context, symbol);
    judgeNode(isRecord(config) ? config["node_def"] : undefined, context);
  }
  if (bare === "Lambda") judgeLambda(config, place, context);
  if (typeof module === "string" && module !== "") {
    return judgeModule(module, className === "function" ? functionName : className, place, context);
  }
  if (typeof registered === "string" && isForeignPackage(registered)) {
    return report(RULES.foreign, place, context, registered);
  }
  if (!classes) return;
  if (isForeignPackage(className) || !isKerasClass(bare)) report(RULES.foreign, place, context, className);
}

/** The operator of a node that an older layer wraps, as JSON or as text of protobuf. */
function judgeNode(node: unknown, context: ScanContext): void {
  const operator = typeof node === "string" ? /\bop"?\s{0,9}:\s{0,9}"([^"]{0,256})"/.exec(node)?.[1] : undefined;
  if (operator !== undefined) judgeOperator(operator, "in a layer", context);
}

/** Whether a registered name, `package>Class`, is of a package that is not of Keras. */
function isForeignPackage(name: string): boolean {
  const end = name.indexOf(">");
  return end > 0 && !KERAS_PACKAGES.has(name.slice(0, end).split(".")[0] as string);
}

/** Keras takes names of classes in snake case for the same: `glorot_uniform`. */
function isKerasClass(name: string): boolean {
  if (KERAS_CLASSES.has(name) || name === "Lambda" || name.startsWith("__")) return true;
  return name !== "" && KERAS_SNAKE.has(name.toLowerCase().replaceAll("_", ""));
}

const KERAS_SNAKE: ReadonlySet<string> = new Set([...KERAS_CLASSES].map((name) => name.toLowerCase()));

function judgeLambda(config: unknown, place: JsonPlace, context: ScanContext): void {
  if (!isRecord(config)) return;
  const { function: body, function_type: type } = config;
  // Bytecode is found where it stands, wherever that is.
  if (isCode(body) || (isRecord(body) && body["class_name"] === "__lambda__")) return;
  if (type === "lambda") report(RULES.lambda, place, context);
  else report(RULES.named, place, context, typeof body === "string" ? body : "a function");
}

function judgeModule(module: string, name: string, place: JsonPlace, context: ScanContext): void {
  const path = name === "" ? module : `${module}.${name}`;
  // What is a builtin by this name is one of the functions of Keras: relu.
  if (module === "builtins" && judgeReference(name, new Set([name])) === "known") return;
  const kind = judgeReference(path, KERAS_PACKAGES);
  if (kind === "dangerous") report(RULES.dangerous, place, context, path);
  else if (kind === "foreign" && module !== "builtins") report(RULES.foreign, place, context, path);
  else if (kind === "known" && !isOfModel(module)) report(RULES.helper, place, context, path);
}

/** Folders of the packages that hold what a model is made of: as Keras writes them, and where their code lies. */
const OF_MODELS =
  /^(?:keras|keras_core|tf_keras|keras_hub|keras_nlp|keras_cv|keras_tuner|tensorflow)(?:\.(?:src|api|_tf_keras|v1|v2|compat|legacy|engine|python|keras|tf_keras))*(?:\.(?:layers|models|initializers|regularizers|constraints|losses|metrics|optimizers|activations|dtype_policies|mixed_precision|random|quantizers|ops|engine|feature_column|nn|math|training|tokenizers|samplers|bounding_box|backend\.(?:common\.keras_tensor|\w+\.optimizers))(?:\.|$)|$)/;
/** In that of operations lie those that call Python or touch files, too. */
const NOT_OF_MODELS = /\.(?:script_ops|io_ops|gen_io_ops|logging_ops|lookup_ops|parsing_ops)(?:\.|$)/;

function isOfModel(module: string): boolean {
  return OF_MODELS.test(module) && !NOT_OF_MODELS.test(module);
}

/** Saved models hold their vocabulary, or none; a text in its place is a path that the layer opens. */
function judgeVocabulary(object: Readonly<Record<string, unknown>>, place: JsonPlace, context: ScanContext): void {
  const vocabulary = object["vocabulary"];
  if (typeof vocabulary !== "string" || vocabulary === "") return;
  const why = leavesFolder(vocabulary);
  if (why !== undefined) report(RULES.vocabulary, place, context, `${why}, ${vocabulary}`);
}

/** Bytecode in base64, defaults and closure: as an array, or as the tuple that a SavedModel has in its place. */
function isCode(value: unknown): boolean {
  const parts = isRecord(value) && value["class_name"] === "__tuple__" ? value["items"] : value;
  return Array.isArray(parts) && typeof parts[0] === "string" && parts.length >= 2 && parts.length <= 4;
}

function report(rule: ScanRule, place: JsonPlace, context: ScanContext, what?: string): void {
  const pointer = pointerOf(place);
  context.report(rule, { detail: [what, pointer === "" ? "the model itself" : pointer].filter(Boolean).join(" at ") });
}
