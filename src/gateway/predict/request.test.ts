import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { isHoldfastError } from "../../core/index.ts";
import { predictConfig, type PredictModelConfig } from "./config.ts";
import type { ModelInfo } from "./protocol.ts";
import { readInfer, readRows } from "./request.ts";

const INFO: ModelInfo = {
  sha256: "0".repeat(64),
  inputs: [
    { name: "age", type: "int32", shape: [-1, 1] },
    { name: "pixels", type: "float32", shape: [-1, 3] },
  ],
  outputs: [
    { name: "scores", type: "float32", shape: [-1, 2] },
    { name: "label", type: "int64", shape: [-1] },
  ],
};
const ONE: ModelInfo = { ...INFO, inputs: [INFO.inputs[1] as ModelInfo["inputs"][number]] };
const configOf = (changes: object = {}): PredictModelConfig => {
  const inputs = { age: { min: 0, max: 130 }, pixels: { min: [0, 0, -1], max: 1 } };
  return predictConfig.parse({ models: { m: { file: "m.onnx", rows: 4, inputs, ...changes } } }).models[
    "m"
  ] as PredictModelConfig;
};
const CONFIG = configOf();
const age = (data: unknown = [30, 40], more: object = {}) => ({
  name: "age",
  shape: [2, 1],
  datatype: "INT32",
  data,
  ...more,
});
const pixels = (data: unknown = [0, 0.5, 1, 1, 0, -1], more: object = {}) => ({
  name: "pixels",
  shape: [2, 3],
  datatype: "FP32",
  data,
  ...more,
});

/** What is refused, by the pointer that the refusal begins with. */
function refused(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    assert.ok(isHoldfastError(error, "gateway.predict-input"), String(error));
    return error.detail?.split(": expected")[0];
  }
}
const infer = (body: unknown, config = CONFIG) => refused(() => readInfer(body, INFO, config));

describe("a request of the Open Inference Protocol", () => {
  it("is read in the model's order, flat or nested, with the outputs that it asks for", () => {
    const read = readInfer(
      { id: "7", inputs: [pixels(), age([[30], [40]])], outputs: [{ name: "label" }] },
      INFO,
      CONFIG,
    );
    assert.deepEqual(
      read.inputs.map(({ name }) => name),
      ["age", "pixels"],
    );
    assert.deepEqual(Array.from(read.inputs[0]?.data as Int32Array), [30, 40]);
    assert.deepEqual(read.outputs, ["label"]);
    assert.equal(read.rows, 2);
    assert.equal(read.id, "7");
  });

  it("is refused where its form, its names or its types are not those of the model", () => {
    assert.equal(infer([]), "the body");
    assert.equal(infer({ inputs: "x" }), "/inputs");
    assert.equal(infer({ inputs: [age()] }), "/inputs");
    assert.equal(infer({ inputs: [age(), pixels()], more: 1 }), "the body");
    assert.equal(infer({ inputs: [age(), pixels()], parameters: { binary_data: true } }), "/parameters");
    assert.equal(infer({ inputs: [age(), age()] }), "/inputs/1/name");
    assert.equal(infer({ inputs: [age(), pixels([0, 0, 0, 0, 0, 0], { name: "__proto__" })] }), "/inputs/1/name");
    assert.equal(infer({ inputs: [age(), pixels(undefined, { datatype: "FP64" })] }), "/inputs/1/datatype");
    assert.equal(infer({ inputs: [age(), pixels()], outputs: [{ name: "hidden" }] }), "/outputs/0/name");
    assert.equal(infer({ inputs: [age(), pixels()], id: "x".repeat(129) }), "/id");
  });

  it("is refused where shapes and numbers of elements do not fit", () => {
    for (const shape of [[2], [2, 4], [0, 3], [2, 3, 1], [-1, 3], [2.5, 3], ["2", 3], "2x3", [1e9, 3]]) {
      assert.ok(infer({ inputs: [age(), pixels(undefined, { shape })] }) !== undefined, JSON.stringify(shape));
    }
    assert.equal(infer({ inputs: [age(), pixels([0, 0, 0])] }), "/inputs/1/data");
    assert.equal(infer({ inputs: [age(), pixels(Array.from({ length: 7 }, () => 0))] }), "/inputs/1/data");
    assert.equal(infer({ inputs: [age([30], { shape: [1, 1] }), pixels()] }), "/inputs");
    const five = {
      inputs: [
        age([1, 1, 1, 1, 1], { shape: [5, 1] }),
        pixels(
          Array.from({ length: 15 }, () => 0),
          { shape: [5, 3] },
        ),
      ],
    };
    assert.equal(infer(five), "/inputs");
    assert.equal(infer(five, configOf({ rows: 5 })), undefined);
  });

  it("is refused for a value beyond its type or its range, or that is none, with its place", () => {
    const at = (value: unknown) => infer({ inputs: [age(), pixels([0, value, 1, 1, 0, -1])] });
    for (const value of ["1", true, null, {}, 1.01, -0.01, 1e39])
      assert.equal(at(value), "/inputs/1/data/1", JSON.stringify(value));
    assert.equal(infer({ inputs: [age(), pixels([0, 0, 0, 0, 0, -1.01])] }), "/inputs/1/data/5");
    assert.equal(infer({ inputs: [age(), pixels([0, 0, 0, 0, -0.5, 0])] }), "/inputs/1/data/4");
    for (const value of [131, -1, 1.5, 2 ** 31])
      assert.equal(infer({ inputs: [age([30, value]), pixels()] }), "/inputs/0/data/1");
    const open = configOf({ inputs: {} });
    assert.equal(infer({ inputs: [age([30, 2 ** 31]), pixels()] }, open), "/inputs/0/data/1");
    assert.equal(infer({ inputs: [age(), pixels([0, 1e39, 1, 1, 0, -1])] }, open), "/inputs/1/data/1");
    assert.equal(infer({ inputs: [age([30, 2 ** 31 - 1]), pixels([9e9, 0, 0, 0, 0, 0])] }, open), undefined);
  });

  it("never fails in another way, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (body, data) => {
        infer(body);
        infer({ inputs: [age(data), pixels()] });
        refused(() => readRows(body, INFO, CONFIG));
        refused(() => readRows({ instances: data }, ONE, CONFIG));
      }),
    );
  });
});

describe("a request of rows", () => {
  it("is lists for a model of one input, and objects for one of several", () => {
    const lists = readRows({ instances: [[0, 0.5, 1]] }, ONE, CONFIG);
    assert.deepEqual(lists.inputs[0]?.shape, [1, 3]);
    const objects = readRows(
      {
        instances: [
          { age: 3, pixels: [0, 0, 0] },
          { age: [4], pixels: [1, 1, 1] },
        ],
      },
      INFO,
      CONFIG,
    );
    assert.deepEqual(Array.from(objects.inputs[0]?.data as Int32Array), [3, 4]);
    assert.deepEqual(objects.outputs, ["scores", "label"]);
  });

  it("is refused for the same reasons", () => {
    const rows = (instances: unknown, info = INFO) => refused(() => readRows({ instances }, info, CONFIG));
    assert.equal(rows([]), "/instances");
    assert.equal(rows([[1, 2, 3]]), "/instances/0");
    assert.equal(rows([{ age: 3 }]), "/instances/0");
    assert.equal(rows([{ age: 3, pixels: [0, 0, 0], more: 1 }]), "/instances/0");
    assert.ok(
      rows(
        [
          [0, 0, 0],
          [0, 0],
        ],
        ONE,
      ) !== undefined,
    );
    assert.ok(rows([[0, 0, 2]], ONE) !== undefined);
    assert.equal(rows([[0, 0, 0], "x"], ONE), "/instances");
    assert.equal(
      rows(
        Array.from({ length: 5 }, () => [0, 0, 0]),
        ONE,
      ),
      "/inputs",
    );
  });
});

describe("ranges of the configuration", () => {
  it("have their ends in order", () => {
    const valid = (input: object) =>
      predictConfig.safeParse({ models: { m: { file: "m", inputs: { x: input } } } }).success;
    assert.equal(valid({ min: 0, max: 1 }), true);
    assert.equal(valid({ min: 2, max: 1 }), false);
    assert.equal(valid({ min: [0, 2], max: [1, 1] }), false);
    assert.equal(valid({ min: 1, max: [2, 0] }), false);
    assert.equal(valid({ min: [0, 0], max: 1 }), true);
  });
});

describe("a request of too many rows", () => {
  it("is refused by their number, before any of them is looked at", () => {
    const many = Array.from({ length: 5 }, () => "no number");
    assert.equal(infer({ inputs: [age(many, { shape: [5, 1] }), pixels()] }), "/inputs");
    assert.equal(
      refused(() => readRows({ instances: many }, ONE, CONFIG)),
      "/inputs",
    );
  });
});
