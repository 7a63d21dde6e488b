import assert from "node:assert/strict";
import { test } from "node:test";

import { coreError, fakeClock, Secret } from "../core/index.ts";
import { createLogger, errorFields, printable, type LogLevel } from "./log.ts";

function logged(
  format: "json" | "text",
  level: LogLevel = "debug",
): { lines: string[]; log: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line), clock: fakeClock(), level, format });
  return { lines, log };
}

test("a line of JSON for each event, with its time and level", () => {
  const { lines, log } = logged("json");
  log.warn("something odd", { port: 8787, size: 12n });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), {
    time: "2026-01-01T00:00:00.000Z",
    level: "warn",
    message: "something odd",
    port: 8787,
    size: "12",
  });
});

test("short text for people", () => {
  const { lines, log } = logged("text");
  log.info("up", { where: "127.0.0.1:1", count: 2 });
  assert.deepEqual(lines, ["00:00:00 info  up where=127.0.0.1:1 count=2\n"]);
});

test("what is below the level is not written", () => {
  const { lines, log } = logged("text", "warn");
  log.debug("a");
  log.info("b");
  log.warn("c");
  log.error("d");
  assert.equal(lines.length, 2);
});

test("foreign text cannot start a line or drive the terminal", () => {
  for (const format of ["json", "text"] as const) {
    const { lines, log } = logged(format);
    log.info("x", { app: 'a\n{"forged":1}\u001b[2J\u009b\u202e\u2028' });
    // oxlint-disable-next-line no-control-regex
    assert.match(lines.join(""), /^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028]*$/);
    assert.equal(lines.join("").split("\n").length, 2);
  }
});

test("secrets print as such, and a foreign error keeps its words to itself", () => {
  const { lines, log } = logged("json");
  log.error("x", { key: new Secret("hf_abc"), cause: new Error("password=hunter2") });
  assert.doesNotMatch(lines.join(""), /hf_abc|hunter2/);
  assert.match(lines.join(""), /\[secret\]/);

  assert.deepEqual(errorFields(coreError("core.json-invalid", { detail: "at character 3" })), {
    code: "core.json-invalid",
    error: "the text is not valid JSON: at character 3",
  });
  const system = Object.assign(new Error("connect to secret-host"), { code: "ECONNREFUSED" });
  assert.deepEqual(errorFields(system), { error: "Error", system: "ECONNREFUSED" });
  assert.deepEqual(errorFields("password"), { error: "string" });
  assert.deepEqual(errorFields(undefined), { error: "undefined" });
});

test("printable text is left alone", () => {
  const text = "Grüße, 世界 🏴 – 100 %";
  assert.equal(printable(text), text);
});
