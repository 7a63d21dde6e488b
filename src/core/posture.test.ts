import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { foldPosture, type Control, type RecordedObservation } from "./posture.ts";

const control = (id: string): Control => ({ id, title: id, stage: "run", question: "?" });
const proof = (id: string, of: string) => ({ id, control: of, question: "?", freshFor: 100 });
const seen = (proofId: string, of: string, observedAt: number, outcome: RecordedObservation["outcome"]) => ({
  proof: proofId,
  control: of,
  observedAt,
  outcome,
  observed: "",
  expected: "",
  scope: "",
});
const statusOf = (observations: RecordedObservation[], at: number, proofs = [proof("p", "A")]): string =>
  foldPosture([control("A")], proofs, observations, at).controls[0]?.status ?? "";

describe("the posture", () => {
  it("has no evidence where there is no proof, or none was observed", () => {
    assert.equal(statusOf([], 0, []), "no evidence");
    assert.equal(statusOf([], 0), "no evidence");
  });

  it("holds while fresh, and turns stale by time alone", () => {
    const observations = [seen("p", "A", 1_000, "holds")];
    assert.equal(statusOf(observations, 1_000), "holds");
    assert.equal(statusOf(observations, 1_100), "holds");
    assert.equal(statusOf(observations, 1_101), "stale");
  });

  it("takes the newest observation, and none from the future", () => {
    const observations = [seen("p", "A", 50, "fails"), seen("p", "A", 60, "holds"), seen("p", "A", 90, "fails")];
    assert.equal(statusOf(observations, 55), "fails");
    assert.equal(statusOf(observations, 60), "holds");
    assert.equal(statusOf(observations, 95), "fails");
    assert.equal(statusOf(observations, 10), "no evidence");
  });

  it("keeps failing however old the failure is", () => {
    assert.equal(statusOf([seen("p", "A", 0, "fails")], 1_000_000), "fails");
  });

  it("never counts «could not check» as holding", () => {
    assert.equal(statusOf([seen("p", "A", 0, "holds"), seen("p", "A", 1, "unknown")], 2), "no evidence");
  });

  it("holds only when every proof of the control does", () => {
    const both = [proof("p", "A"), proof("q", "A")];
    assert.equal(statusOf([seen("p", "A", 0, "holds")], 0, both), "no evidence");
    assert.equal(statusOf([seen("p", "A", 0, "holds"), seen("q", "A", 0, "holds")], 0, both), "holds");
    assert.equal(statusOf([seen("p", "A", 0, "holds"), seen("q", "A", 0, "fails")], 0, both), "fails");
    assert.equal(statusOf([seen("p", "A", 0, "holds"), seen("q", "A", 200, "holds")], 200, both), "stale");
  });

  it("counts each control once", () => {
    const posture = foldPosture([control("A"), control("B")], [proof("p", "A")], [seen("p", "A", 0, "holds")], 0);
    assert.deepEqual(posture.counts, { holds: 1, fails: 0, stale: 0, "no evidence": 1 });
  });
});
