import assert from "node:assert/strict";
import { test } from "node:test";

import { createProgress, type Progress } from "./progress.ts";

function setUp(options: { isTTY?: boolean; columns?: number; format?: "text" | "json" } = {}): {
  progress: Progress;
  written: string[];
  at: (ms: number) => void;
} {
  const written: string[] = [];
  let time = 0;
  const stream = {
    isTTY: options.isTTY ?? true,
    columns: options.columns ?? 80,
    write: (text: string) => written.push(text),
  };
  return {
    progress: createProgress(stream, options.format ?? "text", () => time),
    written,
    at: (ms) => {
      time = ms;
    },
  };
}

test("nothing is shown in the first second, then a line that is not rewritten more often than it can be read", () => {
  const { progress, written, at } = setUp();
  progress.show("verifying", 1, 10);
  at(999);
  progress.show("verifying", 2, 10);
  assert.deepEqual(written, []);
  at(1_000);
  progress.show("verifying", 5, 10);
  at(1_050);
  progress.show("verifying", 6, 10);
  at(1_100);
  progress.show("verifying");
  assert.deepEqual(written, ["\r\u001b[Kverifying 50 %", "\r\u001b[Kverifying"]);
});

test("the line is taken away once, and only if it was there", () => {
  const { progress, written, at } = setUp();
  progress.clear();
  at(2_000);
  progress.show("x", 0, 0);
  progress.clear();
  progress.clear();
  assert.deepEqual(written, ["\r\u001b[Kx", "\r\u001b[K"]);
});

test("off a terminal and for machines it is silent", () => {
  for (const options of [{ isTTY: false }, { format: "json" as const }]) {
    const { progress, written, at } = setUp(options);
    at(5_000);
    progress.show("x");
    progress.clear();
    assert.deepEqual(written, []);
  }
});

test("the line fits the terminal and cannot drive it", () => {
  const { progress, written, at } = setUp({ columns: 10 });
  at(2_000);
  progress.show("\n\u001b[2J and much more");
  assert.equal(written.join(""), "\r\u001b[K\\u000a\\u0");
});
