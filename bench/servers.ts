/** The servers of a bench, each in a process of its own, and what they have used. */

import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { freePort } from "../test/servers/port.ts";

export interface Server {
  readonly port: number;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** CPU time in microseconds and memory in bytes, where it tells them. */
  usage(): Promise<{ readonly cpu: number; readonly rss: number } | undefined>;
  stop(): void;
}

/** Starts a role of `gateway-child.ts`. */
export async function startChild(role: string, upstreamPort?: number): Promise<Server> {
  const file = fileURLToPath(new URL("gateway-child.ts", import.meta.url));
  const child = fork(file, upstreamPort === undefined ? [role] : [role, String(upstreamPort)]);
  const [{ port, key }] = (await once(child, "message")) as [{ port: number; key?: string }];
  return {
    port,
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    async usage() {
      child.send("usage");
      const [{ cpu, rss }] = (await once(child, "message")) as [{ cpu: NodeJS.CpuUsage; rss: number }];
      return { cpu: cpu.user + cpu.system, rss };
    },
    stop: () => {
      child.disconnect();
    },
  };
}

/**
 * Starts `@portkey-ai/gateway` out of a folder that somebody installed it in; undefined where it is not there, or does
 * not start.
 */
export async function startPortkey(folder: string, upstreamPort: number): Promise<Server | undefined> {
  const file = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  if (!existsSync(file)) return undefined;
  const port = await freePort();
  const child = spawn(process.execPath, [file, `--port=${port}`, "--headless"], { stdio: "ignore" });
  const stop = (): void => {
    child.kill();
  };
  // It does not notice that its parent has gone.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      stop();
      process.exit(130);
    });
  }
  if (!(await isListening(port, child))) {
    stop();
    return undefined;
  }
  const host = `http://127.0.0.1:${upstreamPort}/v1`;
  const headers = { authorization: "Bearer none", "x-portkey-provider": "openai", "x-portkey-custom-host": host };
  return { port, headers, usage: () => Promise.resolve(undefined), stop };
}

/** Whether it takes connections within 20 seconds. */
async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  for (let waited = 0; waited < 20_000 && child.exitCode === null; waited += 100) {
    const socket = connect({ port, host: "127.0.0.1" });
    const open = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => {
        resolve(true);
      });
      socket.once("error", () => {
        resolve(false);
      });
    });
    socket.destroy();
    if (open) return true;
    await delay(100);
  }
  return false;
}
