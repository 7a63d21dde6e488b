/** xz and lzma: damage by name first, then streams of Python's lzma, which the readers must give back byte by byte. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";

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
import { readXz } from "./xz.ts";

/** Made with lzma.compress of CPython 3.11: its checks are CRC64, SHA-256 for PAYLOAD, CRC32 for ZEROS. */
const EMPTY = base64("/Td6WFoAAATm1rRGAAAAABzfRCEftvN9AQAAAAAEWVo=");
const BENIGN = base64("/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAJgAJ9jAFhSwFzLgAAAJ1Mq/kh0VpjAAEiChUa4WcftvN9AQAAAAAEWVo=");
const PAYLOAD = base64(
  "/Td6WFoAAArh+wyhAgAhARYAAAB0L+WjAQAUgAJjb3MKc3lzdGVtCiiMAmlkdFIuAAAAACqJjh7KPJA2KQ7IqvdNOOmP+0QTW20OhOt5dwn4e9fLAAFFFYDq" +
    "VcAYm0uaAQAAAAAKWVo=",
);
const BCJ = base64("/Td6WFoAAATm1rRGAgEEACEBFgANhjUfAQAJgAJ9jAFhSwFzLgAAAJ1Mq/kh0VpjAAEiChUa4WcftvN9AQAAAAAEWVo=");
const DELTA = base64("/Td6WFoAAATm1rRGAgEDAQAhARZ5IMTuAQAJgIJ7D3Vg6rZyuwAAAJ1Mq/kh0VpjAAEiChUa4WcftvN9AQAAAAAEWVo=");
const ZEROS = base64(
  "/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj//8RAWxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYri" +
    "d/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyThcJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaY" +
    "TZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5f" +
    "qg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH" +
    "2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvEgn5liNx60AhADsc1On/b6ufDEan7eNMW5wnqcjX+woy4XRlZiKfiqR8id19xnABphNmP3Yr9WQD8Ql" +
    "U/j1kTYxBaWw7m/BcE1HDNGREaqtYB26zrEnGFxZhulmUli+6XasWeTlWwUI+cfarfz7Uit0zR5bIEL53VM9+ClkCTuAyyps37U78MS9FHktXQAAAABlogFN" +
    "AAGOBMCNtwGJaUxRPjANiwIAAAAAAVla",
);
const TEXT = base64(
  "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Au3AgJdADCICaczqOevg768FpkEOcuOCnifVaUm6AX72UR+NcZ/bsiNYB8TJKzGFY/Gh51gveb1xMvHy6ya05oH" +
    "NxPJXXBeD/Ndx/DoNFNVL5BMmZRV5DgpsdGiHfsAegWSYAXERkJCIqPl7Vt9BixQHwo+mjezOhvyXEUHgvQfuRcvaqKokuhmfAcUDV6d6QTH6Q4N5a+Qc/fR" +
    "mXJC/mnrOFGRZNUhG+06gCA1l0KZlKVL8hkfNBU/jLT++JIsginkxXgysrHF/DDK3wtz5uCjne8lg5x1dIcRBpuPohe0Y6Xq/sQViFGjbJ5+uhAFuQGlQOJj" +
    "j+K7K5Q80IrUdhM/O8GGpakJauXrllVgNwK1I2pyYoV9IqDqwEgtqONMeJ0jP1mDRM/A4qDtCaZz9h76HObwmr6CABI6Lro2FfYHCH1oRIHDGlXQ+TsEzW7r" +
    "Hqj7/0jPplbOxsm38rm7wpWMbgNLS+uWr96o6IArJp2eoZp55aSl3nNfqCBioGoWh7IqhnGWgCXuzw55bxi1/uhFpjA7jmHaNgEKlN9VUN4VELEyPRLZFFUu" +
    "VWgNnOEUoOcz9+PHoZf6yNdiDUq/oRDV9hsGGu1VylixN0EqJx6aaSbnOqGT9WrMS+tzmXs8EgyBbwcWEfWAJ9mURjH/xdH3QYA7Wo18sVEeShfVyqW/OfDd" +
    "mcCBOg4AAAAa5tr2+ucw7AABngS4FwAArtYW0LHEZ/sCAAAAAARZWg==",
);
/** With format=lzma.FORMAT_ALONE. */
const ALONE_BENIGN = base64("XQAAgAD//////////wBAAIsregsYy+mdjui6Pr//6HiAAA==");
const ALONE_PAYLOAD = base64("XQAAgAD//////////wBAAIgDvDC9NN4vXibQafNERVBvA09FAA/7w///NUQAAA==");

/** The check sum of the `length` bytes at `at` made right, behind them. */
function summed(stream: Uint8Array, at: number, length: number): Uint8Array {
  const copy = Buffer.from(stream);
  copy.writeUInt32LE(crc32(copy.subarray(at, at + length)), at + length);
  return copy;
}

/** BENIGN, another byte in the header of its block: 12 bytes at 12, of which the last four are the check sum. */
const withHeader = (at: number, byte: number): Uint8Array => {
  const copy = Uint8Array.from(BENIGN);
  copy[at] = byte;
  return summed(copy, 12, 8);
};

describe("xz that is damaged", () => {
  for (const [what, stream, why] of [
    ["is cut short in its data", TEXT.subarray(0, 200), "damaged: cut short"],
    ["is cut short in its footer", TEXT.subarray(0, -1), "damaged: cut short"],
    ["has another check sum of the header", changed(TEXT, 8, 1), "damaged: check sum of the header"],
    ["has another check sum of a block's header", changed(TEXT, 15, 1), "damaged: check sum of a block's header"],
    ["has another CRC64", changed(TEXT, -30, 1), "damaged: check sum of a block"],
    ["has another SHA-256", changed(PAYLOAD, 60, 1), "damaged: check sum of a block"],
    ["has another CRC32", changed(ZEROS, -26, 1), "damaged: check sum of a block"],
    ["has another check sum of the index", changed(TEXT, -14, 1), "damaged: check sum of the index"],
    ["has another padding of the index", changed(TEXT, -17, 1), "damaged: padding of the index"],
    ["has another length in the index", changed(TEXT, -22, 1), "damaged: lengths in the index"],
    ["has another number of blocks", changed(TEXT, -23, 3), "damaged: number of blocks"],
    ["has another check sum of the footer", changed(TEXT, -12, 1), "damaged: check sum of the footer"],
    ["has another magic number at its end", changed(TEXT, -1, 1), "damaged: end of the footer"],
    ["begins without a dictionary", changed(TEXT, 24, 0x40), "damaged: a chunk without a dictionary"],
    ["begins its range coder with another byte", changed(TEXT, 30, 1), "damaged: start of the range coder"],
    ["has a chunk of no kind", changed(BENIGN, 37, 3), "damaged: a chunk of no kind"],
    ["uses a filter of machine code", BCJ, "unsupported: filter BCJ of x86"],
    ["uses a filter of differences", DELTA, "unsupported: filter delta"],
    ["declares a dictionary of 4 GiB", withHeader(16, 40), "large: a dictionary of 4294967295 bytes, limit 1610612736"],
    ["declares a dictionary of no size", withHeader(16, 41), "damaged: size of a dictionary"],
    ["has flags of a later version", withHeader(13, 4), "unsupported: flags of a later version"],
    ["has a check that is not known", summed(changed(BENIGN, 7, 6), 6, 2), "unsupported: check 2"],
  ] as const) {
    it(`${what}: ${why}`, () => {
      assert.equal(unpack(readXz, stream).why, why);
      assert.equal(scanPacked(stream).verdict, what === "has another SHA-256" ? "malicious" : "inconclusive");
    });
  }

  it("gives what came out before the damage", () => {
    const { bytes, why } = unpack(readXz, Buffer.concat([TEXT, PAYLOAD.subarray(0, 54)]));
    assert.equal(why, "damaged: cut short");
    assert.deepEqual(Buffer.from(bytes), Buffer.concat([dataOf("text", 3_000), p.PAYLOAD]));
    assert.equal(scanPacked(PAYLOAD.subarray(0, -20)).verdict, "malicious");
    assert.equal(scanPacked(ALONE_PAYLOAD.subarray(0, -1)).verdict, "malicious");
  });

  it("ends, and throws nothing else", async () => {
    const seeds = [EMPTY, BENIGN, PAYLOAD, TEXT, ZEROS, BCJ, ALONE_BENIGN, ALONE_PAYLOAD];
    await assertEnds(readXz, seeds, 900);
  });
});

describe("lzma that is damaged", () => {
  const withLength = (stream: Uint8Array, length: bigint): Buffer => {
    const copy = Buffer.from(stream);
    copy.writeBigUInt64LE(length, 5);
    return copy;
  };

  it("is given up where its length or its dictionary is a lie", () => {
    const { length } = p.BENIGN;
    assert.equal(unpack(readXz, withLength(ALONE_BENIGN, BigInt(length))).why, undefined);
    assert.equal(unpack(readXz, withLength(ALONE_BENIGN, BigInt(length - 1))).why, "damaged: longer than it says");
    // An end marker before the end: liblzma ends there, and so do the bytes.
    assert.equal(unpack(readXz, withLength(ALONE_BENIGN, 1n << 60n)).bytes.length, length);
    const dictionary = Buffer.from(ALONE_BENIGN);
    dictionary.writeUInt32LE(0x8000_0000, 1);
    assert.equal(unpack(readXz, dictionary).why, "large: a dictionary of 2147483648 bytes, limit 1610612736");
    assert.equal(scanPacked(dictionary).verdict, "inconclusive");
  });

  it("is known by what liblzma knows it by: dictionaries, lengths, and properties of any kind", () => {
    const withDictionary = (size: number): Buffer => {
      const copy = Buffer.from(ALONE_PAYLOAD);
      copy.writeUInt32LE(size, 1);
      return copy;
    };
    for (const size of [0, 1, 1_024, 4_096, 6_144, 3 * 2 ** 20, 2 ** 26])
      assert.equal(scanPacked(withDictionary(size)).verdict, "malicious");
    assert.equal(scanPacked(withDictionary(0xffff_ffff)).verdict, "inconclusive");
    for (const size of [3_000, 0x1_0001]) assert.deepEqual(scanPacked(withDictionary(size)).rules, []);
    assert.deepEqual(scanPacked(withLength(ALONE_PAYLOAD, 1n << 38n)).rules, []);
    assert.equal(scanPacked(withLength(ALONE_PAYLOAD, 1n << 37n)).verdict, "malicious");
    // Of lc 0, lp 2 and pb 0.
    const others = base64("EgAQAAD//////////wBAAI2USjhIyBbZ8fHEqdWhMhYgBSodhZyA///+u1AA");
    assert.equal(scanPacked(others).verdict, "malicious");
    // Of them, what needs a dictionary that is not opened is told by nothing.
    others.writeUInt32LE(0xffff_ffff, 1);
    assert.deepEqual(scanPacked(others).rules, []);
  });

  it("is not seen in numbers", () => {
    const numbers = [1, 2, 4, 8].flatMap((width) =>
      [0, 1, 16, 93].map((first) =>
        Uint8Array.from({ length: 8_000 }, (_, at) => (at % width === 0 ? first + at / width : 0)),
      ),
    );
    // The header of a matrix of MATLAB 4.
    const matrix = Buffer.concat([
      Buffer.from([0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.alloc(600),
      dataOf("random", 600),
    ]);
    for (const bytes of [new Uint8Array(5_000), matrix, ...numbers]) assert.deepEqual(scanPacked(bytes).rules, []);
  });

  it("is given up where it is cut short", () => {
    assert.equal(unpack(readXz, ALONE_BENIGN.subarray(0, 10)).why, "damaged: cut short");
    assert.equal(unpack(readXz, ALONE_BENIGN.subarray(0, -2)).why, "damaged: cut short");
  });
});

describe("xz that is too much", () => {
  it("stops where its room ends", () => {
    assertStopsAtRoom(readXz, ZEROS, 100_000);
  });

  it("stops where the budget of the file ends, and is inconclusive", () => {
    assertStopsAtBudget(ZEROS, 1_000_000);
  });

  it("stops at many small streams, which cost more than they give", () => {
    const many = Buffer.concat(Array.from({ length: 100 }, () => ALONE_BENIGN));
    assert.ok(scanPacked(many, { steps: 50_000 }).rules.includes("scan.limit-steps"));
  });
});

describe("xz and lzma", () => {
  it("reads blocks, streams and nothing", () => {
    assert.deepEqual(unpack(readXz, TEXT).bytes, dataOf("text", 3_000));
    assert.deepEqual(unpack(readXz, ZEROS).bytes, dataOf("zeros", 3_000_000));
    assert.equal(unpack(readXz, EMPTY).used, EMPTY.length);
  });

  it("reads streams that follow one another as one, in either form, and says where they end", () => {
    const streams = [BENIGN, EMPTY, Buffer.alloc(8), TEXT, ALONE_BENIGN, BENIGN];
    const { bytes, used } = unpack(readXz, Buffer.concat([...streams, Buffer.from("rest")]));
    assert.deepEqual(Buffer.from(bytes), Buffer.concat([p.BENIGN, dataOf("text", 3_000), p.BENIGN, p.BENIGN]));
    assert.equal(used, Buffer.concat(streams).length);
  });

  it("is scanned like the file inside", () => {
    for (const benign of [BENIGN, ALONE_BENIGN]) {
      assert.deepEqual(scanPacked(benign), { verdict: "clean", rules: [], findings: [] });
    }
    assert.equal(scanPacked(PAYLOAD).verdict, "malicious");
    assert.equal(scanPacked(ALONE_PAYLOAD).verdict, "malicious");
  });

  it("has what stands behind it scanned", () => {
    assert.ok(scanPacked(Buffer.concat([BENIGN, p.BENIGN])).rules.includes("compressed.bytes-behind"));
    for (const benign of [BENIGN, ALONE_BENIGN]) {
      assert.equal(scanPacked(Buffer.concat([benign, p.PAYLOAD])).verdict, "malicious");
      assert.equal(scanPacked(Buffer.concat([benign, PAYLOAD])).verdict, "malicious");
      assert.equal(scanPacked(Buffer.concat([benign, ALONE_PAYLOAD])).verdict, "malicious");
    }
  });

  const missing = moduleMissing("lzma");
  const filter = (more: string) => `[{"id": lzma.FILTER_LZMA2, "preset": 6, ${more}}]`;
  for (const [what, expression] of [
    ["xz", "lzma.compress(d)"],
    ["xz, preset 0, without a check", "lzma.compress(d, preset=0, check=lzma.CHECK_NONE)"],
    ["xz of a small dictionary", `lzma.compress(d, filters=${filter('"dict_size": 4096')})`],
    ["xz of other properties", `lzma.compress(d, filters=${filter('"lc": 1, "lp": 3, "pb": 4')})`],
    ["lzma", "lzma.compress(d, format=lzma.FORMAT_ALONE)"],
    ["lzma, preset 1", "lzma.compress(d, format=lzma.FORMAT_ALONE, preset=1)"],
  ] as const) {
    it(`gives back what Python packed: ${what}`, { skip: missing }, () => {
      assertRoundTrips(readXz, "lzma", expression);
    });
  }
});
