import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { honestSafetensors, safetensorsOf } from "../../../../test/models/safetensors.ts";
import { scanBytes } from "../../../../test/models/scan.ts";
import { int, joined, zeros } from "../../../../test/models/writer.ts";
import { sliceSource, bytesSource, type Source } from "../source.ts";
import { scanSource } from "../scan-source.ts";
import { safetensors } from "./safetensors.ts";

const one = (dtype: string, shape: readonly number[], from: number, to: number) =>
  safetensorsOf(JSON.stringify({ a: { dtype, shape, data_offsets: [from, to] } }), zeros(to));

describe("safetensors", () => {
  it("calls what the format allows clean, every type among it", () => {
    assert.deepEqual(scanBytes(safetensors, honestSafetensors()), { verdict: "clean", rules: [], findings: [] });
    assert.equal(scanBytes(safetensors, safetensorsOf("{}")).verdict, "clean");
    const sizes = { F4: 4, F6_E2M3: 6, BOOL: 8, F8_E5M2: 8, BF16: 16, U16: 16, F32: 32, C64: 64, I64: 64 };
    for (const [dtype, bits] of Object.entries(sizes)) {
      assert.equal(scanBytes(safetensors, one(dtype, [4, 2], 0, bits)).verdict, "clean", dtype);
    }
    assert.equal(scanBytes(safetensors, one("F32", [0, 9], 0, 0)).verdict, "clean");
    assert.equal(scanBytes(safetensors, one("F32", [], 0, 4)).verdict, "clean");
  });

  const bad: readonly (readonly [string, Uint8Array, string, string])[] = [
    ["nothing in it", zeros(0), "safetensors.header", "inconclusive"],
    ["a header past the end", joined(int(99, 8), zeros(9)), "safetensors.header-length", "inconclusive"],
    ["a header of 2^63", joined(int(2n ** 63n, 8), zeros(9)), "safetensors.header-length", "inconclusive"],
    ["a header that does not begin with {", safetensorsOf(" {}"), "safetensors.header", "inconclusive"],
    ["a header that is no JSON", safetensorsOf("{]"), "safetensors.header", "inconclusive"],
    ["metadata of numbers", safetensorsOf('{"__metadata__":{"a":1}}'), "safetensors.header", "inconclusive"],
    ["an unknown type", one("F33", [1], 0, 4), "safetensors.header", "inconclusive"],
    ["a negative size", one("F32", [-1], 0, 4), "safetensors.header", "suspicious"],
    [
      "a name twice",
      safetensorsOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{}}', zeros(1)),
      "safetensors.duplicate-name",
      "suspicious",
    ],
    ["a size that does not fit", one("F32", [2], 0, 4), "safetensors.offsets", "suspicious"],
    ["offsets the wrong way round", one("F32", [2], 8, 0), "safetensors.offsets", "suspicious"],
    ["a size that overflows", one("F32", [2 ** 52, 2 ** 52], 0, 4), "safetensors.offsets", "suspicious"],
    ["bytes before the first", one("F32", [1], 4, 8), "safetensors.hole", "suspicious"],
    ["bytes behind the last", joined(honestSafetensors(), zeros(1)), "safetensors.hole", "suspicious"],
    ["a cut", honestSafetensors().subarray(0, -1), "safetensors.truncated", "inconclusive"],
    [
      "tensors that overlap",
      safetensorsOf(
        '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
        zeros(6),
      ),
      "safetensors.overlap",
      "suspicious",
    ],
  ];
  for (const [what, bytes, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const scanned = scanBytes(safetensors, bytes, "model.safetensors");
      assert.ok(scanned.rules.includes(rule), scanned.rules.join());
      assert.equal(scanned.verdict, verdict);
    });
  }

  it("knows the format by its content under another name, and nothing else", () => {
    assert.equal(scanBytes(safetensors, honestSafetensors(), "model.bin").verdict, "clean");
    assert.equal(scanBytes(safetensors, new TextEncoder().encode('{"a":1,"b":"2"}'), "a.json").verdict, "not-a-model");
  });

  it("reads the header alone, of a file of 100 GB", () => {
    const size = 100 * 1024 ** 3;
    const header = safetensorsOf(JSON.stringify({ a: { dtype: "U8", shape: [size], data_offsets: [0, size] } }));
    let read = 0;
    const source: Source = {
      size: header.length + size,
      read: (offset, length) => {
        const bytes = sliceSource(bytesSource(header), offset, length).read(0, length);
        read += bytes.length;
        return bytes;
      },
    };
    assert.equal(scanSource(source, "big.safetensors", { formats: [safetensors] }).verdict, "clean");
    assert.ok(read < 3 * header.length, `${read}`);
  });
});
