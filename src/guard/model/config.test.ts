import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tinyConfig } from "../../../test/guard-model/tiny.ts";
import { readConfig } from "./config.ts";
import { HEADS } from "./heads.ts";

const read = (value: unknown): unknown => readConfig(Buffer.from(JSON.stringify(value)));

describe("model.json", () => {
  it("is read", () => {
    const config = readConfig(Buffer.from(JSON.stringify(tinyConfig())));
    assert.deepEqual(config.heads, HEADS);
    assert.equal(config.thresholds["self-harm"], 0.5);
    assert.deepEqual(config.calibration.hate, [1, 0]);
    assert.equal(config.cheap.clean.injection, -3);
    assert.equal(config.cheap.sure.injection, 30);
    assert.equal(config.cheap.sure.hate, Number.POSITIVE_INFINITY);
  });

  it("is refused where something is missing or makes no sense", () => {
    const right = tinyConfig() as Record<string, Record<string, unknown>>;
    const wrong: readonly Record<string, unknown>[] = [
      { version: 1 },
      { maxTokens: 2.5 },
      { maxTokens: 1 },
      { heads: HEADS.slice(1) },
      { heads: [...HEADS.slice(1), HEADS[1]] },
      { heads: [...HEADS.slice(1), "other"] },
      { thresholds: { ...right["thresholds"], hate: 1.5 } },
      { thresholds: { ...right["thresholds"], hate: undefined } },
      { thresholds: [] },
      { calibration: { ...right["calibration"], hate: [0, 1] } },
      { calibration: { ...right["calibration"], hate: [1] } },
      { cheap: undefined },
      { cheap: { ...right["cheap"], clean: {} } },
      { cheap: { ...right["cheap"], sure: { ...(right["cheap"]?.["sure"] as object), hate: "1" } } },
    ];
    for (const change of wrong) {
      assert.throws(() => read({ ...right, ...change }), { code: "guard.model-invalid" }, JSON.stringify(change));
    }
    for (const value of [null, [], 1]) assert.throws(() => read(value), { code: "guard.model-invalid" });
    assert.throws(() => readConfig(Buffer.from("{")), { code: "guard.model-invalid" });
    read(right);
  });
});
