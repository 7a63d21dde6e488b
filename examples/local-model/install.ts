/**
 * Puts the inference engine in place: node-llama-cpp and its ready-made binary for this processor, and no other.
 *
 * The package lists fourteen optional binaries, some of hundreds of megabytes for graphics cards. They are left out
 * (`--omit=optional`) and the one that fits is named. Install scripts do not run: nothing is compiled or downloaded
 * besides what the lock file names.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { localModelError } from "./errors.ts";

/** Equals the version of node-llama-cpp in package.json. */
const BINARY_VERSION = "3.22.1";
const BINARIES: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "darwin-x64": "mac-x64",
  "darwin-arm64": "mac-arm64-metal",
  "win32-x64": "win-x64",
  "win32-arm64": "win-arm64",
};

const folder = fileURLToPath(new URL(".", import.meta.url));
const stamp = join(folder, "node_modules", ".installed");

/** True where the engine that the lock file names was installed. */
export function engineInPlace(): boolean {
  return existsSync(stamp) && readFileSync(stamp, "utf8") === wanted();
}

/** Installs the engine. @throws `local-model.platform-unsupported`, `local-model.engine-failed` */
export function installEngine(say: (line: string) => void): void {
  const platform = `${process.platform}-${process.arch}`;
  const binary = BINARIES[platform];
  if (binary === undefined) throw localModelError("local-model.platform-unsupported", { detail: platform });
  say("installing node-llama-cpp (85 MB, once)");
  const flags = ["--no-save", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
  const result = spawnSync("npm", ["install", ...flags, `@node-llama-cpp/${binary}@${BINARY_VERSION}`], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, npm_config_loglevel: "error", npm_config_update_notifier: "false" },
    // npm is a script of the command shell on Windows. Every argument is one of the constants above.
    shell: process.platform === "win32",
  });
  if (result.status !== 0) throw localModelError("local-model.engine-failed");
  writeFileSync(stamp, wanted());
}

/** What is installed depends on the lock file and the processor. */
function wanted(): string {
  const lock = readFileSync(join(folder, "package-lock.json"));
  return `${createHash("sha256").update(lock).digest("hex")} ${process.platform}-${process.arch}`;
}
