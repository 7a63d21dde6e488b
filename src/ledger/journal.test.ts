import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeJournal, journalEncoder, type LedgerRecord } from "./journal.ts";
import { EMPTY_ROOT, leafHash } from "./merkle.ts";
import { frameEntry, unframeEntry } from "./tile.ts";

const header = { origin: "example.com/log", first: 5, root: EMPTY_ROOT };

function record(entry: Uint8Array): LedgerRecord {
  return { framed: frameEntry(entry), leaf: leafHash(entry) };
}

/** A journal of batches of entries, and where each batch begins. */
function journalOf(batches: readonly (readonly Uint8Array[])[]): { bytes: Buffer; starts: number[] } {
  const encoder = journalEncoder(header, (size) => Buffer.alloc(size, 0xab));
  const starts: number[] = [];
  let bytes = Buffer.from(encoder.header);
  for (const batch of batches) {
    starts.push(bytes.length);
    bytes = Buffer.concat([bytes, encoder.batch(batch.map(record))]);
  }
  return { bytes, starts };
}

function entriesIn(bytes: Uint8Array): string[] {
  return (decodeJournal(bytes)?.records ?? []).map(({ framed }) => Buffer.from(unframeEntry(framed)).toString());
}

const batches = [["a", "bb"], ["ccc"], ["", "dddd", "e"]].map((batch) => batch.map((text) => Buffer.from(text)));
const { bytes, starts } = journalOf(batches);

test("records come back in order, with their leaf hashes", () => {
  const journal = decodeJournal(bytes);
  assert.deepEqual(journal?.header, { ...header, root: Buffer.from(EMPTY_ROOT) });
  assert.equal(journal?.ending, "whole");
  assert.deepEqual(entriesIn(bytes), ["a", "bb", "ccc", "", "dddd", "e"]);
  assert.deepEqual(journal?.records[2]?.leaf, leafHash(Buffer.from("ccc")));
  assert.deepEqual(decodeJournal(journalOf([]).bytes)?.records, []);
});

test("entries of any bytes, also the marker's own, come back", () => {
  const entry = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constant(new Uint8Array(40).fill(0xab)));
  fc.assert(
    fc.property(fc.array(fc.array(entry, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), (random) => {
      const journal = decodeJournal(journalOf(random).bytes);
      assert.equal(journal?.ending, "whole");
      assert.deepEqual(
        journal?.records.map(({ framed }) => Buffer.from(unframeEntry(framed)).toString("hex")),
        random.flat().map((bytes) => Buffer.from(bytes).toString("hex")),
      );
    }),
  );
});

test("cut anywhere, what whole batches held is kept and the rest is called torn", () => {
  const ends = [...starts.slice(1), bytes.length];
  const counts = [2, 3, 6];
  for (let length = starts[0] as number; length <= bytes.length; length++) {
    const journal = decodeJournal(bytes.subarray(0, length));
    const acknowledged = counts[ends.findLastIndex((end) => end <= length)] ?? 0;
    assert.ok((journal?.records.length ?? -1) >= acknowledged, `cut at ${length}`);
    assert.equal(journal?.ending, ends.includes(length) || length === starts[0] ? "whole" : "torn", `cut at ${length}`);
  }
});

test("a change of any byte is noticed: no journal in the header, damage before a later batch, else a torn end", () => {
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 0x10;
    const journal = decodeJournal(changed);
    const expected = at < (starts[0] as number) ? undefined : at < (starts[2] as number) ? "damaged" : "torn";
    assert.equal(journal?.ending, expected, `byte ${at}`);
    if (journal === undefined) continue;
    const all = ["a", "bb", "ccc", "", "dddd", "e"];
    assert.deepEqual(entriesIn(changed), all.slice(0, journal.records.length));
  }
});

test("records that moved, vanished or came from another journal are noticed", () => {
  const cut = (from: number, to?: number): Buffer =>
    bytes.subarray(starts[from], to === undefined ? undefined : starts[to]);
  const head = bytes.subarray(0, starts[0]);
  assert.equal(decodeJournal(Buffer.concat([head, cut(1, 2), cut(0, 1), cut(2)]))?.ending, "damaged");
  assert.equal(decodeJournal(Buffer.concat([head, cut(1)]))?.ending, "damaged");
  assert.equal(decodeJournal(Buffer.concat([head, cut(0), cut(2)]))?.ending, "torn");
  const other = journalEncoder({ ...header, first: 6 }, (size) => Buffer.alloc(size, 0xab)).header;
  assert.equal(decodeJournal(Buffer.concat([other, cut(0)]))?.records.length, 0);
});

test("arbitrary bytes are a journal, or no journal, and never an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
      assert.equal(decodeJournal(tail)?.ending ?? "none", "none");
      const journal = decodeJournal(Buffer.concat([bytes, tail]));
      assert.equal(journal?.records.length, 6);
      assert.equal(journal?.ending, tail.length === 0 ? "whole" : "torn");
    }),
  );
  const text = bytes.toString("latin1", 0, starts[0]);
  for (const [from, to] of [
    ["@v1", "@v2"],
    ["\n5\n", "\n05\n"],
    ["\n5\n", "\n9007199254740993\n"],
    ["example", "exa mple"],
    ["abab", "ABAB"],
    ["\n\n", "\nmore\n\n"],
  ] as const) {
    assert.equal(decodeJournal(Buffer.from(text.replace(from, to), "latin1")), undefined, to);
  }
});
