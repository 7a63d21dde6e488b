import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { field, joined, message, utf8, zeros } from "../../../../test/models/writer.ts";
import { coreml } from "./coreml.ts";
import { json } from "./json.ts";
import { onnx } from "./onnx.ts";
import { tensorflow } from "./tensorflow.ts";

const model = (kind: number, body: Uint8Array) => message([1, 5], [2, message([1, "in"])], [kind, body]);
const layer = (kind: number, body: Uint8Array) => message([1, message([1, "name"], [kind, body])]);
const dense = layer(140, message([1, 4]));
const custom = layer(500, message([10, "MyLayer"]));
const program = (path: string) => model(502, message([1, 1], [2, message([1, `@model_path/${path}`])]));

describe("coreml", () => {
  it("calls models of its own layers clean, and no other reader takes them for its own", () => {
    for (const bytes of [
      model(500, dense),
      program("weights/weight.bin"),
      model(202, message([1, model(500, dense)])),
    ]) {
      assert.deepEqual(scanBytes(coreml, bytes), { verdict: "clean", rules: [], findings: [] });
      assert.equal(scanBytes([onnx, tensorflow], bytes).verdict, "not-a-model");
    }
  });

  const nested = (levels: number): Uint8Array =>
    levels === 0 ? model(500, custom) : model(202, message([1, nested(levels - 1)]));
  const linked = (name: string) => model(556, message([1, message([1, message([1, name])])]));
  const bad: readonly (readonly [string, Uint8Array, string, string])[] = [
    ["a custom layer", model(500, custom), "coreml.custom-code", "suspicious"],
    ["one of a classifier", model(403, custom), "coreml.custom-code", "suspicious"],
    ["one in a pipeline", nested(3), "coreml.custom-code", "suspicious"],
    [
      "one in a pipeline of classifiers",
      model(200, message([1, message([1, model(500, custom)])])),
      "coreml.custom-code",
      "suspicious",
    ],
    ["one in a loop", model(500, layer(615, field(11, custom))), "coreml.custom-code", "suspicious"],
    ["a custom model", model(555, message([10, "MyModel"])), "coreml.custom-code", "suspicious"],
    ["pipelines without end", nested(40), "coreml.depth", "inconclusive"],
    ["a linked model", linked("other.mlmodelc"), "coreml.linked-model", "suspicious"],
    ["one elsewhere", linked("../../other"), "coreml.path", "malicious"],
    ["weights elsewhere", program("../../etc/passwd"), "coreml.path", "malicious"],
    [
      "weights elsewhere, far inside",
      joined(model(502, joined(field(9, zeros(3_000_000)), field(2, "@model_path/../x")))),
      "coreml.path",
      "malicious",
    ],
    ["a cut", model(500, dense).subarray(0, -2), "scan.unreadable", "inconclusive"],
  ];
  for (const [what, bytes, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const scanned = scanBytes(coreml, bytes, "m.mlmodel");
      assert.ok(scanned.rules.includes(rule), scanned.rules.join());
      assert.equal(scanned.verdict, verdict);
    });
  }

  it("keeps the items of a package inside of it", () => {
    const manifest = (path: string) => utf8(JSON.stringify({ itemInfoEntries: { id: { path } } }));
    assert.equal(scanBytes(json, manifest("com.apple.CoreML/model.mlmodel"), "Manifest.json").verdict, "clean");
    assert.deepEqual(scanBytes(json, manifest("../x"), "Manifest.json").rules, ["coreml.package-path"]);
  });
});
