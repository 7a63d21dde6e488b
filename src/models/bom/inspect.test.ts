import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";

import { gguf, made, noise, onnx, safetensors, torch, zip } from "../../../test/models/checkpoints.ts";
import { isHoldfastError } from "../../core/index.ts";
import { hashModel } from "../sign/manifest.ts";
import { valuesOf } from "./fact.ts";
import { inspectModel, type Inspection } from "./inspect.ts";

const TENSORS = [made("a.weight", [4, 8], noise(32, 1)), made("a.bias", [4], noise(4, 2))];

let folder = "";
let count = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-inspect-"));
});
after(() => rm(folder, { recursive: true }));

async function inspect(files: Readonly<Record<string, string | Uint8Array>>): Promise<Inspection> {
  const path = join(folder, `m${count++}`);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  const inspection = await inspectModel(path);
  assert.equal(inspection.root, (await hashModel(path)).root);
  return inspection;
}

describe("the inspection of a model", () => {
  it("gathers facts of all files under the root that a signature has", async () => {
    const { facts, size, inputs, metrics, unread } = await inspect({
      "model.safetensors": safetensors(TENSORS),
      "config.json": '{"architectures":["Bert"],"model_type":"bert"}',
      "tokenizer.json": '{"model":{"type":"BPE"}}',
      "onnx/model.onnx": onnx(TENSORS),
      "README.md": "---\nlicense: mit\n---\n",
      "extra/README.md": "---\nlicense: gpl-3.0\n---\n",
      MLmodel: "flavors: {sklearn: {sklearn_version: 1.5.0}}",
    });
    assert.deepEqual(valuesOf(facts, "architecture"), ["Bert"]);
    assert.deepEqual(valuesOf(facts, "tokenizer"), ["BPE"]);
    assert.deepEqual(valuesOf(facts, "licence"), ["mit"], "only the model's own card speaks for it");
    assert.deepEqual(valuesOf(facts, "library"), ["sklearn 1.5.0"]);
    assert.deepEqual(valuesOf(facts, "producer"), ["maker 1.2"]);
    assert.deepEqual(
      [size?.parameters, size?.format, inputs.length, metrics.length, unread.length],
      [36, "safetensors", 1, 0, 0],
    );
  });

  it("reads a cache of the hub as the files that its links name, and leaves out what downloaders keep", async () => {
    const weights = safetensors(TENSORS);
    const plain = await inspect({ "model.safetensors": weights, "config.json": "{}" });
    const commit = "a1".repeat(20);
    const cache = join(folder, "models--acme--bot");
    const snapshot = join(cache, "snapshots", commit);
    for (const path of [snapshot, join(cache, "blobs"), join(cache, "refs")]) await mkdir(path, { recursive: true });
    await writeFile(join(cache, "refs", "main"), commit);
    for (const { name, digest } of plain.resources) {
      await writeFile(join(cache, "blobs", digest), name === "config.json" ? "{}" : weights);
      await symlink(join("..", "..", "blobs", digest), join(snapshot, name));
    }
    for (const path of [cache, snapshot]) {
      const inspection = await inspectModel(path, { ignorePaths: ["model.sig"] });
      assert.deepEqual([inspection.root, inspection.name, inspection.size?.parameters], [plain.root, "bot", 36]);
    }
    const { resources, ignored } = await inspectModel(cache, { ignorePaths: ["config.json"] });
    assert.deepEqual([resources.map(({ name }) => name), ignored], [["model.safetensors"], ["config.json"]]);
    await symlink("/etc/hostname", join(snapshot, "out.txt"));
    await assert.rejects(inspectModel(cache), (error) => isHoldfastError(error, "models.import-invalid"));

    const local = join(folder, "local");
    await mkdir(join(local, ".cache", "huggingface", "download"), { recursive: true });
    await writeFile(join(local, ".cache", "huggingface", "download", "config.json.metadata"), "x");
    await writeFile(join(local, "model.safetensors"), weights);
    await writeFile(join(local, "config.json"), "{}");
    assert.equal((await inspectModel(local)).root, plain.root);
  });

  it("counts weights once that lie there twice, and parts of one model each", async () => {
    const twice = await inspect({ "a.safetensors": safetensors(TENSORS), "pytorch_model.bin": torch(TENSORS) });
    assert.equal(twice.size?.parameters, 36);
    const quantised = await inspect({ "q4.gguf": gguf(TENSORS), "q8.gguf": gguf(TENSORS) });
    assert.equal(quantised.size?.parameters, 36);
    const parts = await inspect({
      "unet/m.safetensors": safetensors(TENSORS),
      "vae/m.safetensors": safetensors(TENSORS),
    });
    assert.equal(parts.size?.parameters, 72);
    assert.equal((await inspect({ "a.txt": "x" })).size, undefined);
  });

  it("reads what GGUF and Keras say of themselves", async () => {
    const { facts } = await inspect({
      "m.gguf": gguf(TENSORS, {
        "general.architecture": "llama",
        "general.license": "llama3.1",
        "general.base_model.0.name": "Base",
        "general.base_model.0.repo_url": "https://example.org/base",
      }),
    });
    assert.deepEqual(
      ["family", "licence", "base model"].flatMap((topic) => valuesOf(facts, topic as "family")),
      ["llama", "llama3.1", "https://example.org/base"],
    );
    const keras = await inspect({
      "m.keras": zip([
        ["metadata.json", Buffer.from('{"keras_version":"3.1"}')],
        ["config.json", Buffer.from('{"class_name":"Sequential","config":{"layers":[1,2]}}')],
      ]),
    });
    assert.deepEqual(
      keras.facts.map(({ value }) => value),
      ["keras 3.1", "Sequential", "2 layers"],
    );
    assert.match(keras.unread[0]?.why ?? "", /HDF5/);
  });

  it("names what could not be read, with the reason, and goes on", async () => {
    const { unread, facts } = await inspect({
      "a.safetensors": "????????????",
      "b.onnx": onnx(TENSORS, { location: "gone.bin", offset: 0 }),
      "c.h5": Buffer.alloc(2_000),
      "config.json": '{"model_type":"bert","model_type":"gpt"}',
      "README.md": "---\nlicense: *x\n---\n",
      "model.safetensors.index.json": '{"weight_map":{"w":"model-00001-of-00002.safetensors"}}',
      MLmodel: "model_uuid: 1\nflavors: {}",
    });
    assert.deepEqual(valuesOf(facts, "producer"), ["maker 1.2"]);
    assert.equal(facts.length, 1);
    assert.deepEqual(unread.map(({ path }) => path).toSorted(), [
      "README.md",
      "a.safetensors",
      "b.onnx",
      "c.h5",
      "config.json",
      "model-00001-of-00002.safetensors",
    ]);
    assert.match(unread.find(({ path }) => path === "config.json")?.why ?? "", /same name twice/);
    assert.match(unread.find(({ path }) => path === "b.onnx")?.why ?? "", /gone\.bin, which is not there/);
  });

  it("finds the bytes of tensors in the file that they lie in", async () => {
    const bytes = Buffer.concat([Buffer.alloc(64), ...TENSORS.map(({ data }) => data), Buffer.alloc(1_000)]);
    const one = [TENSORS[0] ?? made("", [0], [])];
    const { unread, weights } = await inspect({
      "m.onnx": onnx(one, { location: "w.bin", offset: 64 }),
      "w.bin": bytes,
    });
    assert.deepEqual(unread, []);
    assert.deepEqual(weights[0]?.tensors[0]?.data, { path: "w.bin", offset: 64, length: 128 });
    const short = await inspect({
      "m.onnx": onnx(one, { location: "w.bin", offset: 64 }),
      "w.bin": bytes.subarray(0, 100),
    });
    assert.match(short.unread[0]?.why ?? "", /too short/);
  });

  it("takes more facts than a call takes arguments", async () => {
    const many = JSON.stringify({ architectures: Array.from({ length: 200_000 }, (_, index) => `a${index}`) });
    const { facts, unread } = await inspect({ "config.json": many });
    assert.deepEqual([facts.length, unread.length], [200_000, 0]);
  });

  it("takes text without a form in UTF-8 as text that has one", async () => {
    const { facts } = await inspect({ "config.json": String.raw`{"model_type":"a\ud800b"}` });
    assert.deepEqual(valuesOf(facts, "family"), ["a\ufffdb"]);
  });

  it("refuses links: what they lead to is not the model's", async () => {
    const path = join(folder, "linked");
    await mkdir(path);
    await writeFile(join(path, "a.txt"), "a");
    await symlink("/etc/hostname", join(path, "LICENSE"));
    await assert.rejects(inspectModel(path), (error: unknown) => isHoldfastError(error, "models.symlink"));
  });
});
