import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isHoldfastError } from "../../../core/index.ts";
import {
  bytesField,
  gguf,
  made,
  noise,
  onnx,
  safetensors,
  safetensorsOf,
  torch,
  u32,
  u64,
  varintField,
  zip,
} from "../../../../test/models/checkpoints.ts";
import { Truncated } from "../../scan/reader.ts";
import { bytesSource } from "../../scan/source.ts";
import type { WeightsFile } from "../tensor.ts";
import { readWeights } from "./weights.ts";

const TENSORS = [made("a.weight", [4, 8], noise(32, 1)), made("a.bias", [4], noise(4, 2), "F16")];

describe("the readers of weights", () => {
  const written: readonly (readonly [string, Buffer])[] = [
    ["model.safetensors", safetensors(TENSORS, { format: "pt" })],
    ["model.gguf", gguf(TENSORS, { "general.architecture": "llama" })],
    ["model.onnx", onnx(TENSORS)],
    ["pytorch_model.bin", torch(TENSORS)],
  ];
  for (const [path, bytes] of written) {
    it(`reads names, shapes, types and places of ${path}`, () => {
      const { tensors } = read(bytes, path);
      assert.deepEqual(
        tensors.map(({ name, dtype, shape, elements }) => ({ name, dtype, shape, elements })),
        [
          { name: "a.weight", dtype: "F32", shape: [4, 8], elements: 32 },
          { name: "a.bias", dtype: "F16", shape: [4], elements: 4 },
        ],
      );
      for (const [index, { data }] of tensors.entries()) {
        assert.ok(data !== undefined && data.path === path);
        assert.deepEqual(
          bytes.subarray(data.offset, data.offset + data.length),
          Buffer.from(TENSORS[index]?.data ?? []),
        );
      }
    });
  }

  it("reads what the files say of themselves", () => {
    assert.equal(read(safetensors(TENSORS, { format: "pt" }), "m.safetensors").metadata.get("format"), "pt");
    const { metadata } = read(gguf([], { "general.architecture": "llama", n: 7, words: ["a", "b"] }), "m.gguf");
    assert.deepEqual(
      [...metadata],
      [
        ["general.architecture", "llama"],
        ["n", "7"],
        ["words", "[a, b]"],
      ],
    );
    const graph = read(onnx(TENSORS), "m.onnx");
    assert.deepEqual(graph.inputs, [{ name: "x", dtype: "F32", shape: [undefined, 4] }]);
    assert.deepEqual(graph.outputs, [{ name: "y", dtype: "F32", shape: [1, 2] }]);
    assert.equal(graph.metadata.get("operators"), "Gemm (1)");
    assert.equal(graph.metadata.get("opset ai.onnx"), "18");
  });

  it("keeps a long list of GGUF as its count, and reads on behind it", () => {
    const words = Array.from({ length: 50_000 }, (_, index) => `word ${index}`);
    const { metadata, tensors } = read(gguf(TENSORS, { words, after: "it" }), "m.gguf");
    assert.equal(metadata.get("words"), "50000 values");
    assert.equal(metadata.get("after"), "it");
    assert.equal(tensors.length, 2);
  });

  it("finds tensors in dictionaries of dictionaries, as training frameworks save them", () => {
    const inner = torch(TENSORS, "state_dict.");
    assert.equal(read(inner, "m.ckpt").tensors[0]?.name, "state_dict.a.weight");
  });

  it("reads an ordered dictionary with the attributes that torch sets on it, and tied weights once by each name", () => {
    const plain = torch(TENSORS);
    const pickle = plain.subarray(plain.indexOf(Buffer.from([0x80, 2])), plain.indexOf("u.") + 2);
    const body = pickle.subarray(4, -2);
    const ordered = Buffer.concat([
      Buffer.from([0x80, 2]),
      Buffer.from("ccollections\nOrderedDict\n)R("),
      body,
      body.subarray(0, body.lastIndexOf("X\u0006\0\0\0a.bias")),
      Buffer.from("u}X\u0009\0\0\0_metadataccollections\nOrderedDict\n)Rsb."),
    ]);
    const members = TENSORS.map(({ data }, index) => [`archive/data/${index}`, data] as const);
    const { tensors } = read(zip([["archive/data.pkl", ordered], ...members]), "m.bin");
    assert.deepEqual(
      tensors.map(({ name }) => name),
      ["a.weight", "a.bias"],
    );
  });

  it("leaves what is no weights alone", () => {
    assert.equal(readWeights(bytesSource(Buffer.from("{}")), "notes.json"), undefined);
    assert.equal(readWeights(bytesSource(Buffer.alloc(0)), "empty"), undefined);
    assert.equal(readWeights(bytesSource(zip([["a.txt", Buffer.from("a")]])), "a.zip"), undefined);
  });
});

describe("hostile weights", () => {
  const header = (entry: unknown, data = 0): Buffer =>
    safetensorsOf(JSON.stringify({ t: entry }), [Buffer.alloc(data)]);
  const cases: readonly (readonly [string, string, Buffer, RegExp])[] = [
    ["a header longer than the file", "m.safetensors", Buffer.concat([u64(1_000), Buffer.from("{}")]), /bytes end at/],
    [
      "a header over the limit",
      "m.safetensors",
      Buffer.concat([u64(100_000_001), Buffer.from("{}")]),
      /100000001 bytes/,
    ],
    ["two tensors of one name", "m.safetensors", safetensorsOf('{"a":{},"a":{}}'), /same name twice/],
    [
      "a shape whose product no file holds",
      "m.safetensors",
      header({ dtype: "F32", shape: [2 ** 40, 2 ** 40], data_offsets: [0, 4] }, 4),
      /more numbers/,
    ],
    [
      "a negative dimension",
      "m.safetensors",
      header({ dtype: "F32", shape: [-1], data_offsets: [0, 4] }, 4),
      /not one of a tensor/,
    ],
    [
      "bytes that are not those of the shape",
      "m.safetensors",
      header({ dtype: "F32", shape: [2], data_offsets: [0, 4] }, 4),
      /4 bytes instead of 8/,
    ],
    [
      "a place behind the end",
      "m.safetensors",
      header({ dtype: "F32", shape: [1], data_offsets: [4, 8] }, 4),
      /does not begin/,
    ],
    [
      "bytes that belong to no tensor",
      "m.safetensors",
      header({ dtype: "F32", shape: [1], data_offsets: [0, 4] }, 8),
      /end at byte/,
    ],
    [
      "a type that does not exist",
      "m.safetensors",
      header({ dtype: "F7", shape: [1], data_offsets: [0, 4] }, 4),
      /the type F7/,
    ],
    ["metadata that is no text", "m.safetensors", safetensorsOf('{"__metadata__":{"a":1}}'), /not a string/],
    [
      "2^63 tensors",
      "m.gguf",
      Buffer.concat([Buffer.from("GGUF"), u32(3), Buffer.alloc(8, 0xff), u64(0)]),
      /bytes end at/,
    ],
    [
      "a million million tensors",
      "m.gguf",
      Buffer.concat([Buffer.from("GGUF"), u32(3), u64(1e12), u64(0)]),
      /at most 1000000/,
    ],
    ["big-endian", "m.gguf", Buffer.from("GGUF\0\0\0\u0003"), /big-endian/],
    [
      "an array of 10^15",
      "m.gguf",
      Buffer.concat([Buffer.from("GGUF"), u32(3), u64(0), u64(1), u64(1), Buffer.from("a"), u32(9), u32(0), u64(1e15)]),
      /at most 50000000/,
    ],
    [
      "arrays in arrays",
      "m.gguf",
      Buffer.concat([
        Buffer.from("GGUF"),
        u32(3),
        u64(0),
        u64(1),
        u64(1),
        Buffer.from("a"),
        u32(9),
        ...Array.from({ length: 9 }, () => [u32(9), u64(1)]).flat(),
      ]),
      /arrays in arrays/,
    ],
    ["a tensor behind the end", "m.gguf", gguf(TENSORS).subarray(0, 150), /bytes end at|lie within/],
    [
      "two graphs",
      "m.onnx",
      Buffer.concat([bytesField(7, Buffer.alloc(0)), bytesField(7, Buffer.alloc(0))]),
      /2 graphs/,
    ],
    [
      "weights outside of the folder",
      "m.onnx",
      onnx(TENSORS, { location: "../../etc/passwd", offset: 0 }),
      /outside the model's folder/,
    ],
    [
      "weights at an absolute path",
      "m.onnx",
      onnx(TENSORS, { location: "/etc/passwd", offset: 0 }),
      /outside the model's folder/,
    ],
    ["graphs nested without end", "m.onnx", bytesField(7, nested(40)), /nested over 32/],
    ["a field of a strange kind", "m.onnx", Buffer.from([0x0b]), /no field/],
    [
      "a call of something else",
      "m.bin",
      zip([["a/data.pkl", Buffer.from("cos\nsystem\n(S'id'\ntR.")]]),
      /plain checkpoint/,
    ],
    ["a storage that is missing", "m.bin", withoutStorage(), /storage of a.weight is missing/],
    [
      "two pickles",
      "m.bin",
      zip([
        ["a/data.pkl", Buffer.from("N.")],
        ["b/data.pkl", Buffer.from("N.")],
      ]),
      /2 files called data.pkl/,
    ],
  ];
  for (const [what, path, bytes, why] of cases) {
    it(`refuses ${what} (${path})`, () => {
      assert.throws(
        () => read(bytes, path),
        (error: unknown) =>
          (isHoldfastError(error) || error instanceof Truncated || error instanceof RangeError) &&
          why.test(error.message),
      );
    });
  }

  it("never runs or imports what a pickle names: unknown calls are counted as not read", () => {
    const pickle = Buffer.concat([Buffer.from([0x80, 2]), Buffer.from("}X\u0001\0\0\0acos\nsystem\n)Rs.")]);
    const { tensors, unread } = read(zip([["a/data.pkl", pickle]]), "m.bin");
    assert.deepEqual([tensors, unread], [[], []]);
  });

  it("ends on a dictionary that holds itself", () => {
    const pickle = Buffer.concat([Buffer.from([0x80, 2]), Buffer.from("}q\0X\u0001\0\0\0ah\0s.")]);
    assert.deepEqual(read(zip([["a/data.pkl", pickle]]), "m.bin").tensors, []);
  });
});

function read(bytes: Buffer, path: string): WeightsFile {
  const found = readWeights(bytesSource(bytes), path);
  assert.ok(found !== undefined);
  return found.weights;
}

/** A graph with a node that has an attribute that has a graph, and so on. */
function nested(depth: number): Buffer {
  let graph: Buffer = varintField(99, 1);
  for (let level = 0; level < depth; level++) graph = bytesField(1, bytesField(5, bytesField(6, graph)));
  return graph;
}

function withoutStorage(): Buffer {
  const whole = torch(TENSORS);
  const from = whole.indexOf("X");
  const pickle = whole.subarray(whole.indexOf(Buffer.from([0x80, 2])), whole.indexOf("u.") + 2);
  assert.ok(from > 0);
  return zip([["archive/data.pkl", pickle]]);
}
