import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../../core/index.ts";
import { about, valuesOf } from "../fact.ts";
import { readCard } from "./card.ts";
import { CONFIG_READERS, readConfig } from "./config.ts";
import { readMlmodel } from "./mlmodel.ts";
import { shardsOf } from "./shards.ts";
import { parseYaml } from "./yaml.ts";

describe("a model card", () => {
  const text = [
    "---",
    "license: apache-2.0",
    "datasets: [squad, 'c4']",
    "base_model: google/bert",
    "pipeline_tag: question-answering",
    "language:",
    "- en",
    "- de",
    "co2_eq_emissions: 12.5",
    "model-index:",
    "- name: m",
    "  results:",
    "  - task: {type: qa}",
    "    dataset: {name: SQuAD}",
    "    metrics:",
    "    - type: f1",
    "      value: 0.88",
    "---",
    "# Model",
    "prose",
    "## Intended uses & limitations",
    "Questions about texts.",
    "## Limitations",
    "Not for law.",
    "## Training",
    "secret sauce",
  ].join("\n");

  it("gives the facts of its front matter, with where they stand", () => {
    const { facts, metrics } = readCard(text, "README.md");
    assert.deepEqual(about(facts, "licence"), [
      { topic: "licence", value: "apache-2.0", basis: "declared", where: "README.md license" },
    ]);
    assert.deepEqual(valuesOf(facts, "data set"), ["squad", "c4"]);
    assert.deepEqual(valuesOf(facts, "base model"), ["google/bert"]);
    assert.deepEqual(valuesOf(facts, "language"), ["en", "de"]);
    assert.deepEqual(valuesOf(facts, "emissions"), ["12.5 g CO2eq"]);
    assert.deepEqual(metrics, [
      { name: "f1", value: "0.88", dataset: "SQuAD", task: "qa", where: "README.md model-index" },
    ]);
  });

  it("quotes the sections on use and limits, and no others", () => {
    const { facts } = readCard(text, "README.md");
    assert.deepEqual(valuesOf(facts, "intended use"), ["Questions about texts."]);
    assert.deepEqual(valuesOf(facts, "limitation"), ["Not for law."]);
    assert.ok(!facts.some(({ value }) => value.includes("sauce")));
  });

  it("names a section that is too long to quote", () => {
    const { facts } = readCard(`## Limitations\n${"x".repeat(3_000)}`, "README.md");
    assert.deepEqual(valuesOf(facts, "limitation"), ['see README.md section "Limitations"']);
  });

  it("takes more sections than a call takes arguments", () => {
    assert.equal(readCard("## Bias\nx\n".repeat(200_000), "README.md").facts.length, 200_000);
  });

  it("takes a card without front matter as prose", () => {
    assert.deepEqual(readCard("# Model\nlicense: mit", "README.md"), { facts: [], metrics: [] });
    assert.deepEqual(readCard("---\nlicense: mit\nno end", "README.md"), { facts: [], metrics: [] });
  });

  it("ignores values of strange kinds instead of guessing", () => {
    const { facts, metrics } = readCard(
      "---\nlicense: {a: 1}\ndatasets: 7\nmodel-index: [1, {results: 2}]\n---\n",
      "README.md",
    );
    assert.deepEqual([facts, metrics], [[], []]);
  });
});

describe("YAML of strangers", () => {
  const hostile: readonly (readonly [string, string, string])[] = [
    ["an anchor", "a: &x 1\nb: 2", "models.metadata-invalid"],
    ["an alias", "a: *x", "models.metadata-invalid"],
    ["a tag", "a: !!js/function 1", "models.metadata-invalid"],
    ["a name twice", "license: mit\nlicense: gpl", "models.metadata-invalid"],
    ["two documents", "a: 1\n---\nb: 2", "models.metadata-invalid"],
    ["a broken line", "a: [1, 2", "models.metadata-invalid"],
    ["brackets a thousand deep", "[".repeat(1_000) + "]".repeat(1_000), "models.metadata-limit"],
    ["lists a thousand deep", `${"- ".repeat(1_000)}x`, "models.metadata-limit"],
    [
      "a map of 3,000 names",
      Array.from({ length: 3_000 }, (_, index) => `k${index}: 1`).join("\n"),
      "models.metadata-limit",
    ],
    ["a million nodes", `[${"1,".repeat(200_000)}1]`, "models.metadata-limit"],
    ["half a million empty lines", `${"\n".repeat(500_000)}a: 1`, "models.metadata-limit"],
    ["2 MB", `a: ${"x".repeat(2_000_000)}`, "models.metadata-limit"],
  ];
  for (const [what, text, code] of hostile) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseYaml(text),
        (error: unknown) => isHoldfastError(error, code),
      );
    });
  }

  it("reads plain data, and gives names of the language no meaning", () => {
    assert.deepEqual(parseYaml("a: [1, x]\nb: {c: true}"), { a: [1, "x"], b: { c: true } });
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    parseYaml("__proto__: {polluted: 1}");
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  });
});

describe("configuration files", () => {
  function facts(name: string, value: unknown): readonly string[] {
    const reader = CONFIG_READERS.get(name);
    assert.ok(reader !== undefined);
    return readConfig(Buffer.from(JSON.stringify(value)), reader, name).map((fact) => `${fact.topic}: ${fact.value}`);
  }

  it("gives architecture, family and quantisation", () => {
    const config = {
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      quantization_config: { quant_method: "gptq", bits: 4 },
    };
    assert.deepEqual(facts("config.json", config), [
      "architecture: LlamaForCausalLM",
      "family: llama",
      "quantisation: gptq, 4 bits",
    ]);
    assert.deepEqual(facts("config.json", []), []);
    assert.deepEqual(facts("config.json", { architectures: { a: 1 }, quantization_config: 4 }), []);
  });

  it("gives the base of an adapter", () => {
    assert.deepEqual(facts("adapter_config.json", { base_model_name_or_path: "a/b", peft_type: "LORA" }), [
      "base model: a/b",
      "adapter: LORA",
    ]);
  });

  it("names the shards of an index, below its own folder", () => {
    const bytes = Buffer.from('{"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors","c":"m-1.safetensors"}}');
    assert.deepEqual(
      shardsOf(bytes, "unet/i.json").map(({ shard }) => shard),
      ["unet/m-1.safetensors", "unet/m-2.safetensors"],
    );
    assert.throws(() => shardsOf(Buffer.from("{}"), "i.json"), /without weight_map/);
  });

  it("reads flavours and the signature of MLmodel", () => {
    const text = [
      "flavors:",
      "  python_function: {loader_module: mlflow.sklearn}",
      "  sklearn: {sklearn_version: 1.5.0}",
      "run_id: abc",
      `signature: {inputs: '[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]'}`,
    ].join("\n");
    const { facts, inputs, outputs } = readMlmodel(text, "MLmodel");
    assert.deepEqual(
      facts.map(({ value }) => value),
      ["sklearn 1.5.0", "MLflow run abc"],
    );
    assert.deepEqual(inputs, [{ name: "x", dtype: "float32", shape: [undefined, 4] }]);
    assert.deepEqual(outputs, []);
  });
});
