/**
 * `holdfast guard index`: makes an index of a corpus, in which the leak detector looks up what models say.
 *
 * @module
 */

import { createHash, randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import type { CommandRun } from "../../core/index.ts";
import { buildIndex } from "../detectors/leak/corpus.ts";
import { leakError } from "../detectors/leak/errors.ts";
import { encodeIndex } from "../detectors/leak/index-file.ts";

/**
 * Writes the index in one step: the file is whole, or as it was before.
 *
 * @throws what `buildIndex` throws, and `guard.index-unwritable`
 */
export const run: CommandRun<unknown> = async ({ rest: paths, options, progress }) => {
  const out = text(options["out"], "corpus.hfi");
  const built = await buildIndex(paths, {
    ngram: Number(text(options["ngram"], "12")),
    falsePositive: Number(text(options["fp"], "1e-6")),
    field: text(options["field"], "text"),
    progress: (done, total) => {
      progress("reading the corpus", done, total);
    },
  });
  const parts = encodeIndex(built.index);
  await writeWhole(out, parts);
  const { ngram, falsePositive, documents, ngrams } = built.index;
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const digest = createHash("sha256");
  for (const part of parts) digest.update(part);
  const data = {
    index: { name: out, digest: { sha256: digest.digest("hex") }, bytes },
    ngram,
    falsePositive,
    documents,
    ngrams,
    files: built.files,
    skipped: built.skipped,
  };
  return {
    data,
    text: (style) =>
      [
        `${style.bold(out)}: ${bytes} bytes, sha256 ${data.index.digest.sha256}`,
        `${ngrams} n-grams of ${ngram} words, from ${documents} documents in ${built.files} files`,
        `an n-gram that is not in the corpus passes with probability ${falsePositive}`,
        ...(built.skipped.length === 0
          ? []
          : [style.yellow(`not read, of another kind: ${built.skipped.length} files`)]),
      ].join("\n"),
  };
};

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}

/** @throws `guard.index-unwritable` */
async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const target = resolve(path);
  const temporary = `${target}.${randomUUID()}.part`;
  try {
    const file = await open(temporary, "wx");
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    // The name is durable once the folder is.
    const folder = await open(dirname(target), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (cause) {
    await rm(temporary, { force: true });
    throw leakError("guard.index-unwritable", { detail: path, cause });
  }
}
