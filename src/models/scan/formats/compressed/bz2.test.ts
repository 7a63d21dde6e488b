/** bzip2: damage by name first, then streams of Python's bz2, which the reader must give back byte by byte. */

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
import { readBzip2 } from "./bz2.ts";

/** Made with bz2.compress of CPython 3.11. */
const EMPTY = base64("QlpoORdyRThQkAAAAAA=");
const BENIGN = base64("QlpoOTFBWSZTWYV4uwoAAARVwDAAAAEACCAACAJABCAAMQZMQQDT0j1go4fi7kinChIQrxdhQA==");
const PAYLOAD = base64("QlpoMTFBWSZTWetkQUoAAAnTwBAQAEEQAA4ijCBABCAAMUwAE0KNMjTR4oV0RJ2GYeKlVZL4u5IpwoSHWyIKUA==");
const ZEROS = base64("QlpoMTFBWSZTWaZFgLIAFvpACMAAQAAACCAAMMwJqmmpAi2pIEXi7kinChIUyLAWQA==");
const TEXT = base64(
  "QlpoOTFBWSZTWSYjjeAAAWjRgAAQQAAn5pyAQAL0AEHQDT00qk0ZAEnqpSbUabUBTAATQKVQAAKsRUhsGjRpNXrz1znU54n4FYkTAZpczHRBV4qMFls0CqEc" +
    "qJxbKJqFMkGrWBEs1kWwszAMUYQugN4JVZs3YuZdCXkZr1gQSWCralrATRLFVJo2B5kndB13iMaBiYDLVZqprApSLNLdbKZLoaFOSAmOvHEcxhxRZxBDWGVl" +
    "oGu2Lb12cOlztgLa1WrdQ2txuwFGmSGJq0sZXVgNtsKs2oQuNNtEITO2SaEpMUjTVeJcYwbOeLbkewa66j8d58WTpYB3SB3ArRQeNtWcbRWxi2NRYtkr521b" +
    "ura/PcMYZKShSURmKIEmSSpQpiMpEZsk2SQkyUiJYyI1Mk21b+1rXurZmE8kn0F7JOpScinwqW7VFUFFRto272q3OWNWLRYiJNY1GKKuta01cSbRRtJrRioo" +
    "1u9a0rjREaKI0bJQWiJNZ/i7kinChIExHG8A",
);

describe("bzip2 that is damaged", () => {
  for (const [what, stream, why] of [
    ["is cut short", TEXT.subarray(0, 200), "damaged: cut short"],
    ["ends before its end is marked", TEXT.subarray(0, -10), "damaged: cut short"],
    ["has another check sum of a block", changed(TEXT, 10, 1), "damaged: check sum of a block"],
    ["has another check sum of the stream", changed(TEXT, TEXT.length - 2, 1), "damaged: check sum of the stream"],
    ["has a randomised block", changed(TEXT, 14, 0x80), "unsupported: a randomised block"],
    ["has another mark of a block", changed(TEXT, 5, 1), "damaged: no block"],
    ["begins elsewhere", changed(TEXT, 14, 0x40), "damaged: origin of a block"],
  ] as const) {
    it(`${what}: ${why}`, () => {
      assert.equal(unpack(readBzip2, stream).why, why);
      assert.notEqual(scanPacked(stream).verdict, "clean");
    });
  }

  it("gives what came out before the damage", () => {
    const { bytes, why } = unpack(readBzip2, Buffer.concat([TEXT, PAYLOAD.subarray(0, -3)]));
    assert.equal(why, "damaged: cut short");
    assert.deepEqual(Buffer.from(bytes), Buffer.concat([dataOf("text", 3_000), p.PAYLOAD]));
    assert.equal(scanPacked(PAYLOAD.subarray(0, -3)).verdict, "malicious");
  });

  it("ends, and throws nothing else", async () => {
    await assertEnds(readBzip2, [EMPTY, BENIGN, PAYLOAD, TEXT, ZEROS], 900);
  });
});

describe("bzip2 that is too much", () => {
  it("stops where its room ends", () => {
    assertStopsAtRoom(readBzip2, ZEROS, 100_000);
  });

  it("stops where the budget of the file ends, and is inconclusive", () => {
    assertStopsAtBudget(ZEROS, 1_000_000);
  });

  it("stops at many small blocks, which cost more than they give", () => {
    const many = Buffer.concat(Array.from({ length: 100 }, () => BENIGN));
    assert.ok(scanPacked(many, { steps: 50_000 }).rules.includes("scan.limit-steps"));
  });
});

describe("bzip2", () => {
  it("reads blocks, streams and nothing", () => {
    assert.deepEqual(unpack(readBzip2, TEXT).bytes, dataOf("text", 3_000));
    assert.deepEqual(unpack(readBzip2, ZEROS).bytes, dataOf("zeros", 3_000_000));
    assert.equal(unpack(readBzip2, EMPTY).used, EMPTY.length);
  });

  it("reads streams that follow one another as one, and says where they end", () => {
    const { bytes, used } = unpack(readBzip2, Buffer.concat([BENIGN, EMPTY, TEXT, Buffer.from("BZh?rest")]));
    assert.deepEqual(Buffer.from(bytes), Buffer.concat([p.BENIGN, dataOf("text", 3_000)]));
    assert.equal(used, BENIGN.length + EMPTY.length + TEXT.length);
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

  it("gives back what Python packed", { skip: moduleMissing("bz2") }, () => {
    for (const level of [1, 9]) assertRoundTrips(readBzip2, "bz2", `bz2.compress(d, ${level})`);
  });
});
