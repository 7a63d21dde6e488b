import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { Fingerprints, isSameModel, judgeAnswered } from "./answered.ts";

/** Asked for, and answered. */
const SAME: readonly (readonly [string, string])[] = [
  ["gpt-5", "gpt-5"],
  ["gpt-5", "GPT-5"],
  ["gpt-5", "gpt-5-2026-01-01"],
  ["gpt-4", "gpt-4-0613"],
  ["gpt-4-turbo", "gpt-4-turbo-1106"],
  ["claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"],
  ["claude-sonnet-4", "claude-sonnet-4@20250514"],
  ["gemini-2.0-flash", "gemini-2.0-flash-001"],
  ["models/gemini-2.0-flash", "gemini-2.0-flash"],
  ["gemini-2.5-pro-preview", "gemini-2.5-pro-preview-05-06"],
  ["mistral-large-latest", "mistral-large-2411"],
  ["openai/gpt-5-mini", "gpt-5-mini-2025-08-07"],
  ["llama3", "llama3:latest"],
  ["llama3:8b", "llama3:8b"],
  ["meta-llama/Llama-3-70b", "llama-3-70B"],
];

const SWAPPED: readonly (readonly [string, string])[] = [
  ["gpt-5", "gpt-5-mini"],
  ["gpt-5", "gpt-5-mini-2026-01-01"],
  ["gpt-5", "gpt-4"],
  ["gpt-5", "gpt-50"],
  ["gpt-4", "gpt-4-32k"],
  ["gpt-5-2026-01-01", "gpt-5-2026-06-01"],
  ["gpt-5-2026-01-01", "gpt-5"],
  ["gpt-5-2026-01-01", "gpt-5-2026-01-01-mini"],
  ["claude-opus-4", "claude-haiku-4-20250514"],
  ["llama3:70b", "llama3:8b"],
  ["llama-3-70b", "llama-3-8b"],
  ["llama-3", "llama-3-405"],
  ["gpt-5", "gpt-5-9999"],
  ["gpt-5", "gpt-5-latest-mini"],
];

describe("the model that answered", () => {
  for (const [asked, answered] of SAME) {
    it(`is ${asked} where it calls itself ${answered}`, () => assert.equal(isSameModel(asked, answered), true));
  }
  for (const [asked, answered] of SWAPPED) {
    it(`is not ${asked} where it calls itself ${answered}`, () => assert.equal(isSameModel(asked, answered), false));
  }

  it("is read in linear time, whatever it calls itself", () => {
    const started = performance.now();
    for (const piece of ["/", "-", "-2026", "a/", ":latest", "@20"]) isSameModel("gpt-5", piece.repeat(200_000));
    assert.ok(performance.now() - started < 1_000);
  });

  it("is itself under every name", () => {
    fc.assert(fc.property(fc.string(), (name) => isSameModel(name, name)));
  });
});

describe("what is said of who answered", () => {
  const upstream = (onModelSwap: "off" | "flag" | "block") => ({ onModelSwap, fingerprints: new Fingerprints() });
  const rules = (verdict: ReturnType<typeof judgeAnswered>): readonly string[] =>
    verdict?.findings.map(({ rule }) => rule) ?? [];

  it("is nothing where the model is right, or not named, or nobody asks", () => {
    for (const model of [undefined, "", "gpt-5", "gpt-5-2026-01-01"]) {
      assert.equal(judgeAnswered(upstream("flag"), "gpt-5", { model, fingerprint: undefined }), undefined);
    }
    assert.equal(judgeAnswered(upstream("off"), "gpt-5", { model: "gpt-4", fingerprint: "fp_1" }), undefined);
  });

  it("is a finding where another model answered, with what the upstream's policy says", () => {
    for (const action of ["flag", "block"] as const) {
      const verdict = judgeAnswered(upstream(action), "gpt-5", { model: "gpt-4", fingerprint: undefined });
      assert.equal(verdict?.action, action);
      assert.deepEqual(rules(verdict), ["gateway.model-swapped"]);
      assert.deepEqual(verdict?.runs, [{ detector: "gateway", version: "1", outcome: "ran", findings: 1 }]);
    }
  });

  it("is a finding where the fingerprint is new, once, and not for the first or another model", () => {
    const one = upstream("block");
    const says = (asked: string, fingerprint: string): readonly string[] =>
      rules(judgeAnswered(one, asked, { model: asked, fingerprint }));
    assert.deepEqual(says("a", "fp_1"), []);
    assert.deepEqual(says("a", "fp_1"), []);
    assert.deepEqual(says("b", "fp_2"), []);
    assert.deepEqual(says("a", "fp_2"), ["gateway.fingerprint-changed"]);
    assert.deepEqual(says("a", "fp_2"), []);
    assert.deepEqual(says("a", "fp_1"), []);
    // A new fingerprint alone never blocks.
    assert.equal(judgeAnswered(one, "a", { model: "a", fingerprint: "fp_3" })?.action, "flag");
    assert.deepEqual(says("a", "x".repeat(300)), []);
  });

  it("remembers only so many, of models and of fingerprints", () => {
    const some = new Fingerprints();
    for (let count = 0; count < 1_000; count++) {
      some.isNew("m", `fp_${count}`);
      some.isNew(`m${count}`, "fp");
    }
    // The oldest are forgotten: a model is met as if for the first time, a fingerprint is new again.
    assert.equal(some.isNew("m0", "fp_other"), false);
    assert.equal(some.isNew("m999", "fp_other"), true);
    const one = new Fingerprints();
    for (let count = 0; count <= 32; count++) one.isNew("m", `fp_${count}`);
    assert.equal(one.isNew("m", "fp_0"), true);
    assert.equal(one.isNew("m", "fp_32"), false);
  });
});
