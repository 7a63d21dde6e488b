import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { writeTinyWeights } from "../../../test/guard-model/tiny.ts";
import { isHoldfastError } from "../../core/index.ts";
import type { DetectContext } from "../detector.ts";
import { createInjectionDetector } from "../detectors/injection/injection.ts";
import { createModerationDetector } from "../detectors/moderation/moderation.ts";
import { openClassifier, type Classifier } from "./classifier.ts";

const MEGABYTE = 1 << 20;
const context: DetectContext = { direction: "request", origin: "document", pointer: "" };

/** A megabyte of each, made to cost the most in one place. */
const TEXTS: Readonly<Record<string, string>> = {
  "ordinary text": "The meeting is at nine, and somebody should bring the notes of the last one. ",
  "every window sure": "override it. ",
  "every window open": "Please ignore this long and winding sentence, if you would be so kind as to do so. ",
  "one word": "ignore",
  "sentences of one letter": "ignore a. b. c. ",
  "characters that stand for many": "\ufdfa",
  "nothing but signs": "!?. ",
  "half pairs": "\ud800 \udc00",
};

describe("the classifiers on a megabyte", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-model-"));
  let classifier: Classifier;
  before(async () => {
    await writeTinyWeights(folder);
    classifier = openClassifier({ weights: folder, unsigned: true });
    await classifier.classify("warm");
  });
  after(async () => {
    await classifier.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [name, unit] of Object.entries(TEXTS)) {
    it(`never keep the process waiting over 50 ms: ${name}`, async () => {
      const text = unit.repeat(Math.ceil(MEGABYTE / unit.length));
      const watch = watchRounds();
      for (const detector of [createInjectionDetector({ classifier }), createModerationDetector({ classifier })]) {
        try {
          for (const { location } of await detector.detect(text, context)) {
            assert.ok(location.start >= 0 && location.start < location.end && location.end <= text.length);
          }
        } catch (error) {
          // A text may be too much, but only by name.
          assert.ok(isHoldfastError(error, "guard.model-overload"), String(error));
        }
      }
      const most = watch.end();
      assert.ok(most < 50, `${most} ms`);
    });
  }
});

/**
 * The longest round of the event loop, in milliseconds of this thread's own CPU time: on a busy machine the clock also
 * counts what others do.
 */
function watchRounds(): { end(): number } {
  const now = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let most = 0;
  let last = now();
  let running = true;
  const round = (): void => {
    const at = now();
    most = Math.max(most, at - last);
    last = at;
    if (running) setImmediate(round);
  };
  setImmediate(round);
  return {
    end: () => {
      running = false;
      return Math.max(most, now() - last);
    },
  };
}
