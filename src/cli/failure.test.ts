import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { coreError, Exit } from "../core/index.ts";
import { cliError } from "./errors.ts";
import { reportError } from "./failure.ts";

function report(error: unknown, format: "text" | "json" = "text", debug = false): { text: string; exit: number } {
  let text = "";
  const exit = reportError(error, {
    format,
    debug,
    write: (part) => {
      text += part;
    },
  });
  return { text, exit };
}

test("an error of ours is two lines, and exits with its own code", () => {
  const { text, exit } = report(cliError("cli.usage", { detail: "unknown option '--x'", hint: "did you mean --y" }));
  assert.equal(
    text,
    "holdfast: error: the command line is not understood: unknown option '--x'\nholdfast: hint: did you mean --y\n",
  );
  assert.equal(exit, Exit.usage);
});

test("for machines it is one line of JSON", () => {
  const { text, exit } = report(coreError("core.json-invalid"), "json");
  assert.deepEqual(JSON.parse(text), {
    error: {
      code: "core.json-invalid",
      message: "the text is not valid JSON",
      hint: "check the document with a JSON validator",
    },
  });
  assert.equal(exit, Exit.incomplete);
});

test("the system's refusals name the path", () => {
  let thrown: unknown;
  try {
    readFileSync("/nowhere/at/all");
  } catch (error) {
    thrown = error;
  }
  const { text, exit } = report(thrown);
  assert.match(text, /^holdfast: error: the system refused: ENOENT open \/nowhere\/at\/all\n/);
  assert.equal(exit, Exit.incomplete);
});

test("a defect keeps its words to itself unless they are asked for, and never reads as clean", () => {
  for (const [thrown, name] of [
    [new TypeError("password=hunter2"), "TypeError"],
    ["hunter2", "string"],
    [undefined, "undefined"],
  ] as const) {
    const { text, exit } = report(thrown);
    assert.match(text, new RegExp(`^holdfast: error: an internal error: ${name}\nholdfast: hint: .*\n$`));
    assert.doesNotMatch(text, /hunter2/);
    assert.equal(exit, Exit.incomplete);
  }
  // Where it came from, but not its words: what is printed is to be reported.
  const { text } = report(new TypeError("password=hunter2\nhunter2"), "text", true);
  assert.match(text, /TypeError\n.*\n\s+at /);
  assert.doesNotMatch(text, /hunter2/);
});

test("foreign text in a detail cannot start a line", () => {
  const { text } = report(cliError("cli.usage", { detail: "a\nholdfast: error: forged\u001b[2J" }));
  assert.equal(text.split("\n").length, 3);
});
