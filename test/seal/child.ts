/**
 * Sealing and unsealing with the command, in a process of its own as people run it, so that its memory can be measured and
 * its life ended.
 *
 * @module
 */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KeyPair } from "../../src/models/index.ts";

export interface Work {
  readonly act: "seal" | "unseal";
  readonly from: string;
  readonly to: string;
  readonly keys: KeyPair;
  /** A folder for the key and the data of the command. */
  readonly home: string;
}

export interface Measured {
  readonly seconds: number;
  /** Seconds of processor time, of all threads: what a busy machine does not change. */
  readonly cpu: number;
  /** Highest resident memory of the process, in bytes. */
  readonly peak: number;
}

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** Loaded before the command: at its end it says on descriptor 3 what it took. */
const METER = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from "node:fs";
  process.on("exit", () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const cpu = (userCPUTime + systemCPUTime) / 1e6;
    writeSync(3, JSON.stringify({ seconds: performance.now() / 1000, cpu, peak: maxRSS * 1024 }));
  });
`)}`;

/** Starts the command; what it took can be read from its fourth stream. */
export function startWork({ act, from, to, keys, home }: Work): ChildProcess {
  const key = join(home, "key");
  mkdirSync(home, { recursive: true });
  writeFileSync(key, `${keys.identity.reveal()}\n`, { mode: 0o600 });
  const who = act === "seal" ? ["--to", keys.recipient] : ["--with", key];
  const args = [act, from, "--output", to, ...who, "--data", join(home, "data")];
  return spawn(process.execPath, ["--import", METER, MAIN, ...args], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
}

/** Does the work to its end. @throws Error where it fails */
export async function measureWork(work: Work): Promise<Measured> {
  const child = startWork(work);
  let output = "";
  child.stdio[3]?.on("data", (text: Buffer) => {
    output += text.toString();
  });
  const code = await new Promise((resolve) => {
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${work.act} ended with ${String(code)}`);
  return JSON.parse(output) as Measured;
}
