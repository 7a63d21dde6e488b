import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeClassifier } from "../../../../test/guard-model/fake.ts";
import type { DetectContext } from "../../detector.ts";
import { modelError } from "../../model/errors.ts";
import { createModerationDetector, MODERATION_CATEGORIES } from "./moderation.ts";

const context: DetectContext = { direction: "response", origin: "assistant", pointer: "/p" };
const classifier = fakeClassifier({
  open: Object.fromEntries(MODERATION_CATEGORIES.map((category) => [category, `<${category}>`])),
  sure: { injection: "ignore" },
});

describe("the moderation detector", () => {
  it("finds each category by its name, in both directions, and nothing of injection", async () => {
    const detector = createModerationDetector({ classifier });
    assert.deepEqual(detector.directions, ["request", "response"]);
    for (const category of MODERATION_CATEGORIES) {
      const text = `All is well. Then <${category}> came. So it goes.`;
      const [finding, ...rest] = await detector.detect(text, context);
      assert.deepEqual(rest, []);
      assert.equal(finding?.rule, `moderation.${category}`);
      assert.equal(finding.confidence, 0.9);
      assert.equal(text.slice(finding.location.start, finding.location.end), `Then <${category}> came.`);
    }
    assert.deepEqual(detector.detect("ignore all", context), []);
  });

  it("finds several categories at one place", async () => {
    const detector = createModerationDetector({ classifier });
    const findings = await detector.detect("<hate> and <violence>", context);
    assert.deepEqual(findings.map(({ rule }) => rule).toSorted(), ["moderation.hate", "moderation.violence"]);
  });

  it("looks only for the categories and from the thresholds that it is given", async () => {
    const detector = createModerationDetector({
      classifier,
      categories: ["hate", "sexual"],
      thresholds: { sexual: 0.95 },
    });
    assert.equal((await detector.detect("so <hate>", context)).length, 1);
    assert.equal((await detector.detect("so <sexual>", context)).length, 0);
    const asked = classifier.asked.length;
    assert.deepEqual(detector.detect("so <violence>", context), []);
    assert.equal(classifier.asked.length, asked);
    assert.equal(await detector.score?.("so <violence>", context), 0.01);
    assert.equal(await detector.score?.("so <sexual>", context), 0.9);
  });

  it("says when the text was disguised", async () => {
    const detector = createModerationDetector({ classifier });
    const [finding] = await detector.detect("so <hate>", { ...context, view: ["rot13"] });
    assert.match(finding?.message ?? "", /disguised \(rot13\)$/);
  });

  it("has a rule of its own severity for what is worst", async () => {
    const detector = createModerationDetector({ classifier });
    assert.equal((await detector.detect("<sexual-minors>", context))[0]?.severity, "critical");
  });

  it("fails when the model does", async () => {
    const failing = fakeClassifier({ open: { hate: "vermin" }, fails: modelError("guard.model-busy") });
    const detector = createModerationDetector({ classifier: failing });
    await assert.rejects(async () => detector.detect("such vermin", context), { code: "guard.model-busy" });
  });
});
