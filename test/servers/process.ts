/**
 * A server under test as a child process: started, waited for, paused, killed, and never left behind.
 *
 * @module
 */

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export interface ServerProcess {
  readonly pid: number;
  /** Sends a signal and waits for the end, by SIGKILL where the signal is not heard within ten seconds. */
  end(signal: NodeJS.Signals): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  readonly args: readonly string[];
  readonly cwd: string;
  /** Set where the server must not run as root. */
  readonly user?: User | undefined;
  /** What it prints when it can be used. */
  readonly ready: string;
  /** Sent to it when this process ends first. */
  readonly last: NodeJS.Signals;
}

/** How long a server may take to start, in milliseconds. Generous: the machine may be busy. */
const START_MS = 60_000;

/** Starts `program` and resolves when it has printed `ready`. Rejects with what it printed when it ends before. */
export function startProcess(program: string, options: StartOptions): Promise<ServerProcess> {
  const { args, cwd, user, ready, last } = options;
  const child = spawn(program, args, { cwd, ...user, stdio: ["ignore", "pipe", "pipe"], env: { LC_ALL: "C" } });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const atExit = (): void => void child.kill(last);
  process.once("exit", atExit);
  void ended.then(() => process.off("exit", atExit));

  return new Promise((resolve, reject) => {
    let printed = "";
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${program} was not ready within ${START_MS} ms:\n${printed}`));
    }, START_MS);
    const read = (chunk: Buffer): void => {
      printed = (printed + chunk.toString("latin1")).slice(-10_000);
      if (!printed.includes(ready)) return;
      clearTimeout(timer);
      // It goes on printing: what nobody reads would fill the pipe and stop it.
      child.stdout.removeAllListeners("data").resume();
      child.stderr.removeAllListeners("data").resume();
      resolve(controls(child, ended));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`${program} ended with ${code}:\n${printed}`));
    });
  });
}

/** The full path of the first of `names` that can be run, looked for on PATH and in `folders`. */
export function findProgram(names: readonly string[], folders: readonly string[] = []): string | undefined {
  const places = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/usr/sbin", ...folders];
  return names.flatMap((name) => places.map((folder) => join(folder, name))).find(isRunnable);
}

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Who to run a server as that refuses root: the first of `names` on this machine. Undefined when this is not root. */
export function unprivileged(names: readonly string[]): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of names) {
    try {
      return { uid: idOf("-u", name), gid: idOf("-g", name) };
    } catch {
      // No such user here: the next.
    }
  }
  throw new Error(`none of the users ${names.join(", ")} exists on this machine`);
}

function idOf(flag: "-u" | "-g", name: string): number {
  return Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}

function controls(child: ChildProcess, ended: Promise<void>): ServerProcess {
  return {
    pid: child.pid ?? 0,
    signal: (signal) => void child.kill(signal),
    end: async (signal) => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
