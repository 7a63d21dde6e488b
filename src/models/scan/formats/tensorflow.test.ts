import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { savedModel, tfGraph, tfNode } from "../../../../test/models/tensorflow.ts";
import { message } from "../../../../test/models/writer.ts";
import { onnx } from "./onnx.ts";
import { tensorflow } from "./tensorflow.ts";

const placeholder = tfNode("Placeholder");
const lambda = JSON.stringify({ class_name: "Lambda", config: { function: ["4wE=", null, null] } });
const custom = JSON.stringify({ class_name: "MyModel", config: {} });

describe("tensorflow", () => {
  it("calls graphs that compute clean, by content alone", () => {
    const nodes = ["Placeholder", "MatMul", "SaveV2", "RestoreV2", "MergeV2Checkpoints", "PartitionedCall"].map(
      (name) => tfNode(name),
    );
    for (const bytes of [savedModel(tfGraph(nodes, nodes)), tfGraph(nodes, nodes), message([2, tfGraph(nodes)])]) {
      assert.deepEqual(scanBytes(tensorflow, bytes), { verdict: "clean", rules: [], findings: [] });
      assert.equal(scanBytes(onnx, bytes).verdict, "not-a-model");
    }
    const prints = savedModel(tfGraph([tfNode("PrintV2", "stderr")]));
    assert.equal(scanBytes(tensorflow, prints).verdict, "clean");
  });

  const bad: readonly (readonly [string, Uint8Array, string, string])[] = [
    [
      "an operator that reads files",
      savedModel(tfGraph([tfNode("ReadFile")])),
      "tensorflow.file-operator",
      "malicious",
    ],
    [
      "one in a function",
      savedModel(tfGraph([placeholder], [tfNode("WriteFile")])),
      "tensorflow.file-operator",
      "malicious",
    ],
    ["one in a frozen graph", tfGraph([placeholder, tfNode("WriteFile")]), "tensorflow.file-operator", "malicious"],
    ["Python", savedModel(tfGraph([tfNode("EagerPyFunc")])), "tensorflow.python-operator", "malicious"],
    ["Python by another way", savedModel(tfGraph([tfNode("Raw>PyFunc")])), "tensorflow.python-operator", "malicious"],
    ["an end of the process", savedModel(tfGraph([tfNode("Abort")])), "tensorflow.process-operator", "malicious"],
    ["a data set of files", savedModel(tfGraph([tfNode("TextLineDataset")])), "tensorflow.data-operator", "suspicious"],
    [
      "a call of another machine",
      savedModel(tfGraph([tfNode("RpcCall")])),
      "tensorflow.network-operator",
      "suspicious",
    ],
    [
      "a print into a file",
      savedModel(tfGraph([tfNode("PrintV2", "file:///x")])),
      "tensorflow.prints-to-file",
      "malicious",
    ],
    [
      "an asset elsewhere",
      savedModel(tfGraph([placeholder]), [6, message([2, "../../etc/passwd"])]),
      "tensorflow.asset-path",
      "malicious",
    ],
    [
      "a Lambda layer among its objects",
      savedModel(tfGraph([placeholder]), [7, message([1, message([4, message([1, "_tf_keras_layer"], [3, lambda])])])]),
      "keras.lambda",
      "malicious",
    ],
    [
      "the second of two graphs",
      message([1, 1], [2, message([2, tfGraph([placeholder])])], [2, message([2, tfGraph([tfNode("ReadFile")])])]),
      "tensorflow.file-operator",
      "malicious",
    ],
    ["a graph in a text", savedModel(tfGraph([tfNode("DatasetFromGraph")])), "tensorflow.python-operator", "malicious"],
    [
      "the library before the nodes",
      Buffer.concat([tfGraph([], [tfNode("WriteFile")]), tfGraph([placeholder])]),
      "tensorflow.file-operator",
      "malicious",
    ],
    ["no graph", message([1, 1]), "tensorflow.no-graph", "inconclusive"],
    ["a cut", savedModel(tfGraph([placeholder])).subarray(0, -2), "scan.unreadable", "inconclusive"],
  ];
  for (const [what, bytes, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const scanned = scanBytes(tensorflow, bytes, "saved_model.pb");
      const frozen = scanBytes(tensorflow, bytes, "frozen.pb");
      const found = scanned.rules.includes(rule) ? scanned : frozen;
      assert.ok(found.rules.includes(rule), `${scanned.rules.join()} ${frozen.rules.join()}`);
      assert.equal(found.verdict, verdict);
    });
  }

  it("reads the metadata of Keras, whose own classes are its graph's business", () => {
    const metadata = (text: string) => message([1, message([2, 1], [5, text])]);
    assert.deepEqual(scanBytes(tensorflow, metadata(lambda), "keras_metadata.pb").rules, ["keras.lambda"]);
    assert.equal(scanBytes(tensorflow, metadata(custom), "keras_metadata.pb").verdict, "clean");
  });
});
