import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { isHoldfastError, type CommandResult, type Style } from "../../core/index.ts";
import { createLeakDetector } from "../detectors/leak/leak.ts";
import { run } from "./index-corpus.ts";

const PLAIN: Style = { bold: String, dim: String, red: String, green: String, yellow: String };
const CONTEXT = { direction: "response", origin: "assistant", pointer: "" } as const;
const TALE =
  "Once upon a time a lighthouse keeper on a small island counted ships by lamplight, and wrote each of them down in a " +
  "book with a green cover that nobody but her sister had ever been allowed to open, not even in the worst of winters.";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-index-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function index(path: string | readonly string[], options: Readonly<Record<string, string>>): Promise<CommandResult> {
  const rest = typeof path === "string" ? [path] : path;
  return run({ services: undefined, args: {}, rest, options, progress: () => {} });
}

test("a folder becomes an index in which its passages are found, and the same bytes again", async () => {
  await inFolder(async (folder) => {
    const corpus = join(folder, "corpus");
    await mkdir(join(corpus, "more"), { recursive: true });
    await writeFile(join(corpus, "a.txt"), TALE);
    await writeFile(join(corpus, "more", "b.jsonl"), `${JSON.stringify({ text: TALE.toUpperCase() })}\n\n`);
    await writeFile(join(corpus, "c.csv"), `id,text\r\n1,"${TALE.replace("ships", '""ships""')}"\r\n`);
    await writeFile(join(corpus, "d.bin"), "x");
    const out = join(folder, "train.hfi");
    const result = await index(corpus, { out });
    assert.match(result.text(PLAIN), /from 3 documents in 3 files\n.* passes with probability \d\.\d+e-[78]\n/);
    assert.match(result.text(PLAIN), /not read, of another kind: 1 files/);
    const bytes = await readFile(out);
    const found = await createLeakDetector({ index: out }).detect(`She said: ${TALE.toLowerCase()} The end.`, CONTEXT);
    assert.equal(found[0]?.rule, "leak.training-text");
    assert.deepEqual(found[0].location, {
      pointer: "",
      start: 10 + "once upon ".length,
      end: 10 + TALE.length - 1,
    });
    await index(corpus, { out });
    assert.deepEqual(await readFile(out), bytes);
    assert.deepEqual((await readdir(folder)).toSorted(), ["corpus", "train.hfi"]);
    // Two paths in the other order are the same set, but other documents first: the filter does not depend on it.
    await index([join(corpus, "c.csv"), join(corpus, "more"), join(corpus, "a.txt")], { out });
    assert.deepEqual(await readFile(out), bytes);
  });
});

test("what cannot be made is an error with a name", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a.txt");
    await writeFile(path, TALE);
    await writeFile(join(folder, "b.jsonl"), '{"body":"x"}\n');
    await writeFile(join(folder, "c.csv"), "a,b\n1,2\n");
    await writeFile(join(folder, "short.txt"), "too few words");
    await writeFile(join(folder, "bytes.txt"), Uint8Array.of(0xff, 0xfe));
    const out = join(folder, "out.hfi");
    const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
      [path, { out, ngram: "3" }, "guard.index-parameters"],
      [path, { out, ngram: "65" }, "guard.index-parameters"],
      [path, { out, ngram: "x" }, "guard.index-parameters"],
      [path, { out, fp: "0.2" }, "guard.index-parameters"],
      [path, { out, fp: "1e-9" }, "guard.index-parameters"],
      [path, { out: join(folder, "none", "x") }, "guard.index-unwritable"],
      [join(folder, "none"), { out }, "guard.corpus-unreadable"],
      [join(folder, "b.jsonl"), { out }, "guard.corpus-record"],
      [join(folder, "c.csv"), { out }, "guard.corpus-record"],
      [join(folder, "short.txt"), { out }, "guard.corpus-empty"],
      [join(folder, "bytes.txt"), { out }, "core.utf8-invalid"],
    ];
    for (const [from, options, code] of cases) {
      await assert.rejects(index(from, options), (error) => isHoldfastError(error, code), `${from} ${code}`);
    }
    assert.ok(!(await readdir(folder)).includes("out.hfi"));
  });
});
