/** Arrays of numpy, archives of tar, compressed streams, and archives of torch. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import * as p from "../../../../test/models/pickle.ts";
import { scanBytes } from "../../../../test/models/scan.ts";
import { zipOf } from "../../../../test/models/zip.ts";
import { compressedFormat } from "./compressed.ts";
import { npyFormat } from "./npy.ts";
import { Op } from "./pickle/opcodes.ts";
import { pickleFormat } from "./pickle/pickle.ts";
import { tarFormat } from "./tar.ts";
import { zipFormat } from "./zip/zip.ts";

const FORMATS = [zipFormat, tarFormat, compressedFormat, pickleFormat, npyFormat];
const scan = (...parts: readonly p.Part[]) => scanBytes(FORMATS, p.assemble(...parts));

function npy(header: string, body: Uint8Array): Uint8Array {
  return p.assemble("\x93NUMPY\x01\x00", header.length % 256, Math.floor(header.length / 256), header, body);
}

const described = (descr: string, shape = "(3,)"): string =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }\n`;

describe("arrays of numpy", () => {
  const clean: readonly (readonly [string, string, Uint8Array])[] = [
    ["numbers", described("'<f8'"), Buffer.alloc(24)],
    ["no dimension", described("'<i4'", "()"), Buffer.alloc(4)],
    ["texts", described("'<U2'", "(1, 2)"), Buffer.alloc(16)],
    ["times", described("'<M8[ns]'"), Buffer.alloc(24)],
    ["fields", described("[('a', '<f8'), ('b', '|u1', (2,))]"), Buffer.alloc(30)],
  ];
  for (const [what, header, body] of clean) {
    it(`lets ${what} be`, () =>
      assert.deepEqual(scan(npy(header, body)), { verdict: "clean", rules: [], findings: [] }));
  }

  it("reads the pickle of an array of objects", () => {
    assert.equal(scan(npy(described("'|O'"), p.BENIGN)).verdict, "clean");
    assert.equal(scan(npy(described("'|O'"), p.PAYLOAD)).verdict, "malicious");
    assert.equal(scan(npy(described("[('a', '|O')]"), p.PAYLOAD)).verdict, "malicious");
  });

  it("reads a pickle behind a header that says numbers", () => {
    const { rules, verdict } = scan(npy(described("'<f8'"), p.PAYLOAD));
    assert.ok(rules.includes("npy.header-lie"));
    assert.equal(verdict, "malicious");
    assert.equal(scan(npy(described("'<f8'"), p.BENIGN)).verdict, "suspicious");
  });

  it("is suspicious of a header that is code", () => {
    for (const header of [
      "__import__('os').system('id')",
      "{'descr': eval('1'), 'fortran_order': False, 'shape': ()}",
      "{}",
    ]) {
      assert.deepEqual(scan(npy(header, Buffer.alloc(8))).rules.includes("npy.header"), true);
    }
  });

  it("does not call clean what is cut short", () => {
    assert.equal(scan(npy(described("'<f8'"), Buffer.alloc(23))).verdict, "inconclusive");
    assert.equal(scan("\x93NUMPY\x01\x00\xff\xff").verdict, "inconclusive");
    assert.equal(scan("\x93NUMPY").verdict, "inconclusive");
    assert.equal(scan(npy(described("'<f8'"), Buffer.alloc(24)), p.PAYLOAD).verdict, "malicious");
    assert.equal(scan("\x93NUMPY\x02\x00\xff\xff\xff\x00", p.PAYLOAD).verdict, "malicious");
  });
});

interface TarFields {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly type?: string;
  readonly link?: string;
  readonly size?: number;
}

function tar(...members: readonly TarFields[]): Uint8Array {
  const blocks = members.flatMap(({ name, data = new Uint8Array(0), type = "0", link = "", size = data.length }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write("0000644\0", 100);
    header.write(`${size.toString(8).padStart(11, "0")} `, 124);
    header.write(type, 156);
    header.write(link, 157);
    header.write("ustar\u000000", 257, "latin1");
    header.write("        ", 148);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1_024)]);
}

describe("archives of tar", () => {
  it("reads members", () => {
    assert.equal(scan(tar({ name: "a/pickle", data: p.BENIGN })).verdict, "clean");
    assert.equal(scan(tar({ name: "a/pickle", data: p.PAYLOAD })).verdict, "malicious");
    assert.equal(scan(tar({ name: "a/folder", data: p.PAYLOAD, type: "5" })).verdict, "malicious");
  });

  const bad: readonly (readonly [string, string, TarFields])[] = [
    ["a name that leads up", "tar.path-escape", { name: "../x", data: p.BENIGN }],
    ["a name from the root", "tar.path-escape", { name: "/x", data: p.BENIGN }],
    ["a link that leads up", "tar.link-escape", { name: "a/x", type: "2", link: "../../x" }],
    ["a link to the root", "tar.link-escape", { name: "x", type: "2", link: "/etc/passwd" }],
    ["a hard link that leads up", "tar.link-escape", { name: "a/x", type: "1", link: "../x" }],
    ["a device", "tar.special-file", { name: "x", type: "3" }],
    ["a size past the end", "tar.broken", { name: "x", data: p.BENIGN, size: 9_999 }],
  ];
  for (const [what, rule, member] of bad) {
    it(`sees ${what}`, () => {
      const { rules, verdict } = scan(tar(member));
      assert.ok(rules.includes(rule), rules.join());
      assert.notEqual(verdict, "clean");
    });
  }

  it("reads what stands behind the end", () => {
    const behind = Buffer.concat([Buffer.alloc(1_024), p.PAYLOAD]);
    assert.equal(scan(tar({ name: "a", data: p.BENIGN }), behind).verdict, "malicious");
  });

  it("lets a link inside of the archive be", () => {
    assert.equal(scan(tar({ name: "a/b/x", type: "2", link: "../c" })).verdict, "clean");
  });

  it("takes long names from the members before", () => {
    const long = tar({ name: "././@LongLink", data: Buffer.from("../long\0"), type: "L" }).subarray(0, 1_024);
    assert.ok(scan(long, tar({ name: "short", data: p.BENIGN })).rules.includes("tar.path-escape"));
    const pax = tar({ name: "pax", data: Buffer.from("16 path=../long\n"), type: "x" }).subarray(0, 1_024);
    assert.ok(scan(pax, tar({ name: "short", data: p.BENIGN })).rules.includes("tar.path-escape"));
  });
});

describe("compressed streams", () => {
  // Long enough to be one: the two bytes of zlib's header are no mark by themselves.
  const benign = p.assemble(p.proto(2), p.text("learning_rate"), Op.STOP);

  for (const [what, compress] of [
    ["gzip", gzipSync],
    ["zlib", deflateSync],
    ["zstd", zstdCompressSync],
  ] as const) {
    it(`reads ${what}`, () => {
      assert.deepEqual(scan(compress(benign)), { verdict: "clean", rules: [], findings: [] });
      assert.equal(scan(compress(p.PAYLOAD)).verdict, "malicious");
      assert.equal(scan(gzipSync(compress(p.PAYLOAD))).verdict, "malicious");
    });
  }

  it("reads what stands behind a stream, and what comes before its damage", () => {
    assert.equal(scan(gzipSync(p.BENIGN), gzipSync(p.PAYLOAD)).verdict, "malicious");
    assert.equal(scan(deflateSync(benign), p.PAYLOAD).verdict, "malicious");
    const cut = gzipSync(Buffer.concat([p.PAYLOAD, Buffer.alloc(1_000, "x")]));
    assert.equal(scan(cut.subarray(0, cut.length - 8)).verdict, "malicious");
  });

  it("takes a wrong check sum for damage, and scans what came out", () => {
    const wrong = deflateSync(p.PAYLOAD);
    wrong[wrong.length - 1] = 0xff & ~(wrong.at(-1) as number);
    assert.deepEqual(scan(wrong).rules.includes("compressed.broken"), true);
    assert.equal(scan(wrong).verdict, "malicious");
  });

  it("reads joblib's older files", () => {
    const header = `ZF0x${"0".repeat(17)}`;
    assert.equal(scan(header.slice(0, 19), "  ", deflateSync(p.PAYLOAD)).verdict, "malicious");
  });

  it("names what it does not open, and searches it", () => {
    for (const magic of ["LZIP\x01", "\x1f\x9d\x90", "\xff\x06\0\0sNaPpY", "MSCF\0\0\0\0", "!<arch>\n"]) {
      assert.notEqual(scan(magic, "\0".repeat(40)).verdict, "clean");
      assert.equal(scan(magic, "\0".repeat(40), p.PAYLOAD).verdict, "malicious");
    }
    for (const magic of ["BZh91AY&SY", "\xfd7zXZ\0", "\x04\x22\x4d\x18", "7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07"]) {
      assert.notEqual(scan(magic, "\0".repeat(40)).verdict, "clean");
      assert.equal(scan(magic, "\0".repeat(40), p.PAYLOAD).verdict, "malicious");
    }
  });

  it("gives up a bomb by name", () => {
    const limits = { bytes: 1_000_000, members: 10, steps: 1_000_000, depth: 8, findings: 10 };
    const bomb = gzipSync(Buffer.alloc(2_000_000));
    assert.deepEqual(scanBytes(FORMATS, bomb, "x", limits).rules, ["scan.limit-bytes"]);
  });
});

describe("archives of torch", () => {
  const tensor = (bytes: number): Uint8Array =>
    p.assemble(
      [p.proto(2), "(", p.text("storage"), p.global("torch", "ByteStorage"), p.text("0"), p.text("cpu")],
      [Op.BININT2, bytes % 256, Math.floor(bytes / 256), "tQ."],
    );
  // Raw numbers that look like a payload are numbers, where the pickle says that they are.
  const archive = (bytes: number, data: Uint8Array): Uint8Array =>
    zipOf([
      { name: "model/data.pkl", data: tensor(bytes) },
      { name: "model/data/0", data },
      { name: "model/version", data: Buffer.from("3\n") },
    ]);

  it("leaves storages alone that the pickle names", () => {
    assert.deepEqual(scan(archive(p.PAYLOAD.length, p.PAYLOAD)), { verdict: "clean", rules: [], findings: [] });
  });

  it("reads a storage that is not what the pickle says", () => {
    assert.equal(scan(archive(p.PAYLOAD.length + 1, p.PAYLOAD)).verdict, "malicious");
  });

  const script = (code: string): Uint8Array =>
    zipOf([
      { name: "model/constants.pkl", data: p.assemble(p.proto(2), ").") },
      { name: "model/code/__torch__/m.py", data: Buffer.from(code) },
    ]);

  it("reads code of TorchScript for what reaches outside", () => {
    assert.equal(
      scan(script("class M(Module):\n  def forward(self, x):\n    return torch.relu(x)\n")).verdict,
      "clean",
    );
    assert.deepEqual(scan(script("_0 = torch.from_file(path, True)\n")).rules, ["torchscript.file-access"]);
    assert.deepEqual(scan(script("_0 = ops.aten.save(x, path)\n")).rules, ["torchscript.file-access"]);
    assert.deepEqual(scan(script("_0 = ops.mine.run(x)\n")).rules, ["torchscript.custom-operator"]);
    const mobile = zipOf([
      { name: "m/data.pkl", data: p.BENIGN },
      { name: "m/bytecode.pkl", data: p.assemble(p.proto(2), p.text("aten::from_file"), p.text("path"), "\x86.") },
    ]);
    assert.deepEqual(scan(mobile).rules, ["torchscript.file-access"]);
  });

  it("is suspicious of torch.package", () => {
    const bytes = zipOf([
      { name: "p/.data/extern_modules", data: Buffer.from("sys\n") },
      { name: "p/model/data.pkl", data: p.BENIGN },
    ]);
    assert.deepEqual(scan(bytes).rules, ["torch.package"]);
  });

  it("takes older files with raw storages behind the pickles", () => {
    const storage = Buffer.concat([Buffer.from([60, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(60, 0x63)]);
    assert.deepEqual(scan(p.BENIGN, tensor(60), storage).rules, []);
    const other = Buffer.concat([Buffer.from([61, 0, 0, 0, 0, 0, 0, 0]), storage.subarray(8)]);
    assert.deepEqual(scan(p.BENIGN, tensor(60), other).rules, ["pickle.bytes-behind"]);
    assert.deepEqual(scan(p.BENIGN, tensor(60), storage, "x").rules, ["pickle.bytes-behind"]);
  });
});
