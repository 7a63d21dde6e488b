import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { honestOnnx, onnxExternal, onnxGraph, onnxModel, onnxNode, onnxTensor } from "../../../../test/models/onnx.ts";
import { scanBytes } from "../../../../test/models/scan.ts";
import { message, zeros } from "../../../../test/models/writer.ts";
import { onnx } from "./onnx.ts";

const relu = [onnxNode("Relu")];
const tensorModel = (tensor: Uint8Array) => onnxModel(onnxGraph(relu, [tensor]));
const external = (...entries: readonly (readonly [string, string])[]) =>
  tensorModel(onnxTensor([2], ...onnxExternal(entries)));
const graphAttribute = (graph: Uint8Array) => message([1, "body"], [6, graph]);

function nested(levels: number, inside: Uint8Array): Uint8Array {
  let graph = onnxGraph([inside]);
  for (let level = 0; level < levels; level++) graph = onnxGraph([onnxNode("If", "", graphAttribute(graph))]);
  return onnxModel(graph);
}

const custom = onnxNode("Do", "evil.ops");

describe("onnx", () => {
  it("calls honest models clean, by content alone", () => {
    assert.deepEqual(scanBytes(onnx, honestOnnx()), { verdict: "clean", rules: [], findings: [] });
    const packed = tensorModel(message([1, Uint8Array.of(2, 2)], [2, 1], [9, zeros(16)]));
    assert.equal(scanBytes(onnx, packed).verdict, "clean");
  });

  const bad: readonly (readonly [string, Uint8Array, string, string])[] = [
    ["an operator of another domain", onnxModel(onnxGraph([custom])), "onnx.custom-operator", "suspicious"],
    ["one in a graph in graphs", nested(20, custom), "onnx.custom-operator", "suspicious"],
    [
      "one in a function",
      onnxModel(onnxGraph(relu), [25, message([1, "F"], [7, custom], [10, "own"])]),
      "onnx.custom-operator",
      "suspicious",
    ],
    [
      "one in a graph of training",
      onnxModel(onnxGraph(relu), [20, message([2, onnxGraph([custom])])]),
      "onnx.custom-operator",
      "suspicious",
    ],
    [
      "one in the second of two graphs",
      onnxModel(onnxGraph(relu), [7, onnxGraph([custom])]),
      "onnx.custom-operator",
      "suspicious",
    ],
    [
      "an operator in Python",
      onnxModel(onnxGraph([onnxNode("PythonOp", "com.microsoft")])),
      "onnx.python-operator",
      "suspicious",
    ],
    ["graphs nested 200 deep", nested(200, custom), "onnx.depth", "inconclusive"],
    ["a path upwards", external(["location", "a/../../etc/passwd"]), "onnx.external-data-path", "malicious"],
    ["a path upwards, Windows", external(["location", "a\\..\\..\\x"]), "onnx.external-data-path", "malicious"],
    ["an absolute path", external(["location", "/etc/passwd"]), "onnx.external-data-path", "malicious"],
    ["a drive", external(["location", "C:x"]), "onnx.external-data-path", "malicious"],
    ["an address", external(["location", "file:x"]), "onnx.external-data-path", "malicious"],
    [
      "the first of two locations",
      external(["location", "/etc/passwd"], ["location", "data"]),
      "onnx.external-data-path",
      "malicious",
    ],
    [
      "external data without saying so",
      tensorModel(onnxTensor([2], [13, message([1, "location"], [2, "../x"])])),
      "onnx.external-data-path",
      "malicious",
    ],
    [
      "an address in memory",
      external(["location", "*/_ORT_MEM_ADDR_/*"], ["offset", "1234"]),
      "onnx.external-data-memory",
      "malicious",
    ],
    [
      "an attribute of the loader's objects",
      external(["location", "x"], ["__class__", "y"]),
      "onnx.external-data-attribute",
      "suspicious",
    ],
    ["a negative length", external(["location", "x"], ["length", "-1"]), "onnx.external-data-range", "suspicious"],
    [
      "a huge offset",
      external(["location", "x"], ["offset", "9".repeat(30)]),
      "onnx.external-data-range",
      "suspicious",
    ],
    ["a wrong length", external(["location", "x"], ["length", "9"]), "onnx.tensor-size", "suspicious"],
    ["a tensor that is too short", tensorModel(onnxTensor([3], [9, zeros(8)])), "onnx.tensor-size", "suspicious"],
    ["a negative size", tensorModel(onnxTensor([-1], [9, zeros(8)])), "onnx.tensor-shape", "suspicious"],
    ["a size that overflows", tensorModel(onnxTensor([2n ** 40n, 2n ** 40n])), "onnx.tensor-shape", "suspicious"],
    [
      "a traversal in a tensor of an attribute",
      onnxModel(
        onnxGraph([
          onnxNode("Constant", "", message([1, "value"], [5, onnxTensor([1], ...onnxExternal([["location", "/x"]]))])),
        ]),
      ),
      "onnx.external-data-path",
      "malicious",
    ],
    [
      "one in a sparse tensor",
      onnxModel(
        message([15, message([1, onnxTensor([1], ...onnxExternal([["location", "/x"]]))])], [1, onnxNode("Relu")]),
      ),
      "onnx.external-data-path",
      "malicious",
    ],
    ["a model without a graph", message([1, 8]), "onnx.no-graph", "inconclusive"],
    ["a cut", honestOnnx().subarray(0, -3), "scan.unreadable", "inconclusive"],
  ];
  for (const [what, bytes, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const scanned = scanBytes(onnx, bytes, "model.onnx");
      assert.ok(scanned.rules.includes(rule), scanned.rules.join());
      assert.equal(scanned.verdict, verdict);
    });
  }

  it("notes external data in the folder, and lets the model's own functions be", () => {
    const scanned = scanBytes(onnx, external(["location", "weights.bin"], ["offset", "0"], ["length", "8"]));
    assert.deepEqual([scanned.verdict, scanned.rules], ["clean", ["onnx.external-data"]]);
    const own = onnxModel(onnxGraph([onnxNode("F", "own")]), [
      25,
      message([1, "F"], [7, onnxNode("Relu")], [10, "own"]),
    ]);
    assert.equal(scanBytes(onnx, own).verdict, "clean");
    assert.equal(scanBytes(onnx, onnxModel(onnxGraph([onnxNode("G", "own")]))).verdict, "suspicious");
  });

  const folder = join(import.meta.dirname, "../../../../../shared/data/models/onnx-benign");
  it("calls the models of the ONNX project clean", { skip: existsSync(folder) ? false : `no ${folder}` }, () => {
    const files = globSync("**/*.onnx", { cwd: folder });
    assert.ok(files.length >= 90);
    for (const file of files) {
      const scanned = scanBytes(onnx, readFileSync(join(folder, file)), "model");
      assert.deepEqual([file, scanned.verdict, scanned.rules], [file, "clean", []]);
    }
  });
});
