import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { adapterContestant, loadAdapter } from "./adapter.ts";
import type { Contestant } from "./contestant.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-adapter-"));
});
after(() => rm(folder, { recursive: true }));

const stopwatch = (): number => 0;

async function load(name: string, code: string, threshold?: number): Promise<Contestant> {
  await writeFile(join(folder, name), code);
  return loadAdapter(join(folder, name), { threshold, stopwatch });
}

test("an adapter is a module with a name and detect", async () => {
  const adapter = await load(
    "good.mjs",
    `export const name = "good"; export const version = "2"; export const threshold = 0.8;
     export async function detect(text, { origin }) { return origin === "tool" ? { score: 0.9 } : text.length / 10; }`,
  );
  assert.deepEqual([adapter.name, adapter.version, adapter.threshold], ["good", "2", 0.8]);
  assert.deepEqual(await adapter.judge("1234567", "user"), { score: 0.7, flagged: false, ms: 0 });
  assert.deepEqual(await adapter.judge("", "tool"), { score: 0.9, flagged: true, ms: 0 });
});

test("what the adapter says of flagged counts, else its threshold, else one half", async () => {
  const detect = (): { score: number; flagged: boolean } => ({ score: 0.1, flagged: true });
  const own = adapterContestant({ name: "own", detect }, { threshold: undefined, stopwatch });
  assert.equal((await own.judge("", "user")).flagged, true);
  const half = adapterContestant({ name: "half", detect: () => 0.5 }, { threshold: undefined, stopwatch });
  assert.equal((await half.judge("", "user")).flagged, true);
  const less = adapterContestant({ name: "less", detect: () => 0.499 }, { threshold: undefined, stopwatch });
  assert.equal((await less.judge("", "user")).flagged, false);
});

for (const [what, code] of [
  ["no code", "export const name = ;"],
  ["a module that throws", "throw new Error('x')"],
  ["no name", "export function detect() { return 0; }"],
  ["no detect", 'export const name = "a"; export const detect = 1;'],
  [
    "a threshold that is a text",
    'export const name = "a"; export const threshold = "1"; export const detect = () => 0;',
  ],
  ["a version that is a number", 'export const name = "a"; export const version = 1; export const detect = () => 0;'],
] as const) {
  test(`${what} is refused before anything runs`, async () => {
    await assert.rejects(load(`${what.replaceAll(" ", "-")}.mjs`, code), (error) =>
      isHoldfastError(error, "guard.eval-adapter-invalid"),
    );
  });
}

test("an answer that is no number is an error", async () => {
  const adapter = await load("text.mjs", 'export const name = "text"; export const detect = () => ({ score: "1" });');
  await assert.rejects(adapter.judge("", "user"), (error) => isHoldfastError(error, "guard.eval-row-failed"));
  const nothing = await load("null.mjs", 'export const name = "null"; export const detect = () => undefined;');
  await assert.rejects(nothing.judge("", "user"));
});
