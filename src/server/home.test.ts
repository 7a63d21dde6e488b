import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { isHomeLocked, lockHome, makeHome } from "./home.ts";

function folder(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "holdfast-home-"));
  context.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test("the data folder and its keys are for this user alone", { skip: process.platform === "win32" }, (context) => {
  const home = join(folder(context), "deep", "home");
  makeHome(home);
  makeHome(home);
  for (const path of [home, join(home, "keys")]) assert.equal(statSync(path).mode & 0o777, 0o700, path);
});

test("a data folder that cannot be made is refused by name", (context) => {
  const file = join(folder(context), "file");
  writeFileSync(file, "");
  assert.throws(() => makeHome(file), { code: "server.data-unusable", message: /file \(E\w+\)/ });
  assert.throws(() => lockHome(join(file, "nowhere")), { code: "server.data-unusable" });
});

test("the lock is held by one, is free after its release, and looking does not take it", (context) => {
  const home = folder(context);
  assert.equal(isHomeLocked(home), false);
  const lock = lockHome(home);
  assert.throws(() => lockHome(home), { code: "server.already-running" });
  assert.equal(isHomeLocked(home), true);
  lock.release();
  assert.equal(isHomeLocked(home), false);
  lockHome(home).release();
});

test("another process sees the lock, and it goes with the process that held it, however it ended", async (context) => {
  const home = folder(context);
  const source = `
    import { lockHome } from ${JSON.stringify(new URL("home.ts", import.meta.url).href)};
    lockHome(${JSON.stringify(home)});
    console.log("locked");
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  context.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  assert.throws(() => lockHome(home), { code: "server.already-running", exit: 2 });
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
  lockHome(home).release();
});
