import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Distances } from "./distances.ts";
import { random } from "../../../test/predict/random.ts";

describe("distances between inputs", () => {
  it("of inputs that are met are normal, of a seed and steps from it are not", () => {
    const { normal, uniform } = random(7);
    const met = new Distances();
    for (let index = 0; index < 600; index++) met.add(Float32Array.from({ length: 8 }, normal), index % 2);
    assert.ok(met.w > 0.93, `met: ${met.w}`);

    const made = new Distances();
    const seeds = Array.from({ length: 20 }, () => Float32Array.from({ length: 8 }, normal));
    for (const seed of seeds) made.add(seed, 0);
    for (let index = 0; index < 580; index++) {
      const seed = seeds[Math.floor(uniform() * seeds.length)] as Float32Array;
      made.add(
        seed.map((x) => x + (uniform() < 0.5 ? 0.05 : -0.05) * (uniform() < 0.5 ? 1 : 4)),
        0,
      );
    }
    assert.ok(made.w < 0.9, `made: ${made.w}`);
  });

  it("say nothing of few inputs, nor of the same ones over and over", () => {
    const few = new Distances();
    for (let index = 0; index < 90; index++) few.add(Float32Array.of(index % 3 === 0 ? index : index * 100), 0);
    assert.equal(few.w, 1);
    const twice = new Distances();
    for (let index = 0, x = 0; index < 300; index++, x += 100 + index / 10) {
      for (let again = 0; again < 2; again++) twice.add(Float32Array.of(x), 0);
    }
    assert.ok(twice.w > 0.93, `twice: ${twice.w}`);
    const same = new Distances();
    for (let index = 0; index < 5_000; index++) same.add(Float32Array.of(1, 2), 0);
    assert.equal(same.w, 1);
  });

  it("take any label", () => {
    const distances = new Distances();
    for (const label of [-5, 1e300, Number.NaN, 0.5]) distances.add(Float32Array.of(label), label);
    assert.equal(distances.w, 1);
  });
});
