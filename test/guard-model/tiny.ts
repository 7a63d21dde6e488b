/**
 * Weights so small that a test can write them, and so simple that it can say what must come out: a word sets a head.
 *
 * The transformer sets `injection` for "ignore" or "override", `indirect` for "assistant", `hate` for "vermin". The cheap
 * stage is sure of "override" in a short text, unsure of the other words, and sure that anything else is clean.
 */

import type { KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HEADS, type Head } from "../../src/guard/model/heads.ts";
import { sha256, signManifest, WEIGHT_FILES } from "../../src/guard/model/manifest.ts";
import { fnv } from "./features.ts";
import { sumModel } from "./onnx.ts";

/** Word, the head that it sets, its weight in the cheap stage. */
const WORDS: readonly (readonly [word: string, head: Head, weight: number])[] = [
  ["ignore", "injection", 40],
  ["override", "injection", 127],
  ["assistant", "indirect", 40],
  ["vermin", "hate", 40],
];

const BUCKETS = 1 << 18;
const SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"];
const CHARACTERS = ["\u2581", ...Array.from("abcdefghijklmnopqrstuvwxyz0123456789.,!?'-")];

/** Writes all files of weights to `folder`; with a key also their signed manifest. */
export async function writeTinyWeights(folder: string, key?: KeyObject): Promise<void> {
  const pieces = [...SPECIALS, ...WORDS.map(([word]) => `\u2581${word}`), ...CHARACTERS];
  writeFileSync(join(folder, "model.json"), JSON.stringify(tinyConfig()));
  writeFileSync(join(folder, "cheap.bin"), cheap());
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer(pieces)));
  writeFileSync(join(folder, "model.onnx"), transformer(pieces));
  if (key === undefined) return;
  const files = WEIGHT_FILES.map((name) => ({ name, sha256: sha256(readFileSync(join(folder, name))) }));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(await signManifest(files, "tiny", key)));
}

/** `model.json` of the tiny weights. */
export function tinyConfig(): Record<string, unknown> {
  const all = <T>(value: T): Record<string, T> => Object.fromEntries(HEADS.map((head) => [head, value]));
  return {
    version: "tiny",
    maxTokens: 256,
    heads: HEADS,
    calibration: all([1, 0]),
    thresholds: all(0.5),
    cheap: { file: "cheap.bin", clean: all(-3), sure: { ...all(null), injection: 30 } },
  };
}

/** Bias -6; 40 steps of 5 over the root of the number of features lift a text of up to a page over -3. */
function cheap(): Uint8Array {
  const bytes = Buffer.alloc(12 + HEADS.length * (8 + BUCKETS));
  bytes.writeUInt32LE(0x48464731, 0);
  bytes.writeUInt32LE(BUCKETS, 4);
  bytes.writeUInt32LE(HEADS.length, 8);
  for (const index of HEADS.keys()) {
    bytes.writeFloatLE(-6, 12 + index * 8);
    bytes.writeFloatLE(5, 16 + index * 8);
  }
  const start = 12 + HEADS.length * 8;
  for (const [word, head, weight] of WORDS) {
    bytes.writeInt8(weight, start + (fnv(`w:${word}`) & (BUCKETS - 1)) * HEADS.length + HEADS.indexOf(head));
  }
  return bytes;
}

function transformer(pieces: readonly string[]): Uint8Array {
  const rows = pieces.map((piece) => {
    const word = WORDS.find(([one]) => piece === `\u2581${one}`);
    return HEADS.map((head) => (word?.[1] === head ? 8 : 0));
  });
  return sumModel(
    rows,
    HEADS.map(() => -4),
  );
}

function tokenizer(pieces: readonly string[]): Record<string, unknown> {
  const special = (id: string): unknown => ({ SpecialToken: { id, type_id: 0 } });
  return {
    added_tokens: SPECIALS.map((content, id) => ({ id, content, special: true })),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFKC" },
        { type: "Lowercase" },
        { type: "Replace", pattern: { Regex: "[\\u0009-\\u000d\\u0020]+" }, content: " " },
        { type: "Strip", strip_left: true, strip_right: true },
      ],
    },
    pre_tokenizer: { type: "Metaspace", replacement: "\u2581", prepend_scheme: "always", split: true },
    post_processor: {
      type: "TemplateProcessing",
      single: [special("<s>"), { Sequence: { id: "A", type_id: 0 } }, special("</s>")],
      special_tokens: { "<s>": { ids: [0] }, "</s>": { ids: [2] } },
    },
    model: { type: "Unigram", unk_id: 3, vocab: pieces.map((piece) => [piece, piece.length > 1 ? -1 : -5]) },
  };
}
