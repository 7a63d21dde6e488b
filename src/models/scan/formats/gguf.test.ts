import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ggufOf, ggufWriter, honestGguf } from "../../../../test/models/gguf.ts";
import { scanBytes } from "../../../../test/models/scan.ts";
import { int, joined, utf8, zeros } from "../../../../test/models/writer.ts";
import { gguf } from "./gguf.ts";

const write = ggufWriter();
const tensor = { name: "a", shape: [8], type: 0, offset: 0 } as const;

/** A file of one value whose bytes are given. */
const value = (...bytes: readonly Uint8Array[]) => ggufOf({ values: [joined(...bytes)] });

describe("gguf", () => {
  it("calls honest files of all versions and both byte orders clean", () => {
    for (const version of [1, 2, 3] as const) {
      assert.deepEqual(scanBytes(gguf, honestGguf(version)), { verdict: "clean", rules: [], findings: [] });
    }
    assert.equal(scanBytes(gguf, honestGguf(3, true)).verdict, "clean");
  });

  const bad: readonly (readonly [string, Uint8Array, string, string])[] = [
    ["nothing behind the magic", utf8("GGUF"), "gguf.length", "suspicious"],
    ["version 4", joined(utf8("GGUF"), int(4, 4), zeros(16)), "gguf.version", "inconclusive"],
    ["2^63 tensors", joined(utf8("GGUF"), int(3, 4), int(2n ** 63n, 8), int(0, 8)), "gguf.length", "suspicious"],
    [
      "a million values in 24 bytes",
      joined(utf8("GGUF"), int(3, 4), int(0, 8), int(1e6, 8)),
      "gguf.length",
      "suspicious",
    ],
    ["a key of 2^60 bytes", value(int(2n ** 60n, 8), zeros(99)), "gguf.length", "suspicious"],
    [
      "a string of 2^63 bytes",
      value(write.text("a"), int(8, 4), int(2n ** 63n, 8), zeros(99)),
      "gguf.length",
      "suspicious",
    ],
    [
      "an array of 2^63 strings",
      value(write.text("a"), int(9, 4), int(8, 4), int(2n ** 63n, 8), zeros(99)),
      "gguf.length",
      "suspicious",
    ],
    [
      "an array of 2^62 numbers",
      value(write.text("a"), int(9, 4), int(10, 4), int(2n ** 50n, 8), zeros(99)),
      "gguf.length",
      "suspicious",
    ],
    [
      "an array of arrays",
      value(write.text("a"), int(9, 4), int(9, 4), int(1, 8), int(0, 4), int(0, 8)),
      "gguf.type",
      "suspicious",
    ],
    ["an unknown type", value(write.text("a"), int(13, 4), zeros(99)), "gguf.type", "suspicious"],
    ["a key twice", ggufOf({ values: [write.u32("a", 1), write.u32("a", 2)] }), "gguf.duplicate-key", "suspicious"],
    [
      "a byte token that spells none",
      ggufOf({
        values: [
          write.strings("tokenizer.ggml.tokens", ["a", "<0x-1>"]),
          write.ints("tokenizer.ggml.token_type", [1, 6]),
        ],
      }),
      "gguf.byte-token",
      "suspicious",
    ],
    [
      "a token of 100 KB",
      ggufOf({ values: [write.strings("tokenizer.ggml.tokens", ["a".repeat(100_000)])] }),
      "gguf.long-token",
      "suspicious",
    ],
    [
      "a tensor past the end",
      ggufOf({ tensors: [{ ...tensor, offset: 64 }], data: zeros(64) }),
      "gguf.tensor-past-end",
      "suspicious",
    ],
    [
      "a tensor that is not all there",
      ggufOf({ tensors: [{ ...tensor, shape: [9] }], data: zeros(32) }),
      "gguf.tensor-past-end",
      "suspicious",
    ],
    [
      "tensors that overlap",
      ggufOf({
        tensors: [
          { ...tensor, shape: [16] },
          { ...tensor, name: "b", offset: 32 },
        ],
        data: zeros(64),
      }),
      "gguf.tensor-overlap",
      "suspicious",
    ],
    ["a name twice", ggufOf({ tensors: [tensor, { ...tensor, offset: 32 }] }), "gguf.duplicate-tensor", "suspicious"],
    [
      "an offset that is not aligned",
      ggufOf({ tensors: [{ ...tensor, offset: 5 }], data: zeros(64) }),
      "gguf.alignment",
      "suspicious",
    ],
    ["an alignment of 3", ggufOf({ values: [write.u32("general.alignment", 3)] }), "gguf.alignment", "suspicious"],
    ["an alignment of 0", ggufOf({ values: [write.u32("general.alignment", 0)] }), "gguf.alignment", "suspicious"],
    [
      "a shape that overflows",
      ggufOf({ tensors: [{ ...tensor, shape: [2n ** 63n, 2] }] }),
      "gguf.tensor-shape",
      "suspicious",
    ],
    [
      "9 dimensions",
      ggufOf({ tensors: [{ ...tensor, shape: Array.from({ length: 9 }, () => 1) }] }),
      "gguf.tensor-shape",
      "suspicious",
    ],
    [
      "a block cut in two",
      ggufOf({ tensors: [{ ...tensor, shape: [33], type: 8 }] }),
      "gguf.tensor-shape",
      "suspicious",
    ],
    ["an unknown type of tensor", ggufOf({ tensors: [{ ...tensor, type: 99 }] }), "gguf.tensor-type", "inconclusive"],
    [
      "a template that leaves its sandbox",
      honestGguf(3, false, "{{ ''.__class__.__mro__ }}"),
      "jinja.internals",
      "malicious",
    ],
    ["a template of 5 MB", honestGguf(3, false, " ".repeat(5 * 1024 * 1024)), "gguf.template-too-long", "inconclusive"],
  ];
  for (const [what, bytes, rule, verdict] of bad) {
    it(`reports ${what}`, () => {
      const scanned = scanBytes(gguf, bytes);
      assert.ok(scanned.rules.includes(rule), scanned.rules.join());
      assert.equal(scanned.verdict, verdict);
    });
  }

  it("judges named templates too", () => {
    // llama.cpp compares keys up to a NUL.
    const cut = ggufOf({ values: [write.string("tokenizer.chat_template\0x", "{{ x|attr(y) }}")] });
    assert.deepEqual(scanBytes(gguf, cut).rules, ["jinja.dynamic-attribute"]);
    const several = joined(write.text("tokenizer.chat_templates"), int(9, 4), int(8, 4), int(2, 8), write.text("ok"));
    const array = ggufOf({ values: [joined(several, write.text("{{ x|attr(y) }}"))] });
    assert.deepEqual(scanBytes(gguf, array).rules, ["jinja.dynamic-attribute"]);
    const file = ggufOf({ values: [write.string("tokenizer.chat_template.tool_use", "{{ x|attr(y) }}")] });
    assert.deepEqual(scanBytes(gguf, file).rules, ["jinja.dynamic-attribute"]);
  });

  it("notes bytes that no tensor covers and numbers of tokens that are none, and calls the file clean", () => {
    const hole = ggufOf({ tensors: [tensor], data: zeros(640) });
    assert.deepEqual(scanBytes(gguf, hole).rules, ["gguf.hole"]);
    const id = ggufOf({
      values: [write.strings("tokenizer.ggml.tokens", ["a"]), write.u32("tokenizer.ggml.eos_token_id", 1)],
    });
    assert.deepEqual(scanBytes(gguf, id).rules, ["gguf.token-id"]);
    assert.equal(scanBytes(gguf, id).verdict, "clean");
    const between = ggufOf({ tensors: [tensor, { ...tensor, name: "b", offset: 96 }], data: zeros(128) });
    assert.deepEqual(scanBytes(gguf, between).rules, ["gguf.hole"]);
  });

  it("takes a token that looks like a byte for a word where its type says so", () => {
    const file = ggufOf({
      values: [write.strings("tokenizer.ggml.tokens", ["<0xZZ>"]), write.ints("tokenizer.ggml.token_type", [1])],
    });
    assert.equal(scanBytes(gguf, file).verdict, "clean");
  });
});
