/**
 * Sealing and unsealing in a process of its own, so that its memory can be measured and its life ended.
 *
 * @module
 */

import { spawn, type ChildProcess } from "node:child_process";
import type { KeyPair } from "../../src/models/index.ts";

export interface Work {
  readonly act: "sealFile" | "unsealFile" | "sealFolder" | "unsealFolder";
  readonly from: string;
  readonly to: string;
  readonly keys: KeyPair;
}

export interface Measured {
  readonly seconds: number;
  /** Seconds of processor time, of all threads: what a busy machine does not change. */
  readonly cpu: number;
  /** Highest resident memory of the process, in bytes. */
  readonly peak: number;
}

/** Starts the work; it prints one line of {@link Measured} at its end. */
export function startWork({ act, from, to, keys }: Work): ChildProcess {
  const door = new URL("../../src/models/index.ts", import.meta.url).href;
  const core = new URL("../../src/core/index.ts", import.meta.url).href;
  const script = `
    import { ${act} } from ${JSON.stringify(door)};
    import { Secret } from ${JSON.stringify(core)};
    const keys = { recipients: [${JSON.stringify(keys.recipient)}], identities: [new Secret(process.env.IDENTITY)] };
    const start = performance.now();
    const before = process.cpuUsage();
    await ${act}(${JSON.stringify(from)}, ${JSON.stringify(to)}, keys);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6, peak: process.resourceUsage().maxRSS * 1024 }));
  `;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, IDENTITY: keys.identity.reveal() },
  });
}

/** Does the work to its end. @throws Error where it fails */
export async function measureWork(work: Work): Promise<Measured> {
  const child = startWork(work);
  let output = "";
  child.stdout?.on("data", (text: Buffer) => {
    output += text.toString();
  });
  const code = await new Promise((resolve) => {
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${work.act} ended with ${String(code)}`);
  return JSON.parse(output) as Measured;
}
