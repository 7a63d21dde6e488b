/** Every sample of the corpus has the verdict that its manifest expects. The malicious ones are bytes: nothing loads them. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { parseJson } from "../../core/index.ts";
import { scanFiles } from "./report.ts";

const CORPUS = fileURLToPath(new URL("../../../../shared/data/models/", import.meta.url));

interface Sample {
  readonly path: string;
  readonly expected: "malicious" | "clean" | "inconclusive" | "not-a-pickle";
}

describe("the corpus of samples", { skip: existsSync(CORPUS) ? false : "there is no shared/data/models" }, () => {
  it("gets every verdict that its manifest expects", async () => {
    const manifest = parseJson(readFileSync(join(CORPUS, "MANIFEST.json"))) as { readonly files: readonly Sample[] };
    const { files } = await scanFiles([CORPUS]);
    const verdicts = new Map(files.map(({ path, verdict }) => [path, verdict]));
    const wrong = manifest.files
      .map(({ path, expected }) => ({ path, expected, verdict: verdicts.get(join(CORPUS, path)) }))
      .filter(({ expected, verdict }) => verdict !== (expected === "not-a-pickle" ? "not-a-model" : expected));
    assert.deepEqual(wrong, []);
    assert.ok(manifest.files.length > 200);
  });
});
