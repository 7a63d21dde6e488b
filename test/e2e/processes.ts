/**
 * Child processes of the end-to-end tests: started, waited for by a line that they print, and ended by their id.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The root of the clone. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

export interface Started {
  /** What it was waited for. */
  readonly match: RegExpMatchArray;
  /** All that it printed until now. */
  printed(): string;
  /** Ends it with SIGTERM, and resolves with its exit code. */
  stop(): Promise<number | null>;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts a source file of the clone with Node, and waits until what it printed matches `ready`. Rejects, with what it
 * printed, when it ends before.
 */
export async function startProcess(
  args: readonly string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Started> {
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit") as Promise<[number | null]>;
  let printed = "";
  const match = await new Promise<RegExpMatchArray>((resolve, reject) => {
    // Both streams are read on after the match, so that the process never waits for a full pipe.
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (piece: Buffer) => {
        printed += piece.toString();
        const found = printed.match(ready);
        if (found !== null) resolve(found);
      });
    }
    child.on("exit", (code) => {
      reject(new Error(`${args.join(" ")} ended with ${code} before it was ready:\n${printed}`));
    });
  });
  return {
    match,
    printed: () => printed,
    async stop() {
      child.kill("SIGTERM");
      const [code] = await ended;
      return code;
    },
  };
}

/** Runs a source file of the clone with Node to its end. */
export async function runProcess(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (piece: Buffer) => (stdout += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (stderr += piece.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}
