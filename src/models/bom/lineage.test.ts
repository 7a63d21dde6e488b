import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { gguf, made, noise, onnx, safetensors, torch, type Made } from "../../../test/models/checkpoints.ts";
import { isHoldfastError } from "../../core/index.ts";
import { bytesSource } from "../scan/source.ts";
import { fingerprintOf, normalisedNames, type Fingerprint } from "./fingerprint.ts";
import { inspectModel } from "./inspect.ts";
import { compareFingerprints, type Lineage } from "./lineage.ts";
import { correlate } from "./pairing.ts";
import { runsOf, sampleTensor } from "./sample.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-lineage-"));
});
after(() => rm(folder, { recursive: true }));

const SHAPES = [
  ["layer.0.weight", [64, 64]],
  ["layer.0.bias", [64]],
  ["layer.1.weight", [32, 64]],
] as const;

/** A small network; `drift` moves each weight by so many of its own standard deviations. */
function network(seed: number, drift = 0, prefix = "", dtype: Made["dtype"] = "F32"): Made[] {
  return SHAPES.map(([name, shape], index) => {
    const count = shape.reduce((product: number, size) => product * size, 1);
    const base = noise(count, seed + index);
    const moved = noise(count, 1_000 + index);
    return made(
      prefix + name,
      shape,
      base.map((value, at) => value + drift * (moved[at] ?? 0)),
      dtype,
    );
  });
}

async function print(name: string, bytes: Uint8Array): Promise<Fingerprint> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return fingerprintOf(await inspectModel(path));
}

async function compare(
  one: Uint8Array,
  other: Uint8Array,
  names = ["a.safetensors", "b.safetensors"],
): Promise<Lineage> {
  return compareFingerprints(await print(`1-${names[0]}`, one), await print(`2-${names[1]}`, other));
}

describe("a fingerprint", () => {
  it("stays the same whatever the weights are packed in", async () => {
    const tensors = network(1);
    const prints = [
      await print("p.safetensors", safetensors(tensors, { note: "x" })),
      await print("q.safetensors", safetensors(tensors.toReversed())),
      await print("p.bin", torch(tensors)),
      await print("p.gguf", gguf(tensors)),
      await print("p.onnx", onnx(tensors)),
      await print("r.safetensors", safetensors(network(1, 0, "module."))),
    ];
    for (const key of ["weights", "architecture", "structure"] as const) {
      assert.equal(new Set(prints.map((print) => print[key])).size, 1, key);
    }
    assert.equal(new Set(prints.map(({ root }) => root)).size, 6);
  });

  it("changes with a bit, a shape, a name and a type, each in its own digest", async () => {
    const base = await print("base.safetensors", safetensors(network(1)));
    const tensors = network(1);
    (tensors[0] as Made).data[7] = ((tensors[0] as Made).data[7] ?? 0) ^ 1;
    const bit = await print("bit.safetensors", safetensors(tensors));
    assert.notEqual(bit.weights, base.weights);
    assert.equal(bit.architecture, base.architecture);
    const cast = await print("cast.safetensors", safetensors(network(1, 0, "", "F16")));
    assert.notEqual(cast.architecture, base.architecture);
    assert.equal(cast.structure, base.structure);
    const renamed = await print(
      "name.safetensors",
      safetensors(network(1).map((one) => ({ ...one, name: `${one.name}2` }))),
    );
    assert.notEqual(renamed.structure, base.structure);
    assert.equal(renamed.weights, base.weights);
  });

  it("is not made of what has no tensors", async () => {
    await assert.rejects(print("notes.txt", Buffer.from("hello")), (error: unknown) =>
      isHoldfastError(error, "models.fingerprint-no-tensors"),
    );
  });

  it("keeps no more samples in memory than its limit", async () => {
    const path = join(folder, "many.safetensors");
    await writeFile(path, safetensors(network(1)));
    const inspection = await inspectModel(path);
    const many = (count: number): Fingerprint => {
      const tensors = Array.from({ length: count }, (_, index) => ({
        name: `t${index}`,
        dtype: "F32",
        shape: [],
        elements: 1,
      }));
      return fingerprintOf({ ...inspection, weights: inspection.weights.map((file) => ({ ...file, tensors })) });
    };
    assert.equal(many(200_000).tensors.length, 200_000);
    assert.throws(
      () => many(200_001),
      (error: unknown) => isHoldfastError(error, "models.metadata-limit"),
    );
  });

  it("takes off only what wraps every name", () => {
    assert.deepEqual(normalisedNames(["module.model.a", "module.model.b"]), ["a", "b"]);
    assert.deepEqual(normalisedNames(["model.a", "lm_head"]), ["model.a", "lm_head"]);
    assert.deepEqual(normalisedNames([]), []);
  });

  it("samples within the tensor, its first and last values among them", () => {
    for (const elements of [0, 1, 1_023, 1_024, 1_025, 999_983, 10 ** 12]) {
      const runs = runsOf(elements);
      assert.equal(runs[0]?.[0], 0);
      const [from = 0, count = 0] = runs.at(-1) ?? [];
      assert.equal(from + count, elements);
      assert.ok(runs.reduce((sum, [, size]) => sum + size, 0) <= 1_024);
    }
  });
});

describe("a sample", () => {
  it("reads floats of eight bits", () => {
    const source = bytesSource(Uint8Array.of(0x38, 0xb8, 0x7e, 0x01, 0x00, 0x7f));
    assert.deepEqual([...sampleTensor(source, 0, "F8_E4M3", 6)], [1, -1, 448, 2 ** -9, 0, Number.NaN]);
    const other = bytesSource(Uint8Array.of(0x3c, 0xbc, 0x7b, 0x01, 0x7c));
    assert.deepEqual([...sampleTensor(other, 0, "F8_E5M2", 5)], [1, -1, 57_344, 2 ** -16, Infinity]);
  });
});

describe("the lineage of two checkpoints", () => {
  const base = safetensors(network(1));

  it("identical: the same files", async () => {
    const same = await print("same.safetensors", base);
    assert.equal(compareFingerprints(same, same).kinship, "identical");
  });

  it("same weights, packed anew or under other names", async () => {
    assert.equal((await compare(base, torch(network(1)), ["a.safetensors", "b.bin"])).kinship, "same-weights");
    const renamed = safetensors(network(1).map((one, index) => ({ ...one, name: `blk.${index}` })));
    assert.equal((await compare(base, renamed)).kinship, "same-weights");
  });

  it("same weights in another precision", async () => {
    for (const dtype of ["F16", "BF16"] as const) {
      assert.equal(
        (await compare(base, safetensors(network(1, 0, "", dtype)))).kinship,
        "same-weights-other-precision",
      );
    }
    const moved = await compare(base, safetensors(network(1, 0.05, "", "F16")));
    assert.equal(moved.kinship, "fine-tune");
  });

  it("fine-tune: the weights have moved, and are still near", async () => {
    const { kinship, related, correlation, identical } = await compare(base, safetensors(network(1, 0.3)));
    assert.equal(kinship, "fine-tune");
    assert.deepEqual([related, identical], [1, 0]);
    assert.ok(correlation !== undefined && correlation.low > 0.9 && correlation.high <= 1);
  });

  it("unrelated: the same architecture, trained apart", async () => {
    const { kinship, sameArchitecture, related, correlation } = await compare(base, safetensors(network(77)));
    assert.deepEqual([kinship, sameArchitecture, related], ["unrelated", true, 0]);
    assert.ok(correlation !== undefined && Math.abs(correlation.median) < 0.1);
  });

  it("shares parts: one tensor was taken over", async () => {
    const [first, ...rest] = network(77);
    const { kinship, identical } = await compare(
      base,
      safetensors([first as Made, ...rest.slice(0, 1), ...network(1).slice(2)]),
    );
    assert.equal(kinship, "shares-parts");
    assert.ok(identical > 0.3 && identical < 0.4);
  });

  it("says nothing of values that are the same in every model: scales, masks, zeros", async () => {
    const constant = (seed: number): Made[] => [
      ...network(seed),
      made("norm.weight", [64], new Float64Array(64).fill(1)),
      made("mask", [64, 64], new Float64Array(64 * 64)),
    ];
    const { kinship, identical } = await compare(safetensors(constant(1)), safetensors(constant(77)));
    assert.deepEqual([kinship, identical], ["unrelated", 0]);
  });

  it("unrelated: nothing in common; undecided: names in common that cannot be compared", async () => {
    const other = safetensors([made("w", [3, 3], noise(9, 5))]);
    assert.equal((await compare(base, other)).kinship, "unrelated");
    const vectors = (seed: number): Buffer => safetensors([made("w", [2_000], noise(2_000, seed))]);
    assert.equal((await compare(vectors(1), vectors(2))).kinship, "undecided");
  });

  it("finds what was renamed and then changed, and takes no other model for it", async () => {
    const renamed = (seed: number, drift: number, dtype: Made["dtype"] = "F32"): Buffer =>
      safetensors(network(seed, drift, "", dtype).map((one, index) => ({ ...one, name: `blk.${9 - index}` })));
    const tuned = await compare(base, renamed(1, 0.3));
    assert.deepEqual([tuned.kinship, tuned.related], ["fine-tune", 1]);
    assert.match(tuned.why, /under other names/);
    assert.deepEqual(
      tuned.tensors.map(({ name, otherName }) => [name, otherName]),
      [
        ["layer.0.weight", "blk.9"],
        ["layer.1.weight", "blk.7"],
      ],
    );
    assert.equal((await compare(base, renamed(1, 0, "F16"))).kinship, "fine-tune");
    const apart = await compare(base, renamed(77, 0));
    assert.deepEqual([apart.kinship, apart.related, apart.renamed], ["unrelated", 0, 0]);
  });

  it("finds each of many of one shape by its own values, in whatever order they stand", async () => {
    const layers = (seed: number, drift: number, nameOf: (index: number) => string): Buffer =>
      safetensors(
        Array.from({ length: 12 }, (_, index) => {
          const moved = noise(1_024, 5_000 + index);
          const values = noise(1_024, seed + index).map((value, at) => value + drift * (moved[at] ?? 0));
          return made(nameOf(index), [32, 32], values);
        }),
      );
    const lineage = await compare(
      layers(1, 0, (index) => `a.${index}`),
      layers(1, 0.5, (index) => `b.${11 - index}`),
    );
    assert.equal(lineage.kinship, "fine-tune");
    assert.deepEqual(
      new Set(lineage.tensors.map(({ name, otherName }) => `${name} ${otherName}`)),
      new Set(Array.from({ length: 12 }, (_, index) => `a.${index} b.${11 - index}`)),
    );
  });

  it("does not call unrelated what it cannot read: other names, and numbers that are packed", async () => {
    const words = noise(4_096, 5).map((value) => Math.round(value * 1_000));
    const packed = safetensors([made("blk.0", [64, 64], words, "I64")]);
    assert.equal((await compare(base, packed)).kinship, "undecided");
    const narrower = safetensors(SHAPES.map(([name]) => made(name, [16, 48], noise(768, 5))));
    assert.equal((await compare(base, narrower)).kinship, "undecided");
  });

  it("does not depend on the order of the two", async () => {
    const [a, b] = [await print("x.safetensors", base), await print("y.safetensors", safetensors(network(1, 0.3)))];
    assert.deepEqual(compareFingerprints(a, b), compareFingerprints(b, a));
  });

  it("correlates as Pearson defined it", () => {
    const near = (value: number | undefined, right: number): boolean => Math.abs((value ?? 0) - right) < 1e-12;
    assert.ok(near(correlate(Float64Array.of(1, 2, 3), Float64Array.of(2, 4, 6)), 1));
    assert.ok(near(correlate(Float64Array.of(1, 2, 3), Float64Array.of(3, 2, 1)), -1));
    assert.equal(correlate(Float64Array.of(1, 1, 1), Float64Array.of(3, 2, 1)), undefined);
  });
});
