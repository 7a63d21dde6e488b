import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanBytes } from "../../../../test/models/scan.ts";
import { vector as fileOf } from "../../../../test/models/vectors.ts";
import { joined, utf8, zeros } from "../../../../test/models/writer.ts";
import { hdf5 } from "./hdf5.ts";
import { pickleFormat } from "./pickle/pickle.ts";

const formats = [hdf5, pickleFormat];

const vector = (name: string) => fileOf(`hdf5/${name}.h5`);

function assertPickle(name: string): void {
  const scanned = scanBytes(formats, vector(name));
  assert.deepEqual(
    [scanned.verdict, scanned.rules],
    ["malicious", ["pickle.call-dangerous", "pickle.global-dangerous"]],
  );
}

describe("hdf5", () => {
  for (const name of [
    "earliest",
    "v108",
    "v110",
    "latest",
    "many",
    "dense",
    "soft",
    "pytables",
    "pandas-fixed",
    "pandas-table",
    "hickle",
  ]) {
    it(`calls ${name} clean`, () => {
      assert.deepEqual(scanBytes(formats, vector(name)), { verdict: "clean", rules: [], findings: [] });
    });
  }

  const bad: readonly (readonly [string, string, string])[] = [
    ["bad-lambda-earliest", "keras.lambda", "malicious"],
    ["bad-lambda-v108", "keras.lambda", "malicious"],
    ["bad-lambda-v110", "keras.lambda", "malicious"],
    ["bad-lambda-latest", "keras.lambda", "malicious"],
    ["bad-lambda-fixed", "keras.lambda", "malicious"],
    ["bad-external-link", "hdf5.outside-file", "malicious"],
    ["bad-external-link-near", "hdf5.other-file", "suspicious"],
    ["bad-external-data", "hdf5.outside-file", "malicious"],
    ["bad-virtual", "hdf5.outside-file", "malicious"],
    ["bad-behind-user-block", "hdf5.outside-file", "malicious"],
    ["bad-shape", "hdf5.shape-bomb", "suspicious"],
    ["bad-dense-link", "hdf5.outside-file", "malicious"],
    ["bad-dense-deep", "hdf5.outside-file", "malicious"],
    ["bad-dense-attribute", "keras.lambda", "malicious"],
  ];
  for (const [name, rule, verdict] of bad) {
    it(`reports ${name}`, () => {
      const scanned = scanBytes(formats, vector(name));
      assert.deepEqual([scanned.verdict, scanned.rules], [verdict, [rule]]);
    });
  }

  for (const name of ["attribute", "objects", "shared-type", "text"].map((kind) => `bad-pytables-${kind}`)) {
    it(`reports ${name}`, () => assertPickle(name));
  }
  for (const name of [
    "bad-pandas-fixed",
    "bad-hickle",
    "bad-opaque",
    "bad-compact",
    "bad-shared-type-earliest",
    "bad-shared-type-latest",
  ]) {
    it(`reports ${name}`, () => assertPickle(name));
  }

  it("does not call chunks clean that hickle would unpickle", () => {
    const scanned = scanBytes(formats, vector("bad-hickle-chunks"));
    assert.equal(scanned.verdict, "inconclusive");
    assert.deepEqual(scanned.rules, ["hdf5.not-read"]);
  });

  it("does not call a heap clean that was damaged", () => {
    for (const magic of ["FRHP", "FHDB", "BTHD", "BTLF"]) {
      const file = vector("dense");
      file[Buffer.from(file).indexOf(magic)] = 0;
      assert.equal(scanBytes(formats, file).verdict, "inconclusive", magic);
    }
  });

  it("is found behind bytes of somebody else's, at any power of two", () => {
    const moved = joined(zeros(4096), vector("bad-external-link"));
    assert.equal(scanBytes(formats, moved).verdict, "malicious");
    assert.equal(scanBytes(formats, joined(zeros(100), vector("bad-external-link"))).verdict, "not-a-model");
  });

  it("does not call a file clean whose structure was cut, and ends on any", () => {
    for (const name of ["earliest", "latest", "many"]) {
      const whole = vector(name);
      for (let size = 16; size < whole.length / 2; size += 97) {
        assert.equal(scanBytes(formats, whole.subarray(0, size)).verdict, "inconclusive", `${name} ${size}`);
      }
    }
  });

  it("reads a filter of a plug-in as a note", () => {
    // Message 0x0b of version 1 (its header: type, size, flags): deflate becomes the filter of a plug-in.
    const file = vector("earliest");
    const at = Buffer.from(file).indexOf(utf8("deflate\0")) - 8;
    file[at] = 0x09;
    file[at + 1] = 0x7d;
    const scanned = scanBytes(formats, file);
    assert.deepEqual([scanned.verdict, scanned.rules], ["clean", ["hdf5.filter-plugin"]]);
  });
});
