import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { isHoldfastError } from "../../core/index.ts";
import { perceptron } from "../../../test/predict/onnx.ts";
import type { RawTensor } from "./protocol.ts";
import { openPredictThread, type PredictThreadOptions } from "./thread.ts";

const code = (expected: string) => (error: unknown) => isHoldfastError(error, expected);
/** Two inputs, whose sum and difference it answers. */
const SUMS = perceptron(
  [
    {
      weights: [
        [1, 1],
        [1, -1],
      ],
      bias: [0, 10],
    },
  ],
  "none",
);
const input = (data: readonly number[]): RawTensor => ({
  name: "inputs",
  type: "float32",
  shape: [data.length / 2, 2],
  data: Float32Array.from(data),
});

let folder: string;
let file: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-predict-"));
  file = join(folder, "sums.onnx");
  await writeFile(file, SUMS);
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

const open = (options: Partial<PredictThreadOptions> = {}) =>
  openPredictThread({ file, sha256: undefined, threads: 1, queue: 64, timeoutMs: 20_000, ...options });

describe("the thread of a predictive model", () => {
  it("says what the file declares, and answers in order, many at a time", async () => {
    const thread = await open({ sha256: createHash("sha256").update(SUMS).digest("hex") });
    try {
      assert.deepEqual(thread.info.inputs, [{ name: "inputs", type: "float32", shape: [-1, 2] }]);
      assert.deepEqual(thread.info.outputs, [{ name: "scores", type: "float32", shape: [-1, 2] }]);
      const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => thread.run([input([index, 1])])));
      answers.forEach((outputs, index) => {
        assert.deepEqual(Array.from(outputs[0]?.data as Float32Array), [index + 1, index + 9]);
      });
    } finally {
      await thread.close();
    }
    await assert.rejects(thread.run([input([1, 1])]), code("gateway.stopping"));
  });

  it("does not serve a file that is missing, broken, or another than named", async () => {
    const broken = join(folder, "broken.onnx");
    await writeFile(broken, SUMS.subarray(0, SUMS.length / 2));
    for (const options of [{ file: join(folder, "missing.onnx") }, { file: broken }, { sha256: "0".repeat(64) }]) {
      await assert.rejects(open(options), code("gateway.predict-model-invalid"));
    }
  });

  it("refuses more than may wait, and answers those that do", async () => {
    const thread = await open({ queue: 2 });
    try {
      const all = await Promise.allSettled(Array.from({ length: 5 }, () => thread.run([input([1, 1])])));
      assert.deepEqual(
        all.map(({ status }) => status),
        ["fulfilled", "fulfilled", "fulfilled", "rejected", "rejected"],
      );
      for (const one of all) if (one.status === "rejected") assert.ok(code("gateway.predict-busy")(one.reason));
    } finally {
      await thread.close();
    }
  });

  it("fails on inputs that the model fails on, says nothing of them, and goes on", async () => {
    const thread = await open();
    try {
      await assert.rejects(thread.run([{ ...input([1, 2, 3, 4]), shape: [1, 4] }]), (error: unknown) => {
        assert.ok(code("gateway.predict-failed")(error));
        return !/4/.test((error as { detail?: string }).detail ?? "");
      });
      assert.equal((await thread.run([input([1, 1])])).length, 1);
    } finally {
      await thread.close();
    }
  });

  it("tells who waited too long, and serves the next with a new thread", async () => {
    const thread = await open({ timeoutMs: 1 });
    try {
      // A million rows take longer than a millisecond.
      const long = input(Array.from({ length: 2_000_000 }, () => 1));
      await assert.rejects(thread.run([long]), code("gateway.predict-timeout"));
    } finally {
      await thread.close();
    }
    const patient = await open({ timeoutMs: 20_000 });
    try {
      assert.equal((await patient.run([input([2, 1])])).length, 1);
    } finally {
      await patient.close();
    }
  });

  it("rejects what is under way when it is closed", async () => {
    const thread = await open();
    const asked = Array.from({ length: 3 }, () => thread.run([input([1, 1])]));
    const settled = Promise.allSettled(asked);
    await thread.close();
    for (const one of await settled) assert.ok(one.status === "rejected" && code("gateway.stopping")(one.reason));
  });
});
