/** What becomes of formats that fail, of findings that repeat, and of bytes that end too soon. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { ScanRule } from "./finding.ts";
import type { Format, ScanContext } from "./format.ts";
import { DEFAULT_SCAN_LIMITS } from "./limits.ts";
import { printable } from "./printable.ts";
import { ByteReader, TooLong, Truncated } from "./reader.ts";
import { scanSource } from "./scan-source.ts";
import { bytesSource, sliceSource, type Source } from "./source.ts";

const SOURCE = bytesSource(Buffer.from("abc"));

function rule(verdict: ScanRule["verdict"], id = `test.${verdict}`): ScanRule {
  return { id, severity: "high", verdict, why: "it is tested", remedy: "nothing", references: [] };
}

function format(scan: (source: Source, context: ScanContext) => void, sniff = (): boolean => true): Format {
  return { id: "test", rules: [], sniff, scan };
}

const scanWith = (formats: readonly Format[], limits = DEFAULT_SCAN_LIMITS) =>
  scanSource(SOURCE, "folder/file.bin", { formats, limits });

describe("a scan", () => {
  it("is of no model where no format claims it, and clean where one does and finds nothing", () => {
    assert.equal(
      scanWith([
        format(
          () => {},
          () => false,
        ),
      ]).verdict,
      "not-a-model",
    );
    assert.deepEqual(scanWith([format(() => {})]), { verdict: "clean", findings: [], formats: ["test"] });
  });

  it("takes the worst of all findings of all formats", () => {
    const order = ["note", "inconclusive", "suspicious", "malicious"] as const;
    const verdicts = order.map(
      (_, index) =>
        scanWith(order.slice(0, index + 1).map((verdict) => format((_source, { report }) => report(rule(verdict)))))
          .verdict,
    );
    assert.deepEqual(verdicts, ["clean", "inconclusive", "suspicious", "malicious"]);
  });

  it("makes an error inconclusive, also one of a format that only looks, and goes on", () => {
    const fails = (): never => {
      throw new Error("no\u0007good");
    };
    for (const failing of [format(fails), format(() => {}, fails)]) {
      const { verdict, findings } = scanWith([failing, format((_, { report }) => report(rule("note")))]);
      assert.equal(verdict, "inconclusive");
      assert.deepEqual(
        findings.map(({ rule, detail }) => [rule.id, detail]),
        [
          ["scan.unreadable", "test: no\\x07good"],
          ["test.note", undefined],
        ],
      );
    }
  });

  it("says each thing of each member once, and where it is", () => {
    const nested = format((source, { name, report, member }) => {
      report(rule("note"), { offset: 1, detail: name });
      report(rule("note"), { offset: 2, detail: name });
      if (name !== "inner") member("a/inner", sliceSource(source, 1, 1));
    });
    assert.deepEqual(
      scanWith([nested]).findings.map(({ members, offset, detail }) => [members, offset, detail]),
      [
        [[], 1, "file.bin"],
        [["a/inner"], 1, "inner"],
      ],
    );
  });

  it("stops at its limits, each by name, and never loses what is malicious", () => {
    const endless = format((source, { member }) => member("again", source));
    const limits = { ...DEFAULT_SCAN_LIMITS, depth: 3, findings: 2 };
    assert.deepEqual(
      scanWith([endless], limits).findings.map(({ rule }) => rule.id),
      ["scan.limit-depth"],
    );
    const many = format((_, { report }) => {
      for (let index = 0; index < 9; index++) report(rule("note"), { detail: String(index) });
      report(rule("malicious"));
    });
    const { verdict, findings } = scanWith([many], limits);
    assert.equal(verdict, "malicious");
    assert.deepEqual(
      findings.map(({ rule }) => rule.id),
      ["test.note", "test.note", "scan.limit-findings", "test.malicious"],
    );
    const spends = format((_, { spend }) => assert.equal(spend("steps", 11), false));
    assert.equal(scanWith([spends], { ...limits, steps: 10 }).verdict, "inconclusive");
  });
});

describe("what a file says of itself", () => {
  it("is shown without what steers terminals, and cut where it is long", () => {
    assert.equal(printable("a\u001b[2Jb\u202Ec\ud800"), "a\\x1b[2Jb\\u{202e}c\\u{d800}");
    assert.equal(printable("é 中 😀"), "é 中 😀");
    assert.equal(printable("x".repeat(201)).length, 200);
    assert.ok(printable("\u0000".repeat(200)).length <= 200);
  });
});

describe("the reader", () => {
  it("reads numbers of both orders of bytes", () => {
    const reader = new ByteReader(bytesSource(Uint8Array.of(1, 2, 3, 4, 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff)));
    assert.deepEqual([reader.u16(), reader.u16(true)], [0x0201, 0x0304]);
    assert.equal(reader.u64(), 0xffff_ffff_0403_0201n);
    assert.throws(() => reader.u8(), Truncated);
  });

  it("reads lines and bytes over the edges of its window", () => {
    const bytes = Buffer.alloc(600_000, "x");
    bytes[300_000] = 0x0a;
    const reader = new ByteReader(bytesSource(bytes));
    assert.equal(reader.line(10)?.length, 10);
    assert.equal(reader.position, 300_001);
    assert.equal(reader.line(10), undefined);
    reader.position = 250_000;
    assert.deepEqual(Buffer.from(reader.bytes(50_001)), bytes.subarray(250_000, 300_001));
  });

  it("never reads past the end, nor more than it may", () => {
    const reader = new ByteReader(SOURCE, 1);
    for (const length of [3, 2 ** 40, -1, Number.NaN]) {
      assert.throws(() => reader.skip(length), Truncated);
      assert.throws(() => reader.bytes(length), Truncated);
    }
    const large = new ByteReader({ size: 2 ** 40, read: () => new Uint8Array(0) });
    assert.throws(() => large.bytes(2 ** 30), TooLong);
    assert.equal(new ByteReader(SOURCE, 9).left, 0);
    const ones = new ByteReader(bytesSource(Buffer.alloc(8, 0xff)));
    assert.throws(() => ones.length64(), Truncated);
  });
});
