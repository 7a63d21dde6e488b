import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Tokenizer as Reference } from "@huggingface/tokenizers";
import fc from "fast-check";
import { parseJson } from "../../core/index.ts";
import { openTokenizer } from "./tokenizer.ts";

type Cases = readonly { readonly text: string; readonly ids: readonly number[] }[];

const VECTORS = new URL("../../../test/vectors/guard-wordpiece/", import.meta.url);
const file = readFileSync(new URL("tokenizer.json", VECTORS));
const { texts, edges } = parseJson(readFileSync(new URL("cases.json", VECTORS))) as { texts: Cases; edges: Cases };
const tokenizer = openTokenizer(file);
const [UNK, CLS, SEP] = [1, 2, 3];

/** All of a text in one sequence. */
const ids = (text: string): readonly number[] => {
  const [all, ...rest] = tokenizer.sequences(text, 1_000_000);
  assert.deepEqual(rest, []);
  return all as readonly number[];
};

describe("WordPiece", () => {
  it("makes what the library makes that the weights are trained with", () => {
    assert.ok(texts.length >= 200);
    for (const { text, ids: expected } of texts) assert.deepEqual(ids(text), expected, JSON.stringify(text));
  });

  it("sees characters as that library does, where their kinds begin and end", () => {
    assert.ok(edges.length >= 20);
    for (const { text, ids: expected } of edges) {
      assert.deepEqual(ids(text), expected, JSON.stringify(text));
    }
  });

  it("makes what another implementation makes, of any text that both read alike", () => {
    const reference = new Reference(parseJson(file), {});
    // Special tokens, a sigma at the end of a word and the compatibility ideographs of plane 2 are told apart by the
    // vectors alone: the two implementations differ there.
    const pool = Array.from(new Set(texts.flatMap(({ text }) => Array.from(text)))).filter(
      (one) => !"[\u03a3\u{2f800}".includes(one),
    );
    const unit = fc.oneof(fc.constantFrom(...pool), fc.constantFrom(...Array.from("aeiounrst  ")));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 300 }), (text) => {
        assert.deepEqual(ids(text), reference.encode(text.toWellFormed()).ids);
      }),
      { numRuns: 300 },
    );
  });

  it("reads a text the same whatever was read before, and a lone surrogate as nothing", () => {
    const before = ids("a report");
    ids("x".repeat(150));
    ids("\ud83d\ude00".repeat(100));
    assert.deepEqual(ids("a report"), before);
    assert.deepEqual(ids("a rep\ud800ort"), before);
  });

  it("knows no word of more characters than the file says", () => {
    assert.ok(ids("a".repeat(100)).length > 3);
    assert.deepEqual(ids("a".repeat(101)), [CLS, UNK, SEP]);
    assert.deepEqual(ids("e\u0301".repeat(101)), [CLS, UNK, SEP]);
    assert.deepEqual(ids("e\u0301".repeat(100)), ids("e".repeat(100)));
  });

  it("cuts a long text into sequences that overlap and leave nothing out", () => {
    const text = "The quarterly report is attached. ".repeat(40);
    const all = ids(text).slice(1, -1);
    let reached = 0;
    for (const sequence of tokenizer.sequences(text, 64)) {
      assert.ok(sequence.length <= 64);
      assert.equal(sequence[0], CLS);
      assert.equal(sequence.at(-1), SEP);
      const inside = sequence.slice(1, -1);
      const from = reached === 0 ? 0 : reached - 31;
      assert.deepEqual(inside, all.slice(from, from + inside.length));
      reached = from + inside.length;
    }
    assert.equal(reached, all.length);
  });

  it("keeps a text of exactly the limit in one", () => {
    const size = ids("the report").length;
    assert.equal(tokenizer.sequences("the report", size).length, 1);
    assert.equal(tokenizer.sequences("the report", size - 1).length > 1, true);
  });

  it("takes its numbers from the file", () => {
    const right = parseJson(file) as { readonly model: { readonly vocab: Record<string, number> } };
    const size = Object.keys(right.model.vocab).length;
    const turn = (id: number): number => size - 1 - id;
    const changed = JSON.stringify(right, (key, value: unknown) => {
      if (key === "id" && typeof value === "number") return turn(value);
      if (key === "ids") return (value as number[]).map(turn);
      if (key !== "vocab") return value;
      return Object.fromEntries(
        Object.entries(value as Record<string, number>).map(([piece, id]) => [piece, turn(id)]),
      );
    });
    const other = openTokenizer(Buffer.from(changed));
    for (const { text, ids: expected } of texts) {
      assert.deepEqual(other.sequences(text, 1_000_000), [expected.map(turn)]);
    }
  });

  it("refuses a file with a step that it does not do", () => {
    const right = parseJson(file) as Record<string, Record<string, unknown>>;
    const { vocab } = right["model"] as { vocab: Record<string, number> };
    for (const change of [
      { normalizer: null },
      { normalizer: { ...right["normalizer"], type: "Lowercase" } },
      { normalizer: { ...right["normalizer"], clean_text: false } },
      { normalizer: { ...right["normalizer"], lowercase: false } },
      { normalizer: { ...right["normalizer"], strip_accents: false } },
      { normalizer: { ...right["normalizer"], handle_chinese_chars: false } },
      { pre_tokenizer: { type: "Whitespace" } },
      { post_processor: { type: "BertProcessing" } },
      { model: { ...right["model"], type: "BPE" } },
      { model: { ...right["model"], unk_token: "[none]" } },
      { model: { ...right["model"], continuing_subword_prefix: "" } },
      { model: { ...right["model"], max_input_chars_per_word: 0 } },
      { model: { ...right["model"], max_input_chars_per_word: 1e9 } },
      { model: { ...right["model"], vocab: { ...vocab, "": 0 } } },
      { model: { ...right["model"], vocab: { ...vocab, twice: 1 } } },
      { model: { ...right["model"], vocab: { ...vocab, far: 1_000_000 } } },
      { added_tokens: [] },
      { added_tokens: [{ id: 0, content: "" }] },
      { added_tokens: [{ id: 0, content: "[PAD]", normalized: true }] },
    ]) {
      const bytes = Buffer.from(JSON.stringify({ ...right, ...change }));
      assert.throws(() => openTokenizer(bytes), { code: "guard.model-invalid" }, JSON.stringify(change).slice(0, 80));
    }
    assert.throws(() => openTokenizer(Buffer.from("{")), { code: "guard.model-invalid" });
    const accents = { ...right, normalizer: { ...right["normalizer"], strip_accents: true } };
    assert.deepEqual(openTokenizer(Buffer.from(JSON.stringify(accents))).sequences("\u00e9", 8), [ids("e")]);
  });
});
