import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { utf8 } from "../../../../test/models/writer.ts";
import type { Format } from "../format.ts";
import { judgeKerasText, KERAS_RULES } from "./keras.ts";

const reader: Format = {
  id: "keras",
  rules: KERAS_RULES,
  sniff: () => true,
  scan: (source, context) => judgeKerasText(source, context, { classes: true }),
};
const judge = (value: unknown) => scanBytes(reader, utf8(typeof value === "string" ? value : JSON.stringify(value)));
const model = (...layers: readonly unknown[]) => ({ class_name: "Sequential", config: { name: "s", layers } });
const layer = (class_name: string, config: unknown, rest: object = {}) => ({ class_name, config, ...rest });
const v3 = (module: string, class_name: string, config: unknown = {}, registered_name: string | null = null) => ({
  module,
  class_name,
  config,
  registered_name,
});

describe("keras", () => {
  const clean: readonly (readonly [string, unknown])[] = [
    ["layers of Keras 2", model(layer("Dense", { units: 2, kernel_initializer: layer("glorot_uniform", {}) }))],
    ["layers of Keras 3", model(v3("keras.layers", "Dense"), v3("keras.src.layers.core.dense", "Dense"))],
    ["functions of Keras", model(v3("builtins", "function", "relu", "function"))],
    ["a package of the Keras team", model(v3("keras_hub.src.models.bert", "BertBackbone", {}, "keras_hub>Bert"))],
    ["tensors and slices", model(layer("__keras_tensor__", {}), layer("__slice__", {}))],
    ["an operation", model(layer("TFOpLambda", { function: "math.multiply" }))],
    ["a vocabulary in the model", model(layer("StringLookup", { vocabulary: ["a"] }))],
    ["a function of TensorFlow", model(v3("tensorflow.python.ops.nn_ops", "function", "relu"))],
    ["an optimiser of a backend", model(v3("keras.src.backend.torch.optimizers.torch_adam", "Adam"))],
    ["a wrapped operator", model(layer("TensorFlowOpLayer", { node_def: '{"name":"a","op":"MatMul"}' }))],
    ["numbers that Python writes", '{"class_name":"Sequential","config":{"a":NaN,"b":-Infinity,"c":"NaN"}}'],
  ];
  for (const [what, value] of clean) {
    it(`lets be ${what}`, () => {
      assert.deepEqual(judge(value), { verdict: "clean", rules: [], findings: [] });
    });
  }

  const bytecode = ["4wEAAAA=", null, null];
  const bad: readonly (readonly [string, unknown, string, string])[] = [
    ["a Lambda layer", model(layer("Lambda", { function: bytecode })), "keras.lambda", "malicious"],
    ["one that registered itself", model(layer("x>Lambda", { function: bytecode })), "keras.lambda", "malicious"],
    [
      "one of a SavedModel",
      model(layer("Lambda", { function: { class_name: "__tuple__", items: bytecode } })),
      "keras.lambda",
      "malicious",
    ],
    [
      "one of Keras 3",
      model(v3("keras.layers", "Lambda", { function: layer("__lambda__", { code: "4wE=" }) })),
      "keras.lambda",
      "malicious",
    ],
    ["bytecode in a shape", model(layer("Dense", { output_shape: bytecode })), "keras.lambda", "malicious"],
    [
      "a bare lambda",
      model(layer("Dense", { activation: layer("__lambda__", { value: "x" }) })),
      "keras.lambda",
      "malicious",
    ],
    ["a Lambda that says so", model(layer("Lambda", { function_type: "lambda" })), "keras.lambda", "malicious"],
    ["a Lambda by name", model(layer("Lambda", { function: "f" })), "keras.named-function", "suspicious"],
    ["a module of Python", model(v3("os", "system", {})), "keras.dangerous-module", "malicious"],
    ["a builtin that evaluates", model(v3("builtins", "eval")), "keras.dangerous-module", "malicious"],
    ["a builtin function that does", model(v3("builtins", "function", "eval")), "keras.dangerous-module", "malicious"],
    [
      "a symbol that reads files",
      model(layer("TFOpLambda", { function: "io.read_file" })),
      "keras.dangerous-module",
      "malicious",
    ],
    ["get_file", model(v3("keras.utils", "get_file")), "keras.gadget", "malicious"],
    ["get_file as a function", model(v3("keras.utils", "function", "get_file")), "keras.gadget", "malicious"],
    ["unsafe mode", model(v3("keras.config", "enable_unsafe_deserialization")), "keras.gadget", "malicious"],
    ["a pickled module", model(v3("keras.layers", "TorchModuleWrapper")), "keras.torch-module", "malicious"],
    [
      "a SavedModel by path",
      model(v3("keras.layers", "TFSMLayer", { filepath: "x" })),
      "keras.foreign-model",
      "suspicious",
    ],
    [
      "a function that unpacks",
      model(v3("keras.src.utils.file_utils", "function", "extract_open_archive")),
      "keras.no-part-of-a-model",
      "suspicious",
    ],
    [
      "a class that imports",
      model(v3("keras.src.utils.module_utils", "LazyModule")),
      "keras.no-part-of-a-model",
      "suspicious",
    ],
    ["a callback that writes", model(v3("keras.callbacks", "CSVLogger")), "keras.no-part-of-a-model", "suspicious"],
    [
      "a function that loads a library",
      model(v3("tensorflow.python.framework.load_library", "function", "load_op_library")),
      "keras.no-part-of-a-model",
      "suspicious",
    ],
    [
      "a function that calls Python",
      model(v3("tensorflow.python.ops.script_ops", "function", "numpy_function")),
      "keras.no-part-of-a-model",
      "suspicious",
    ],
    [
      "os inside of Keras",
      model(v3("keras.src.utils.file_utils.os", "function", "system")),
      "keras.dangerous-module",
      "malicious",
    ],
    [
      "a name that somebody registered",
      model(layer("Dense", {}, { registered_name: "mine>Dense" })),
      "keras.foreign-class",
      "suspicious",
    ],
    [
      "a wrapped operator of files",
      model(layer("TensorFlowOpLayer", { node_def: 'name: "a"\nop: "ReadFile"' })),
      "tensorflow.file-operator",
      "malicious",
    ],
    ["a class of somebody's", model(layer("MyLayer", {})), "keras.foreign-class", "suspicious"],
    ["a package of somebody's", model(layer("my>Dense", {})), "keras.foreign-class", "suspicious"],
    ["a module of somebody's", model(v3("mine.layers", "Dense")), "keras.foreign-class", "suspicious"],
    ["a module without a class", model({ module: "subprocess", config: "run" }), "keras.dangerous-module", "malicious"],
    [
      "a vocabulary elsewhere",
      model(layer("StringLookup", { vocabulary: "/etc/passwd" })),
      "keras.vocabulary-path",
      "malicious",
    ],
    [
      "a vocabulary by address",
      model(layer("StringLookup", { vocabulary: "http://x" })),
      "keras.vocabulary-path",
      "malicious",
    ],
    ["a name twice", '{"class_name":"Sequential","class_name":"x","config":{}}', "json.duplicate-name", "inconclusive"],
    ["no JSON", "{", "json.invalid", "inconclusive"],
  ];
  for (const [what, value, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const judged = judge(value);
      assert.ok(judged.rules.includes(rule), judged.rules.join());
      assert.equal(judged.verdict, verdict);
    });
  }

  it("reads configurations as deep as loaders do", () => {
    let value: unknown = layer("Lambda", { function: bytecode });
    for (let depth = 0; depth < 60; depth++) value = model(value);
    assert.equal(judge(value).verdict, "malicious");
    assert.equal(judge("[".repeat(10_000)).verdict, "inconclusive");
  });
});
