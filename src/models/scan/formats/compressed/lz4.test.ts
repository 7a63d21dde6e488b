/** LZ4: damage by name first, then frames of the reference's Python module, which the reader must give back byte by byte. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  assertEnds,
  assertRoundTrips,
  assertStopsAtBudget,
  assertStopsAtRoom,
  base64,
  changed,
  dataOf,
  moduleMissing,
  scanPacked,
  unpack,
} from "../../../../../test/models/compressed.ts";
import * as p from "../../../../../test/models/pickle.ts";
import { readLz4 } from "./lz4.ts";

/** Made with lz4.frame.compress of python-lz4 4: TEXT with sums of its blocks and its content. */
const EMPTY = base64("BCJNGGBAggAAAAA=");
const BENIGN = base64("BCJNGGhACgAAAAAAAABHCgAAgIACfYwBYUsBcy4AAAAA");
const PAYLOAD = base64("BCJNGGRApxUAAICAAmNvcwpzeXN0ZW0KKIwCaWR0Ui4AAAAA0jmLPQ==");
const TEXT = base64(
  "BCJNGHxA3AUAAAAAAACMuQEAAPIKYSBtb2RlbCAKYXJlIHdlaWdodHMgcmVhZAUACRIAYnRoZSBhcgQAAREABQkAFAooAAwIAAAzACBvZgMADUoAAkIAA38A" +
    "BBEAACoAFQpOACVvZiEAD4kAAidvZqsAABEAFQpEAAQwACZhcrQAATcAB3EAB18ACP4AClYAAyEAJG9mcgAJigAM8AAGEgEVCqoABK4ACZMAB1cAB5IAAcQA" +
    "AL8AAA0AFgomAQfsAARSAB4KpAAIZQAFbQAKwAAFGAEERwAKQAEImwAIVgAIpAAUCg0ADgEBDnAADEQBCVwBBh0CEwovAAxGABwKEQAMDwIN0AAMMQAOkQIL" +
    "jQEIzQAB3wAPBQMHDiQDCN8BBRgBDEgCB64CCW4ADSABDnoAAuUBAQkCDuEABVUBBPUCCOACDM4BCBwAAlUACB4ALgp3VgAEhwIN9gMJZwALCAAYCh0ACPEC" +
    "DR4BAWwBB70ACngBDvoDBOEAB4IDDNADDBAADU4CC3wEApQBAtQCCOEALG9mpAMKKgMKwgIJNQIB6wABTgAO9gMMXAIGxgMEBwEMsQAL8AAGDQII8gEM4gKg" +
    "b2YgYSBtb2RlbC8kx0oAAAAAUvzEPQ==",
);

/** The header without a length or sums, its own sum as XXH32 has it; `independent` blocks or not, of 64 KiB. */
const header = (independent: boolean): Buffer =>
  Buffer.from(independent ? [4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82] : [4, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0]);

/** A frame of blocks. */
const frameOf = (independent: boolean, ...blocks: readonly (readonly number[])[]): Buffer =>
  Buffer.concat([
    header(independent),
    ...blocks.flatMap((block) => [Buffer.from([block.length, 0, 0, 0]), Buffer.from(block)]),
    Buffer.alloc(4),
  ]);

/** "abcd", and a block that repeats 4 of the bytes `distance` before it, then ends with "x". */
const repeating = (independent: boolean, distance: number): Buffer =>
  frameOf(independent, [0x40, 97, 98, 99, 100], [0x00, distance, 0, 0x10, 120]);

/** A block of 1,000,000 zeros in 4 kB, and nothing behind it: more than its 64 KiB. */
const BOMB = Buffer.concat([
  header(true),
  Buffer.from([0xa8, 0x0f, 0, 0, 0x1f, 0, 1, 0]),
  Buffer.alloc(4_003, 0xff),
  Buffer.alloc(1),
]);

const SKIPPED = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 0x88, 0x13, 0, 0, ...new Uint8Array(5_000)]);

describe("LZ4 behind a frame that is skipped", () => {
  it("is read, and scanned", () => {
    assert.equal(unpack(readLz4, Buffer.concat([SKIPPED, TEXT])).used, SKIPPED.length + TEXT.length);
    assert.equal(scanPacked(Buffer.concat([SKIPPED, PAYLOAD])).verdict, "malicious");
  });
});

describe("LZ4 that is damaged", () => {
  for (const [what, stream, why] of [
    ["is cut short in a block", TEXT.subarray(0, 60), "damaged: cut short"],
    ["is cut short before its end", TEXT.subarray(0, -1), "damaged: cut short"],
    ["has another check sum of the header", changed(TEXT, 14, 1), "damaged: check sum of the header"],
    ["has another check sum of a block", changed(TEXT, -9, 1), "damaged: check sum of a block"],
    ["has another check sum of the content", changed(TEXT, -1, 1), "damaged: check sum of the content"],
    ["has a size of blocks that is none", changed(TEXT, 5, 0x40), "damaged: size of blocks"],
    ["is of a later version", changed(TEXT, 4, 0xc0), "unsupported: version 2"],
    ["has flags of a later version", changed(TEXT, 4, 2), "unsupported: flags of a later version"],
    ["needs a dictionary", changed(TEXT, 4, 1), "unsupported: a dictionary"],
    ["reaches before an independent block", repeating(true, 4), "damaged: a distance before the window"],
    ["reaches before the frame", repeating(false, 5), "damaged: a distance before the window"],
    ["reaches nowhere", repeating(false, 0), "damaged: a distance before the window"],
    ["has a block that unpacks to more than its size", BOMB, "damaged: longer than a block"],
    [
      "declares a block of 1 GiB",
      Buffer.concat([header(true), Buffer.from([0, 0, 0, 0x40])]),
      "damaged: length of a block",
    ],
  ] as const) {
    it(`${what}: ${why}`, () => {
      assert.equal(unpack(readLz4, stream).why, why);
      assert.equal(scanPacked(stream).verdict, "inconclusive");
    });
  }

  it("gives what came out before the damage", () => {
    const { bytes, why } = unpack(readLz4, Buffer.concat([TEXT, PAYLOAD.subarray(0, -1)]));
    assert.equal(why, "damaged: cut short");
    assert.deepEqual(Buffer.from(bytes), Buffer.concat([dataOf("text", 1_500), p.PAYLOAD]));
    assert.equal(scanPacked(PAYLOAD.subarray(0, -1)).verdict, "malicious");
  });

  it("ends, and throws nothing else", async () => {
    const seeds = [EMPTY, BENIGN, PAYLOAD, TEXT, BOMB, repeating(false, 4)];
    await assertEnds(readLz4, seeds, 1_500);
  });
});

describe("LZ4 that is too much", () => {
  it("stops where its room ends", () => {
    assertStopsAtRoom(readLz4, TEXT, 1_000);
  });

  it("stops where the budget of the file ends, and is inconclusive", () => {
    assertStopsAtBudget(Buffer.concat(Array.from({ length: 10 }, () => TEXT)), 10_000);
  });
});

describe("LZ4", () => {
  it("reads frames with sums, of blocks that depend on one another, and of nothing", () => {
    assert.deepEqual(unpack(readLz4, TEXT).bytes, dataOf("text", 1_500));
    assert.deepEqual(Buffer.from(unpack(readLz4, repeating(false, 4)).bytes), Buffer.from("abcdabcdx"));
    assert.deepEqual(unpack(readLz4, EMPTY), { bytes: new Uint8Array(), used: EMPTY.length, why: undefined });
  });

  it("reads frames that follow one another as one, past skippable ones, and says where they end", () => {
    const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const frames = Buffer.concat([BENIGN, skippable, EMPTY, TEXT]);
    const { bytes, used } = unpack(readLz4, Buffer.concat([frames, skippable, Buffer.from("rest")]));
    assert.deepEqual(Buffer.from(bytes), Buffer.concat([p.BENIGN, dataOf("text", 1_500)]));
    assert.equal(used, frames.length);
  });

  it("is scanned like the file inside", () => {
    assert.deepEqual(scanPacked(BENIGN), { verdict: "clean", rules: [], findings: [] });
    assert.equal(scanPacked(PAYLOAD).verdict, "malicious");
  });

  it("has what stands behind it scanned", () => {
    assert.ok(scanPacked(Buffer.concat([BENIGN, p.BENIGN])).rules.includes("compressed.bytes-behind"));
    assert.equal(scanPacked(Buffer.concat([BENIGN, p.PAYLOAD])).verdict, "malicious");
    assert.equal(scanPacked(Buffer.concat([BENIGN, PAYLOAD])).verdict, "malicious");
  });

  const missing = moduleMissing("lz4.frame");
  for (const [what, settings] of [
    ["as joblib does", "compression_level=0"],
    ["blocks by themselves, with sums", "block_linked=False, block_checksum=True, content_checksum=True"],
    ["blocks that depend on one another", "block_linked=True, block_size=4, content_checksum=True, store_size=False"],
    ["at its best", "compression_level=12, block_size=7"],
  ] as const) {
    it(`gives back what Python packed: ${what}`, { skip: missing }, () => {
      assertRoundTrips(readLz4, "lz4.frame", `lz4.frame.compress(d, ${settings})`);
    });
  }
});
