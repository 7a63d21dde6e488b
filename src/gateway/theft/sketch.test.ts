import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";

import { REGISTERS, Sketch } from "./sketch.ts";

const hashOf = (thing: number) => {
  const digest = hash("sha256", String(thing), "buffer");
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
};
const sketchOf = (from: number, to: number): Sketch => {
  const sketch = new Sketch();
  for (let thing = from; thing < to; thing++) sketch.add(hashOf(thing));
  return sketch;
};

describe("a HyperLogLog sketch", () => {
  it("counts different things within four standard errors, at every size", () => {
    for (const many of [0, 1, 10, 100, 1_000, 5_000, 12_000, 60_000]) {
      const { estimate } = sketchOf(0, many);
      assert.ok(Math.abs(estimate - many) <= Math.max(2, many * 4 * 0.023), `${many}: ${estimate}`);
    }
  });

  it("does not count again what it saw", () => {
    const sketch = sketchOf(0, 1_000);
    const before = sketch.estimate;
    for (let thing = 0; thing < 1_000; thing++) assert.equal(sketch.add(hashOf(thing)), false);
    assert.equal(sketch.estimate, before);
  });

  it("joined with another, has seen what either saw, once", () => {
    const both = sketchOf(0, 3_000);
    const other = sketchOf(2_000, 5_000);
    both.join(other.registers());
    assert.deepEqual(both.registers(), sketchOf(0, 5_000).registers());
    both.join(other.registers());
    assert.equal(both.estimate, sketchOf(0, 5_000).estimate);
  });

  it("does not believe registers that no hash fills, nor any beyond its size", () => {
    const sketch = sketchOf(0, 100);
    const before = sketch.estimate;
    sketch.join(new Uint8Array(REGISTERS).fill(255));
    assert.equal(sketch.estimate, before);
    sketch.join(new Uint8Array(0));
    assert.equal(sketch.estimate, before);
  });
});
