/** zstd: frames that follow one another, those that are left out, and what comes out of a frame up to its damage. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, zstdCompressSync } from "node:zlib";

import { changed, dataOf, scanPacked, unpack, unpackDamaged } from "../../../../../test/models/compressed.ts";
import * as p from "../../../../../test/models/pickle.ts";
import { readZstd } from "./zstd.ts";

const summed = (bytes: Uint8Array): Buffer =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const skipped = (length: number, kind = 0): Buffer =>
  Buffer.concat([
    Buffer.from([0x50 + kind, 0x2a, 0x4d, 0x18, length & 0xff, length >>> 8, 0, 0]),
    Buffer.alloc(length, 7),
  ]);
const LONG = Buffer.concat([p.PAYLOAD, dataOf("random", 600_000)]);

describe("zstd", () => {
  it("reads frames that follow one another as one, past those to be skipped", () => {
    const frames = Buffer.concat([
      skipped(5_000),
      zstdCompressSync(Buffer.from("one")),
      skipped(0, 15),
      summed(Buffer.from("two")),
    ]);
    const { bytes, used } = unpack(readZstd, Buffer.concat([frames, Buffer.from("behind")]));
    assert.deepEqual([Buffer.from(bytes).toString(), used], ["onetwo", frames.length]);
  });

  it("is scanned in all of its frames, and behind them", () => {
    const benign = zstdCompressSync(p.BENIGN);
    assert.deepEqual(scanPacked(benign), { verdict: "clean", rules: [], findings: [] });
    assert.equal(scanPacked(Buffer.concat([skipped(5_000), zstdCompressSync(p.PAYLOAD)])).verdict, "malicious");
    assert.equal(scanPacked(Buffer.concat([benign, zstdCompressSync(p.PAYLOAD)])).verdict, "malicious");
    assert.equal(scanPacked(Buffer.concat([benign, p.PAYLOAD])).verdict, "malicious");
  });

  for (const [what, stream, why] of [
    ["has another check sum", changed(summed(LONG), -1, 1), "damaged: its blocks"],
    ["is cut short", summed(LONG).subarray(0, -1), "damaged: cut short"],
    ["needs a dictionary", changed(summed(LONG), 4, 1), "unsupported: a dictionary"],
    ["has no header", Buffer.from("nothing"), "damaged: no header"],
  ] as const) {
    it(`that ${what}: ${why}`, () => assert.equal(unpack(readZstd, stream).why, why));
  }

  it("gives what comes before the damage", () => {
    const stream = zstdCompressSync(LONG);
    const { bytes, why } = unpack(readZstd, stream.subarray(0, -100_000));
    assert.equal(why, "damaged: cut short");
    assert.ok(bytes.length >= 393_216, `${bytes.length} bytes`);
    assert.equal(Buffer.compare(bytes, LONG.subarray(0, bytes.length)), 0);
    // The header of the fourth block, which says a kind that there is none of.
    const damaged = changed(stream, 4 + 1 + 4 + 3 * (3 + 131_072), 0x06);
    assert.ok(unpack(readZstd, damaged).bytes.length >= 393_216);
    assert.equal(scanPacked(damaged).verdict, "malicious");
  });

  it("ends on whatever is damaged", async () => {
    const streams = [summed(dataOf("text", 70_001)), zstdCompressSync(p.PAYLOAD), skipped(9)];
    assert.ok((await unpackDamaged(readZstd, streams, 300)).longest < 2_000);
  });
});
