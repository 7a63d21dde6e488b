/**
 * The weights that the package carries: signed by a pinned key, and read here as the training reads them. The vectors
 * are written by `training/guard/vectors.py`, for these very weights.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { parseJson, type Gate } from "../../core/index.ts";
import { openCheapStage } from "./cheap.ts";
import { readFeatures } from "./features.ts";
import { HEADS } from "./heads.ts";
import { sha256 } from "./manifest.ts";
import type { ThreadData } from "./protocol.ts";
import { createThread, type ModelThread } from "./thread.ts";
import { openTokenizer } from "./tokenizer.ts";
import { TRUSTED_KEYS } from "./trusted-keys.ts";
import { DEFAULT_WEIGHTS, openWeights } from "./weights.ts";

interface Vectors {
  readonly vectors: readonly {
    readonly text: string;
    readonly buckets?: readonly number[];
    readonly ids?: readonly number[];
    readonly logits?: readonly number[];
  }[];
}

const read = (name: string): Vectors & Readonly<Record<string, unknown>> =>
  parseJson(readFileSync(new URL(`../../../test/vectors/${name}/vectors.json`, import.meta.url))) as never;
const weight = (name: string): Uint8Array => readFileSync(join(DEFAULT_WEIGHTS, name));

const near = (actual: ArrayLike<number>, expected: readonly number[], most: number, text: string): void => {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of expected.entries()) {
    const off = Math.abs((actual[index] as number) - value);
    assert.ok(off <= most, `head ${index} is off by ${off}: ${JSON.stringify(text.slice(0, 40))}`);
  }
};

describe("the weights of the package", { skip: !existsSync(DEFAULT_WEIGHTS) && "weights/guard is not there" }, () => {
  it("are signed by a pinned key", async () => {
    const { config } = await openWeights(DEFAULT_WEIGHTS, TRUSTED_KEYS);
    assert.equal(config.heads.length, HEADS.length);
    for (const head of HEADS) {
      assert.ok(config.thresholds[head] > 0 && config.thresholds[head] < 1);
      assert.ok(config.cheap.clean[head] < config.cheap.sure[head]);
    }
  });

  it("see the features that the training sees, and the cheap stage makes the same of them", () => {
    const file = read("guard-features");
    const bytes = weight("cheap.bin");
    assert.equal(sha256(bytes), file["cheap.bin"], "the vectors are of other weights");
    const stage = openCheapStage(bytes);
    assert.ok(file.vectors.length > 20);
    for (const { text, buckets, logits } of file.vectors) {
      const found = Array.from(readFeatures(text).buckets).toSorted((one, other) => one - other);
      assert.deepEqual(found, buckets, JSON.stringify(text.slice(0, 40)));
      near(stage.read(text).logits, logits as readonly number[], 1e-4, text);
    }
  });

  it("see the tokens that the training sees", () => {
    const file = read("guard-tokenizer");
    const bytes = weight("tokenizer.json");
    assert.equal(sha256(bytes), file["tokenizer.json"], "the vectors are of other weights");
    const tokenizer = openTokenizer(bytes);
    assert.ok(file.vectors.length > 20);
    for (const { text, ids } of file.vectors) {
      assert.deepEqual(tokenizer.sequences(text, 1_000_000), [ids], JSON.stringify(text.slice(0, 40)));
    }
  });

  describe("the transformer", () => {
    let thread: ModelThread;
    before(() => {
      const folder = { path: DEFAULT_WEIGHTS, digests: undefined };
      const start = (gate: Gate): Worker => {
        const workerData: ThreadData = { folder, maxTokens: 256, heads: HEADS.length, threads: 1, gate };
        return new Worker(new URL("worker.ts", import.meta.url), { workerData, execArgv: [] });
      };
      thread = createThread({ start, maxWaiting: 8, timeoutMs: 120_000, restMs: 0 });
    });
    after(() => thread.close());

    it("takes no process down that closes it, or exits, while it is at work", () => {
      const url = new URL("classifier.ts", import.meta.url).href;
      for (const end of ["await classifier.close()", "process.exit()"]) {
        const script = `
          const { openClassifier } = await import(${JSON.stringify(url)});
          const classifier = openClassifier({ unsigned: true });
          await classifier.classify("warm");
          for (let text = 0; text < 20; text++) {
            classifier.classify(text + " words to read again and again".repeat(30)).catch(() => {});
          }
          await new Promise((resolve) => setTimeout(resolve, 40));
          ${end};`;
        const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
          encoding: "utf8",
          timeout: 120_000,
        });
        assert.deepEqual({ status, stderr }, { status: 0, stderr: "" }, end);
      }
    });

    it("answers as it does where it was trained", async () => {
      const file = read("guard-tokenizer");
      assert.equal(sha256(weight("model.onnx")), file["model.onnx"], "the vectors are of other weights");
      const rows = file.vectors.filter(({ logits }) => logits !== undefined);
      assert.ok(rows.length > 10);
      // Processors round the sums of bytes alike, but not those of floating-point numbers.
      for (const { text, logits } of rows) near(await thread.ask(text), logits as readonly number[], 0.05, text);
    });
  });
});
