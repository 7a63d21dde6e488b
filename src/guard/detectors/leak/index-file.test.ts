import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { isHoldfastError } from "../../../core/index.ts";
import { addHash, hasHash, openFilter, planFilter } from "./filter.ts";
import { decodeIndex, encodeIndex, type CorpusIndex } from "./index-file.ts";

function index(): CorpusIndex {
  const plan = planFilter(100, 0.001);
  const filter = openFilter(plan);
  addHash(filter, 12, -34);
  return { words: "words/1", ngram: 12, ...plan, falsePositive: 0.0005, documents: 3, ngrams: 100, filter };
}

/** The file with another header, and the digest that fits it. */
function withHeader(change: (header: Record<string, unknown>) => unknown): Buffer {
  const bytes = Buffer.concat(encodeIndex(index()));
  const length = bytes.readUInt32LE(8);
  const header: unknown = change(JSON.parse(bytes.toString("utf8", 12, 12 + length)) as Record<string, unknown>);
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  const content = Buffer.concat([bytes.subarray(0, 8), size, text, bytes.subarray(12 + length, -32)]);
  return Buffer.concat([content, createHash("sha256").update(content).digest()]);
}

function isInvalid(bytes: Uint8Array): void {
  assert.throws(
    () => decodeIndex(bytes),
    (error) => isHoldfastError(error, "guard.index-invalid"),
  );
}

test("what was written is read", () => {
  const read = decodeIndex(Buffer.concat(encodeIndex(index())));
  assert.deepEqual({ ...read, filter: undefined }, { ...index(), filter: undefined });
  assert.ok(hasHash(read.filter, 12, -34) && !hasHash(read.filter, 12, 34));
});

test("any change is noticed", () => {
  const bytes = Buffer.concat(encodeIndex(index()));
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    isInvalid(changed);
  }
  for (const length of [0, 8, 12, 40, 43, 44, 45, bytes.length - 1]) isInvalid(bytes.subarray(0, length));
  isInvalid(Buffer.concat([bytes, bytes]));
});

test("a header that says what cannot be is refused", () => {
  assert.doesNotThrow(() => decodeIndex(withHeader((header) => header)));
  for (const change of [
    { words: "words/2" },
    { ngram: 3 },
    { ngram: 65 },
    { ngram: 12.5 },
    { blocks: 0 },
    { blocks: 999 },
    { probes: 0 },
    { probes: 65 },
    { falsePositive: 2 },
    { falsePositive: "0" },
    { documents: -1 },
    { ngrams: null },
  ]) {
    isInvalid(withHeader((header) => ({ ...header, ...change })));
  }
  isInvalid(withHeader(() => "null"));
  isInvalid(withHeader(() => "{"));
});
