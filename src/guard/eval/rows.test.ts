import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { isHoldfastError } from "../../core/index.ts";
import { readRows, type Row } from "./rows.ts";
import { sample } from "./sample.ts";

async function read(bytes: string | Uint8Array, name = "mine.jsonl"): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-eval-"));
  try {
    await writeFile(join(folder, name), bytes);
    return await all(readRows(join(folder, name)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function all<T>(from: AsyncIterable<T>): Promise<readonly T[]> {
  const entries: T[] = [];
  for await (const entry of from) entries.push(entry);
  return entries;
}

const TEXT = 'a "quoted"\nline 😀';

test("a row has its label in any of six spellings, and defaults for the rest", async () => {
  const lines = [1, 0, true, false, "attack", "benign"].map((label) => JSON.stringify({ text: TEXT, label }));
  const rows = await read(`${lines.join("\n")}\r\n\n  \n`);
  assert.deepEqual(
    rows.map(({ attack }) => attack),
    [true, false, true, false, true, false],
  );
  assert.deepEqual(rows[0], {
    text: TEXT,
    attack: true,
    kind: "attack",
    source: "mine",
    origin: "user",
    lang: undefined,
  });
  assert.equal(rows[1]?.kind, "benign");
});

test("every field is taken, also from a gzipped set, whatever the chunks", async () => {
  const row = {
    text: "x".repeat(100_000),
    label: 1,
    kind: "indirect",
    source: "bipia",
    origin: "document",
    lang: "ko",
  };
  const rows = await read(gzipSync(`${JSON.stringify(row)}\n`.repeat(7)), "set.jsonl.gz");
  assert.equal(rows.length, 7);
  const { label: _, ...rest } = row;
  assert.deepEqual(rows[6], { ...rest, attack: true });
});

for (const [what, line, why] of [
  ["no JSON", "{", "not valid JSON"],
  ["no object", "[]\n", "text is not a string"],
  ["no text", '{"label":1}', "text is not a string"],
  ["an unknown label", '{"text":"secret words","label":2}', "label is not"],
  ["a label of the wrong type", '{"text":"a","label":"1"}', "label is not"],
  ["an unknown origin", '{"text":"a","label":1,"origin":"moon"}', "origin is not one of"],
  ["an empty kind", '{"text":"a","label":1,"kind":""}', "kind is not"],
  ["a long source", `{"text":"a","label":1,"source":"${"s".repeat(81)}"}`, "source is not"],
] as const) {
  test(`${what} ends the reading by file and line, without the text`, async () => {
    await assert.rejects(read(`{"text":"a","label":1}\n\n${line}\n`), (error) => {
      assert.ok(isHoldfastError(error, "guard.eval-set-invalid"));
      assert.match(error.message, /mine\.jsonl:3: /);
      assert.ok(error.message.includes(why) && !error.message.includes("secret words"), error.message);
      return true;
    });
  });
}

test("a line may be 4 MiB long and no longer", async () => {
  const most = 4 * 1024 * 1024;
  const line = (bytes: number): string => `{"label":0,"text":"${"a".repeat(bytes - 21)}"}`;
  assert.equal(line(100).length, 100);
  assert.equal((await read(`${line(most)}\n`)).length, 1);
  for (const ending of ["", "\n"]) {
    await assert.rejects(read(line(most + 1) + ending), (error) => isHoldfastError(error, "guard.eval-set-invalid"));
  }
});

test("a set that is not there, or not gzip, is unreadable", async () => {
  await assert.rejects(all(readRows(join(tmpdir(), "holdfast-none.jsonl"))), unreadable);
  await assert.rejects(all(readRows(join(tmpdir(), "holdfast-none.jsonl.gz"))), unreadable);
  await assert.rejects(read('{"text":"a","label":1}\n', "set.jsonl.gz"), unreadable);
});

function unreadable(error: unknown): boolean {
  return isHoldfastError(error, "guard.input-unreadable");
}

async function* made(counts: Readonly<Record<string, number>>): AsyncGenerator<Row, void, undefined> {
  for (const [source, count] of Object.entries(counts)) {
    for (let at = 0; at < count; at++) {
      yield { text: `${source} ${at}`, attack: at % 2 === 0, kind: "k", source, origin: "user", lang: undefined };
    }
  }
}

test("a sample takes so many of each source and label, small ones whole, and repeats", async () => {
  const rows = await sample(made({ big: 10_000, small: 6 }), 50, 1);
  const count = (source: string, attack: boolean): number =>
    rows.filter((row) => row.source === source && row.attack === attack).length;
  assert.deepEqual([count("big", true), count("big", false)], [50, 50]);
  assert.deepEqual([count("small", true), count("small", false)], [3, 3]);
  assert.deepEqual(await sample(made({ big: 10_000, small: 6 }), 50, 1), rows);
  assert.notDeepEqual(await sample(made({ big: 10_000, small: 6 }), 50, 2), rows);
  const places = rows.filter(({ source }) => source === "big").map(({ text }) => Number(text.slice(4)));
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  );
  // Drawn from all over: the mean of 100 places of 10,000 is 5,000, give or take 289.
  const mean = places.reduce((sum, place) => sum + place, 0) / places.length;
  assert.ok(Math.abs(mean - 5_000) < 1_200, String(mean));
});
