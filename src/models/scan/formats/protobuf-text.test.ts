import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { utf8 } from "../../../../test/models/writer.ts";
import { protobufText } from "./protobuf-text.ts";

const judge = (text: string, name: string) => scanBytes(protobufText, utf8(text), name);

describe("messages of protobuf as text", () => {
  it("lets be graphs that compute, and data beside the model", () => {
    for (const [text, name] of [
      ['node {\n  name: "a"\n  op: "MatMul"\n}\n', "graph.pbtxt"],
      ['external_data { key: "location" value: "a.data" }', "a.onnxtxt"],
      ['layer { name: "a" type: "Convolution" }', "deploy.prototxt"],
    ] as const) {
      assert.deepEqual(judge(text, name), { verdict: "clean", rules: [], findings: [] });
    }
  });

  for (const [what, text, name, rule, verdict] of [
    [
      "an operator of files",
      'node { name: "a" op: "WriteFile" }',
      "saved_model.pbtxt",
      "tensorflow.file-operator",
      "malicious",
    ],
    ["one in other quotes", "node{op:'PyFunc'}", "g.pbtxt", "tensorflow.python-operator", "malicious"],
    [
      "data elsewhere",
      'external_data { key: "location" value: "../../x" }',
      "a.textproto",
      "onnx.external-data-path",
      "malicious",
    ],
    [
      "a layer of Python",
      'layer { type: "Python" python_param { module: "x" } }',
      "a.prototxt",
      "caffe.python-layer",
      "suspicious",
    ],
  ] as const) {
    it(`reports ${what}`, () => {
      const judged = judge(text, name);
      assert.deepEqual([judged.rules, judged.verdict], [[rule], verdict]);
    });
  }
});
