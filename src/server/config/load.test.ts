import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { checkConfig, loadConfig } from "./load.ts";

function folder(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "holdfast-config-"));
  context.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test("without a file the defaults hold, and the data folder is in the working directory", (context) => {
  const cwd = folder(context);
  const loaded = loadConfig({ env: {}, cwd });
  assert.equal(loaded.file, undefined);
  assert.equal(loaded.home, join(cwd, ".holdfast"));
});

test("the file in the working directory is found; the environment names another; the command line wins", (context) => {
  const cwd = folder(context);
  mkdirSync(join(cwd, "etc"));
  writeFileSync(join(cwd, "holdfast.yaml"), "data: here\n");
  writeFileSync(join(cwd, "etc", "env.yaml"), "data: from-env\n");
  writeFileSync(join(cwd, "etc", "flag.yaml"), "data: from-flag\n");
  const env = { HOLDFAST_CONFIG: "etc/env.yaml" };

  assert.equal(loadConfig({ env: {}, cwd }).home, join(cwd, "here"));
  // A data folder in a file is relative to that file.
  assert.equal(loadConfig({ env, cwd }).home, join(cwd, "etc", "from-env"));
  assert.equal(loadConfig({ env, cwd, config: "etc/flag.yaml" }).home, join(cwd, "etc", "from-flag"));
  assert.equal(loadConfig({ env: { ...env, HOLDFAST_DATA: "elsewhere" }, cwd }).home, join(cwd, "elsewhere"));
  assert.equal(loadConfig({ env: { HOLDFAST_DATA: "elsewhere" }, cwd, data: "/tmp/x" }).home, "/tmp/x");
  // An empty variable is one that is not set.
  assert.equal(loadConfig({ env: { HOLDFAST_CONFIG: "", HOLDFAST_DATA: "" }, cwd }).home, join(cwd, "here"));
});

test("the variables in place of fields act, with and without a file", (context) => {
  const cwd = folder(context);
  const env = {
    HOLDFAST_GATEWAY_LISTEN: "127.0.0.1:1",
    HOLDFAST_ADMIN_LISTEN: "127.0.0.1:2",
    HOLDFAST_STORAGE_URL: "postgres://db/x",
    HOLDFAST_COUNTERS_URL: "redis://r",
  };
  const { config } = loadConfig({ env, cwd });
  assert.deepEqual(
    [config.gateway.listen, config.admin.listen, config.storage.url, config.counters.url],
    Object.values(env),
  );
});

test("a file that was named must be there and be text", (context) => {
  const cwd = folder(context);
  assert.throws(() => loadConfig({ env: {}, cwd, config: "missing.yaml" }), {
    code: "server.config-unreadable",
    exit: 64,
    message: /missing\.yaml \(ENOENT\)/,
  });
  assert.throws(() => loadConfig({ env: { HOLDFAST_CONFIG: "." }, cwd }), { code: "server.config-unreadable" });
  writeFileSync(join(cwd, "holdfast.yaml"), Buffer.from([0x61, 0xff]));
  assert.throws(() => loadConfig({ env: {}, cwd }), { code: "server.config-unreadable", message: /not UTF-8/ });
});

test("an invalid file is refused with its first problem, its hint and the number of others", (context) => {
  const cwd = folder(context);
  writeFileSync(join(cwd, "holdfast.yaml"), "gatway: {}\nadmin: {listen: 7}\n");
  assert.throws(
    () => loadConfig({ env: {}, cwd }),
    (error: Error & { hint: string }) => {
      assert.match(error.message, /holdfast\.yaml:\d:\d+: .*\(and 1 more: run `holdfast config check`\)/);
      assert.notEqual(error.hint, "");
      return true;
    },
  );
  assert.equal(checkConfig({ env: {}, cwd }).result.problems.length, 2);
});
