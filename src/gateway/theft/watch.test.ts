import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { random } from "../../../test/predict/random.ts";
import { extractionConfig } from "./config.ts";
import { vectorQuery } from "./features.ts";
import { Watch } from "./watch.ts";

const SECRET = "cd".repeat(32);
const ALARMS = extractionConfig.parse({}).alarms;
const HOUR = 3_600_000;

const watchOf = (): Watch => new Watch(ALARMS, 1_000_000, 0);
const ask = (watch: Watch, many: number, input: () => readonly number[], now = 0): void => {
  watch.add(
    Array.from({ length: many }, () => vectorQuery(SECRET, input())),
    0,
    now,
  );
};

describe("what is remembered of who asks", () => {
  it("raises novelty for inputs from all over the space, and not for those of a few places", () => {
    const { uniform, normal } = random(3);
    const anywhere = (): number[] => Array.from({ length: 8 }, uniform);
    const places = Array.from({ length: 12 }, anywhere);
    const met = (): number[] => (places[Math.floor(uniform() * 12)] as number[]).map((x) => x + 0.08 * normal());
    const thief = watchOf();
    const user = watchOf();
    for (let block = 0; block < 6; block++) {
      ask(thief, 256, anywhere);
      ask(user, 256, met);
    }
    assert.deepEqual(thief.alarms(0), ["novelty"]);
    assert.deepEqual(user.alarms(0), []);
  });

  it("says nothing of novelty in the beginning, when everything is new", () => {
    const { uniform } = random(4);
    const watch = watchOf();
    ask(watch, 512, () => Array.from({ length: 8 }, uniform));
    assert.deepEqual(watch.alarms(0), []);
  });

  it("raises distances for steps from a few seeds, by what the model answered", () => {
    const { uniform } = random(5);
    const seeds = Array.from({ length: 20 }, () => Array.from({ length: 8 }, uniform));
    const points = Array.from({ length: 900 }, () => {
      const size = uniform() < 0.9 ? 0.001 : 0.5;
      return Float32Array.from(seeds[Math.floor(uniform() * 20)] as number[], (x) => x + size * uniform());
    });
    const watch = watchOf();
    watch.answered(
      points,
      points.map(() => 0),
      0,
    );
    assert.deepEqual(watch.alarms(0), ["distances"]);
    const unlabelled = watchOf();
    unlabelled.answered(points, [], 0);
    assert.deepEqual(unlabelled.alarms(0), []);
  });

  it("keeps an alarm on for an hour after its last sign", () => {
    const watch = new Watch(ALARMS, 1, 0);
    ask(watch, 100, () => [0], 0);
    assert.deepEqual(watch.alarms(0), ["volume"]);
    assert.deepEqual(watch.alarms(HOUR), ["volume"]);
    assert.deepEqual(watch.alarms(4 * HOUR), []);
  });

  it("takes in what another saw in this period or the one before, and nothing older", () => {
    const other = watchOf();
    let next = 0;
    ask(other, 100, () => [next++]);
    const of = (period: number): number => {
      const watch = new Watch(ALARMS, 1_000_000, 5);
      watch.join({ ...other.remembered(0), period });
      return watch.distinct(5);
    };
    assert.ok(Math.abs(of(5) - 100) < 10 && Math.abs(of(4) - 100) < 10);
    assert.equal(of(3), 0);
  });
});
