import assert from "node:assert/strict";
import { test } from "node:test";

import { isHoldfastError, type Finding } from "../../core/index.ts";
import type { DetectContext, Detector } from "../detector.ts";
import { ownContestant } from "./own.ts";

const stopwatch = (): number => 0;

function finding(text: string, { pointer }: DetectContext): Finding {
  return {
    rule: "fake.attack",
    severity: "high",
    location: { pointer, start: 0, end: text.length },
    message: "an attack",
    remedy: "none",
    references: [],
  };
}

/** Finds texts that say "attack", and is the surer the shorter they are. */
function fake(extra: Partial<Detector> = {}): Detector {
  return {
    id: "fake",
    version: "1",
    directions: ["request"],
    longestMatch: 1000,
    cost: "cheap",
    detect: (text, context) => (text.includes("attack") ? [finding(text, context)] : []),
    ...extra,
  };
}

test("without a score a finding counts as one and its absence as none", async () => {
  const contestant = ownContestant([fake()], { threshold: undefined, stopwatch });
  assert.deepEqual(await contestant.judge("an attack", "user"), { score: 1, flagged: true, ms: 0 });
  assert.deepEqual(await contestant.judge("nothing", "user"), { score: 0, flagged: false, ms: 0 });
  assert.equal(contestant.name, "fake");
});

test("flagged is what the guard finds, or a score from the threshold on", async () => {
  const detector = fake({ score: (text, { origin }) => (origin === "tool" ? 0.9 : text.length / 100) });
  const own = ownContestant([detector], { threshold: undefined, stopwatch });
  assert.deepEqual(await own.judge("an attack", "user"), { score: 0.09, flagged: true, ms: 0 });
  const strict = ownContestant([detector], { threshold: 0.5, stopwatch });
  assert.equal((await strict.judge("an attack", "user")).flagged, false);
  assert.equal((await strict.judge("nothing", "tool")).flagged, true);
});

test("a detector that reads views is scored through them too", async () => {
  const disguised = Buffer.from("this is an attack, in a text of some length").toString("base64");
  const score = (text: string): number => (text.includes("attack") ? 0.8 : 0.1);
  const through = ownContestant([fake({ reads: "views", score })], { threshold: undefined, stopwatch });
  assert.deepEqual(await through.judge(disguised, "user"), { score: 0.8, flagged: true, ms: 0 });
  const plain = ownContestant([fake({ score })], { threshold: undefined, stopwatch });
  assert.deepEqual(await plain.judge(disguised, "user"), { score: 0.1, flagged: false, ms: 0 });
});

test("a detector that fails, or answers with no number, throws", async () => {
  const failed = (error: unknown): boolean => isHoldfastError(error, "guard.eval-row-failed");
  const throwing = fake({
    detect: () => {
      throw new Error("down");
    },
  });
  await assert.rejects(ownContestant([throwing], { threshold: undefined, stopwatch }).judge("", "user"), failed);
  const nan = fake({ score: () => Number.NaN });
  await assert.rejects(ownContestant([nan], { threshold: undefined, stopwatch }).judge("", "user"), failed);
  const responses = fake({ directions: ["response"] });
  await assert.rejects(ownContestant([responses], { threshold: undefined, stopwatch }).judge("", "user"), failed);
});

test("several detectors together flag what one of them does, and rank by the surest", async () => {
  const other = fake({ id: "other", detect: () => [], score: () => 0.4 });
  const both = ownContestant([fake(), other], { threshold: undefined, stopwatch });
  assert.equal(both.name, "fake+other");
  assert.deepEqual(await both.judge("nothing", "user"), { score: 0.4, flagged: false, ms: 0 });
  assert.deepEqual(await both.judge("attack", "user"), { score: 1, flagged: true, ms: 0 });
});
