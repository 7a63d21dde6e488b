import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tfliteModel } from "../../../../test/models/flatbuffer.ts";
import { scanBytes } from "../../../../test/models/scan.ts";
import { joined, zeros } from "../../../../test/models/writer.ts";
import { tflite } from "./tflite.ts";

/** The model with the 32 bits at `at` set to `value`. */
function patched(at: number, value: number): Uint8Array {
  const bytes = tfliteModel();
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
}

describe("tflite", () => {
  it("calls honest models clean", () => {
    const clean = [
      tfliteModel(),
      tfliteModel({ custom: "TFLite_Detection_PostProcess" }),
      tfliteModel({ custom: "FlexMatMul" }),
      tfliteModel({ inputs: [0, -1] }),
      tfliteModel({ buffer: 0 }),
      joined(tfliteModel({ offset: 2000, size: 16 }), zeros(4000)),
    ];
    for (const bytes of clean)
      assert.deepEqual(scanBytes(tflite, bytes), { verdict: "clean", rules: [], findings: [] });
  });

  const bad: readonly (readonly [string, Uint8Array, string, string])[] = [
    ["a custom operator", tfliteModel({ custom: "Mine" }), "tflite.custom-operator", "suspicious"],
    ["one without a name", tfliteModel({ custom: "" }), "tflite.custom-operator", "suspicious"],
    [
      "an operator of TensorFlow that reads files",
      tfliteModel({ custom: "FlexReadFile" }),
      "tflite.flex-operator",
      "malicious",
    ],
    ["an operator that is not there", tfliteModel({ code: 7 }), "tflite.index", "suspicious"],
    ["a tensor that is not there", tfliteModel({ inputs: [0, 9] }), "tflite.index", "suspicious"],
    ["a tensor of a negative index", tfliteModel({ inputs: [-2] }), "tflite.index", "suspicious"],
    ["a buffer that is not there", tfliteModel({ buffer: 5 }), "tflite.index", "suspicious"],
    ["a buffer that is too short", tfliteModel({ shape: [2, 3] }), "tflite.tensor-size", "suspicious"],
    ["a buffer past the end", tfliteModel({ offset: 5000, size: 16 }), "tflite.buffer-past-end", "suspicious"],
    ["a root past the end", patched(0, 1_000_000), "tflite.invalid", "suspicious"],
    ["a root at its own offset", patched(0, 0), "tflite.invalid", "suspicious"],
    ["a cut", tfliteModel().subarray(0, 100), "tflite.invalid", "suspicious"],
  ];
  for (const [what, bytes, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const scanned = scanBytes(tflite, bytes);
      assert.ok(scanned.rules.includes(rule), scanned.rules.join());
      assert.equal(scanned.verdict, verdict);
    });
  }
});
