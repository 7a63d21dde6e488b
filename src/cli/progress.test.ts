import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { createProgress, type Progress } from "./progress.ts";

function setUp(
  context: TestContext,
  options: { isTTY?: boolean; columns?: number; format?: "text" | "json" } = {},
): { progress: Progress; written: string[]; pass: (ms: number) => void } {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 5_000;
  context.mock.method(performance, "now", () => now);
  const written: string[] = [];
  const stream = {
    isTTY: options.isTTY ?? true,
    columns: options.columns ?? 80,
    write: (text: string) => written.push(text),
  };
  return {
    progress: createProgress(stream, options.format ?? "text"),
    written,
    pass: (ms) => {
      now += ms;
      context.mock.timers.tick(ms);
    },
  };
}

test("nothing is shown in the first second, then the newest line, also when nobody calls again", (context) => {
  const { progress, written, pass } = setUp(context);
  progress.show("verifying", 1, 10);
  progress.show("verifying", 2, 10);
  pass(999);
  assert.deepEqual(written, []);
  pass(1);
  assert.deepEqual(written, ["\r\u001b[Kverifying 20 %"]);
});

test("the line is not rewritten more often than it can be read", (context) => {
  const { progress, written, pass } = setUp(context);
  pass(1_000);
  progress.show("a");
  for (let index = 0; index < 50; index++) progress.show(`b${index}`);
  pass(99);
  assert.deepEqual(written, ["\r\u001b[Ka"]);
  pass(1);
  assert.deepEqual(written, ["\r\u001b[Ka", "\r\u001b[Kb49"]);
});

test("the line is taken away once, only if it was there, and does not come back by itself", (context) => {
  const { progress, written, pass } = setUp(context);
  progress.clear();
  pass(2_000);
  progress.show("x", 0, 0);
  progress.show("y");
  progress.clear();
  progress.clear();
  pass(1_000);
  assert.deepEqual(written, ["\r\u001b[Kx", "\r\u001b[K"]);
});

test("off a terminal and for machines it is silent", (context) => {
  for (const options of [{ isTTY: false }, { format: "json" as const }]) {
    const { progress, written, pass } = setUp(context, options);
    progress.show("x");
    pass(5_000);
    progress.show("x");
    progress.clear();
    assert.deepEqual(written, []);
    context.mock.timers.reset();
  }
});

test("the line fits the terminal and cannot drive it", (context) => {
  const { progress, written, pass } = setUp(context, { columns: 10 });
  pass(2_000);
  progress.show("\n\u001b[2J and much more");
  assert.equal(written.join(""), "\r\u001b[K\\u000a\\u0");
});
