import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Tokenizer as Reference } from "@huggingface/tokenizers";
import fc from "fast-check";
import { parseJson } from "../../core/index.ts";
import { openTokenizer } from "./tokenizer.ts";

const VECTORS = new URL("../../../test/vectors/guard-tokenizer/", import.meta.url);
const file = readFileSync(new URL("tokenizer.json", VECTORS));
const cases = parseJson(readFileSync(new URL("cases.json", VECTORS))) as readonly { text: string; ids: number[] }[];
const tokenizer = openTokenizer(file);

/** All of a text in one sequence. */
const ids = (text: string): readonly number[] => {
  const [all, ...rest] = tokenizer.sequences(text, 1_000_000);
  assert.deepEqual(rest, []);
  return all as readonly number[];
};

describe("the tokenizer", () => {
  it("makes what the library makes that the weights were trained with", () => {
    assert.ok(cases.length >= 200);
    for (const { text, ids: expected } of cases) assert.deepEqual(ids(text), expected, JSON.stringify(text));
  });

  it("makes what another implementation makes, of any text without special tokens", () => {
    const reference = new Reference(parseJson(file), {});
    const pool = Array.from(new Set(cases.flatMap(({ text }) => Array.from(text)))).filter(
      (one) => !"<\uff1c".includes(one),
    );
    const unit = fc.oneof(fc.constantFrom(...pool), fc.constantFrom(...Array.from("aeiounrst  ")));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 300 }), (text) => {
        assert.deepEqual(ids(text), reference.encode(text.toWellFormed()).ids);
      }),
      { numRuns: 300 },
    );
  });

  it("cuts a long text into sequences that overlap and leave nothing out", () => {
    const text = "The quarterly report is attached. ".repeat(40);
    const all = ids(text).slice(1, -1);
    const sequences = tokenizer.sequences(text, 64);
    let reached = 0;
    for (const sequence of sequences) {
      assert.ok(sequence.length <= 64);
      assert.equal(sequence[0], 0);
      assert.equal(sequence.at(-1), 2);
      const inner = sequence.slice(1, -1);
      // Where it stands: no later than what is covered, and it reaches on.
      const from = reached === 0 ? 0 : reached - 31;
      assert.deepEqual(inner, all.slice(from, from + inner.length));
      reached = from + inner.length;
    }
    assert.equal(reached, all.length);
  });

  it("keeps a text of exactly the limit in one", () => {
    const size = ids("the report").length;
    assert.equal(tokenizer.sequences("the report", size).length, 1);
    assert.equal(tokenizer.sequences("the report", size - 1).length > 1, true);
  });

  it("refuses a file with a step that it does not do", () => {
    const right = parseJson(file) as Record<string, Record<string, unknown>>;
    for (const change of [
      { normalizer: { type: "NFD" } },
      { normalizer: null },
      { normalizer: { type: "Strip", strip_left: true, strip_right: false } },
      { normalizer: { type: "Replace", pattern: { Regex: "a|b" }, content: "" } },
      { pre_tokenizer: { ...right["pre_tokenizer"], prepend_scheme: "never" } },
      { pre_tokenizer: { type: "Whitespace" } },
      { post_processor: { type: "BertProcessing" } },
      { model: { ...right["model"], type: "BPE" } },
      { model: { ...right["model"], byte_fallback: true } },
      { model: { ...right["model"], unk_id: null } },
      { model: { ...right["model"], unk_id: 1_000_000 } },
      { model: { ...right["model"], vocab: [["a"]] } },
      {
        added_tokens: [
          { id: 1, content: "<pad>" },
          { id: 2, content: "[PAD]" },
        ],
      },
      { added_tokens: [{ id: 1, content: "<pad>", lstrip: true }] },
    ]) {
      const bytes = Buffer.from(JSON.stringify({ ...right, ...change }));
      assert.throws(() => openTokenizer(bytes), { code: "guard.model-invalid" }, JSON.stringify(change).slice(0, 80));
    }
    assert.throws(() => openTokenizer(Buffer.from("{")), { code: "guard.model-invalid" });
  });
});
