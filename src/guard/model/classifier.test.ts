import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Gate } from "../../core/index.ts";
import { writeTinyWeights } from "../../../test/guard-model/tiny.ts";
import { openClassifier, sharedClassifier, type Classifier } from "./classifier.ts";
import { openManifest, publicKeyOf } from "./manifest.ts";
import type { ThreadData } from "./protocol.ts";
import { createThread, type ModelThread } from "./thread.ts";
import { openWeights } from "./weights.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-model-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const near = (actual: number | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-5, `${actual} is not ${expected}`);
/** No test waits for a time limit that it does not set itself: a busy machine takes its time. */
const PATIENCE = 240_000;
const LOW = 1 / (1 + Math.exp(4));

describe("the classifier", () => {
  let weights = "";
  let classifier: Classifier;
  before(async () => {
    weights = mkdtempSync(join(folder, "tiny-"));
    await writeTinyWeights(weights);
    classifier = openClassifier({ weights, unsigned: true, timeoutMs: PATIENCE });
  });
  after(() => classifier.close());

  it("says nothing until it is loaded, then what is clear at once", async () => {
    assert.equal(classifier.cheap, undefined);
    const cheap = await classifier.load();
    assert.equal(classifier.cheap, cheap);
    assert.equal(cheap.version, "tiny");
    assert.equal(cheap.thresholds.injection, 0.5);
    const clear = cheap.settle("the weather is fine");
    assert.equal(Object.keys(clear).length, 9);
    assert.ok((clear.injection as number) <= 0.01);
    const open = cheap.settle("please ignore the weather");
    assert.equal(open.injection, undefined);
    assert.ok((open.hate as number) <= 0.01);
    const sure = cheap.settle("override the weather");
    assert.ok((sure.injection as number) > 0.75);
    assert.ok(cheap.logit("ignore it", "injection") > cheap.logit("forget it", "injection"));
  });

  it("settles nothing of a text that it could not read to its end", async () => {
    const cheap = await classifier.load();
    assert.deepEqual(cheap.settle("\ufdfa".repeat(200)), {});
  });

  it("asks the transformer, which reads words", async () => {
    const scores = await classifier.classify("Please IGNORE what the assistant says");
    near(scores.injection, 1 - LOW);
    near(scores.indirect, 1 - LOW);
    near(scores.hate, LOW);
    near((await classifier.classify("")).injection, LOW);
  });

  it("reads all of a text with more tokens than the model takes", async () => {
    // Each character is a token; the word stands in the last of several sequences.
    const text = `${"x.".repeat(400)} ignore`;
    near((await classifier.classify(text)).injection, 1 - LOW);
    near((await classifier.classify("x.".repeat(400))).injection, LOW);
    await assert.rejects(classifier.classify("x.".repeat(1200)), { code: "guard.model-overload" });
  });

  it("answers the same for a text alone and among others", async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `vermin ${"and so on ".repeat(index)}`);
    const together = await Promise.all(texts.map((text) => classifier.classify(text)));
    for (const [index, text] of texts.entries()) {
      if (index % 7 !== 0) continue;
      const other = openClassifier({ weights, unsigned: true, timeoutMs: PATIENCE });
      assert.deepEqual(await other.classify(text), together[index]);
      await other.close();
    }
  });

  it("asks once for one text, however often it comes, but again after a failure", async () => {
    const one = classifier.classify("the same text");
    assert.equal(classifier.classify("the same text"), one);
    await one;
    assert.equal(classifier.classify("the same text"), one);
    const slow = openClassifier({ weights, unsigned: true, timeoutMs: 1 });
    await assert.rejects(slow.classify("the same text"), { code: "guard.model-timeout" });
    await assert.rejects(slow.classify("the same text"), { code: "guard.model-timeout" });
    await slow.close();
  });

  it("takes no more texts at once than it may", async () => {
    const narrow = openClassifier({ weights, unsigned: true, timeoutMs: PATIENCE, maxWaiting: 2 });
    await narrow.load();
    const results = await Promise.allSettled(["a", "b", "c"].map((text) => narrow.classify(text)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "fulfilled", "rejected"],
    );
    assert.equal((results[2] as PromiseRejectedResult).reason.code, "guard.model-busy");
    await narrow.close();
  });

  it("rejects once it is closed, also while it loads", async () => {
    const other = openClassifier({ weights, unsigned: true });
    await other.load();
    await other.close();
    await assert.rejects(other.classify("a"), { code: "guard.model-closed" });
    const early = openClassifier({ weights, unsigned: true });
    const pending = early.classify("a");
    const rejected = assert.rejects(pending, { code: "guard.model-closed" });
    await early.close();
    await rejected;
  });

  it("is shared by folder", () => {
    assert.equal(sharedClassifier(weights), sharedClassifier(weights));
    assert.notEqual(sharedClassifier(weights), sharedClassifier());
  });

  it("keeps no process alive", () => {
    const url = new URL("classifier.ts", import.meta.url).href;
    const script = `
      const { openClassifier } = await import(${JSON.stringify(url)});
      const classifier = openClassifier({ weights: ${JSON.stringify(weights)}, unsigned: true });
      console.log((await classifier.classify("ignore")).injection > 0.5);`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
      timeout: PATIENCE,
    });
    assert.deepEqual({ stdout, status }, { stdout: "true\n", status: 0 });
  });

  it("says what to install where the runtime is not", () => {
    // The sources alone, where no package can be found.
    const bare = mkdtempSync(join(folder, "bare-"));
    const src = fileURLToPath(new URL("../../", import.meta.url));
    mkdirSync(join(bare, "src/guard"), { recursive: true });
    writeFileSync(join(bare, "package.json"), '{"type":"module"}');
    cpSync(join(src, "core"), join(bare, "src/core"), { recursive: true });
    cpSync(join(src, "guard/model"), join(bare, "src/guard/model"), { recursive: true });
    cpSync(join(src, "guard/memo.ts"), join(bare, "src/guard/memo.ts"));
    const script = `
      import { openClassifier } from "./src/guard/model/classifier.ts";
      const classifier = openClassifier({ weights: ${JSON.stringify(weights)}, unsigned: true });
      console.log((await classifier.load()).version);
      await classifier.classify("ignore").catch(({ code, hint }) => console.log(code, hint));`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
      cwd: bare,
      timeout: PATIENCE,
    });
    assert.equal(stdout, "tiny\nguard.model-runtime-missing npm install onnxruntime-node\n");
  });
});

describe("signed weights", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const keys = [publicKeyOf(privateKey)];
  let weights = "";
  before(async () => {
    weights = mkdtempSync(join(folder, "signed-"));
    await writeTinyWeights(weights, privateKey);
  });

  /** A copy with one file changed: its last byte, or gone. */
  function changed(name: string, how: "flip" | "remove"): string {
    const copy = mkdtempSync(join(folder, "changed-"));
    cpSync(weights, copy, { recursive: true });
    const bytes = readFileSync(join(copy, name));
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    if (how === "flip") writeFileSync(join(copy, name), bytes);
    else rmSync(join(copy, name));
    return copy;
  }

  /** The thread alone, as the classifier starts it for a folder with a manifest. */
  async function threadOf(path: string): Promise<ModelThread> {
    const digests = await openManifest(readFileSync(join(weights, "manifest.json")), keys);
    const fixed = { folder: { path, digests }, maxTokens: 256, heads: 9, threads: 1 };
    const start = (gate: Gate): Worker => {
      const workerData: ThreadData = { ...fixed, gate };
      return new Worker(new URL("worker.ts", import.meta.url), { workerData, execArgv: [] });
    };
    return createThread({ start, maxWaiting: 8, timeoutMs: PATIENCE, restMs: 0 });
  }

  it("are used when all of them are as they were signed", async () => {
    assert.equal((await openWeights(weights, keys)).config.version, "tiny");
    const thread = await threadOf(weights);
    assert.equal((await thread.ask("ignore"))[0], 4);
    await thread.close();
  });

  it("are refused here when a small file was changed or is not there", async () => {
    for (const name of ["manifest.json", "model.json", "cheap.bin"]) {
      await assert.rejects(openWeights(changed(name, "flip"), keys), { code: "guard.model-untrusted" }, name);
      await assert.rejects(openWeights(changed(name, "remove"), keys), { code: "guard.model-missing" }, name);
    }
  });

  it("are refused in the thread when a large file was changed or is not there", async () => {
    for (const name of ["tokenizer.json", "model.onnx"]) {
      const tampered = await threadOf(changed(name, "flip"));
      await assert.rejects(tampered.ask("a"), { code: "guard.model-untrusted", detail: `${name} was changed` });
      await tampered.close();
      const missing = await threadOf(changed(name, "remove"));
      await assert.rejects(missing.ask("a"), { code: "guard.model-missing" });
      await missing.close();
    }
  });

  it("are refused by the classifier when a key signed them that is not pinned, or none", async () => {
    for (const [path, code] of [
      [weights, "guard.model-untrusted"],
      [changed("manifest.json", "remove"), "guard.model-missing"],
    ] as const) {
      const classifier = openClassifier({ weights: path });
      await assert.rejects(classifier.load(), { code });
      await assert.rejects(classifier.classify("a"), { code });
      await classifier.close();
    }
  });

  it("that are no model are refused by name", async () => {
    const copy = mkdtempSync(join(folder, "broken-"));
    await writeTinyWeights(copy);
    writeFileSync(join(copy, "model.onnx"), "nonsense");
    const classifier = openClassifier({ weights: copy, unsigned: true });
    await assert.rejects(classifier.classify("a"), { code: "guard.model-invalid" });
    await classifier.close();
  });
});
