/** Archives in which one tool reads what another does not see, and those that ordinary tools write. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";

import { dataOf } from "../../../../../test/models/compressed.ts";
import { tfliteModel } from "../../../../../test/models/flatbuffer.ts";
import { BENIGN, PAYLOAD } from "../../../../../test/models/pickle.ts";
import { scanBytes } from "../../../../../test/models/scan.ts";
import { zipOf, type ZipFields, type ZipParts } from "../../../../../test/models/zip.ts";
import { scanSource } from "../../scan-source.ts";
import { bytesSource } from "../../source.ts";
import { pickleFormat } from "../pickle/pickle.ts";
import { tflite } from "../tflite.ts";
import { zipFormat } from "./zip.ts";

const FORMATS = [zipFormat, pickleFormat];
const scan = (members: readonly ZipFields[], parts?: ZipParts) => scanBytes(FORMATS, zipOf(members, parts));
const benign: ZipFields = { name: "a/data.pkl", data: BENIGN };
/** A member whose Unicode Path field has another name. */
const unicodeNamed = (name: string): ZipFields => {
  const field = Buffer.concat([
    Buffer.from([0x75, 0x70, 5 + Buffer.byteLength(name), 0, 1, 0, 0, 0, 0]),
    Buffer.from(name),
  ]);
  field.writeUInt32LE(crc32(Buffer.from("a/readme")), 5);
  return { name: "a/readme", data: BENIGN, extra: field };
};
const numbers: ZipFields = { name: "a/numbers", data: Buffer.alloc(64, 7) };

describe("archives that ordinary tools write", () => {
  const clean: readonly (readonly [string, readonly ZipFields[], ZipParts?])[] = [
    ["no member", []],
    ["stored members", [benign, numbers]],
    ["deflated members", [{ ...benign, deflate: true }]],
    ["data descriptors", [{ ...benign, deflate: true, descriptor: true }, numbers]],
    ["a comment", [benign], { comment: Buffer.from("made by hand") }],
    ["zeros between members", [benign, numbers], { between: Buffer.alloc(64) }],
    ["a name that its Unicode path spells out", [unicodeNamed("a/r\u00e9adme")]],
    ["an empty folder", [{ name: "a/", data: Buffer.alloc(0) }, benign]],
  ];
  for (const [what, members, parts] of clean) {
    it(`lets ${what} be`, () => assert.deepEqual(scan(members, parts), { verdict: "clean", rules: [], findings: [] }));
  }

  it("lets an archive behind a model of TensorFlow Lite be, and reads the model", () => {
    const prefix = tfliteModel();
    const scanned = (bytes: Uint8Array) => scanBytes([...FORMATS, tflite], zipOf([numbers], { prefix: bytes }));
    assert.deepEqual(scanned(prefix), { verdict: "clean", rules: [], findings: [] });
    assert.ok(scanned(tfliteModel({ custom: "Mine" })).rules.includes("tflite.custom-operator"));
    assert.deepEqual(scanned(Buffer.from("no model")).rules, ["zip.bytes-outside"]);
  });

  it("says that checksums are missing, and does not mind", () => {
    assert.deepEqual(scan([{ ...benign, crc: 0 }]).rules, ["zip.crc-missing"]);
    assert.equal(scan([{ ...benign, crc: 0 }]).verdict, "clean");
  });
});

describe("members of other methods", () => {
  /** Made with zipfile of Python 3.11: a payload as a/data.pkl. */
  const BZIP2 =
    "UEsDBC4AAAAMAAAAIQB0x3xPQAAAABUAAAAKAAAAYS9kYXRhLnBrbEJaaDkxQVkmU1nrZEFKAAAJ08AQEABBEAAOIowgQAQgADFMABNCjTI00eKFdESdhmHipVWS+LuSKcKEh1siClBQSwECLgMuAAAADAAAACEAdMd8T0AAAAAVAAAACgAAAAAAAAAAAAAAgAEAAAAAYS9kYXRhLnBrbFBLBQYAAAAAAQABADgAAABoAAAAAAA=";
  const LZMA =
    "UEsDBD8AAgAOAAAAIQB0x3xPKgAAABUAAAAKAAAAYS9kYXRhLnBrbAkEBQBdAACAAABAAIgDvDC9NN4vXibQafNERVBvA09FAA/7w///NUQAAFBLAQI/Az8AAgAOAAAAIQB0x3xPKgAAABUAAAAKAAAAAAAAAAAAAACAAQAAAABhL2RhdGEucGtsUEsFBgAAAAABAAEAOAAAAFIAAAAAAA==";

  for (const [what, archive] of [
    ["bzip2", BZIP2],
    ["lzma", LZMA],
  ] as const) {
    it(`are read: ${what}`, () => {
      const bytes = Buffer.from(archive, "base64");
      assert.deepEqual(scanBytes(FORMATS, bytes).rules, ["pickle.call-dangerous", "pickle.global-dangerous"]);
    });
  }

  it("are read up to their damage", () => {
    const data = Buffer.concat([PAYLOAD, dataOf("text", 400_000)]);
    const bytes = Buffer.from(zipOf([{ name: "a/data.pkl", data, deflate: true }]));
    bytes.fill(0xff, bytes.length >> 1, bytes.length - 78);
    const { verdict, rules } = scanBytes(FORMATS, bytes);
    assert.deepEqual([verdict, rules.includes("zip.broken")], ["malicious", true]);
  });
});

describe("archives that read differently in different tools", () => {
  const cases: readonly (readonly [string, string, string, readonly ZipFields[], ZipParts?])[] = [
    ["another name in the local header", "malicious", "zip.headers-disagree", [{ ...benign, localName: "a/data.txt" }]],
    ["another method there", "malicious", "zip.headers-disagree", [{ ...benign, localMethod: 8 }]],
    ["encryption in one header", "malicious", "zip.headers-disagree", [{ ...benign, localFlags: 1 }]],
    ["encryption in both, and none", "malicious", "zip.false-encryption", [{ ...benign, flags: 1 }]],
    ["strong encryption in both, and none", "malicious", "zip.false-encryption", [{ ...benign, flags: 0x40 }]],
    ["patched data", "suspicious", "zip.flags", [{ ...benign, flags: 0x20 }]],
    ["a wrong checksum", "suspicious", "zip.crc", [{ ...benign, crc: 1 }]],
    ["more bytes than it says", "malicious", "zip.headers-disagree", [{ ...benign, deflate: true, size: 3 }]],
    ["fewer bytes than it says", "malicious", "zip.headers-disagree", [{ ...benign, deflate: true, size: 300 }]],
    [
      "a member that the directory does not name",
      "malicious",
      "zip.headers-disagree",
      [{ ...numbers, hidden: true }, benign],
    ],
    ["a name that leads up", "malicious", "zip.path-escape", [{ ...numbers, name: "a/../../b" }]],
    ["a name from the root", "malicious", "zip.path-escape", [{ ...numbers, name: "/etc/cron.d/b" }]],
    ["another name in its Unicode path", "malicious", "zip.headers-disagree", [unicodeNamed("a/data.pkl")]],
    ["a Unicode path that leads up", "malicious", "zip.path-escape", [unicodeNamed("../é")]],
    ["a name on a drive", "malicious", "zip.path-escape", [{ ...numbers, name: "C:\\b" }]],
    ["one name twice", "suspicious", "zip.name-twice", [benign, { ...benign, data: Buffer.from("N.") }]],
    ["a link", "suspicious", "zip.link", [{ ...numbers, mode: 0xa1ff }]],
    ["bytes before it", "suspicious", "zip.bytes-outside", [benign], { prefix: Buffer.from("before") }],
    ["bytes behind it", "suspicious", "zip.bytes-outside", [benign], { suffix: Buffer.from("behind") }],
    [
      "bytes between members",
      "suspicious",
      "zip.bytes-outside",
      [benign, numbers],
      { between: Buffer.from("between") },
    ],
    ["another count", "malicious", "zip.headers-disagree", [benign, numbers], { count: 1 }],
    ["a second end record", "malicious", "zip.headers-disagree", [benign], { comment: zipOf([numbers]) }],
  ];
  for (const [what, verdict, rule, members, parts] of cases) {
    it(`sees ${what}`, () => {
      const found = scan(members, parts);
      assert.ok(found.rules.includes(rule), found.rules.join());
      assert.equal(found.verdict, verdict);
    });
  }

  it("sees two members at one place", () => {
    const bytes = Buffer.from(zipOf([numbers, { ...numbers, name: "b/numbers" }]));
    const second = bytes.lastIndexOf("PK\u0001\u0002");
    bytes.writeUInt32LE(0, second + 42);
    assert.ok(scanBytes(FORMATS, bytes).rules.includes("zip.overlap"));
  });

  it("sees a member inside of another", () => {
    const inner = zipOf([numbers]);
    const bytes = Buffer.from(zipOf([{ name: "outer", data: inner }, numbers]));
    const second = bytes.lastIndexOf("PK\u0001\u0002");
    bytes.writeUInt32LE(bytes.indexOf("PK\u0003\u0004", 4), second + 42);
    assert.ok(scanBytes(FORMATS, bytes).rules.includes("zip.overlap"));
  });
});

describe("payloads in archives", () => {
  const payload: ZipFields = { name: "a/data.pkl", data: PAYLOAD };
  const hidden: readonly (readonly [string, readonly ZipFields[], ZipParts?])[] = [
    ["a member", [payload]],
    ["a deflated member", [{ ...payload, deflate: true }]],
    ["a member with another suffix", [{ ...payload, name: "readme.txt" }]],
    ["a member with a wrong checksum", [{ ...payload, crc: 1 }]],
    ["a member that pretends to be encrypted", [{ ...payload, flags: 1 }]],
    ["a member that the directory does not name", [benign, { ...payload, hidden: true }]],
    ["an archive in an archive", [{ name: "inner.zip", data: zipOf([payload]) }]],
    ["bytes before the archive", [benign], { prefix: PAYLOAD }],
    ["bytes behind it", [benign], { suffix: PAYLOAD }],
    ["bytes between members", [benign, numbers], { between: PAYLOAD }],
    ["the comment of the archive", [benign], { comment: PAYLOAD }],
    ["a storage that no pickle names", [benign, { name: "a/data/0", data: PAYLOAD }]],
  ];
  for (const [where, members, parts] of hidden) {
    it(`are found in ${where}`, () => {
      const { rules, verdict } = scan(members, parts);
      assert.ok(rules.includes("pickle.call-dangerous"), rules.join());
      assert.equal(verdict, "malicious");
    });
  }

  it("are found where the end of the archive is cut off", () => {
    const bytes = zipOf([payload]);
    const { rules, verdict } = scanBytes(FORMATS, bytes.subarray(0, bytes.length - 30));
    assert.ok(rules.includes("zip.broken") && rules.includes("pickle.call-dangerous"), rules.join());
    assert.equal(verdict, "malicious");
  });
});

describe("what is not read", () => {
  const cases: readonly (readonly [string, string, ZipFields])[] = [
    ["an encrypted member", "zip.encrypted", { ...benign, flags: 1, crc: 5 }],
    ["an unknown method", "zip.method", { ...benign, localMethod: 0 }],
    ["a damaged stream", "zip.broken", { ...benign, localMethod: 8 }],
  ];
  for (const [what, rule, member] of cases) {
    it(`makes ${what} inconclusive at best`, () => {
      const bytes = Buffer.from(zipOf([member]));
      const method = rule === "zip.method" ? 97 : rule === "zip.broken" ? 8 : 0;
      bytes.writeUInt16LE(method, bytes.indexOf("PK\u0001\u0002") + 10);
      bytes.writeUInt16LE(method, 8);
      const found = scanBytes(FORMATS, bytes);
      assert.ok(found.rules.includes(rule), found.rules.join());
      assert.notEqual(found.verdict, "clean");
    });
  }

  it("stops at the limits, by name", () => {
    const limits = { bytes: 100, members: 3, steps: 100_000, depth: 2, findings: 10 };
    const many = Array.from({ length: 5 }, (_, index) => ({ ...numbers, name: `m${index}` }));
    const deep = zipOf([{ name: "1.zip", data: zipOf([{ name: "2.zip", data: zipOf([numbers]) }]) }]);
    const large = zipOf([{ name: "large", data: Buffer.alloc(1_000), deflate: true }]);
    for (const [bytes, rule] of [
      [zipOf(many), "scan.limit-members"],
      [deep, "scan.limit-depth"],
      [large, "scan.limit-bytes"],
    ] as const) {
      const { verdict, findings } = scanSource(bytesSource(bytes), "x.zip", { formats: FORMATS, limits });
      assert.deepEqual([verdict, findings.map((finding) => finding.rule.id)], ["inconclusive", [rule]]);
    }
  });
});
