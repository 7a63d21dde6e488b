/**
 * The command as a child process, as a user runs it: an empty HOME, nothing of this machine's environment but PATH.
 *
 * @module
 */

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Place {
  /** The working directory of every run. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `up --format json` prints once it serves. */
export interface Ready {
  readonly event: "ready";
  readonly gateway: string;
  readonly admin: string;
  readonly adminTokenFile: string;
  readonly data: string;
  readonly firstKey?: { readonly id: string; readonly app: string; readonly key: string };
  readonly upstreams: readonly { readonly name: string }[];
  readonly try: string;
}

export interface Up {
  readonly ready: Ready;
  readonly child: ChildProcessWithoutNullStreams;
  /** Sends a signal and waits for the end. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<Finished>;
}

/** An empty place that is removed when the test ends. */
export function emptyPlace(context: TestContext, env: Readonly<Record<string, string>> = {}): Place {
  const root = mkdtempSync(join(tmpdir(), "holdfast-cli-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
  return { cwd: root, env: { PATH: path, HOME: join(root, "no-home"), ...env } };
}

/** Runs `holdfast` to its end. */
export async function holdfast(place: Place, ...args: readonly string[]): Promise<Finished> {
  return await finished(start(place, args));
}

/** Starts a child without waiting; the test that started it ends it. */
export function start(
  { cwd, env }: Place,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [...nodeArgs, MAIN, ...args], { cwd, env, stdio: "pipe" });
  child.stdin.end();
  return child;
}

/** Starts `holdfast up --format json` and waits until it serves. */
export async function startUp(context: TestContext, place: Place, ...args: readonly string[]): Promise<Up> {
  const child = start(place, ["up", "--format", "json", ...args]);
  const end = finished(child);
  context.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await end;
  });
  const ready = await new Promise<Ready>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) resolve(JSON.parse(text.slice(0, text.indexOf("\n"))) as Ready);
    });
    void end.then(({ code, stderr }) => reject(new Error(`up ended with ${code}: ${stderr}`)));
  });
  return {
    ready,
    child,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      return await end;
    },
  };
}

/** Collects what a child prints until it ends. */
export function finished(child: ChildProcessWithoutNullStreams): Promise<Finished> {
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
