/** gzip and zlib: members and what stands between them, and what comes out of a stream up to its damage. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";

import {
  assertStopsAtRoom,
  changed,
  dataOf,
  scanPacked,
  unpack,
  unpackDamaged,
} from "../../../../../test/models/compressed.ts";
import * as p from "../../../../../test/models/pickle.ts";
import { readGzip, readZlib } from "./deflate.ts";

const TEXT = dataOf("text", 70_001);
/** Words at the start, and behind them a noise that is packed into blocks of its own. */
const LONG = Buffer.concat([p.PAYLOAD, dataOf("text", 100_000), dataOf("random", 300_000)]);

/** A header of gzip with every field that it may have: extra bytes, a name, a comment, a sum. */
const withFields = (stream: Buffer): Buffer => {
  const copy = Buffer.concat([
    stream.subarray(0, 10),
    Buffer.from("\u0003\0abcname\0comment\0ss", "latin1"),
    stream.subarray(10),
  ]);
  copy[3] = 0x1e;
  return copy;
};

describe("gzip and zlib", () => {
  it("give back what was packed, and say where it ends", () => {
    for (const [reader, stream] of [
      [readGzip, gzipSync(TEXT)],
      [readGzip, withFields(gzipSync(TEXT))],
      [readZlib, deflateSync(TEXT)],
      [readZlib, deflateSync(TEXT, { level: 0 })],
    ] as const) {
      const { bytes, used, why } = unpack(reader, Buffer.concat([stream, Buffer.from("behind")]));
      assert.deepEqual([why, used, Buffer.compare(bytes, TEXT)], [undefined, stream.length, 0]);
    }
  });

  it("read members that follow one another as one, with zeros between them", () => {
    const members = Buffer.concat([gzipSync("one"), Buffer.alloc(9), gzipSync("two")]);
    const { bytes, used } = unpack(readGzip, members);
    assert.deepEqual([Buffer.from(bytes).toString(), used], ["onetwo", members.length]);
  });

  it("scan what stands behind a member and is none", () => {
    assert.equal(scanPacked(Buffer.concat([gzipSync(p.BENIGN), p.PAYLOAD])).verdict, "malicious");
  });

  for (const [what, reader, stream, why] of [
    ["gzip with another check sum", readGzip, changed(gzipSync("x"), -8, 1), "damaged: check sum of the content"],
    ["gzip with another length", readGzip, changed(gzipSync("x"), -1, 1), "damaged: length of the content"],
    ["gzip without its end", readGzip, gzipSync("x").subarray(0, -1), "damaged: cut short"],
    ["gzip that is cut in its header", readGzip, withFields(gzipSync("x")).subarray(0, 20), "damaged: cut short"],
    ["gzip with flags of later", readGzip, changed(gzipSync("x"), 3, 0x80), "unsupported: flags of a later version"],
    ["zlib with another check sum", readZlib, changed(deflateSync("x"), -1, 1), "damaged: check sum of the content"],
    ["zlib that is cut", readZlib, deflateSync(TEXT).subarray(0, 100), "damaged: cut short"],
    ["zlib with a dictionary", readZlib, Buffer.from([0x78, 0xbb, 0, 0, 0, 0]), "unsupported: a dictionary"],
  ] as const) {
    it(`${what}: ${why}`, () => assert.equal(unpack(reader, stream).why, why));
  }

  it("give what comes before the damage", () => {
    for (const [reader, stream] of [
      [readGzip, gzipSync(LONG)],
      [readZlib, deflateSync(LONG)],
    ] as const) {
      const damaged = Uint8Array.from(stream).fill(0xff, stream.length - 5_000, stream.length - 4_000);
      const { bytes, why } = unpack(reader, damaged);
      assert.ok(why?.startsWith("damaged"), why);
      assert.ok(bytes.length > 300_000, `${bytes.length} bytes`);
      assert.equal(Buffer.compare(bytes.subarray(0, 200_000), LONG.subarray(0, 200_000)), 0);
      assert.equal(scanPacked(damaged).verdict, "malicious");
      assert.equal(scanPacked(stream.subarray(0, stream.length >> 1)).verdict, "malicious");
    }
  });

  it("give what there is room for", () => {
    assertStopsAtRoom(readGzip, gzipSync(new Uint8Array(10_000_000)), 1_000_000);
  });

  it("end on whatever is damaged", async () => {
    for (const [reader, stream] of [
      [readGzip, gzipSync(TEXT)],
      [readZlib, deflateSync(TEXT)],
    ] as const) {
      assert.ok((await unpackDamaged(reader, [stream, stream.subarray(0, 300)], 300)).longest < 2_000);
    }
  });
});
