import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";

import { emptyPlace, finished, holdfast, start } from "./holdfast.ts";

/** Upstreams that nobody looks for on this machine, and ports that nobody else has. */
const QUIET = `
gateway:
  listen: 127.0.0.1:0
  upstreams: []
admin:
  listen: 127.0.0.1:0
`;

/** The two lines of an error: what, and what to do. */
function twoLines(stderr: string): { error: string; hint: string } {
  const match = /^holdfast: error: ([a-z].*[^.\n])\nholdfast: hint: ([a-z`].*[^.\n])\n$/.exec(stderr);
  assert.ok(match, JSON.stringify(stderr));
  return { error: match[1] as string, hint: match[2] as string };
}

test("help lists every command, with examples and exit codes, and costs nothing", async (context) => {
  const place = emptyPlace(context);
  const { code, stdout, stderr } = await holdfast(place, "--help");
  assert.equal(code, 0);
  assert.equal(stderr, "");
  for (const word of [
    "up",
    "init",
    "doctor",
    "config",
    "key",
    "ledger",
    "posture",
    "Examples:",
    "Exit codes:",
    "HOLDFAST_DATA",
  ]) {
    assert.match(stdout, new RegExp(`^ *${word}`, "m"), word);
  }
  const own = await holdfast(place, "key", "create", "--help");
  assert.equal(own.code, 0);
  assert.match(own.stdout, /--app <name>[\s\S]*Global Options:[\s\S]*Examples:\n {2}# /);
});

test("without a command, or with half of one, help goes to standard error and the usage is wrong", async (context) => {
  const place = emptyPlace(context);
  for (const args of [[], ["key"]]) {
    const { code, stdout, stderr } = await holdfast(place, ...args);
    assert.equal(code, 64);
    assert.equal(stdout, "");
    assert.match(stderr, /^Usage: holdfast/);
  }
});

test("the version is the package's", async (context) => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const { code, stdout } = await holdfast(emptyPlace(context), "--version");
  assert.equal(code, 0);
  assert.equal(stdout, `${version}\n`);
});

test("an older Node gets a sentence", async (context) => {
  const pretend = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.11.1'}})";
  const node = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`];
  const { code, stderr } = await finished(start(emptyPlace(context), ["posture"], node));
  assert.equal(code, 2);
  assert.equal(twoLines(stderr).error, "node 20.11.1 is too old");
});

test("wrong usage exits 64, in two lines or as JSON, with nothing on standard output", async (context) => {
  const place = emptyPlace(context);
  const text = await holdfast(place, "postur");
  assert.equal(text.code, 64);
  assert.equal(text.stdout, "");
  assert.equal(twoLines(text.stderr).hint, "did you mean posture");

  const json = await holdfast(place, "config", "check", "--format", "json", "--frob");
  assert.equal(json.code, 64);
  assert.equal(json.stdout, "");
  const { error } = JSON.parse(json.stderr) as { error: { code: string; message: string; hint: string } };
  assert.equal(error.code, "cli.usage");
  assert.match(error.message, /unknown option '--frob'/);
});

test("a log level that does not exist is refused rather than taken for another", async (context) => {
  const { code, stderr } = await holdfast(emptyPlace(context, { HOLDFAST_LOG: "verbose" }), "init");
  assert.equal(code, 64);
  assert.match(twoLines(stderr).hint, /debug, info, warn, error/);
});

test("init writes a valid configuration and its schema, and never writes over one by itself", async (context) => {
  const place = emptyPlace(context);
  assert.equal((await holdfast(place, "init")).code, 0);
  const file = join(place.cwd, "holdfast.yaml");
  const text = readFileSync(file, "utf8");
  assert.match(text, /^# yaml-language-server: \$schema=\.\/holdfast\.schema\.json\n/);
  const schema = JSON.parse(readFileSync(join(place.cwd, "holdfast.schema.json"), "utf8")) as object;
  const validate = new Ajv2020({ strict: false, formats: { uri: true } }).compile(schema);
  assert.equal(validate(parse(text)), true, JSON.stringify(validate.errors));
  assert.equal(validate({ gateway: { limits: { bodyByts: 1 } } }), false);

  const printed = await holdfast(place, "config", "schema", "--format", "json");
  assert.deepEqual(JSON.parse(printed.stdout), schema);
  assert.equal(printed.stdout.split("\n").length, 2, "one line for machines");

  const check = await holdfast(place, "config", "check", "--format", "json");
  assert.equal(check.code, 0);
  assert.deepEqual(JSON.parse(check.stdout), { valid: true, file, data: join(place.cwd, ".holdfast"), problems: [] });

  writeFileSync(file, "data: mine\n");
  const [again, nowhere] = await Promise.all([
    holdfast(place, "init"),
    holdfast(place, "init", "--output", "no/such/folder"),
  ]);
  assert.equal(again.code, 64);
  assert.match(twoLines(again.stderr).error, /is there already and was left as it is/);
  assert.equal(nowhere.code, 2);
  assert.match(twoLines(nowhere.stderr).error, /cannot be written: .*ENOENT/);
  assert.equal(readFileSync(file, "utf8"), "data: mine\n");
  assert.equal((await holdfast(place, "init", "--force")).code, 0);
  assert.equal(readFileSync(file, "utf8"), text);
});

test("config check shows every problem with its place; any other command stops at the first", async (context) => {
  const place = emptyPlace(context);
  writeFileSync(join(place.cwd, "holdfast.yaml"), "gatway: {}\nadmin:\n  listen: 8788\n");
  const check = await holdfast(place, "config", "check", "--format", "json");
  assert.equal(check.code, 64);
  const { valid, problems } = JSON.parse(check.stdout) as {
    valid: boolean;
    problems: { place: string; path: string; hint: string }[];
  };
  assert.equal(valid, false);
  assert.deepEqual(problems.map(({ place: where, path }) => `${where} ${path}`).toSorted(), [
    "holdfast.yaml:1:1 gatway",
    "holdfast.yaml:3:3 admin.listen",
  ]);
  const text = await holdfast(place, "config", "check");
  assert.match(text.stdout, /^holdfast\.yaml:1:1: gatway: unknown field\n {4}did you mean gateway$/m);

  const posture = await holdfast(place, "posture");
  assert.equal(posture.code, 64);
  assert.match(twoLines(posture.stderr).error, /holdfast\.yaml:\d:\d: .*and 1 more/);

  const missing = await holdfast(place, "posture", "--config", "none.yaml");
  assert.equal(missing.code, 64);
  assert.match(twoLines(missing.stderr).error, /cannot be read: .*none\.yaml \(ENOENT\)/);
});

test("a data folder that cannot be made ends the command by name", async (context) => {
  const place = emptyPlace(context);
  writeFileSync(join(place.cwd, "file"), "");
  const { code, stderr } = await holdfast(place, "key", "list", "--data", "file");
  assert.equal(code, 2);
  assert.match(twoLines(stderr).error, /the data folder cannot be used/);
});

test("posture shows the whole catalogue, and does not read as clean before anything was observed", async (context) => {
  const place = emptyPlace(context);
  const json = await holdfast(place, "posture", "--format", "json");
  assert.equal(json.code, 2);
  const posture = JSON.parse(json.stdout) as { controls: unknown[]; counts: Record<string, number> };
  assert.equal(posture.controls.length, 57);
  assert.deepEqual(posture.counts, { holds: 0, fails: 0, stale: 0, "no evidence": 57 });

  const unknown = await holdfast(place, "posture", "Q1");
  assert.equal(unknown.code, 64);
  assert.match(twoLines(unknown.stderr).error, /no control with this id: Q1/);
});

test("posture --check without a server says what could not be observed, and records it", async (context) => {
  const place = emptyPlace(context);
  writeFileSync(join(place.cwd, "holdfast.yaml"), "gateway: {listen: 127.0.0.1:1}\n");
  const { code, stdout } = await holdfast(place, "posture", "R1", "--check", "--format", "json");
  assert.equal(code, 2);
  const { controls } = JSON.parse(stdout) as {
    controls: { status: string; proofs: { latest: { outcome: string } }[] }[];
  };
  assert.equal(controls[0]?.status, "no evidence");
  assert.equal(controls[0].proofs[0]?.latest.outcome, "unknown");
});

test("doctor finds a fresh folder in order, and makes nothing", async (context) => {
  const place = emptyPlace(context);
  writeFileSync(join(place.cwd, "holdfast.yaml"), QUIET);
  const { code, stdout, stderr } = await holdfast(place, "doctor", "--format", "json");
  assert.equal(code, 0, stderr);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: { name: string; status: string }[] };
  assert.equal(ok, true);
  assert.deepEqual(
    [...new Set(checks.map(({ name }) => name))],
    ["node", "configuration", "data folder", "ports", "database", "counters", "ledger", "upstreams"],
  );
  assert.throws(() => readFileSync(join(place.cwd, ".holdfast")), { code: "ENOENT" });
});

test("doctor says what is wrong and what to do about it", async (context) => {
  const place = emptyPlace(context);
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  context.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  mkdirSync(join(place.cwd, ".holdfast", "keys"), { recursive: true, mode: 0o700 });
  const key = join(place.cwd, ".holdfast", "keys", "ledger.key");
  writeFileSync(key, "x");
  chmodSync(key, 0o644);
  writeFileSync(
    join(place.cwd, "holdfast.yaml"),
    `gateway:\n  listen: 127.0.0.1:${port}\n  upstreams: [{name: gone, protocol: openai, url: 'http://127.0.0.1:1/v1'}]\n` +
      "counters: {url: 'redis://127.0.0.1:1'}\n",
  );
  const { code, stdout } = await holdfast(place, "doctor");
  assert.equal(code, 1);
  assert.match(stdout, new RegExp(`^fail {2}ports .*127\\.0\\.0\\.1:${port} cannot be used \\(EADDRINUSE\\)$`, "m"));
  assert.match(stdout, /^fail {2}upstreams .*could not be reached: gone \(ECONNREFUSED\)$/m);
  assert.match(stdout, /^fail {2}counters /m);
  if (process.platform !== "win32") assert.match(stdout, /^fail {2}data folder .*ledger\.key\n +chmod go-rwx /m);

  writeFileSync(join(place.cwd, "holdfast.yaml"), "gatway: {}\n");
  const broken = await holdfast(place, "doctor");
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /^fail {2}configuration .*gatway: unknown field\n +did you mean gateway$/m);
});

test("a reader that goes away is no error", async (context) => {
  const child = start(emptyPlace(context), ["config", "schema"]);
  child.stdout.destroy();
  const { code, stderr } = await finished(child);
  assert.equal(stderr, "");
  assert.equal(code, 0);
});

test("colours appear off a terminal when they are asked for", async (context) => {
  const forced = await holdfast(emptyPlace(context, { FORCE_COLOR: "1" }), "config", "check");
  assert.ok(forced.stdout.startsWith("\u001b[32mvalid\u001b[39m: "), JSON.stringify(forced.stdout));
});
