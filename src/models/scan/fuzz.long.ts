/**
 * Mutated files through every reader that this folder's formats have for containers and pickles: nothing throws, nothing
 * hangs, and a file in which a payload stands is never clean.
 *
 * Each parser gets 50,000 inputs, spread over its cases; `HOLDFAST_FUZZ_INPUTS` sets another number.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";

import { cpuTime, freed, randomOf } from "../../../test/models/mutate.ts";
import * as p from "../../../test/models/pickle.ts";
import { zipOf } from "../../../test/models/zip.ts";
import { compressedFormat } from "./formats/compressed.ts";
import { npyFormat } from "./formats/npy.ts";
import { Op } from "./formats/pickle/opcodes.ts";
import { pickleFormat } from "./formats/pickle/pickle.ts";
import { tarFormat } from "./formats/tar.ts";
import { zipFormat } from "./formats/zip/zip.ts";
import { scanSource } from "./scan-source.ts";
import { bytesSource } from "./source.ts";

const INPUTS = Number(process.env["HOLDFAST_FUZZ_INPUTS"] ?? 50_000);
/** A small file that takes longer than this hangs. */
const MOST_MS = 2_000;
const FORMATS = [zipFormat, tarFormat, compressedFormat, pickleFormat, npyFormat];
const LIMITS = { bytes: 16_000_000, members: 1_000, steps: 2_000_000, depth: 6, findings: 200 };

/** A few bytes changed, taken out, put in, repeated, or put elsewhere. */
function mutated(seed: Uint8Array, next: (below: number) => number): Uint8Array {
  let bytes = Buffer.from(seed);
  for (let round = 1 + next(4); round > 0 && bytes.length > 1; round--) {
    const at = next(bytes.length);
    const length = 1 + next(Math.min(8, bytes.length - at));
    switch (next(6)) {
      case 0:
        bytes[at] = next(256);
        break;
      case 1:
        bytes[at] = (bytes[at] as number) ^ (1 << next(8));
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([next(256), next(256)]), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      default:
        bytes.fill([0, 0xff, 0x7f][next(3)] ?? 0, at, at + length);
    }
  }
  return bytes;
}

function verdictOf(bytes: Uint8Array): string {
  const before = cpuTime();
  const { verdict } = scanSource(bytesSource(bytes), "file.bin", { formats: FORMATS, limits: LIMITS });
  const took = cpuTime() - before;
  assert.ok(took < MOST_MS, `${took} ms for ${Buffer.from(bytes).toString("base64")}`);
  return verdict;
}

const tensor = p.assemble(
  [p.proto(2), p.global("torch._utils", "_rebuild_tensor_v2"), "((", p.text("storage")],
  [p.global("torch", "FloatStorage"), p.text("0"), p.text("cpu"), "K\x04tQK\0K\x04\x85K\x01\x85\x89"],
  [p.global("collections", "OrderedDict"), ")RtR."],
);
const objects = p.assemble(
  [p.proto(4), p.frame(p.assemble(Op.EMPTY_DICT, Op.MEMOIZE, "(", p.text("a"), "]", Op.MEMOIZE, "(K\x01K\x02e"))],
  [p.text("b"), p.reduce(p.stackGlobal("collections", "Counter")), "u."],
);
const npy = p.assemble("\x93NUMPY\x01\0\x36\0", "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", p.BENIGN);
const tar = Buffer.alloc(2_048);
tar.write("a/data.pkl", 0);
tar.write("00000000020 ", 124);
tar.write("0", 156);
tar.write("        ", 148);
tar.set(p.BENIGN, 512);
tar.write(
  `${tar
    .subarray(0, 512)
    .reduce((sum, byte) => sum + byte, 0)
    .toString(8)
    .padStart(6, "0")}\0 `,
  148,
);
const zip = zipOf([
  { name: "m/data.pkl", data: tensor, deflate: true },
  { name: "m/data/0", data: Buffer.alloc(16) },
  { name: "m/version", data: Buffer.from("3"), descriptor: true },
]);

/** A text of words, so that what packs it has tables and matches. */
const text = p.assemble(
  p.proto(2),
  p.text("the weights of a model are read "),
  Op.STOP,
  "the weights of a model ".repeat(60),
);

/** A payload, packed by readers that have a packer here, and room behind it for damage. */
const packed = Buffer.concat([p.PAYLOAD, Buffer.from("the weights of a model are read, ".repeat(40))]);

interface Case {
  readonly parser: "pickle" | "npy" | "tar" | "zip" | "zlib" | "gzip" | "zstd" | "bz2" | "xz" | "lzma" | "lz4";
  readonly seed: Uint8Array;
}

interface Planted {
  readonly parser: Case["parser"];
  readonly make: (next: (below: number) => number) => Uint8Array;
}

const SEEDS: Readonly<Record<string, Case>> = {
  "pickles of torch": { parser: "pickle", seed: tensor },
  "pickles with frames": { parser: "pickle", seed: objects },
  "pickles of protocol 0": {
    parser: "pickle",
    seed: Buffer.from("(dp0\nVa\np1\n(lp2\nI1\naI2\nas(icollections\nOrderedDict\np3\n."),
  },
  "arrays of numpy": { parser: "npy", seed: npy },
  "archives of tar": { parser: "tar", seed: tar },
  "archives of zip": { parser: "zip", seed: zip },
  "streams of zlib": { parser: "zlib", seed: deflateSync(tensor) },
  "streams of gzip": { parser: "gzip", seed: gzipSync(objects) },
  "longer streams of gzip": { parser: "gzip", seed: gzipSync(text) },
  "frames of zstd": { parser: "zstd", seed: zstdCompressSync(objects) },
  "longer frames of zstd": {
    parser: "zstd",
    seed: Buffer.concat([
      p.assemble("\x50\x2a\x4d\x18", p.u32(2), "ab"),
      zstdCompressSync(text),
      zstdCompressSync(tensor),
    ]),
  },
  "streams of bzip2": {
    parser: "bz2",
    seed: Buffer.from("QlpoOTFBWSZTWYV4uwoAAARVwDAAAAEACCAACAJABCAAMQZMQQDT0j1go4fi7kinChIQrxdhQA==", "base64"),
  },
  "longer streams of bzip2": {
    parser: "bz2",
    seed: Buffer.from(
      "QlpoOTFBWSZTWVWs1csAAvHTwlIQQAEAQCfmnIBAAAACQAG9guiFABiNNNGg1PZKlDIAAJT9VUAaABoIVEp6htqEHppi9dbgbwlCUPHGsOL8" +
        "5xtbTtmxnNkzkubYtckQcYstIhCiTXN0bUUM4zyMyFZC809pycm0s66nShY2Wpg1ph14uSXll43YKEJivNjXUClzUdLHOsMWJFTMMsbNqk2W" +
        "aWNbGUmphaXR0ufD08ySc7USmtxRlxIUrSRfYo/4ic/0AyYESxIlKJgYITRTQ1UNCj0qmhE2FDlVOhB9Kpwgp2EToRI1I0FAGhEgxI000gU0" +
        "m6qSYgKVIsIs65mZK2IowigMpLH7X+LuSKcKEgq1mrlg",
      "base64",
    ),
  },
  "streams of xz": {
    parser: "xz",
    seed: Buffer.from(
      "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAJgAJ9jAFhSwFzLgAAAJ1Mq/kh0VpjAAEiChUa4WcftvN9AQAAAAAEWVo=",
      "base64",
    ),
  },
  "longer streams of xz": {
    parser: "xz",
    seed: Buffer.from(
      "/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AXkATVdAEAAhrVhp/kTC5szL676dNUVUJMyFJl/pY60qSm1LyitQQzL6wWcLfSqKZf9K2ZrnZrr" +
        "1dIEg7NJIpy9ITYWCpikuWQm0m2sZ8O5Qhlni8EQGyEO/VRN8YoQm7EcJeyKyh440mzphp6KVDiAZklLtxUxCRHTCKWhDqquz8VW3mkpSGe+" +
        "UcG9ASQGDg+rB9dFswzZXnPCSgHvZzYwncrqySS1Y+OUcx5t3KJo5uTnFNHBYUM9NBu8PtVrWL5Q+X44lbgcLGPfIfhXvwJsGaOIiaW1u9j+" +
        "cuzzuy+g9rDqVYPd2Ui57uVi9Mcoc0TkWyrLg47jjqfVzRKF2KTOS1KfeAInNVGjgNv9RZP3aoTgCyIRv7rpU3ojEaDZC8vqPbLAOF6RjNnC" +
        "5Kgy9GFvKO3gKNYNNURAAAAAAADDWqUGAAHNAuULAAA81Bf5PjANiwIAAAAAAVla",
      "base64",
    ),
  },
  "streams of lzma": {
    parser: "lzma",
    seed: Buffer.from("XQAAgAD//////////wBAAIsregsYy+mdjui6Pr//6HiAAA==", "base64"),
  },
  "longer streams of lzma": {
    parser: "lzma",
    seed: Buffer.from(
      "XQAAgAD//////////wBAAIa1Yaf5EwubMy+u+nTVFVCTMhSZf6WOtKkptS8orUEMy+sFnC30qimX/Stma52a69XSBIOzSSKcvSE2FgqYpLlk" +
        "JtJtrGfDuUIZZ4vBEBshDv1UTfGKEJuxHCXsisoeONJs6YaeilQ4gGZJS7cVMQkR0wiloQ6qrs/FVt5pKUhnvlHBvQEkBg4PqwfXRbMM2V5z" +
        "wkoB72c2MJ3K6skktWPjlHMebdyiaObk5xTRwWFDPTQbvD7Va1i+UPl+OJW4HCxj3yH4V78CbBmjiImltbvY/nLs87svoPaw6lWD3dlIue7l" +
        "YvTHKHNE5Fsqy4OO446n1c0ShdikzktSn3gCJzVRo4Db/UWT92qE4AsiEb+66VN6IxGg2QvL6j2ywDhekYzZwuSoMvRhbyjt4CjWDVf7FL//" +
        "65IEZQ==",
      "base64",
    ),
  },
  "frames of LZ4": {
    parser: "lz4",
    seed: Buffer.from("BCJNGGRApxUAAICAAmNvcwpzeXN0ZW0KKIwCaWR0Ui4AAAAA0jmLPQ==", "base64"),
  },
  "longer frames of LZ4": {
    parser: "lz4",
    seed: Buffer.from(
      "BCJNGGxA5QUAAAAAAADAwwIAAPIRgAJY3QUAAGEgbW9kZWwgCmFyZSB3ZWlnaHRzIHJlYWQFAAkSAEB0aGUgJwAABAABIwAFCQAUCigADAgA" +
        "ADMAWm9mIG9mXAAAFwACQgADfwAFEQBFb2YgCk4AJW9mIQAEWQABNgAALgAAfAAib2amAAEVAAARABEKCgAARAAEMAAAFgAEBAABNwAHcQAH" +
        "XwAAIwAEMwAKVgADMAAALAARcjMABCcAAWsABA0ABAgAAEgAARkAEgqLAABzAAAEAAAYAAgkAAR3AQBXAANiAAQnABAKvwAADQABBQABTQAA" +
        "PgAElgAAFQAABAACYAACHwADQgAAJwAEZQAECAAIaQAmcmUYAQBDAAAEAAFBAAEFAAA+AAEEAAROAAQIAAevAAAyABQKUwABNgAEaAAECAAE" +
        "HQAA2QATcl8ABxQABMYAATwAAE4AAh0CAPQAAHwADEYABQoCBEMABAgABCkABSEAAEwAAAQABBkADCkABBgAACQAD2oAAQWRAAVSAAESAAEF" +
        "AAQ8AA4kAwBOAAAEAABSAAUYAQQvAATsAAQhAAATAQNUAQFXAAA1AAIJAAMWAAQ5AAEVAAEFAALlAQEJAgBGAAAEAAQlAAThAARmACFvZh8A" +
        "BBcAAF0AAQQAA1wACBwAAlsACB4ABfUABD8AA5cBADYAAAQAASwABM8BAREAA1cABDAABAgAAasABA0ABasAAHkCDBUAAEYAAPcBAY0AAPMC" +
        "BC4ABBEADDEAA+EAB0sEAEMABCYAAAwAAAQACBAABFIABBQAAk4BACYAAWQAANUAA1UAAdoBABAAARkAAKkBB/UCAyQAARsACwUAAEwAAAQA" +
        "BkABAOsAAU4AABcAAFIABYUAABoABA0AAUcAACIAApMABMQBBB8ABLEAACIAB/AAATYAAWIBAQoAA5gABDUABAgAAL4AgCBtb2RlbCAuAAAA" +
        "ALb8SBo=",
      "base64",
    ),
  },
};

/** A stream that stores its bytes, mutated behind those of the payload. */
function damagedEnd(stream: Buffer, next: (below: number) => number): Uint8Array {
  const end = stream.indexOf(p.PAYLOAD) + p.PAYLOAD.length;
  return Buffer.concat([stream.subarray(0, end), mutated(stream.subarray(end), next)]);
}

const PLANTED: Readonly<Record<string, Planted>> = {
  "behind a mutated pickle": {
    parser: "pickle",
    make: (next) => Buffer.concat([mutated(tensor, next), p.PAYLOAD]),
  },
  "behind mutated frames": {
    parser: "pickle",
    make: (next) => Buffer.concat([mutated(objects, next), p.PAYLOAD]),
  },
  "before mutated bytes": {
    parser: "pickle",
    make: (next) => Buffer.concat([p.PAYLOAD, mutated(tensor, next)]),
  },
  "in a member of a mutated archive": {
    parser: "zip",
    make: (next) => {
      const bytes = Buffer.from(
        zipOf([
          { name: "a", data: objects },
          { name: "b", data: p.PAYLOAD },
        ]),
      );
      const at = bytes.indexOf(p.PAYLOAD);
      return Buffer.concat([mutated(bytes.subarray(0, at), next), p.PAYLOAD, bytes.subarray(at + p.PAYLOAD.length)]);
    },
  },
  "in an archive with a mutated directory": {
    parser: "zip",
    make: (next) => {
      const bytes = Buffer.from(zipOf([{ name: "b", data: p.PAYLOAD }]));
      const at = bytes.indexOf(p.PAYLOAD) + p.PAYLOAD.length;
      return Buffer.concat([bytes.subarray(0, at), mutated(bytes.subarray(at), next)]);
    },
  },
  "in an array with a mutated header": {
    parser: "npy",
    make: (next) => {
      const at = npy.length - p.BENIGN.length;
      return Buffer.concat([mutated(npy.subarray(0, at), next), p.PAYLOAD]);
    },
  },
  "before the damage of a gzip": { parser: "gzip", make: (next) => damagedEnd(gzipSync(packed, { level: 0 }), next) },
  "before the damage of a zlib": {
    parser: "zlib",
    make: (next) => damagedEnd(deflateSync(packed, { level: 0 }), next),
  },
  "before a mutated zstd": {
    parser: "zstd",
    make: (next) => Buffer.concat([zstdCompressSync(p.PAYLOAD), mutated(zstdCompressSync(objects), next)]),
  },
  "in a mutated tar": {
    parser: "tar",
    make: (next) => {
      const [header, member] = [Buffer.alloc(512), Buffer.alloc(512)];
      header.set(mutated(tar.subarray(0, 512), next).subarray(0, 512));
      member.set(p.PAYLOAD);
      return Buffer.concat([header, member, Buffer.alloc(1_024)]);
    },
  },
};

/** Inputs of one case of a parser. */
function share(parser: Case["parser"]): number {
  const cases = [...Object.values(SEEDS), ...Object.values(PLANTED)].filter((one) => one.parser === parser);
  return Math.ceil(INPUTS / cases.length);
}

describe("mutated files", () => {
  for (const [what, { parser, seed }] of Object.entries(SEEDS)) {
    it(`${what}: nothing throws or hangs`, async () => {
      const next = randomOf(0x1234_5678);
      for (let input = 0; input < share(parser); input++) {
        verdictOf(mutated(seed, next));
        await freed(input);
      }
    });
  }

  // The payload itself stays whole: around it, everything is changed.
  for (const [where, { parser, make }] of Object.entries(PLANTED)) {
    it(`a payload ${where} is never clean`, async () => {
      const next = randomOf(0x0bad_cafe);
      for (let input = 0; input < share(parser); input++) {
        const bytes = make(next);
        assert.notEqual(verdictOf(bytes), "clean", Buffer.from(bytes).toString("base64"));
        await freed(input);
      }
    });
  }
});
